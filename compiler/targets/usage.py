"""How full a program makes a target: what every table of every VTEP holds, against a profile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from compiler.program.dpu import enforcement_points
from compiler.program.program import Entry, Group, Program, fields_of
from compiler.targets.profiles import Profile


@dataclass(frozen=True, slots=True)
class Usage:
    """How full one table of one VTEP is; `fill` is None when the capacity is unknown."""

    node: str
    table: str
    used: int
    capacity: int | None
    source: str

    @property
    def fill(self) -> float | None:
        return None if not self.capacity else self.used / self.capacity

    @property
    def fits(self) -> bool:
        return self.capacity is None or self.used <= self.capacity


def usage(program: Program, profile: Profile) -> tuple[Usage, ...]:
    """One row per VTEP and table, in node order."""
    cost = COSTS[profile.expansion]
    sizes = {
        group.id: (
            sum(cost(entry) for entry in lines(group)),
            sum(prefixes(entry) for entry in lines(group)),
        )
        for group in program.groups
    }
    every = (entry for group in program.groups for entry in group.entries)
    unmatched = profile.unmatched(fields_of(every))
    living, places = defaultdict(list), defaultdict(list)
    for endpoint in program.network.endpoints:
        for vtep in dict.fromkeys(endpoint.vteps):
            living[vtep].append(endpoint.index)
    for place, (vtep, vrf) in enumerate(program.network.fib.instances):
        places[vtep].append((place, vrf))
    rows = []
    for vtep in enforcement_points(program):
        name = program.network.fabric.nodes[vtep].name
        used = measure(program, vtep, living[vtep], places[vtep], sizes)
        rows += [Usage(name, l.table, used[l.table], l.capacity, l.source) for l in profile.limits]
        rows += unable(program, unmatched, vtep) if unmatched else ()
    return tuple(rows)


def unable(program: Program, unmatched: Sequence[str], vtep: int) -> Iterator[Usage]:
    """A row for each of these further fields, which a device cannot match on, on which entries of a
    VTEP match: of such entries it holds none."""
    entries = [entry for group in program.groups_at(vtep) for entry in group.entries]
    name = program.network.fabric.nodes[vtep].name
    for field in unmatched:
        if found := sum(field in fields_of((entry,)) for entry in entries):
            yield Usage(name, f"entries on {field}", found, 0, "what its rules match on")


def measure(
    program: Program,
    vtep: int,
    here: Sequence[int],
    mine: Sequence[tuple[int, int]],
    sizes: Mapping[int, tuple[int, int]],
) -> dict[str, int]:
    """Entries per table of one VTEP, which has the endpoints `here` and these FIBs (place, VRF);
    `sizes` holds (entries, prefixes) of each group. Counts what `tables_of` would list, without
    building it: a large fabric has hundreds of thousands of routes."""
    fib = program.network.fib
    groups = [sizes[group.id] for group in program.groups_at(vtep, here)]
    chosen = [fib.chosen[place][fib.chosen[place] >= 0] for place, _ in mine]
    used = [fib.nexthop_sets[i] for i in np.unique(np.concatenate([*chosen, np.zeros(0, int)]))]
    hops = {hop for hops in used for hop in hops if hop.vtep != vtep}
    own = {program.network.vrfs[vrf].vni for _, vrf in mine}
    return {
        "endpoints": len(here),
        "vnis": len(own | {hop.vni for hop in hops}),
        "admitted_vteps": len({hop.vtep for hop in hops}),
        "groups": len(groups),
        "entries_per_group": max((entries for entries, _ in groups), default=0),
        "entries": sum(entries for entries, _ in groups),
        "prefixes": sum(count for _, count in groups),
        "routes": sum(map(len, chosen)),
        "mappings": len(hops),
        "ecmp_width": max(map(len, used), default=0),
    }


def lines(group: Group) -> Iterable[Entry]:
    """Entries and the default."""
    return (*group.entries, group.default_entry)


def prefixes(entry: Entry) -> int:
    """How many CIDR blocks the entry's address intervals need."""
    return sum(
        blocks_in(low, high)
        for region in entry.regions
        for intervals in (region.v4, region.v6)
        for low, high in intervals
    )


def blocks_in(low: int, high: int) -> int:
    """How many CIDR blocks an interval of addresses needs.

    >>> blocks_in(0, 2**32 - 1), blocks_in(7, 7), blocks_in(1, 6)
    (1, 1, 4)
    """
    count = 0
    while low <= high:
        fits = 1 << (high - low + 1).bit_length() - 1
        low += min(low & -low or fits, fits)
        count += 1
    return count


def _product(entry: Entry) -> int:
    ports = sum(
        (l4.sport[1] - l4.sport[0] + 1 if l4.sport != (0, 65535) else 1)
        * (l4.dport[1] - l4.dport[0] + 1 if l4.dport != (0, 65535) else 1)
        * prod(limit.last - limit.first + 1 for limit in l4.fields)
        for l4 in entry.l4
    )
    return prefixes(entry) * ports


def _one(entry: Entry) -> int:
    return 1


COSTS: dict[str, Callable[[Entry], int]] = {"ranges": _one, "product": _product}
