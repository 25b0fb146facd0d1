"""Editing a policy that is compiled: rules come and go, only whom they concern is compiled again.

An `Editor` remembers which line every rule became at every endpoint. An edit takes rules out (the
objects that it was given) and adds others at the end of the policy, as `edited` does; its program
says the same as `compile_policy` of that policy. Groups of before keep their numbers, also those
that nobody is bound to any more, and new ones follow, so that `sim.blocks.update` can reuse what
was built of them.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice
from typing import Generic, TypeVar

import numpy as np

from compiler.compile import compile_policy
from compiler.passes.draft import Key, Line, Scope
from compiler.passes.enforce import Points
from compiler.passes.prune import decides
from compiler.passes.resolve import Resolver
from compiler.passes.scope import line_of, unsaid, weight
from compiler.passes.share import new_group
from compiler.policy.domain import Domain
from compiler.policy.ir import Action, Direction, Origin, Policy, Rule, Selection
from compiler.program.program import Group, Program

T = TypeVar("T")
Placed = tuple[tuple[int, bool], int, int, Line]
"""A line of a scope: its weight (`compiler.passes.scope`), its rule's order, a number in the order
of writing, and what it says."""
Default = tuple[int, Action, Origin]
"""A number in the order of writing, and what a selection says of the endpoints that it selects."""
Alike = tuple[int, ...]
"""Direction, place of the stage, whether its point says something of its own, whether nobody asks
it, and the numbers of a scope's lines and defaults: equal for equal scopes."""
SPARE = 1000


@dataclass(frozen=True, slots=True)
class Edit:
    """Rules and selections that leave a policy and that enter it. What leaves must be the very
    objects that are in it: rules that look alike may stand in it twice."""

    removed: Policy = field(default_factory=Policy)
    added: Policy = field(default_factory=Policy)

    @staticmethod
    def between(old: Policy, new: Policy) -> Edit:
        """What makes one policy say the same as another. Rules that share an order come and go
        together, and selections from the first that differs on: where several decide, the first is
        named as the cause, so their order counts."""
        if (old.stages, old.enforced) != (new.stages, new.enforced):
            raise ValueError("no edit adds stages, or points that enforce them")
        mine, theirs = _by_order(old), _by_order(new)
        differ = [key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key)]
        known = _alike_at_the_beginning(old.selections, new.selections)
        return Edit(
            Policy(_of(mine, differ), old.selections[known:]),
            Policy(_of(theirs, differ), new.selections[known:]),
        )


def edited(policy: Policy, edit: Edit) -> Policy:
    """The policy after an edit."""
    gone = {id(x) for x in (*edit.removed.rules, *edit.removed.selections)}
    return replace(
        policy,
        rules=(*(r for r in policy.rules if id(r) not in gone), *edit.added.rules),
        selections=(*(s for s in policy.selections if id(s) not in gone), *edit.added.selections),
    )


Ordered = dict[tuple[int, Direction, int], tuple[Rule, ...]]


def _by_order(policy: Policy) -> Ordered:
    out: Ordered = {}
    for rule in policy.rules:
        key = policy.stages.index(rule.stage), rule.direction, rule.order
        out[key] = (*out.get(key, ()), rule)
    return out


def _of(rules: Ordered, keys: Sequence[tuple[int, Direction, int]]) -> tuple[Rule, ...]:
    return tuple(rule for key in sorted(keys) for rule in rules.get(key, ()))


def _alike_at_the_beginning(old: Sequence[Selection], new: Sequence[Selection]) -> int:
    pairs = enumerate(zip(old, new, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(old), len(new)))


