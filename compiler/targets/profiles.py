"""What a DPU can hold: profiles with capacities, where each figure comes from, and how full it is.

A capacity without a public source is `None` and is shown as "unknown"; it never fails a program.
`expansion` says how a target stores one entry: `ranges` keeps prefix and port lists in one entry
(DASH: lists are part of the key), `product` writes one rule per prefix and per single port (the
published NVUE templates of NVIDIA's bare-metal manager).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, summarize_address_range

import numpy as np

from compiler.program.dpu import enforcement_points
from compiler.program.program import Entry, Group, Program
from fabric.diagnostics import Diagnostic, InputError, did_you_mean

DASH = "sonic-net/DASH program-scale requirements"
DASH_HLD = "sonic-net/DASH high-level design 1.4"
NICO = "NVIDIA bare-metal-manager-core, crates/agent nvue.rs"
HBN = "NVIDIA HBN 3.1 service configuration"


@dataclass(frozen=True, slots=True)
class Limit:
    """Capacity of one table per VTEP; `source` says who published it."""

    table: str
    capacity: int | None
    source: str


@dataclass(frozen=True, slots=True)
class Target:
    """A profile. `expansion` is "ranges" or "product"."""

    name: str
    title: str
    expansion: str
    limits: tuple[Limit, ...]


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


def _dash(name: str, title: str, scale: int) -> Target:
    return Target(
        name,
        title,
        "ranges",
        (
            Limit("endpoints", 32 * scale, DASH),
            Limit("vnis", 1024 * scale, DASH_HLD),
            Limit("admitted_vteps", 4096, DASH_HLD),
            Limit("groups", 320 * scale, DASH),
            Limit("entries_per_group", 1000, DASH),
            Limit("entries", 320_000 * scale, DASH),
            Limit("prefixes", 32_000_000 * scale, DASH),
            Limit("routes", 3_200_000 * scale, DASH),
            Limit("mappings", 8_000_000 * scale, DASH),
            Limit("ecmp_width", None, "unknown"),
        ),
    )


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        _dash("dash-200g", "DASH 200G DPU", 1),
        _dash("dash-400g", "DASH 400G DPU", 2),
        _dash("dash-800g", "DASH 800G DPU", 4),
        Target(
            "hbn-nico",
            "BlueField with HBN, rules written by NVIDIA's bare-metal manager",
            "product",
            (
                Limit("endpoints", None, "unknown"),
                Limit("vnis", None, "unknown"),
                Limit("admitted_vteps", None, "unknown"),
                Limit("groups", None, "unknown"),
                Limit("entries_per_group", 10_000, NICO),
                Limit("entries", 65_535, NICO),
                Limit("prefixes", None, "unknown"),
                Limit("routes", None, "unknown"),
                Limit("mappings", None, "unknown"),
                Limit("ecmp_width", 64, HBN),
            ),
        ),
    )
}
DEFAULT = "dash-400g"


def load(name: str) -> Target:
    """The profile of that name; InputError with a suggestion when there is none."""
    if name not in TARGETS:
        hint = did_you_mean(name, TARGETS) or f"known: {', '.join(TARGETS)}"
        raise InputError(Diagnostic("C801", f'unknown target "{name}"', hint=hint))
    return TARGETS[name]


def usage(program: Program, target: Target) -> tuple[Usage, ...]:
    """One row per VTEP and table, in node order."""
    cost = COSTS[target.expansion]
    sizes = {
        group.id: (
            sum(cost(entry) for entry in lines(group)),
            sum(prefixes(entry) for entry in lines(group)),
        )
        for group in program.groups
    }
    rows = []
    for vtep in enforcement_points(program):
        name = program.network.fabric.nodes[vtep].name
        used = measure(program, vtep, sizes)
        rows += [Usage(name, l.table, used[l.table], l.capacity, l.source) for l in target.limits]
    return tuple(rows)


def measure(program: Program, vtep: int, sizes: Mapping[int, tuple[int, int]]) -> dict[str, int]:
    """Entries per table of one VTEP; `sizes` holds (entries, prefixes) of each group. Counts what
    `tables_of` would list, without building it: a large fabric has hundreds of thousands of routes.
    """
    fib = program.network.fib
    groups = [sizes[group.id] for group in program.groups_at(vtep)]
    mine = [(place, vrf) for place, (at, vrf) in enumerate(fib.instances) if at == vtep]
    chosen = [fib.chosen[place][fib.chosen[place] >= 0] for place, _ in mine]
    used = [fib.nexthop_sets[i] for i in np.unique(np.concatenate([*chosen, np.zeros(0, int)]))]
    hops = {hop for hops in used for hop in hops if hop.vtep != vtep}
    own = {program.network.vrfs[vrf].vni for _, vrf in mine}
    return {
        "endpoints": sum(e.vtep == vtep for e in program.network.endpoints),
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
        sum(1 for _ in summarize_address_range(kind(low), kind(high)))
        for region in entry.regions
        for kind, intervals in ((IPv4Address, region.v4), (IPv6Address, region.v6))
        for low, high in intervals
    )


def _product(entry: Entry) -> int:
    ports = sum(
        (l4.sport[1] - l4.sport[0] + 1 if l4.sport != (0, 65535) else 1)
        * (l4.dport[1] - l4.dport[0] + 1 if l4.dport != (0, 65535) else 1)
        for l4 in entry.l4
    )
    return prefixes(entry) * ports


def _one(entry: Entry) -> int:
    return 1


COSTS: dict[str, Callable[[Entry], int]] = {"ranges": _one, "product": _product}
