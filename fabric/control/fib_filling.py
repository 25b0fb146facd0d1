"""Filling the FIB: the origins that every instance chooses, and again where distances differ.

Instances of a VRF that choose alike share one array. How many arrays there are follows from how
many points of the underlay have an instance (`fabric.control.attachments`), and from how many
instances choose otherwise than those beside them, because an origin of the prefix is their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fabric.control.best_origins import (
    Differing,
    OriginChoices,
    Origins,
    VrfPart,
    best_origins,
    whole,
)
from fabric.control.evpn import Carriers, Imports, Type5
from fabric.control.fib import Fib, NextHop, VrfRoutes, Wide
from fabric.control.path_tables import ECMP_WIDTH
from fabric.control.underlay import Underlay
from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.io.phases import phase
from fabric.plan.addressing import Plan
from fabric.wiring.budget import afford_choices

I32 = NDArray[np.int32]
Index = NDArray[np.int64]


def vrf_routes(routes: Type5, imports: Imports) -> tuple[VrfRoutes, ...]:
    """Per VRF the rows that it imports, grouped by prefix."""
    out = []
    carriers = Carriers.of(routes)
    for wanted in imports:
        rows = carriers.imported(wanted)
        rows = rows[np.argsort(routes.prefix[rows], kind="stable")]
        numbers, first = np.unique(routes.prefix[rows], return_index=True)
        prefixes = tuple(routes.prefixes[n] for n in numbers.tolist())
        out.append(VrfRoutes(rows, first, prefixes))
    return tuple(out)


@phase("fill FIBs")
def build_fib(routes: Type5, imports: Imports, underlay: Underlay) -> Fib:
    """The FIB of every instance. Raises `InputError` (C693)."""
    plan = routes.plan
    index = {instance: number for number, instance in enumerate(plan.instances)}
    macs, labels = plan.router_mac, routes.labels
    hops = ((NextHop(vtep, vrf, labels[vrf], macs[vtep, vrf]),) for vtep, vrf in plan.instances)
    none = (np.zeros(0, np.int32),) * len(index)
    tables = vrf_routes(routes, imports)
    empty = Fib(plan.instances, tuple(hops), tables, none, routes, imports, index)
    return _filled(empty, underlay, None)


def refilled(fib: Fib, before: Underlay, after: Underlay) -> Fib:
    """The same routes over another underlay, each node with its version; between nodes that are as
    far from each other as `before` nothing is chosen anew (rule 1 of `fabric.control.fib`).
    Next-hop sets keep their numbers."""
    if fib.versions:
        old, new = fib.versions
        there = [refilled(version, before, after) for version in (old, new)]
        same = there[0] is old and there[1] is new
        return fib if same else there[0].mixed(there[1], fib.new_at)
    if not len(fib.routes_in) and any((row >= 0).any() for row in fib.chosen):
        message = "nothing says where the routes of this network come from"
        raise UndecidedError(Diagnostic("C859", message, None, None, "unknown"))
    differing = Differing.among(sorted({vtep for vtep, _ in fib.instances}), before, after)
    return fib if differing is None else _refilled(fib, after, differing)


@phase("fill FIBs")
def _refilled(fib: Fib, underlay: Underlay, differing: Differing) -> Fib:
    return _filled(fib, underlay, differing)


def _filled(known: Fib, underlay: Underlay, differing: Differing | None) -> Fib:
    """As `known`, with what is chosen over this underlay where distances differ, or everywhere."""
    columns = known.once(FibColumns.of)
    sets, wide = _Sets(known.nexthop_sets, known.index), dict(known.wide)
    filling = _Filling(list(known.chosen))
    for vrf in columns.touched(differing):
        members, vteps = columns.members(vrf)
        origins = columns.origins(vrf)
        if differing is None:
            parts = [whole(np.arange(len(members)), vteps, origins)]
        else:
            parts = [*differing.parts(vteps, origins)]
        found = [best_origins(part, underlay, columns.plan) for part in parts]
        _number(found, sets)
        table = known.vrf_routes[vrf]
        wide = wide and _but(wide, vrf, table, parts)
        for part, choices in zip(parts, found, strict=True):
            filling.put(members[part.members], part.prefixes, choices)
            wide |= _wide(vrf, table, part, choices)
    return Fib(
        known.instances, sets.every(), known.vrf_routes, tuple(filling.chosen), known.routes_in,
        known.imports, known.index, wide=wide,
    ).keep(FibColumns.of, columns)  # fmt: skip


@dataclass(frozen=True, eq=False)
class FibColumns:
    """Instances and routes of a FIB as columns, which do not depend on failures: instances VRF by
    VRF (`order`, those of VRF v from `first[v]` on), and for each route the number of the instance
    that announces it (-1 for none that is there)."""

    plan: Plan
    routes: Type5
    tables: tuple[VrfRoutes, ...]
    vtep: Index
    vrf: Index
    order: Index
    first: Index
    instance: Index

    @staticmethod
    def of(fib: Fib) -> FibColumns:
        """Those of a FIB."""
        routes, tables = fib.routes_in, fib.vrf_routes
        places = np.array(fib.instances, np.int64).reshape(-1, 2)
        vtep, vrf = places[:, 0], places[:, 1]
        order = np.argsort(vrf, kind="stable")
        first = np.searchsorted(vrf[order], np.arange(len(tables) + 1))
        wide = max(1, len(tables))
        wanted = routes.vtep.astype(np.int64) * wide + routes.vrf
        keys = vtep * wide + vrf
        at = np.searchsorted(keys, wanted)
        instance = np.where(np.append(keys, -1)[at] == wanted, at, -1)
        return FibColumns(routes.plan, routes, tables, vtep, vrf, order, first, instance)

    def touched(self, differing: Differing | None) -> Iterator[int]:
        """VRFs of which something may be chosen anew, in order of their first instances."""
        if differing is None:
            yield from dict.fromkeys(self.vrf.tolist())
            return
        anew = {*self.vrf[differing.anew[self.vtep]].tolist()}
        announced = {*self.routes.vrf[differing.to[self.routes.vtep]].tolist()}
        for vrf in self.by_first:
            if vrf in anew or self.exporters[vrf] & announced:
                yield vrf

    @cached_property
    def by_first(self) -> list[int]:
        """VRFs in order of their first instances."""
        return [*dict.fromkeys(self.vrf.tolist())]

    @cached_property
    def exporters(self) -> list[frozenset[int]]:
        """By VRF those of which it has routes."""
        return [frozenset(np.unique(self.routes.vrf[t.rows]).tolist()) for t in self.tables]

    def members(self, vrf: int) -> tuple[Index, Index]:
        """The instances of a VRF, and their VTEPs, which ascend."""
        mine = self.order[self.first[vrf] : self.first[vrf + 1]]
        return mine, self.vtep[mine]

    def origins(self, vrf: int) -> Origins:
        """The routes of a VRF."""
        table = self.tables[vrf]
        rows, routes = table.rows, self.routes
        return Origins(
            table.first, routes.vtep[rows].astype(np.int64), self.instance[rows],
            routes.vrf[rows] == vrf, routes.prepended[rows],
        )  # fmt: skip


def _number(found: list[OriginChoices], sets: _Sets) -> None:
    """Write the ids of sets where several origins are chosen, in order of who chooses first."""
    cells = [(cell, c.rows[cell.row], cell.column) for c in found for cell in c.several]
    cells += [(cell, c.own_value, cell.row) for c in found for cell in c.own_several]
    for cell, row, place in sorted(cells, key=lambda at: (at[0].member, at[0].prefix)):
        row[place] = sets.of(cell.installed)


def _wide(vrf: int, table: VrfRoutes, part: VrfPart, choices: OriginChoices) -> Wide:
    """The prefixes at a part's members that have more equal origins than are installed."""
    out: Wide = {}
    for cell in choices.several:
        if cell.known > ECMP_WIDTH:
            alone = choices.own[choices.own_prefix == cell.column]
            for member in np.setdiff1d(np.flatnonzero(choices.row_of == cell.row), alone).tolist():
                out[int(part.vteps[member]), vrf, table.prefixes[cell.prefix]] = cell.known
    for cell in choices.own_several:
        if cell.known > ECMP_WIDTH:
            member = int(choices.own[cell.row])
            out[int(part.vteps[member]), vrf, table.prefixes[cell.prefix]] = cell.known
    return out


