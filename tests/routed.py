"""Networks with several VTEPs and hand-written routes, for tests of what lies above the FIB."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from made_underlay import MadeUnderlay
from worlds import endpoint

from fabric.building.network import Network
from fabric.values.inventory import Endpoint, Prefix, Vrf
from fabric.wiring.topology import Role

__all__ = ["Hop", "RouteTo", "at", "endpoint", "routed"]


class Hop(NamedTuple):
    vtep: int
    vrf: int
    vni: int = 0
    router_mac: str = ""


class RouteTo(NamedTuple):
    prefix: Prefix
    nexthops: tuple[Hop, ...]
    reason: str = "local"
    origin: Any = None
    intent: str | None = "declared"


class RoutedFib:
    """`tables[vtep, vrf]` is a list of routes; the most specific wins."""

    def __init__(self, tables: Mapping[tuple[int, int], Sequence[RouteTo]]) -> None:
        self.tables = {
            key: tuple(sorted(routes, key=lambda r: -r.prefix.prefixlen))
            for key, routes in tables.items()
        }
        self.instances, self.imports = tuple(sorted(self.tables)), ()
        self.cut_by = list(self.tables.items())
        found = {r.nexthops for routes in self.tables.values() for r in routes}
        self.nexthop_sets = tuple(sorted(found))
        self.number = {hops: i for i, hops in enumerate(self.nexthop_sets)}
        self.chosen = tuple(
            np.array([self.number[r.nexthops] for r in self.tables[at]], np.int32)
            for at in self.instances
        )
        self.versions = ()
        self.vrf_routes = tuple(map(self._prefixes, sorted({vrf for _, vrf in self.instances})))

    def _prefixes(self, vrf: int) -> SimpleNamespace:
        mine = ([r.prefix for r in self.tables[at]] for at in self.instances if at[1] == vrf)
        return SimpleNamespace(prefixes=[*mine])

    def mixed(self, new: RoutedFib, nodes: Collection[int]) -> RoutedFib:
        mine, theirs = self.tables, new.tables
        made = RoutedFib({at: (theirs if at[0] in nodes else mine)[at] for at in mine})
        made.cut_by = [*self.cut_by, *new.cut_by]
        return made

    def instance(self, vtep: int, vrf: int) -> int:
        return self.instances.index((vtep, vrf)) if (vtep, vrf) in self.tables else -1

    def routes(self, vtep: int, vrf: int) -> tuple[RouteTo, ...]:
        return self.tables.get((vtep, vrf), ())

    def why_hop(self, vtep: int, vrf: int, route: RouteTo, hop: Hop) -> SimpleNamespace:
        return SimpleNamespace(rt="65000:1", intent=route.intent, span=route.origin)

    def lookup(self, vtep: int, vrf: int, version: int, ip: int) -> RouteTo | None:
        for route in self.routes(vtep, vrf):
            low, high = int(route.prefix.network_address), int(route.prefix.broadcast_address)
            if route.prefix.version == version and low <= ip <= high:
                return route
        return None

    def lookup_starts(
        self, vrf: int, vteps: Sequence[int], v4: Sequence[int], v6: Sequence[int]
    ) -> list[Any]:
        families = ((4, v4), (6, v6))
        return [
            np.concatenate([self.lookup_many(vtep, vrf, *family) for family in families])
            for vtep in vteps
        ]

    def lookup_many(self, vtep: int, vrf: int, version: int, ips: Sequence[int]) -> Any:
        found = [self.lookup(vtep, vrf, version, ip) for ip in ips]
        return np.array([self.number[r.nexthops] if r else -1 for r in found], np.int32)

    def boundaries(self, vrf: int) -> tuple[list[int], list[int]]:
        cuts: tuple[set[int], set[int]] = ({0}, {0})
        for (_, of), routes in self.cut_by:
            for route in routes if of == vrf else ():
                v6 = route.prefix.version == 6
                end = int(route.prefix.broadcast_address) + 1
                cuts[v6].add(int(route.prefix.network_address))
                if end < 2**route.prefix.max_prefixlen:
                    cuts[v6].add(end)
        return sorted(cuts[0]), sorted(cuts[1])


class Mesh(MadeUnderlay):
    """An underlay in which every pair of nodes talks, but for `cut` pairs."""

    def __init__(self, n: int, cut: Sequence[tuple[int, int]] = ()) -> None:
        self.n = n
        self.cut = set(cut)

    def reachable(self, a: int, b: int) -> bool:
        return a == b or (a, b) not in self.cut

    def ecmp(self, a: int, b: int) -> tuple[tuple[int, int], ...]:
        return ((b, 0),) if a != b and self.reachable(a, b) else ()

    def paths(self, a: int, b: int) -> tuple[tuple[int, ...], ...]:
        return ((a, b),) if self.reachable(a, b) else ()


def box(index: int, name: str) -> SimpleNamespace:
    """A node; it is a border if it is called so."""
    role = Role.BORDER if name.startswith("border") else Role.DPU
    return SimpleNamespace(index=index, name=name, role=role)


def at(vtep: int, made: Endpoint) -> Endpoint:
    """The endpoint, moved to another VTEP."""
    return replace(made, vtep=vtep)


def routed(
    nodes: Sequence[str],
    vrfs: Sequence[str],
    endpoints: Sequence[Endpoint],
    tables: Mapping[tuple[int, int], Sequence[tuple[str, Sequence[tuple[int, int]]]]],
    cut: Sequence[tuple[int, int]] = (),
    hairpins: Collection[int] = (),
) -> Network:
    """A network from routes written as `(vtep, vrf): [(prefix, [(vtep, vrf), …]), …]`; VRFs that
    permit hairpins."""
    zones = {"zone0": 0, "zone2": 2}
    table = tuple(
        Vrf(i, n, n.split("/")[0], zones.get(n.split("/")[0], 1), 5000 + i, (), None, i in hairpins)
        for i, n in enumerate(vrfs)
    )
    fib = RoutedFib(
        {
            key: [
                RouteTo(ip_network(p), tuple(Hop(*hop) for hop in sorted(hops))) for p, hops in rows
            ]
            for key, rows in tables.items()
        }
    )
    boxes = tuple(box(i, n) for i, n in enumerate(nodes))
    anything: Any = None
    return Network(
        anything,
        SimpleNamespace(
            nodes=boxes,
            links=(),
            down_nodes=(),
            down_links=(),
            down_sessions=(),
            down=(),
            failed=(),
            drained=(),
        ),  # type: ignore[arg-type]
        SimpleNamespace(asn=(), loopback=()),  # type: ignore[arg-type]
        table,
        tuple(endpoints),
        {},
        Mesh(len(nodes), cut),  # type: ignore[arg-type]
        anything,
        fib,  # type: ignore[arg-type]
    )