class Editor:
    """The newest `program` of a network, and what it takes to edit it."""

    def __init__(self, network: Domain, policy: Policy) -> None:
        self._start(network, policy)

    def _start(self, network: Domain, policy: Policy) -> None:
        self.program = compile_policy(network, policy)
        self._resolver = Resolver(network, policy.stages)
        self._points = Points(network, policy)
        self._rules, self._selections = _Bag(policy.rules), _Bag(policy.selections)
        self._number = count()
        self._lines: dict[Key, list[Placed]] = defaultdict(list)
        self._defaults: dict[Key, list[Default]] = defaultdict(list)
        self._of: dict[int, list[tuple[Key, Placed]]] = defaultdict(list)
        self._about: dict[int, list[tuple[Key, Default]]] = defaultdict(list)
        self._origins = {origin: number for number, origin in enumerate(self.program.origins)}
        self._numbers: dict[int, tuple[Origin, int]] = {}
        self._enter(policy)
        self._groups: dict[Alike, int] = {}
        for key in self._lines.keys() | self._defaults.keys():
            direction, stage, endpoint = key
            group = int(self.program.bindings[direction, endpoint, stage])
            self._groups[self._alike(key)] = group
        self._compiled = len(self.program.groups)

    def apply(self, edit: Edit) -> Program:
        """The program after an edit; it becomes the newest."""
        before = self.program
        if len(before.groups) > 2 * self._compiled + SPARE:
            self._start(before.domain, edited(before.policy, edit))
            return self.program
        keys = {*self._leave(edit.removed), *self._enter(edit.added)}
        policy = replace(
            before.policy,
            rules=self._rules.edit(edit.removed.rules, edit.added.rules),
            selections=self._selections.edit(edit.removed.selections, edit.added.selections),
        )
        bindings, groups = before.bindings.copy(), list[Group]()
        n_entries = before.n_entries
        for key in sorted(keys):
            alike = self._alike(key)
            if alike not in self._groups:
                group = self._group(key, len(before.groups) + len(groups), n_entries)
                self._groups[alike] = -1 if group is None else group.id
                if group is not None:
                    groups.append(group)
                    n_entries += len(group.entries) + 1
            direction, stage, endpoint = key
            bindings[direction, endpoint, stage] = self._groups[alike]
        fresh = islice(reversed(self._origins), len(self._origins) - len(before.origins))
        self.program = replace(
            before,
            policy=policy,
            groups=before.groups + tuple(groups),
            bindings=bindings,
            origins=before.origins + tuple(fresh)[::-1],
            n_entries=n_entries,
        )
        return self.program

    def _group(self, key: Key, number: int, first: int) -> Group | None:
        """The group of a scope that is not known yet, None if it never decides anything."""
        direction, stage, _ = key
        row = self.program.stages[stage]
        lines = tuple(line for *_, line in self._lines.get(key, ()))
        scope = Scope(lines, *self._default(key))
        self._points.refuse({key: scope})
        scope = self._points.asked(key, scope)
        if not decides(row, scope):
            return None
        return new_group(number, direction, row, scope, first, self._cause)

    def _cause(self, origin: Origin) -> int:
        """The number of an origin; by object first, because hashing one takes its time."""
        known = self._numbers.get(id(origin))
        if known is None:
            number = self._origins.setdefault(origin, len(self._origins))
            known = self._numbers[id(origin)] = origin, number
        return known[1]

    def _default(self, key: Key) -> tuple[Action, Origin]:
        """The first selection that denies, else the first."""
        chosen = unsaid(self.program.stages[key[1]])
        for number, (_, action, origin) in enumerate(self._defaults.get(key, ())):
            if action is Action.DENY:
                return action, origin
            chosen = chosen if number else (action, origin)
        return chosen

    def _alike(self, key: Key) -> Alike:
        direction, stage, _ = key
        lines = (number for _, _, number, _ in self._lines.get(key, ()))
        defaults = (number for number, _, _ in self._defaults.get(key, ()))
        asked = self._points.beside(key), bool(self._points.nobody(key))
        return direction, stage, *asked, *lines, *defaults

    def _enter(self, part: Policy) -> Iterator[Key]:
        """Give lines and defaults to the endpoints that they are about."""
        keys: list[Key] = []
        for rule in part.rules:
            placed = self._of[id(rule)]
            for term in self._resolver.terms(rule):
                first = weight(rule.stage, term)
                entry = first, rule.order, next(self._number), line_of(term)
                for endpoint in term.locals:
                    key = (term.direction, term.stage, endpoint)
                    insort(self._lines[key], entry)
                    placed.append((key, entry))
                    keys.append(key)
        for selection in part.selections:
            about = self._about[id(selection)]
            said = next(self._number), selection.default, selection.origin
            stage = self._resolver.place[selection.stage]
            for endpoint in self._resolver.locals(selection.local):
                key = (selection.direction, stage, endpoint)
                self._defaults[key].append(said)
                about.append((key, said))
                keys.append(key)
        return iter(keys)

    def _leave(self, part: Policy) -> Iterator[Key]:
        """Take lines and defaults away again."""
        for rule in part.rules:
            for key, entry in self._of.pop(id(rule)):
                self._lines[key].remove(entry)
                yield key
        for selection in part.selections:
            for key, said in self._about.pop(id(selection)):
                self._defaults[key].remove(said)
                yield key


class _Bag(Generic[T]):
    """A sequence from which members are taken by identity, without looking at them one by one."""

    def __init__(self, items: Sequence[T]) -> None:
        self._items = list(items)
        self._tuple = tuple(items)
        self._ids = np.array([id(item) for item in items], np.int64)

    def edit(self, removed: Sequence[T], added: Sequence[T]) -> tuple[T, ...]:
        """The members after some have left and others have come."""
        for item in removed:
            for place in np.flatnonzero(self._ids == id(item))[::-1].tolist():
                del self._items[place]
                self._ids = np.delete(self._ids, place)
        if removed or added:
            self._items += added
            self._ids = np.append(self._ids, np.array([id(item) for item in added], np.int64))
            self._tuple = tuple(self._items)
        return self._tuple