def _but(wide: Wide, vrf: int, table: VrfRoutes, parts: list[VrfPart]) -> Wide:
    """Those that are not in some parts of a VRF."""
    again = {
        (vtep, vrf, table.prefixes[prefix])
        for part in parts
        for vtep in part.vteps.tolist()
        for prefix in part.prefixes.tolist()
    }
    return {place: known for place, known in wide.items() if place not in again}


class _Filling:
    """The arrays of all instances, while they are filled; those with the same content are one, VRF
    by VRF. `cells` counts what was made."""

    def __init__(self, chosen: list[I32]) -> None:
        self.chosen = chosen
        self.cells = 0

    def put(self, instances: Index, prefixes: Index, choices: OriginChoices) -> None:
        """Have instances choose this for some prefixes. What stays as it is stays where it is."""
        numbers, group = instances.tolist(), choices.row_of.tolist()
        alone = _by_member(choices)
        made: dict[tuple[int, int], I32] = {}
        shared: dict[bytes, I32] = {}
        for member, number in enumerate(numbers):
            known = self.chosen[number]
            if member in alone:
                own = choices.rows[group[member]].copy()
                own[choices.own_prefix[alone[member]]] = choices.own_value[alone[member]]
                self.chosen[number] = self._array(known, prefixes, own, shared)
                continue
            key = id(known), group[member]
            if key not in made:
                row = choices.rows[group[member]]
                made[key] = self._array(known, prefixes, row, shared)
            self.chosen[number] = made[key]

    def _array(self, known: I32, prefixes: Index, row: I32, shared: dict[bytes, I32]) -> I32:
        """An array with this row for some prefixes: the known one, one that is shared, or new."""
        if len(known):
            if np.array_equal(known[prefixes], row):
                return known
            row, before = known.copy(), row
            row[prefixes] = before
        key = row.tobytes()
        if key not in shared:
            self.cells += len(row)
            afford_choices(self.cells)
            shared[key] = row.copy()
        return shared[key]


