"""Two versions of tables in one program, and of rules in one policy: some nodes have the new one.

A node evaluates what its own version says of the endpoints that live there; nothing asks where the
other end of a packet has its tables from. Groups that both versions have are one group, and what
nobody changed stands once.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TypeVar

import numpy as np

from compiler.policy.domain import Domain
from compiler.policy.ir import Policy, Rule, Selection
from compiler.policy.matcher import Inside, Matcher
from compiler.policy.matcher_sorts import EndpointMatcher
from compiler.program.program import Entry, Group, Program
from fabric.values.inventory import Endpoint

T = TypeVar("T", Rule, Selection)


@dataclass(frozen=True, slots=True)
class LivesAt(EndpointMatcher):
    """Whom another matcher selects, of those that live at one of these nodes (`there`), or at any
    other."""

    whom: Matcher
    nodes: frozenset[str]
    there: bool

    def selects(self, endpoint: Endpoint, network: Domain) -> bool:
        at = network.nodes[endpoint.vtep].name
        return (at in self.nodes) is self.there and self.whom.selects(endpoint, network)

    def text(self) -> str:
        return (
            f"{self.whom.text()} {'' if self.there else 'not '}at {', '.join(sorted(self.nodes))}"
        )

    def looks(self) -> frozenset[str]:
        return self.whom.looks() | {"vtep"}

    def label_keys(self) -> Iterable[str]:
        return self.whom.label_keys()

    def inside(self) -> Inside | None:
        return self.whom.inside()

    def in_namespace(self) -> str | None:
        return self.whom.in_namespace()


def policy_at(old: Policy, new: Policy, nodes: Collection[str]) -> Policy:
    """The policy of a network where some nodes have the new one; both of the same stages."""
    here = frozenset(nodes)
    return Policy(
        tuple(_merged(old.rules, new.rules, here)),
        tuple(_merged(old.selections, new.selections, here)),
        old.stages,
        old.enforced | new.enforced,
    )


def _merged(old: Sequence[T], new: Sequence[T], nodes: frozenset[str]) -> Iterable[T]:
    """What both have, as it is; of the rest who has it. Either one's order is kept."""
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from old[a:b]
            continue
        for item in old[a:b]:
            yield _narrowed(item, nodes, False)
        for item in new[c:d]:
            yield _narrowed(item, nodes, True)


def _narrowed(item: T, nodes: frozenset[str], there: bool) -> T:
    return replace(item, local=tuple(LivesAt(whom, nodes, there) for whom in item.local))


def together(old: Program, new: Program) -> Program:
    """The groups of both, those of the old one first, and endpoints bound as in the new one."""
    origins = {origin: number for number, origin in enumerate(old.origins)}
    known = {_said(old, group): group.id for group in old.groups}
    groups, ids, first = [*old.groups], list[int](), old.n_entries
    for group in new.groups:
        said = _said(new, group)
        if said not in known:
            known[said] = len(groups)

            def moved(entry: Entry, number: int) -> Entry:
                cause = origins.setdefault(new.origins[entry.origin], len(origins))
                return entry._replace(id=number, origin=cause)

            entries = tuple(moved(e, first + n) for n, e in enumerate(group.entries))
            last = moved(group.default_entry, first + len(entries))
            groups.append(replace(group, id=known[said], entries=entries, default_entry=last))
            first += len(entries) + 1
        ids.append(known[said])
    bindings = np.array([*ids, -1], np.int32)[new.bindings]
    return replace(
        old, groups=tuple(groups), bindings=bindings, origins=tuple(origins), n_entries=first
    )


def aligned(old: Program, new: Program) -> Program:
    """The new program with the numbers of the old one for groups that say the same in both,
    wherever that stands; other groups come behind those of the old one, all of which stay."""
    causes = _same_causes(old, new)
    origins = [*old.origins]
    for number, cause in enumerate(causes):
        if cause < 0:
            causes[number] = len(origins)
            origins.append(new.origins[number])
        else:
            origins[cause] = new.origins[number]
    both = (old.bindings >= 0) & (new.bindings >= 0)
    pairs = (program.bindings[both].tolist() for program in (new, old))
    asked = dict(zip(*pairs, strict=True))
    groups, ids, first = [*old.groups], list[int](), old.n_entries
    for group in new.groups:
        before = old.groups[asked[group.id]] if group.id in asked else None
        if before is not None and _say_the_same(before, group, causes):
            ids.append(before.id)
            continue
        lines = (*group.entries, group.default_entry)
        *entries, last = (
            e._replace(id=first + n, origin=causes[e.origin]) for n, e in enumerate(lines)
        )
        ids.append(len(groups))
        groups.append(replace(group, id=ids[-1], entries=tuple(entries), default_entry=last))
        first += len(lines)
    bindings = np.array([*ids, -1], np.int32)[new.bindings]
    return replace(
        new, groups=tuple(groups), bindings=bindings, origins=tuple(origins), n_entries=first
    )


def _same_causes(old: Program, new: Program) -> list[int]:
    """For each cause of the new program the number of the one that is called the same in the old
    one, -1 for none; of several that are called the same the first is the first."""
    known: dict[Hashable, list[int]] = {}
    for number, origin in reversed([*enumerate(old.origins)]):
        known.setdefault((origin.kind, origin.name, origin.rule), []).append(number)
    return [
        mine.pop() if (mine := known.get((o.kind, o.name, o.rule))) else -1 for o in new.origins
    ]


def _say_the_same(old: Group, new: Group, causes: Sequence[int]) -> bool:
    """Whether two groups do, for the same causes; `causes` numbers those of the new one."""
    return (old.stage, old.direction, len(old.entries)) == (
        new.stage,
        new.direction,
        len(new.entries),
    ) and all(
        a[1:5] == b[1:5] and a.origin == causes[b.origin] and a.conditions == b.conditions
        for a, b in zip(
            (*old.entries, old.default_entry), (*new.entries, new.default_entry), strict=True
        )
    )


def _said(program: Program, group: Group) -> Hashable:
    """Equal for groups that say the same for the same reasons."""
    lines = (
        (e.order, e.regions, e.l4, e.action, program.origins[e.origin], e.conditions)
        for e in (*group.entries, group.default_entry)
    )
    return group.stage, group.direction, tuple(lines)
