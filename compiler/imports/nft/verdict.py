"""What a rule set does with a packet: permit, deny, or unknown, and which line says so.

This is the definition; lists of entries and comparisons are tied to it, and it to the kernel. All
ways that a packet may go are followed: where something is not known (`Opaque`), both. When every
way ends alike that is the verdict, else it is unknown, because of the first thing that was not
known. A drop ends everything; an accept ends its base chain, and the next one is asked.

Source: nft(8), VERDICT STATEMENT, CHAINS; the kernel's nft_do_chain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from compiler.imports.nft.rule_set import (
    NAMES,
    PATHS,
    Effect,
    KeyTable,
    MarkSet,
    NftChain,
    NftDecision,
    NftDecisionMap,
    NftMatch,
    NftRule,
    NftRuleSet,
    NftTable,
    Opaque,
)
from compiler.imports.nft.statements import OPERATORS
from fabric.diagnostics import Diagnostic, Span, UndecidedError

MOST_STEPS = 200_000
"""Rules that are looked at for one packet before it is too much."""
Frames = tuple[tuple[str, int], ...]
"""Chains that called each other, each with the place of its next rule; the last one is at work."""
SIGNS = {"and": "&", "or": "|", "xor": "^"}


@dataclass(frozen=True, slots=True)
class NftPacket:
    """A packet at a node. Addresses, ports and MACs are integers; None is not known. An empty
    device is none, as `out` is before routing."""

    family: int
    protocol: int
    source: int
    destination: int
    sport: int | None = None
    dport: int | None = None
    into: str = ""
    out: str = ""
    state: str = "new"
    mark: int | None = None
    smac: int | None = None
    dmac: int | None = None


@dataclass(frozen=True, slots=True)
class NftVerdict:
    """`said` is permit, deny or unknown; `span` the line because of which, None for nothing."""

    said: str
    span: Span | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Trail:
    """Where a packet is on one way: its mark, whether its connection is tracked, and the first
    thing on the way that was not known."""

    mark: int | None
    tracked: bool = True
    rewritten: bool = False
    doubt: tuple[Span, str] | None = None

    def doubting(self, span: Span, text: str) -> _Trail:
        return self if self.doubt else replace(self, doubt=(span, text))


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a base chain ends on one way: accept, drop or outside, and where that is said."""

    kind: str
    span: Span
    by_rule: bool
    way: _Trail


def decide(rules: NftRuleSet, packet: NftPacket, path: str = "forward") -> NftVerdict:
    """What becomes of a packet on its path through the node."""
    return Walk(rules, packet).verdict(path)


