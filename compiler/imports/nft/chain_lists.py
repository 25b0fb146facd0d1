"""The chains of a rule set as access lists: a list per chain, an entry per rule and protocol.

Rules that hold here:

1. A base chain is bound to the device; its `stage` is its place among those that a packet passes,
   and what it accepts goes on to the next stage.
2. A rule that calls another chain, decides by a map, or does what is not modelled has no action
   that is known, and says so in `partial`. Chains that are called are lists that are bound nowhere.
3. What a packet does with a rule set is said by `verdict`, not here: lists know neither devices nor
   marks, and are for reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from ipaddress import (
    IPv4Address,
    IPv6Address,
    ip_network,
    summarize_address_range,
)
from typing import Literal

from compiler.imports.device_facts import AccessEntry, AccessList, AclBinding, Networks, Ports
from compiler.imports.nft.known_lines import KnownLines
from compiler.imports.nft.rule_set import (
    HOOKS,
    Key,
    NftChain,
    NftDecision,
    NftMatch,
    NftRuleSet,
    NftTable,
    Step,
)
from compiler.imports.nft.said import match_said, short, step_said
from fabric.diagnostics import Span
from fabric.values.interval_sets import Intervals, subtract, union
from fabric.values.inventory import Prefix
from fabric.values.ports import ANY, MAX_PORT

EVERY = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}
FAMILIES = {"ip": 4, "ip6": 6, "arp": -1}
ACTIONS = {"accept": "permit", "drop": "deny", "continue": "none"}
STATES = ("new", "established", "related", "invalid")
MOST_PROTOCOLS, MOST_NETWORKS = 8, 1000
WAYS: dict[str, Literal["in", "out"]] = {"output": "out", "postrouting": "out", "egress": "out"}


def list_name(table: NftTable, chain: NftChain) -> str:
    """What a chain is called as a list."""
    return f"{table.family} {table.name} {chain.name}"


def access_lists(rules: NftRuleSet, known: KnownLines) -> tuple[AccessList, ...]:
    """A list per chain."""
    return tuple(
        AccessList(
            list_name(table, chain),
            FAMILIES.get(table.family, 0),
            tuple(entries(chain, known)),
            {"": "next", "accept": "permit", "drop": "deny"}[chain.policy if chain.hook else ""],
            chain.span,
        )
        for table in rules.tables.values()
        for chain in table.chains.values()
    )


def bindings(rules: NftRuleSet) -> tuple[AclBinding, ...]:
    """Where base chains stand (rule 1)."""
    out = []
    stages = [at for hook in HOOKS for at in rules.base_chains(hook)]
    for stage, (table, chain) in enumerate(stages):
        way, own = WAYS.get(chain.hook, "in"), chain.hook in ("input", "output")
        span = chain.policy_span or chain.span
        for device in chain.devices or ("",):
            name = list_name(table, chain)
            out.append(AclBinding(name, device, "", way, own, f"{stage:04}", span, stage))
    return tuple(out)


def entries(chain: NftChain, known: KnownLines) -> Iterator[AccessEntry]:
    """All rules of a chain."""
    about = ("entry", bool(chain.hook), chain.policy)
    for number, rule in enumerate(chain.rules, 1):
        made = known.of(rule.steps, about, partial(_ChainEntry, chain, rule.steps))
        yield from made.made(number, rule.span)


class _ChainEntry:
    """A rule, step by step."""

    def __init__(self, chain: NftChain, steps: tuple[Step, ...]) -> None:
        self.action = "none"
        self.family = 0
        self.networks: dict[str, Networks] = {"s": (), "d": ()}
        self.ports: dict[str, Ports] = {"sport": (), "dport": ()}
        self.protocols: tuple[int, ...] = (ANY,)
        self.states: tuple[str, ...] = ()
        self.partial: list[str] = []
        self.asked: dict[str, tuple[tuple[Key, ...], bool]] = {}
        for step in steps:
            if isinstance(step, NftMatch):
                if not self._match(step):
                    self.partial.append(match_said(step))
            elif isinstance(step, NftDecision) and step.kind in ACTIONS:
                self.action = ACTIONS[step.kind]
            elif isinstance(step, NftDecision) and step.kind == "return" and chain.hook:
                self.action = ACTIONS[chain.policy]
            else:
                self.action = "unknown"
                self.partial.append(step_said(step))
        self.doubt = short(", ".join(self.partial))

    def _match(self, step: NftMatch) -> bool:
        """Take a match into the entry; False where an entry has no place for it."""
        axes, keys = step.lookup.axes, step.lookup.keys
        if len(axes) != 1 or step.masks != (None,) or step.lookup.any is not None or not keys:
            return False
        axis = axes[0]
        if axis in self.asked and self.asked[axis] != (keys, step.negated):
            return False
        self.asked[axis] = keys, step.negated
        if axis == "state":
            named = {str(key[0]) for key in keys}
            self.states = tuple(s for s in STATES if (s in named) != step.negated)
            return named <= {*STATES} and bool(self.states)
        spans = union(key[0] for key in keys if not isinstance(key[0], str))
        if axis in self.ports:
            self.ports[axis] = subtract(((0, MAX_PORT),), spans) if step.negated else spans
            return bool(self.ports[axis])
        if axis == "family":
            left = [v for v in (4, 6) if any(a <= v <= b for a, b in spans) != step.negated]
            self.family = left[0] if len(left) == 1 else self.family
            return bool(left)
        if axis == "protocol" and not step.negated:
            self.protocols = tuple(n for a, b in spans for n in range(a, b + 1))
            return len(self.protocols) <= MOST_PROTOCOLS
        if axis[1:5] == "addr":
            found = networks(spans, int(axis[5]), step.negated)
            self.networks[axis[0]] = found
            return 0 < len(found) <= MOST_NETWORKS
        return False

    def made(self, number: int, span: Span) -> Iterator[AccessEntry]:
        """An entry per protocol."""
        source, destination = self.networks["s"], self.networks["d"]
        if self.family and not source and not destination:
            source = (EVERY[self.family],)
        for protocol in self.protocols[:MOST_PROTOCOLS]:
            yield AccessEntry(
                number, self.action, source[:MOST_NETWORKS], destination[:MOST_NETWORKS], protocol,
                self.ports["sport"], self.ports["dport"], self.states,
                self.doubt, (), span,
            )  # fmt: skip


@lru_cache(2**14)
def networks(spans: Intervals, family: int, negated: bool) -> tuple[Prefix, ...]:
    """Ranges of addresses as networks."""
    kind = IPv4Address if family == 4 else IPv6Address
    left = subtract(((0, 2 ** (32 if family == 4 else 128) - 1),), spans) if negated else spans
    out: list[Prefix] = []
    for low, high in left:
        out += summarize_address_range(kind(low), kind(high))
        if len(out) > MOST_NETWORKS:
            break
    return tuple(out)
