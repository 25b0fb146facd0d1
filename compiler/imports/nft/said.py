"""Rules in words that are the same whoever wrote them: two rules with the same words ask and do the
same. Matches before anything else is done stand in one order; values are ranges.

>>> from compiler.imports.nft.rule_set import KeyTable, NftDecision, NftMatch, NftRule
>>> from fabric.diagnostics import Span
>>> web = NftMatch(KeyTable(("dport",), (((80, 80),), ((81, 90),))))
>>> tcp = NftMatch(KeyTable(("protocol",), (((6, 6),),)))
>>> rule_said(NftRule((web, tcp, NftDecision("accept")), Span("x", 1)))
'dport 80-90, protocol 6: accept'
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv6Address

from compiler.imports.nft.known_lines import KnownLines
from compiler.imports.nft.rule_set import (
    NAMES,
    Effect,
    Key,
    KeyTable,
    MarkSet,
    NftDecision,
    NftDecisionMap,
    NftMatch,
    NftRule,
    NftSet,
    Opaque,
    Range,
    Step,
)
from compiler.imports.nft.statements import looked_up
from fabric.values.interval_sets import union

MOST = 400
"""Letters of a rule that are said."""


def rule_said(rule: NftRule) -> str:
    """What a rule asks and does, whole."""
    asks, does = list[str](), list[str]()
    for step in rule.steps:
        if isinstance(step, NftMatch) and not does:
            asks.append(match_said(step))
        else:
            does.append(step_said(step))
    first = ", ".join(dict.fromkeys(sorted(asks)))
    return f"{first}: {'; '.join(does) or 'nothing'}" if first else "; ".join(does) or "nothing"


def step_said(step: Step) -> str:
    """One step."""
    if isinstance(step, NftMatch):
        return match_said(step)
    if isinstance(step, Opaque):
        return f"perhaps ({step.text})"
    if isinstance(step, NftDecision):
        return f"{step.kind} {step.chain}".strip()
    if isinstance(step, NftDecisionMap):
        pairs = zip(keys_said(step.lookup), step.decisions, strict=True)
        told = ", ".join(sorted(f"{key}: {step_said(to)}" for key, to in pairs))
        return f"by {' . '.join(step.lookup.axes)} {{{told}}}{step.unsure and ' perhaps'}"
    if isinstance(step, MarkSet):
        return mark_said(step)
    assert isinstance(step, Effect)
    return f"{step.kind} ({step.text})"


def mark_said(step: MarkSet) -> str:
    """What becomes of the mark."""
    if step.lookup is not None and step.kind == "map":
        pairs = zip(keys_said(step.lookup), step.values, strict=True)
        told = ", ".join(sorted(f"{key}: {value:#x}" for key, value in pairs))
        return f"mark by {' . '.join(step.lookup.axes)} {{{told}}}"
    return "mark is not known" if step.kind == "unknown" else f"mark {step.kind} {step.value:#x}"


def match_said(match: NftMatch) -> str:
    """What a match asks."""
    axes = " . ".join(
        axis if mask is None else f"{axis}&{mask:#x}"
        for axis, mask in zip(match.lookup.axes, match.masks, strict=True)
    )
    keys = ", ".join(spans_said(match.lookup))
    return f"{axes} {'not ' if match.negated else ''}{keys or 'nothing'}"


def spans_said(table: KeyTable) -> list[str]:
    """All keys; ranges of one axis are joined."""
    if table.any is not None:
        return ["anything"]
    if len(table.axes) == 1 and table.axes[0] not in NAMES:
        ranges = [key[0] for key in table.keys if not isinstance(key[0], str)]
        return [part_said(table.axes[0], span) for span in union(ranges)]
    return sorted(dict.fromkeys(keys_said(table)))


def keys_said(table: KeyTable) -> list[str]:
    """Each key, and one for everything else."""
    return [key_said(table.axes, key) for key in table.keys] + ["*"] * (table.any is not None)


def key_said(axes: tuple[str, ...], key: Key) -> str:
    """One key."""
    return " . ".join(part_said(axis, part) for axis, part in zip(axes, key, strict=True))


@lru_cache(2**16)
def part_said(axis: str, part: Range | str) -> str:
    """A range or a name of an axis."""
    if isinstance(part, str):
        return part
    low, high = part
    if axis[1:5] == "addr":
        kind = IPv4Address if axis[5] == "4" else IPv6Address
        return str(kind(low)) if low == high else f"{kind(low)}-{kind(high)}"
    if axis in ("mark", "smac", "dmac"):
        return f"{low:#x}" if low == high else f"{low:#x}-{high:#x}"
    return str(low) if low == high else f"{low}-{high}"


AXIS_OF = {
    "ipv4_addr": "saddr4", "ipv6_addr": "saddr6", "inet_service": "dport", "inet_proto": "protocol",
    "ether_addr": "smac", "mark": "mark", "ifname": "iif", "nf_proto": "family",
}  # fmt: skip


def elements_said(held: NftSet, known: KnownLines | None = None) -> dict[str, str]:
    """The elements of a named set or map that no rule need ask; a type that is not known here says
    what it was given."""
    kinds = [kind.strip() for kinds in held.kinds for kind in kinds.split(" . ")]
    axes = tuple(AXIS_OF.get(kind, "") for kind in kinds)
    out: dict[str, str] = {}
    known, about = known or KnownLines(), ("said", axes)
    for key, value, _ in held.keys:
        said = known.of(key, about, partial(_key, axes, key))
        out[said] = "" if value is None else _value(value)
    return out


def _key(axes: tuple[str, ...], key: object) -> str:
    if "" in axes:
        return str(key)
    try:
        table, _ = looked_up(axes, [key])
    except ValueError:
        return str(key)
    return next(iter(keys_said(table)), "")


def _value(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(_words(value))
    return f"{value:#x}" if isinstance(value, int) else str(value)


def _words(value: dict[str, object]) -> Iterator[str]:
    for kind, body in value.items():
        yield kind
        if isinstance(body, dict):
            yield str(body.get("target", body))


def short(text: str) -> str:
    """As much of it as is printed."""
    return text if len(text) <= MOST else text[: MOST - 1] + "…"