class Walk:
    """One packet through the base chains of a path."""

    def __init__(self, rules: NftRuleSet, packet: NftPacket) -> None:
        self.rules, self.packet, self.left = rules, packet, MOST_STEPS

    def verdict(self, path: str) -> NftVerdict:
        """Follow all ways through all base chains."""
        ways: dict[_Trail, tuple[Span | None, bool]] = {_Trail(self.packet.mark): (None, False)}
        denied: dict[Span, _Trail] = {}
        doubts: list[tuple[Span, str]] = []
        for hook in PATHS[path]:
            for table, chain in self.rules.base_chains(hook):
                sure = self._applies(table, chain, hook)
                if sure is None:
                    continue
                before, ways = ways, {}
                for way, last in before.items():
                    for end in self._through(table, chain, hook, way, sure):
                        if end.kind == "drop":
                            denied.setdefault(end.span, end.way)
                        else:
                            said = (end.span, end.by_rule)
                            ways[end.way] = said if end.by_rule or not last[1] else last
                        if end.way.doubt and end.way.doubt not in doubts:
                            doubts.append(end.way.doubt)
        return self._said(ways, denied, doubts)

    def _said(
        self,
        ways: dict[_Trail, tuple[Span | None, bool]],
        denied: dict[Span, _Trail],
        doubts: list[tuple[Span, str]],
    ) -> NftVerdict:
        altered = [way for way in ways if way.rewritten]
        if ways and (denied or altered):
            told = sorted({*doubts}) or [(next(iter(denied)), "")]
            return NftVerdict("unknown", *told[0])
        if denied:
            return NftVerdict("deny", next(iter(denied)))
        return NftVerdict("permit", next(iter(ways.values()))[0])

    def _applies(self, table: NftTable, chain: NftChain, hook: str) -> str | None:
        """Why it is not sure that a base chain sees the packet; empty when it is, None when it is
        sure that it does not."""
        if table.family == "arp" or table.dormant is True:
            return None
        if table.family in ("ip", "ip6") and self.packet.family != (
            4 if table.family == "ip" else 6
        ):
            return None
        why = "whether the table is dormant" if table.dormant is None else ""
        if table.family == "bridge":
            why = "whether the packet is bridged here"
        if hook in ("ingress", "egress"):
            device = self.packet.into if hook == "ingress" else self.packet.out
            if chain.devices is None:
                why = "devices of the chain"
            elif device not in chain.devices:
                return None
        return why

    def _through(
        self, table: NftTable, chain: NftChain, hook: str, way: _Trail, unsure: str
    ) -> list[_Ended]:
        """How a base chain ends for a packet that comes on a way."""
        if chain.kind == "nat" and self.packet.state != "new":
            unsure = unsure or "whether translation was decided at the first packet"
        begun = way.doubting(chain.policy_span or chain.span, unsure) if unsure else way
        ends = self._run(table, chain, hook, begun)
        if unsure:
            ends.append(_Ended("accept", chain.span, False, begun))
        return ends

    def _run(self, table: NftTable, base: NftChain, hook: str, way: _Trail) -> list[_Ended]:
        ends: dict[_Ended, None] = {}
        work: list[tuple[Frames, _Trail]] = [(((base.name, 0),), way)]
        seen = {*work}

        def go(frames: Frames, on: _Trail) -> None:
            if (frames, on) not in seen:
                seen.add((frames, on))
                work.append((frames, on))

        while work:
            frames, on = work.pop()
            self._count(base)
            name, at = frames[-1]
            chain = table.chains[name]
            if at >= len(chain.rules):
                self._leave(base, frames[:-1], on, go, ends, None)
                continue
            rule = chain.rules[at]
            behind = (*frames[:-1], (name, at + 1))
            for decided, then in self._rule(rule, hook, on):
                if decided is None or decided.kind == "continue":
                    go(behind, then)
                elif decided.kind == "accept" or decided.kind == "drop":
                    ends[_Ended(decided.kind, rule.span, True, then)] = None
                elif decided.kind == "return":
                    self._leave(base, frames[:-1], then, go, ends, rule.span)
                elif decided.kind == "jump":
                    go((*behind, (decided.chain, 0)), then)
                elif decided.kind == "goto":
                    go((*frames[:-1], (decided.chain, 0)), then)
                else:
                    for kind in ("accept", "drop"):
                        ends[_Ended(kind, rule.span, True, then)] = None
        return [*ends]

    @staticmethod
    def _leave(
        base: NftChain,
        above: Frames,
        way: _Trail,
        go: Callable[[Frames, _Trail], None],
        ends: dict[_Ended, None],
        span: Span | None,
    ) -> None:
        """The end of a chain: back to who called it, or the policy."""
        if above:
            go(above, way)
        else:
            said = span or base.policy_span or base.span
            ends[_Ended("accept" if base.policy == "accept" else "drop", said, False, way)] = None

    def _count(self, base: NftChain) -> None:
        self.left -= 1
        if self.left < 0:
            message = f"chain {base.name} takes more than {MOST_STEPS:,} steps for one packet"
            raise UndecidedError(Diagnostic("C837", message, base.span))

    def _rule(
        self, rule: NftRule, hook: str, way: _Trail
    ) -> list[tuple[NftDecision | None, _Trail]]:
        """What a rule decides (None: nothing) on each way that it may go."""
        out: list[tuple[NftDecision | None, _Trail]] = []
        decided: NftDecision | None = None
        for step in rule.steps:
            if isinstance(step, NftMatch):
                matched = self._asked(step, hook, way)
                if matched is False:
                    return [*out, (None, way)]
                if matched is None:
                    way = way.doubting(rule.span, " ".join(step.lookup.axes))
                    out.append((None, way))
            elif isinstance(step, Opaque):
                way = way.doubting(rule.span, step.text)
                out.append((None, way))
            elif isinstance(step, NftDecisionMap):
                return [*out, *self._mapped(step, rule, hook, way)]
            elif isinstance(step, MarkSet):
                found = self._marked(step, hook, way)
                if found is None:
                    return [*out, (None, way)]
                way = found
            elif isinstance(step, Effect):
                way, decided = self._effect(step, rule, way)
                if decided is not None:
                    return [*out, (decided, way)]
            else:
                return [*out, (step, way)]
        return [*out, (None, way)]

    def _effect(
        self, step: Effect, rule: NftRule, way: _Trail
    ) -> tuple[_Trail, NftDecision | None]:
        if step.kind == "untracked":
            return replace(way, tracked=False), None
        if step.kind == "offloaded":
            later = self.packet.state != "new"
            return way, NftDecision("outside") if later else None
        way = way.doubting(rule.span, step.text)
        if step.kind == "rewritten":
            return replace(way, rewritten=True), NftDecision("accept")
        return way, NftDecision("outside")

    def _mapped(
        self, step: NftDecisionMap, rule: NftRule, hook: str, way: _Trail
    ) -> list[tuple[NftDecision | None, _Trail]]:
        values = self._values(step.lookup, hook, way)
        if step.unsure or values is None:
            way = way.doubting(rule.span, step.unsure or " ".join(step.lookup.axes))
            return [(None, way), *((each, way) for each in dict.fromkeys(step.decisions))]
        found = step.lookup.find(values)
        return [(None if found is None else step.decisions[found], way)]

    def _asked(self, step: NftMatch, hook: str, way: _Trail) -> bool | None:
        values = self._values(step.lookup, hook, way)
        if values is None:
            return None
        masked = tuple(
            value if mask is None or isinstance(value, str) else value & mask
            for value, mask in zip(values, step.masks, strict=True)
        )
        return (step.lookup.find(masked) is not None) != step.negated

    def _marked(self, step: MarkSet, hook: str, way: _Trail) -> _Trail | None:
        """The way with another mark; None when a map has no key for the packet."""
        if step.kind == "set":
            return replace(way, mark=step.value)
        if step.kind == "unknown":
            return replace(way, mark=None)
        if step.kind == "map":
            assert step.lookup is not None
            values = self._values(step.lookup, hook, way)
            if values is None:
                return replace(way, mark=None)
            found = step.lookup.find(values)
            return None if found is None else replace(way, mark=step.values[found])
        if way.mark is None:
            return way
        return replace(way, mark=OPERATORS[SIGNS[step.kind]](way.mark, step.value) & 0xFFFFFFFF)

    def _values(self, lookup: KeyTable, hook: str, way: _Trail) -> tuple[int | str, ...] | None:
        """The values of the axes; None when one is not known."""
        out = []
        for axis in lookup.axes:
            value = self._value(axis, hook, way)
            if value is None:
                return None
            out.append(value)
        return tuple(out)

    def _value(self, axis: str, hook: str, way: _Trail) -> int | str | None:
        packet = self.packet
        if axis == "mark":
            return way.mark
        if axis in NAMES:
            if axis == "state":
                return packet.state if way.tracked else None
            if axis == "iif":
                return None if hook in ("postrouting", "egress") else packet.into
            return "" if hook in ("ingress", "prerouting", "input") else packet.out
        if way.rewritten and axis not in ("family", "protocol"):
            return None
        if axis[:5] in ("saddr", "daddr"):
            if packet.family != int(axis[5]):
                return None
            return packet.source if axis[0] == "s" else packet.destination
        value: int | None = getattr(packet, axis)
        return value
