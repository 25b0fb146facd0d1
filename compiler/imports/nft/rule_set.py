"""A rule set of nftables: tables, chains, rules, and what each rule asks and does.

Rules that hold here:

1. Axes of packets are integers, but for names of devices and states of connections, which are text.
   A key of several axes (a concatenation) is a tuple, asked for all at once.
2. What a match needs comes before it as a match of its own: `tcp dport` asks the protocol first,
   `ip saddr` the family, as the kernel does.
3. What is not modelled is a step too (`Opaque`, `Effect`): it may match or not, it may do anything
   that its kind says. Nothing is left out that could change a verdict.
4. Every rule, chain and set knows where it stands.

Source: nft(8), libnftables-json(5).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import pairwise

from fabric.diagnostics import Span

NAMES = ("iif", "oif", "state")
"""Axes whose values are text; a device may end with `*`, which is anything."""
Range = tuple[int, int]
Key = tuple[Range | str, ...]
HOOKS = ("ingress", "prerouting", "input", "forward", "output", "postrouting", "egress")
PATHS: Mapping[str, tuple[str, ...]] = {
    "forward": ("ingress", "prerouting", "forward", "postrouting", "egress"),
    "input": ("ingress", "prerouting", "input"),
    "output": ("output", "postrouting", "egress"),
}
"""The hooks that a packet passes: forwarded, for the node itself, and from it."""


class KeyTable:
    """Keys of a set or map, in order. `find` says which one a value of all axes is in, `any` when
    in none: the number behind all keys if the set has an element for everything else, or None.
    Keys of one integer axis are found by bisection where they do not overlap."""

    __slots__ = ("_lows", "_order", "any", "axes", "keys")

    def __init__(self, axes: tuple[str, ...], keys: tuple[Key, ...], any_key: int | None = None):
        self.axes, self.keys, self.any = axes, keys, any_key
        self._order: list[int] = []
        self._lows: list[int] = []
        if len(axes) == 1 and axes[0] not in NAMES and len(keys) > 4:
            spans = [(k[0], n) for n, k in enumerate(keys) if isinstance(k[0], tuple)]
            spans.sort()
            if all(a[0][1] < b[0][0] for a, b in pairwise(spans)):
                self._order = [n for _, n in spans]
                self._lows = [low for (low, _), _ in spans]

    def find(self, values: tuple[int | str, ...]) -> int | None:
        """The number of the key that the values are in."""
        if self._lows:
            at = bisect_right(self._lows, values[0]) - 1
            if at >= 0 and within(values[0], self.keys[self._order[at]][0]):
                return self._order[at]
            return self.any
        for number, key in enumerate(self.keys):
            if all(within(value, part) for value, part in zip(values, key, strict=True)):
                return number
        return self.any


def within(value: int | str, part: Range | str) -> bool:
    """Whether a value is in one part of a key.

    >>> within(5, (4, 9)), within("vf12", "vf*"), within("new", "established")
    (True, True, False)
    """
    if isinstance(part, str):
        if not part.endswith("*"):
            return value == part
        return isinstance(value, str) and fnmatchcase(value, _literal(part[:-1]) + "*")
    return isinstance(value, int) and part[0] <= value <= part[1]


def _literal(text: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in text)


@dataclass(frozen=True, slots=True)
class NftMatch:
    """A match: the values of some axes, after `masks` (None: as they are), are in one of the keys,
    or with `negated` in none."""

    lookup: KeyTable
    negated: bool = False
    masks: tuple[int | None, ...] = (None,)


@dataclass(frozen=True, slots=True)
class Opaque:
    """A match on what packets do not say here (limits, flags, the routing table)."""

    text: str


@dataclass(frozen=True, slots=True)
class NftDecision:
    """accept, drop, return, continue; jump or goto with a chain. A reject is a drop."""

    kind: str
    chain: str = ""


@dataclass(frozen=True, slots=True)
class NftDecisionMap:
    """A verdict map: the decision of the key that the packet is in, else the next rule; `unsure`:
    its keys come and go."""

    lookup: KeyTable
    decisions: tuple[NftDecision, ...]
    unsure: str = ""


@dataclass(frozen=True, slots=True)
class MarkSet:
    """What a rule writes into the packet's mark. `kind`: set, and, or, xor (with `value`), map (by
    `lookup` and `values`; without a key the rule ends), or unknown."""

    kind: str
    value: int = 0
    lookup: KeyTable | None = None
    values: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule does beside: `rewritten` (another header from here on), `outside` (something else
    decides), `untracked` (states of connections are no longer known), `offloaded` (later packets of
    the connection pass by)."""

    kind: str
    text: str


Step = NftMatch | Opaque | NftDecision | NftDecisionMap | MarkSet | Effect


@dataclass(frozen=True, slots=True)
class NftRule:
    """Steps in order; a match that fails ends the rule. The comment is what nft keeps of one."""

    steps: tuple[Step, ...]
    span: Span
    comment: str = ""


@dataclass(slots=True)
class NftChain:
    """A chain; with a `hook` a base chain, whose `devices` are None when nobody knows them."""

    name: str
    span: Span
    rules: list[NftRule] = field(default_factory=list)
    kind: str = ""
    hook: str = ""
    priority: int = 0
    policy: str = "accept"
    policy_span: Span | None = None
    devices: tuple[str, ...] | None = ()


@dataclass(slots=True)
class NftSet:
    """A named set or map. `keys` are what libnftables-json(5) calls elements, as they were written;
    `unsure` says why what is in it may be something else by now."""

    name: str
    kinds: tuple[str, ...]
    span: Span
    maps_to: str = ""
    keys: list[tuple[object, object, Span]] = field(default_factory=list)
    unsure: str = ""


@dataclass(slots=True)
class NftTable:
    """A table; `dormant` is None when the format does not say whether it is."""

    family: str
    name: str
    span: Span
    dormant: bool | None = False
    chains: dict[str, NftChain] = field(default_factory=dict)
    sets: dict[str, NftSet] = field(default_factory=dict)


@dataclass(slots=True)
class NftRuleSet:
    """Everything that a node has."""

    tables: dict[tuple[str, str], NftTable] = field(default_factory=dict)

    def base_chains(self, hook: str) -> Iterator[tuple[NftTable, NftChain]]:
        """The base chains of a hook, by priority; those of one priority in order of the file."""
        found = [
            (table, chain)
            for table in self.tables.values()
            for chain in table.chains.values()
            if chain.hook == hook
        ]
        return iter(sorted(found, key=lambda both: both[1].priority))
