"""Where routes lead, of every VRF of every VTEP and every address: the same in what was written and
what was read back.

A next hop is a node and a VRF there. What was read may lead to what nobody gave (`@unseen`), which
counts as no route: what lists make of that is theirs to say.

Which of several origins of a prefix is the nearest, and whether routes of one get there at all, the
underlay decides, of which configurations of VTEPs say nothing. So what was read is compared with
the same routes over an even underlay (`even`), one hop from everybody to everybody; where that is
another choice than the network's is told apart (`chosen_by_underlay`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

from fabric.building.network import Network
from fabric.control.fib import Fib, ranges
from fabric.control.fib_filling import build_fib
from fabric.control.underlay import converge
from fabric.wiring.multigraph import Multigraph
from fabric.wiring.topology import Fabric, Link, Node, Role
from sim.round_trip.same_ends import Both

Hops = frozenset[tuple[str, str]]
Parts = list[tuple[int, Hops]]
"""Where parts of an axis of addresses begin, and where they lead."""


@dataclass(frozen=True, slots=True)
class RouteDifference:
    """Addresses from `first` to `last` of a VRF at a node lead elsewhere."""

    node: str
    vrf: str
    version: int
    first: int
    last: int
    written: Hops
    read: Hops

    def __str__(self) -> str:
        def said(hops: Hops) -> str:
            return " ".join(sorted(f"{node}/{vrf}" for node, vrf in hops)) or "nowhere"

        first = (IPv4Address if self.version == 4 else IPv6Address)(self.first)
        return (
            f"{self.vrf} at {self.node}: from {first} on {self.last - self.first + 1:,} addresses "
            f"lead to {said(self.written)}, and as read to {said(self.read)}"
        )


def even(network: Network) -> Fib:
    """The routes of a network if all VTEPs that have uplinks were next to each other."""
    known, hub = network.fabric.nodes, len(network.fabric.nodes)
    links = network.fabric.links_of
    cabled = {v for v, ks in links.items() if any(k.kind != "host" for k in ks)}
    vteps = sorted(cabled & {vtep for vtep, _ in network.plan.instances})
    graph = Multigraph()
    nodes = (*known, Node(hub, "@hub", Role.BORDER, ""))
    for node in nodes:
        graph.add_node(
            node.name, role=node.role.value, rank=2 if node.index == hub else 1, site="", pod=0,
            rack="", index=node.index,
        )  # fmt: skip
    ups = []
    for number, vtep in enumerate(vteps):
        name = f"{known[vtep].name}--@hub"
        ends = {"a": known[vtep].name, "a_port": "up", "b": "@hub", "b_port": f"to{number}"}
        graph.add_edge(ends["a"], "@hub", name, **ends, speed=0, index=number, kind="fabric")
        ups.append(Link(number, name, vtep, "up", hub, ends["b_port"], 1))
    asn = tuple(1 + number for number in range(len(nodes)))
    plan = replace(network.plan, asn=asn, loopback=(*network.plan.loopback, 0))
    underlay = converge(Fabric(nodes, tuple(ups), graph), plan)
    return build_fib(network.routes, network.fib.imports, underlay)


def chosen_by_underlay(both: Both, evenly: Fib) -> Iterator[RouteDifference]:
    """Where the network's own underlay chooses otherwise than an even one."""
    for node, vrf in sorted(both.network.plan.instances):
        at = both.node(node), both.vrf(vrf)
        for version in (4, 6):
            mine = parts_of(both, both.network.fib, node, vrf, version)
            other = parts_of(both, evenly, node, vrf, version)
            for first, last, a, b in side_by_side(mine, other, 1 << (32 if version == 4 else 128)):
                if a != b:
                    yield RouteDifference(*at, version, first, last, a, b)


def differing_routes(both: Both, evenly: Fib) -> Iterator[RouteDifference]:
    """Where routes lead elsewhere than over an even underlay."""
    for node, vrf in sorted(both.network.plan.instances):
        at = both.node(node), both.vrf(vrf)
        device, number = both.device(at[0]), both.vrfs.get(at)
        for version in (4, 6):
            mine = parts_of(both, evenly, node, vrf, version)
            read: Parts = [(0, frozenset())]
            if device is not None and number is not None:
                read = parts_read(both.site.network, device, number, version)
            for first, last, a, b in side_by_side(mine, read, 1 << (32 if version == 4 else 128)):
                if a != b:
                    yield RouteDifference(*at, version, first, last, a, b)


def parts_of(both: Both, routes: Fib, node: int, vrf: int, version: int) -> Parts:
    """Where routes of a VRF of a node lead, by the names that devices have."""
    sets = routes.nexthop_sets

    def hops(number: int) -> Hops:
        return frozenset((both.node(hop.vtep), both.vrf(hop.vrf)) for hop in sets[number])

    return parts(routes, node, vrf, version, hops)


def parts_read(network: Network, node: int, vrf: int, version: int) -> Parts:
    """Where the routes of a VRF of a device lead, as read."""
    sets, nodes = network.fib.nexthop_sets, network.fabric.nodes
    unseen = len(nodes) - 1

    def hops(number: int) -> Hops:
        return frozenset(
            (nodes[hop.vtep].name, network.vrfs[hop.vrf].name.partition("/")[0])
            for hop in sets[number]
            if hop.vtep != unseen
        )

    return parts(network.fib, node, vrf, version, hops)


def parts(routes: Fib, node: int, vrf: int, version: int, hops: Callable[[int], Hops]) -> Parts:
    """The axis of a family in parts that lead alike; `hops` says where a next-hop set leads."""
    known: dict[int, Hops] = {}
    out: Parts = [(0, frozenset())]
    top = 1 << (32 if version == 4 else 128)

    def add(start: int, to: Hops) -> None:
        if out[-1][0] == start:
            out.pop()
        if not out or out[-1][1] != to:
            out.append((start, to))

    for (first, last), number in ranges(routes, node, vrf, version):
        if number not in known:
            known[number] = hops(number)
        add(first, known[number])
        if last + 1 < top:
            add(last + 1, frozenset())
    return out


def side_by_side(a: Parts, b: Parts, top: int) -> Iterator[tuple[int, int, Hops, Hops]]:
    """First and last address of each common part, and where it leads in both."""
    starts = sorted({start for start, _ in (*a, *b)})
    i = j = 0
    for number, start in enumerate(starts):
        while i + 1 < len(a) and a[i + 1][0] <= start:
            i += 1
        while j + 1 < len(b) and b[j + 1][0] <= start:
            j += 1
        end = starts[number + 1] - 1 if number + 1 < len(starts) else top - 1
        yield start, end, a[i][1], b[j][1]
