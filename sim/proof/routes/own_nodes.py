"""Policies without what they say of each pod's own node, so that pods of different hosts can fare
alike (`sim.proof.routes.stand_ins`).

A pod may always be reached from its own node, and so the groups of a workload differ from host to
host in who that is. *Own* are a node and a pod of its host in whose groups there is an entry about
that node alone, whatever rule it comes from. Groups that are equal but for these entries say the
same of everybody else, be it another node.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Direction
from compiler.program.ownership import owned_addresses, regions_of
from compiler.program.program import Entry, Group, Program, Region
from fabric.building.network import Network
from sim.blocks.numbering import expand

Column = NDArray[Any]
Place = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class OwnNodes:
    """`groups` numbers the groups of each endpoint without what they say of its own node,
    [directions × stages, endpoints]; `host` has a number for nodes, and for pods in whose groups
    there is such an entry, equal on one host of a tenant and -1 for all others; `node` who is a
    node."""

    groups: Column
    host: Column
    node: Column

    @staticmethod
    def of(program: Program) -> OwnNodes:
        """Those of a program."""
        network = program.network
        places: dict[Place, list[int]] = {}
        for e in network.endpoints:
            if e.kind == "node":
                places.setdefault((e.tenant, e.host), []).append(e.index)
        number, told = _without(program, network, places)
        bound = program.bindings.transpose(0, 2, 1).reshape(-1, program.bindings.shape[1])
        host = np.full(len(network.endpoints), -1, np.int64)
        named = {place: n for n, place in enumerate(places)}
        says = (told[bound] & (bound >= 0)).any(axis=0)
        for index in np.flatnonzero(says).tolist():
            e = network.endpoints[index]
            host[index] = named.get((e.tenant, e.host), -1)
        met = set(host[host >= 0].tolist())
        node = np.zeros(len(host), np.bool_)
        for place, nodes in places.items():
            if named[place] in met:
                host[nodes], node[nodes] = named[place], True
        return OwnNodes(np.where(bound >= 0, number[bound], -1), host, node)

    def pairs(self, sample: Column) -> tuple[Column, Column]:
        """Nodes with own pods of a sample, both ways: sources and destinations."""
        pods = sample[(self.host[sample] >= 0) & ~self.node[sample]]
        nodes = np.flatnonzero(self.node)
        nodes = nodes[np.argsort(self.host[nodes], kind="stable")]
        hosts = self.host[nodes]
        first = np.searchsorted(hosts, self.host[pods], "left")
        last = np.searchsorted(hosts, self.host[pods], "right")
        row, at = expand(first, last - first)
        return np.r_[nodes[at], pods[row]], np.r_[pods[row], nodes[at]]

    def own(self, src: Column, dst: Column) -> Column:
        """Which pairs are a node and a pod of its own."""
        same = (self.host[src] == self.host[dst]) & (self.host[src] >= 0)
        own: Column = same & (self.node[src] != self.node[dst])
        return own


def _without(
    program: Program, network: Network, places: dict[Place, list[int]]
) -> tuple[Column, Column]:
    """The number of each group among those that are equal but for own nodes, and whether it says
    something of these. That of pods of several hosts, or which says more, is by itself."""
    number = np.arange(len(program.groups) + 1)
    told = np.zeros(len(program.groups) + 1, np.bool_)
    if not any(matcher.near for rule in program.policy.rules for matcher in rule.remote):
        return number, told
    owned = owned_addresses(network)
    regions = {p: regions_of(network, owned, tuple(nodes)) for p, nodes in places.items()}
    local = _locals(program)
    known: dict[object, int] = {}
    shared = _Shared()
    for group in program.groups:
        at = local.get(group.id)
        own = None if at is None else regions.get(at)
        if own is not None and any(e.regions == own for e in group.entries):
            told[group.id] = True
            number[group.id] = known.setdefault(shared.key(group, own), group.id)
    return number, told


def _locals(program: Program) -> dict[int, Place]:
    """Where the endpoints of each group are, of those that are all at one place."""
    found: dict[int, set[Place]] = {}
    ends = program.network.endpoints
    for direction in Direction:
        rows, _ = np.nonzero(program.bindings[direction] >= 0)
        groups = program.bindings[direction][program.bindings[direction] >= 0]
        for index, group in zip(rows.tolist(), groups.tolist(), strict=True):
            found.setdefault(group, set()).add((ends[index].tenant, ends[index].host))
    return {group: next(iter(at)) for group, at in found.items() if len(at) == 1}


class _Shared:
    """Regions by number: most entries share theirs, and to hash them takes long."""

    def __init__(self) -> None:
        self.met: dict[int, int] = {}
        self.known: dict[tuple[Region, ...], int] = {}

    def key(self, group: Group, own: tuple[Region, ...]) -> object:
        """What a group says, of its own node, which lies there, that it does."""
        return (
            group.stage, group.direction, self._said(group.default_entry),
            *(self._said(e, e.regions == own) for e in group.entries),
        )  # fmt: skip

    def _said(self, entry: Entry, own: bool = False) -> object:
        where = -1 if own else self.met.get(id(entry.regions))
        if where is None:
            where = self.known.setdefault(entry.regions, len(self.known))
            self.met[id(entry.regions)] = where
        return where, entry.l4, entry.action, entry.origin, entry.conditions
