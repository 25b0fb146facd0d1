"""Routes that a VRF takes of another one on the same node, as FRR is told of them.

RFC 4364 (4.3.5) imports them by route target like any others. No release of FRR does: an EVPN
route of the node's own is imported nowhere. Its own ways are two, and each release gets the one
that leads there (`releases`):

* static routes whose next hop is the other VRF (`ip route P vrf<VNI> nexthop-vrf vrf<VNI>`): they
  are no BGP routes, so nothing hands them on. Distance 21 is behind what other nodes announce (20):
  a node's own second choice (`fabric.control.evpn`, rule 1) waits for them to be gone.
* `import vrf` with a route-map of exactly the routes that targets let in. What comes in is a BGP
  route, so the VRF announces nothing but its own prefixes (`frr`, OFFER). It has no weight, where
  `network` gives one that stays on it, and the AS path of its Type-5 route.

Where the VRF itself announces a prefix at the node, that one counts (`fabric.control.fib`, rule 1).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fabric.building.network import Network
from fabric.control.evpn import Type5Route

FAMILIES = {4: "ipv4", 6: "ipv6"}
WORDS = {4: "ip", 6: "ipv6"}
BEHIND_EBGP = 21


@dataclass(frozen=True, slots=True)
class VrfLeak:
    """What VRF `importer` takes of VRF `exporter` at their node, by prefix."""

    importer: int
    exporter: int
    routes: tuple[Type5Route, ...]


def leaks_at(network: Network, node: int) -> tuple[VrfLeak, ...]:
    """Those of one node, in order of importer and exporter."""
    here = network.plan.vrfs_at(node)
    takers: dict[str, list[int]] = defaultdict(list)
    for vrf in here:
        for rt in network.fib.imports[vrf]:
            takers[rt].append(vrf)
    own = [*network.routes.of(node)]
    announced = {(route.vrf, route.prefix) for route in own}
    found: dict[tuple[int, int], list[Type5Route]] = defaultdict(list)
    for route in own:
        for vrf in {vrf for rt in route.rts for vrf in takers[rt]}:
            if vrf != route.vrf and (vrf, route.prefix) not in announced:
                found[vrf, route.vrf].append(route)
    return tuple(VrfLeak(*pair, tuple(found[pair])) for pair in sorted(found))


def statics(network: Network, importer: int, leaks: Sequence[VrfLeak]) -> Iterator[str]:
    """Static routes of a VRF into others."""
    yield f"vrf vrf{network.vrfs[importer].vni}"
    for leak in leaks:
        there = f"vrf{network.vrfs[leak.exporter].vni}"
        for route in leak.routes:
            distance = f" {BEHIND_EBGP}" if route.prepended else ""
            word = WORDS[route.prefix.version]
            yield f" {word} route {route.prefix} {there}{distance} nexthop-vrf {there}"
    yield from ("exit-vrf", "!")


def imports(network: Network, node: int, leaks: Sequence[VrfLeak]) -> Iterator[str]:
    """What a VRF imports of others. Stands behind all instances: who imports from a VRF whose
    instance there is not yet makes one, with automatic route targets that stay."""
    importer, asn = network.vrfs[leaks[0].importer].vni, network.plan.asn[node]
    maps: list[str] = []
    yield f"router bgp {asn} vrf vrf{importer}"
    for version, family in FAMILIES.items():
        taken = [leak for leak in leaks if _sorted(leak, version)]
        if taken:
            yield " !"
            yield f" address-family {family} unicast"
            for leak in taken:
                yield f"  import vrf vrf{network.vrfs[leak.exporter].vni}"
            yield f"  import vrf route-map LEAK-{importer}-{version}"
            yield " exit-address-family"
            maps += _map(network, f"LEAK-{importer}-{version}", version, taken, asn)
    yield "!"
    yield from maps
    yield "!"


def _map(
    network: Network, name: str, version: int, leaks: Iterable[VrfLeak], asn: int
) -> Iterator[str]:
    """What is in no list of its VRF does not come in."""
    word, clauses, number = WORDS[version], list[str](), 0
    for leak in leaks:
        for prepended, routes in _sorted(leak, version).items():
            number += 1
            for seq, route in enumerate(routes, 1):
                yield f"{word} prefix-list {name}-{number} seq {5 * seq} permit {route.prefix}"
            clauses += [
                f"route-map {name} permit {10 * number}",
                f" match source-vrf vrf{network.vrfs[leak.exporter].vni}",
                f" match {word} address prefix-list {name}-{number}",
                " set weight 0",
                *(
                    [f" set as-path prepend {' '.join([str(asn)] * prepended)}"]
                    if prepended
                    else []
                ),
                "exit",
            ]
    yield from clauses


def _sorted(leak: VrfLeak, version: int) -> dict[int, list[Type5Route]]:
    """Routes of one IP version by how much their AS path is longer."""
    out: dict[int, list[Type5Route]] = defaultdict(list)
    for route in leak.routes:
        if route.prefix.version == version:
            out[route.prepended].append(route)
    return dict(sorted(out.items()))


def second_of_several(network: Network, leak: VrfLeak) -> bool:
    """Whether static routes choose otherwise than BGP: of several second choices the node's own is
    the nearest, and waits all the same."""
    rts = network.fib.imports[leak.importer]
    mine = {route.prefix for route in leak.routes if route.prepended}
    return any(
        route.prefix in mine and route.prepended and route.vtep != leak.routes[0].vtep
        for route in (network.routes if mine else ())
        if any(rt in rts for rt in route.rts)
    )
