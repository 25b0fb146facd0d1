"""What a lab consists of: spaces, instances, joins and the routes in each table. Pure values.

Rules that hold here:

1. Every node of the fabric that speaks BGP has a network namespace with its cables, its loopback
   and the underlay's routes (IPv4 over IPv6 link-local next hops).
2. An *instance* is a VRF on a VTEP: a namespace of its own, or VRF devices in the node's. It holds
   one tunnel device, since a second one with the same VNI cannot exist on one underlay. A VTEP that
   sends into a VRF which it does not have gets an instance without endpoints.
3. A leak joins two instances of one VTEP by a veth pair: what VRF a routes into VRF b crosses it.
4. Where a packet came from decides the table (`InstanceEntry`): from an endpoint or a tunnel the
   FIB, as of any kernel that is a VTEP, from a join the sending VRF's routes into this one, but
   for what the FIB leads on from there: that ends, or takes the FIB if the VRF permits hairpins.
   Where a route stays on the VTEP, the table has the
   endpoints behind it and nothing else.
5. Endpoints have no addresses of their own: each is one end of a veth pair in the `ends` namespace
   of its VTEP, and whoever tests sends and receives raw frames there.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from fabric.building.network import Network
from fabric.control.fib import NextHop, stays
from fabric.values.inventory import Endpoint, Prefix
from fabric.wiring.topology import Link, Role
from sim.forwarding.one_step import hops_at, steps_at

FIB, TUNNEL, JOINED = 10_000, 20_000, 30_000
HOST_GATEWAY, JOIN_GATEWAY = "fe80::e", "fe80::b"


@dataclass(frozen=True, slots=True)
class Hop:
    """Where a route leads: a device, and the link-local address of whoever is behind it; and its
    share, where others lead there as well."""

    device: str
    gateway: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class RouteLine:
    """A route; without hops nobody there is reachable."""

    table: int
    prefix: Prefix
    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class InstanceEntry:
    """Devices by which packets enter an instance, and the table that decides about them. As a VRF
    device it is called `name`."""

    name: str
    devices: tuple[str, ...]
    table: int


@dataclass(frozen=True, slots=True)
class Join:
    """VRF `a`'s way into VRF `b` on one VTEP; `table` is for what arrives in `b`."""

    a: int
    b: int
    table: int

    @property
    def near(self) -> str:
        """The end in `a`."""
        return f"j{self.a}t{self.b}"

    @property
    def far(self) -> str:
        """The end in `b`, which is also that of the join back."""
        return f"j{self.b}t{self.a}"