def _by_member(choices: OriginChoices) -> dict[int, slice]:
    """Where the choices of members that have some of their own are, where they are others."""
    members, first = np.unique(choices.own, return_index=True)
    ends = np.append(first, len(choices.own))[1:]
    same = choices.rows[choices.row_of[choices.own], choices.own_prefix] == choices.own_value
    return {
        member: slice(begin, end)
        for member, begin, end in zip(members.tolist(), first.tolist(), ends.tolist(), strict=True)
        if not same[begin:end].all()
    }


class _Sets:
    """Next-hop sets by id: first one per instance, then those with several members."""

    def __init__(
        self, known: tuple[tuple[NextHop, ...], ...], index: Mapping[tuple[int, int], int]
    ) -> None:
        self.known, self.index = known, index
        self.new: dict[tuple[int, ...], int] = {}

    @cached_property
    def several(self) -> dict[tuple[int, ...], int]:
        """Known sets that have several members."""
        return {
            tuple(self.index[hop.vtep, hop.vrf] for hop in hops): number
            for number, hops in enumerate(self.known)
            if len(hops) > 1
        }

    def of(self, members: tuple[int, ...]) -> int:
        """Id of a set of instances; next hops sort as instances do."""
        if len(members) == 1:
            return members[0]
        if (known := self.several.get(members)) is not None:
            return known
        return self.new.setdefault(members, len(self.known) + len(self.new))

    def every(self) -> tuple[tuple[NextHop, ...], ...]:
        """All sets, by id."""
        new = (tuple(self.known[i][0] for i in members) for members in self.new)
        return (*self.known, *new) if self.new else self.known
