"""Written rules without which every packet fares as it does with them (C684), and those that never
decide anything because of rules before them (C685).

Rules that hold here:

1. What is told can be taken out together: each is judged where those told before are gone already.
   They are looked at from the last to the first, so that of two that say the same the first stays;
   and where rules say different things, so does one that keeps another from deciding.
2. A rule is judged by what its own stage does, and by what stages of the cluster before it leave
   over. That a later stage denies the same is no reason: stages are there for each other's gaps.
3. A peer is told (C684) where its rule has others and is not told itself. The first egress rule of
   a NetworkPolicy without `policyTypes` stays: without any the policy isolates no egress.
4. Where a cluster's policies, or what they look at, are not all evaluated, its rules all stay.
5. Nobody is told who matches nothing in this input, which other lints say, but for rules of
   addresses alone: these never match (C685).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from compiler.lints.asked import AskedPolicies, TableLayer, WrittenRule, titled, warning, written_of
from compiler.lints.header_classes import Layer, corners, holds
from compiler.lints.implied import covers
from compiler.passes.draft import Line
from compiler.policy.ir import Direction, Origin, Rule
from compiler.policy.matcher import AddressBlocks
from compiler.program.space import of_prefixes, subtract
from compiler.sources.network_policy_v1 import CLAIMS
from fabric.diagnostics import Diagnostic, Span

Lines = Mapping[TableLayer, Sequence[int]]
Gone = Mapping[TableLayer, set[int]]
MOST_CAUSES = 2
DOES = {
    "permit": "permits it", "deny": "denies it", "pass": "passes it on",
    "accept": "accepts it", "permit_final": "permits it for good",
}  # fmt: skip


def lint(asked: AskedPolicies) -> Iterator[Diagnostic]:
    """Every warning, in the order of the policy."""
    found = RemovableRules(asked)
    for written, rules in asked.written.items():
        if (written.kind, written.name) not in asked.idle:
            yield from found.told(written, rules)


class RemovableRules:
    """What can be taken out (rule 1): rules, and peers of those that stay."""

    def __init__(self, asked: AskedPolicies) -> None:
        self.asked = asked
        self.gone: defaultdict[TableLayer, set[int]] = defaultdict(set)
        self.rules: set[WrittenRule] = set()
        self.peers: set[tuple[WrittenRule, Span | None]] = set()
        self.kept = set(_last_of_their_direction(asked))
        for written in reversed(asked.written):
            self._judge(written, asked.places.get(written, {}))

    def _judge(self, written: WrittenRule, lines: Lines) -> None:
        by_peer = _by_peer(lines)
        if written in self.kept or written.tenant in self.asked.unread:
            return
        if self._changes_nothing(lines):
            self.rules.add(written)
            self._take_out(lines)
            return
        if not written.kind.policy:
            return
        for span in reversed(by_peer if len(by_peer) > 1 else ()):
            if self._changes_nothing(by_peer[span]):
                self.peers.add((written, span))
                self._take_out(by_peer[span])

    def _take_out(self, lines: Lines) -> None:
        for place, numbers in lines.items():
            self.gone[place].update(numbers)
        for place, _, line in _instead(lines, self.gone):
            if not _say_the_same(place):
                direction, _ = self.asked.asking[place.table]
                found = written_of(line.origin, direction)
                self.kept |= {found} if found is not None else set()

    def _changes_nothing(self, lines: Lines) -> bool:
        """Whether every packet fares alike without these lines; so it does where there are none,
        of which nothing is to be told."""
        return bool(lines) and not any(
            self._noticed(place, numbers) for place, numbers in lines.items()
        )

    def _noticed(self, place: TableLayer, numbers: Sequence[int]) -> bool:
        """Whether some packet that reaches a layer fares otherwise without these lines."""
        table, layer = place
        left = table.of_layer(layer, {*self.gone[place], *numbers})
        if not table.plain or (len(table.layers) == 1 and _seen_at_corners(place, numbers, left)):
            return True
        before = table.of_layer(layer, self.gone[place])
        with_it, without = (table.does(layer, table.first(some)) for some in (before, left))
        return bool(((with_it != without) & table.reached(layer)).any())

    def told(self, written: WrittenRule, rules: Sequence[Rule]) -> Iterator[Diagnostic]:
        """What is to be told of a written rule."""
        lines = self.asked.places.get(written, {})
        if written in self.rules:
            yield self._warning(str(written), rules, lines, rules[0].origin.span)
            return
        if not lines and _empty(rules):
            what = f"{written} matches no packet: its exceptions leave nothing over"
            yield warning("C685", what, rules[0].origin.span)
        for span, own in _by_peer(lines).items():
            if (written, span) in self.peers:
                alike = [rule for rule in rules if rule.origin.span == span]
                yield self._warning(f"{written}: this peer", alike, own, span)

    def _warning(
        self, what: str, rules: Sequence[Rule], lines: Lines, span: Span | None
    ) -> Diagnostic:
        causes = _causes(lines, self.gone)
        said = " and ".join(causes[:MOST_CAUSES])
        if not any(_decides(place, numbers) for place, numbers in lines.items()):
            return warning("C685", f"{what} never decides: {said} before", span)
        if not causes:
            return warning(
                "C684", f"{what} changes nothing: what it passes on goes on anyway", span
            )
        if all(self._covered(rule) for rule in rules):
            here, hint = "whatever pods there are", None
        else:
            here, hint = "for the pods that are here", "other pods, or other labels, may need it"
        return warning("C684", f"{what} changes nothing, {here}: {said}", span, hint)

    def _covered(self, rule: Rule) -> bool:
        """Whether another rule that stays says the same in words, and no third one comes between
        them: one that is asked before, or of a stage in which all say the same."""
        alike = [
            other
            for other in self.asked.policy.rules
            if (other.stage, other.direction) == (rule.stage, rule.direction)
        ]
        one = len({other.action for other in alike}) == 1
        return any(
            other.action is rule.action
            and (one or other.order < rule.order)
            and self._stays(other)
            and covers(other, rule)
            for other in alike
            if other is not rule
        )

    def _stays(self, rule: Rule) -> bool:
        written = written_of(rule.origin, rule.direction)
        return written is None or (
            written not in self.rules and (written, rule.origin.span) not in self.peers
        )


def _say_the_same(place: TableLayer) -> bool:
    """Whether all lines of a layer do."""
    table, layer = place
    return len({table.lines[n].action for n in table.of_layer(layer)}) == 1


def _decides(place: TableLayer, numbers: Sequence[int]) -> bool:
    """Whether lines decide about a packet that reaches them; of lines that all say the same each
    does that matches."""
    table, layer = place
    held = table.held(numbers)
    if not _say_the_same(place):
        held &= np.isin(table.first(table.of_layer(layer)), list(numbers))
    return bool((held & table.reached(layer)).any())


def _instead(lines: Lines, gone: Gone) -> Iterator[tuple[TableLayer, Layer, Line]]:
    """The lines that decide in the place of others, in their own layer or before it."""
    for (table, layer), numbers in lines.items():
        held = table.held(numbers)
        for at in range(layer + 1):
            place = TableLayer(table, at)
            cells = held & table.reached(at)
            if at < layer:
                cells &= ~table.reached(at + 1)
            first = table.first(table.of_layer(at, gone.get(place, ())))
            for n in np.unique(first[cells]).tolist():
                if n >= 0 and n not in numbers:
                    yield place, table.layers[at], table.lines[n]


def _causes(lines: Lines, gone: Gone) -> list[str]:
    """Who decides instead of lines, each once."""
    found = {
        line.origin: _said(line.origin, layer.stage.doing(line.action).label)
        for _, layer, line in _instead(lines, gone)
    }
    return [found[origin] for origin in sorted(found, key=lambda o: o.rank)]


def _said(origin: Origin, label: str) -> str:
    """Who does what, and where that stands."""
    who = titled(origin.kind, origin.name) if origin.kind.policy else origin.name
    rule = "" if origin.rule is None else f" rule {origin.rule}"
    where = f" ({origin.span})" if origin.span else ""
    return f"{who}{rule}{where} {DOES.get(label, label)}"


def _seen_at_corners(place: TableLayer, numbers: Sequence[int], left: Sequence[int]) -> bool:
    """Whether some lines are noticed at one of a few packets, for a table of one layer: quicker
    than to cut it, and mostly the answer."""
    table, layer = place
    default = table.layers[layer].scope.default
    for number in numbers:
        for packet in corners(table.lines[number]):
            first = next((n for n in left if holds(table.lines[n], packet)), None)
            mine = min((n for n in numbers if holds(table.lines[n], packet)), default=None)
            if mine is None or (first is not None and first < mine):
                continue
            instead = default if first is None else table.lines[first].action
            if instead is not table.lines[mine].action:
                return True
    return False


def _by_peer(lines: Lines) -> dict[Span | None, dict[TableLayer, list[int]]]:
    """Lines of a written rule by the peer that they come from."""
    out: dict[Span | None, dict[TableLayer, list[int]]] = {}
    for place, numbers in lines.items():
        for number in numbers:
            span = place.table.lines[number].origin.span
            out.setdefault(span, {}).setdefault(place, []).append(number)
    return out


def _empty(rules: Iterable[Rule]) -> bool:
    """Whether rules are about blocks of which exceptions leave nothing over."""
    blocks = [m.addresses() for rule in rules for m in rule.remote]
    return bool(blocks) and all(found is not None and _holds_none(found) for found in blocks)


def _holds_none(found: AddressBlocks) -> bool:
    prefixes = found.prefixes
    return prefixes is not None and not any(
        subtract(of_prefixes(prefixes, version), of_prefixes(found.excepts, version))
        for version in (4, 6)
    )


def _last_of_their_direction(asked: AskedPolicies) -> Iterator[WrittenRule]:
    """Egress rules of NetworkPolicies without `policyTypes` that have no other one (rule 3)."""
    implied = {
        f"{tenant}/{about.get('namespace') or 'default'}/{about['name']}"
        for tenant, manifests in asked.network.manifests.items()
        for source in manifests.claimed(CLAIMS)
        for about in [source.value["metadata"]]
        if not source.value["spec"].get("policyTypes")
    }
    first: dict[str, WrittenRule] = {}
    for written in asked.written:
        if written.kind.items and written.direction is Direction.OUT:
            first.setdefault(written.name, written)
    yield from (written for name, written in first.items() if name in implied)