@dataclass(frozen=True)
class Layout:
    """A lab of `network` called `id`; `vrf_devices` chooses how VRFs are realised."""

    network: Network
    id: str
    vrf_devices: bool

    def space(self, node: int) -> str:
        """A node's namespace."""
        return f"cln-{self.id}-{self.network.fabric.nodes[node].name}"

    def instance_space(self, node: int, vrf: int) -> str:
        """The namespace that holds an instance."""
        return self.space(node) if self.vrf_devices else f"{self.space(node)}.{vrf}"

    def ends_space(self, node: int) -> str:
        """The namespace on the hosts' side of a VTEP."""
        return f"{self.space(node)}.ends"

    @cached_property
    def nodes(self) -> tuple[int, ...]:
        """Nodes that exist in this lab: those that speak BGP and are up."""
        fabric = self.network.fabric
        return tuple(
            n.index
            for n in fabric.nodes
            if n.role is not Role.HOST and n.index not in fabric.down_nodes
        )

    @cached_property
    def cables(self) -> tuple[Link, ...]:
        """Links between such nodes that are up."""
        fabric, nodes = self.network.fabric, set(self.nodes)
        return tuple(
            link
            for link in fabric.links
            if link.index not in fabric.down_links and {link.a, link.b} <= nodes
        )

    @cached_property
    def instances(self) -> tuple[tuple[int, int], ...]:
        """(node, VRF) of every instance, those without endpoints included (rule 2)."""
        fib, up = self.network.fib, set(self.nodes)
        own = {instance for instance in fib.instances if instance[0] in up}
        sent = {(node, hop.vrf) for node, vrf in own for hop in hops_at(self.network, node, vrf)}
        return tuple(sorted(own | sent))

    @cached_property
    def spaces(self) -> tuple[str, ...]:
        """Every namespace, in the order in which they are made."""
        names = [
            *(self.space(node) for node in self.nodes),
            *(self.instance_space(*instance) for instance in self.instances),
            *(self.ends_space(node) for node in sorted({node for node, _ in self.lived})),
        ]
        return tuple(dict.fromkeys(names))

    @cached_property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Endpoints of which a VTEP is up."""
        return tuple(e for e in self.network.endpoints if set(e.vteps) & set(self.nodes))

    @cached_property
    def lived(self) -> tuple[tuple[int, Endpoint], ...]:
        """(node, endpoint) of every VTEP that is up and every endpoint there."""
        up = set(self.nodes)
        return tuple((vtep, e) for e in self.endpoints for vtep in e.vteps if vtep in up)

    @cached_property
    def joins(self) -> dict[int, tuple[Join, ...]]:
        """Per node, the joins that its routes need, with those back: a pair serves both ways."""
        out = {}
        for node in self.nodes:
            pairs = {
                pair
                for at, vrf in self.instances
                if at == node
                for hop in hops_at(self.network, node, vrf)
                if hop.vrf != vrf
                for pair in ((vrf, hop.vrf), (hop.vrf, vrf))
            }
            out[node] = tuple(Join(a, b, JOINED + i) for i, (a, b) in enumerate(sorted(pairs)))
        return out

    def entries(self, node: int, vrf: int) -> tuple[InstanceEntry, ...]:
        """The ways into an instance (rule 4)."""
        ends = tuple(f"ep{e.index}" for at, e in self.lived if (at, e.vrf) == (node, vrf))
        return (
            InstanceEntry(f"vrf{vrf}", ends, FIB + vrf),
            InstanceEntry(f"tun{vrf}", (f"vx{vrf}",), TUNNEL + vrf),
            *(
                InstanceEntry(f"in{join.a}t{vrf}", (join.far,), join.table)
                for join in self.joins[node]
                if join.b == vrf
            ),
        )

    def tunnels(self, node: int, vrf: int) -> tuple[NextHop, ...]:
        """The far ends that a VTEP sends to through its tunnel into a VRF."""
        found = {
            hop
            for at, source in self.instances
            if at == node
            for hop in hops_at(self.network, node, source)
            if hop.vrf == vrf and hop.vtep != node
        }
        return tuple(sorted(found))

    def lines(self, node: int, vrf: int) -> Iterator[RouteLine]:
        """Routes of an instance: its FIB, what lives here, and what others route into it."""
        found = {p: route.nexthops for p, route in steps_at(self.network, node, vrf).items()}
        for table in (FIB + vrf, TUNNEL + vrf):
            yield from self._table(table, node, vrf, found)
        fib_routes = {prefix: stays(hops, node, vrf) for prefix, hops in found.items()}
        permits = self.network.vrfs[vrf].hairpin
        onward = {p: hops for p, hops in found.items() if permits and not fib_routes[p]}
        for join in self.joins[node]:
            if join.b == vrf:
                found = {
                    prefix: inside
                    for prefix, route in steps_at(self.network, node, join.a).items()
                    if (inside := tuple(hop for hop in route.nexthops if hop.vrf == vrf))
                }
                yield from self._table(join.table, node, vrf, found, fib_routes, onward)

    def _table(
        self,
        table: int,
        node: int,
        vrf: int,
        routes: Mapping[Prefix, Sequence[NextHop]],
        kept: Mapping[Prefix, bool] = MappingProxyType({}),
        onward: Mapping[Prefix, Sequence[NextHop]] = MappingProxyType({}),
    ) -> Iterator[RouteLine]:
        """Routes as seen in `vrf`. One that stays in this instance becomes routes to the endpoints
        inside it, and as a whole leads to the endpoint around it, or nowhere. `kept` says of the
        instance's own prefixes which stay: what leads on from there leads nowhere here, or on to
        the next hops of `onward`."""
        live = dict(self._live(node, vrf))
        stays = {p for p, hops in routes.items() if (hops[0].vtep, hops[0].vrf) == (node, vrf)}

        def delivered(prefix: Prefix, ways: tuple[Hop, ...]) -> RouteLine:
            own = prefix if prefix in kept else _around(prefix, kept)
            if own is not None and not kept[own]:
                ways = self._ways(node, vrf, onward.get(own, ()))
            return RouteLine(table, prefix, ways)

        for prefix in dict.fromkeys([*live, *(p for p, here in kept.items() if not here)]):
            if prefix not in routes and _around(prefix, routes) in stays:
                yield delivered(prefix, live.get(prefix, ()))
        for prefix, hops in routes.items():
            if prefix in stays:
                around = prefix if prefix in live else _around(prefix, live)
                yield delivered(prefix, live[around] if around else ())
            else:
                yield RouteLine(table, prefix, self._ways(node, vrf, hops))

    def _live(self, node: int, vrf: int) -> Iterator[tuple[Prefix, tuple[Hop, ...]]]:
        """Prefixes of the endpoints of an instance."""
        for at, endpoint in self.lived:
            if (at, endpoint.vrf) == (node, vrf):
                hop = Hop(f"ep{endpoint.index}", HOST_GATEWAY)
                yield from ((prefix, (hop,)) for prefix in endpoint.prefixes)

    def _ways(self, node: int, vrf: int, hops: Sequence[NextHop]) -> tuple[Hop, ...]:
        """Next hops as seen in `vrf`."""
        out = [
            Hop(f"j{vrf}t{hop.vrf}", JOIN_GATEWAY)
            if hop.vrf != vrf
            else Hop(f"vx{vrf}", gateway(hop.vtep))
            for hop in hops
            if (hop.vtep, hop.vrf) != (node, vrf)
        ]
        return tuple(dict.fromkeys(out))


def _around(prefix: Prefix, known: Container[Prefix]) -> Prefix | None:
    """The longest known prefix that is shorter and contains this one."""
    shorter = (prefix.supernet(new_prefix=n) for n in range(prefix.prefixlen - 1, -1, -1))
    return next((p for p in shorter if p in known), None)


def gateway(vtep: int) -> str:
    """The link-local address that stands for a VTEP behind a tunnel."""
    return f"fe80::1:{vtep + 1:x}"


def mac(kind: int, number: int) -> str:
    """A locally administered MAC; `kind` keeps cables, endpoints and hosts apart."""
    octets = (number >> shift & 0xFF for shift in (24, 16, 8, 0))
    return f"02:{kind:02x}:" + ":".join(f"{octet:02x}" for octet in octets)
