"""Small hand-made networks for tests: VRFs and endpoints without a control plane.

`FlatFib` routes every VRF to every endpoint of the VRFs that it is told about, so that policies can
be tested with no fabric behind them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from fabric.building.network import Network
from fabric.values.inventory import Endpoint, Vrf


class Hop(NamedTuple):
    vtep: int
    vrf: int
    vni: int = 0
    router_mac: str = ""


class FlatFib:
    """One VTEP; `routes` maps a VRF to [(prefix, egress VRF)], most specific wins."""

    def __init__(self, routes: Mapping[int, Sequence[tuple[str, int]]]) -> None:
        self.table = {
            vrf: sorted(((ip_network(p), r) for p, r in lines), key=lambda line: -line[0].prefixlen)
            for vrf, lines in routes.items()
        }
        self.instances = tuple((0, vrf) for vrf in sorted(self.table))
        egress = sorted({r for lines in self.table.values() for _, r in lines})
        self.nexthop_sets = tuple((Hop(0, r),) for r in egress)
        self.set_of = {r: i for i, r in enumerate(egress)}

    def boundaries(self, vrf: int) -> tuple[list[int], list[int]]:
        cuts: tuple[set[int], set[int]] = ({0}, {0})
        for prefix, _ in self.table.get(vrf, ()):
            family = prefix.version == 6
            end = int(prefix.broadcast_address) + 1
            top = 2**prefix.max_prefixlen
            cuts[family].update({int(prefix.network_address), end} - {top})
        return sorted(cuts[0]), sorted(cuts[1])

    def lookup_starts(
        self, vrf: int, vteps: Sequence[int], v4: Sequence[int], v6: Sequence[int]
    ) -> list[Any]:
        families = ((4, v4), (6, v6))
        return [
            np.concatenate([self.lookup_many(vtep, vrf, *family) for family in families])
            for vtep in vteps
        ]

    def lookup_many(self, vtep: int, vrf: int, version: int, ips: Sequence[int]) -> Any:
        return np.array([self._one(vrf, version, ip) for ip in ips], np.int32)

    def _one(self, vrf: int, version: int, ip: int) -> int:
        for prefix, egress in self.table.get(vrf, ()):
            low, high = int(prefix.network_address), int(prefix.broadcast_address)
            if prefix.version == version and low <= ip <= high:
                return self.set_of[egress]
        return -1


def endpoint(index: int, name: str, vrf: int, *prefixes: str, **more: Any) -> Endpoint:
    """An endpoint on host1; the tenant, namespace and kind come from its name."""
    tenant, *rest = name.split("/")
    kind = "zone" if tenant.startswith("zone") else "node" if rest[0] == "@node" else "pod"
    return Endpoint(
        index,
        name,
        kind,
        tenant,
        vrf,
        {"zone0": 0, "zone2": 2}.get(tenant, 1),
        0,
        more.pop("host", "host1"),
        tuple(map(ip_network, prefixes)),
        namespace=rest[0] if kind == "pod" else None,
        **more,
    )


def network(
    vrfs: Sequence[str],
    endpoints: Sequence[Endpoint],
    routes: Mapping[int, Sequence[tuple[str, int]]] | None = None,
) -> Network:
    """A network with one VTEP; by default every VRF reaches every VRF's endpoints."""
    table = tuple(
        Vrf(i, n, n.split("/")[0], {"zone0": 0, "zone2": 2}.get(n.split("/")[0], 1), 5000 + i, ())
        for i, n in enumerate(vrfs)
    )
    if routes is None:
        everything = [(str(p), e.vrf) for e in endpoints for p in e.prefixes]
        routes = {v.index: everything for v in table}
    nothing: Any = None
    return Network(
        nothing,
        SimpleNamespace(nodes=(SimpleNamespace(name="dpu1"),)),  # type: ignore[arg-type]
        nothing,
        table,
        tuple(endpoints),
        {},
        nothing,
        nothing,
        FlatFib(routes),  # type: ignore[arg-type]
    )
