"""What the model says that a node has, in the words of FRR and the kernel (`sim.state.facts`)."""

from __future__ import annotations

import numpy as np

from fabric.building.network import Network
from fabric.control.fib import Route
from fabric.values.inventory import Prefix
from fabric.wiring.topology import Role
from sim.state.facts import EvpnRoute, Vrf

Hops = frozenset[str]


class Wanted:
    """Facts of a network, node by node; what all nodes have in common is made once."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.speakers = [n.index for n in network.fabric.nodes if n.role is not Role.HOST]
        self._evpn = [
            (r.vtep, (r.rd, str(r.prefix)), EvpnRoute(r.rts, r.next_hop, r.router_mac))
            for r in network.routes
        ]
        self._alike: dict[bytes, dict[tuple[str, str], EvpnRoute]] = {}

    def evpn(self, node: int) -> dict[tuple[str, str], EvpnRoute]:
        """The EVPN routes that reach a node, by RD and prefix."""
        underlay = self.network.underlay
        reached = underlay.lengths(np.array(node), np.arange(underlay.n)) >= 0
        key = reached.tobytes()
        if key not in self._alike:
            self._alike[key] = {rd: route for vtep, rd, route in self._evpn if reached[vtep]}
        return self._alike[key]

    def routes(self, node: int) -> dict[Vrf, dict[str, tuple[Hops, Route]]]:
        """The routes that the control plane brings to the VRFs of a node, by VRF and family: what
        lies behind a VRF itself is none. A VRF that has none is there as well."""
        out: dict[Vrf, dict[str, tuple[Hops, Route]]] = {}
        for vrf in self.network.fib.vrfs_at(node):
            name = self.network.vrfs[vrf].name
            families: dict[int, dict[str, tuple[Hops, Route]]] = {4: {}, 6: {}}
            for route in self.network.fib.routes(node, vrf):
                if hops := self._hops(node, vrf, route):
                    families[route.prefix.version][str(route.prefix)] = hops, route
            if families[4] or not families[6]:
                out[name, 4] = families[4]
            if families[6]:
                out[name, 6] = families[6]
        return out

    def behind(self, node: int, vrf: str) -> list[Prefix]:
        """What lies behind a VRF of a node itself: how it is reached there is not said."""
        index = self.network.vrf(vrf).index
        return [
            route.prefix
            for route in self.network.fib.routes(node, index)
            if any((hop.vtep, hop.vrf) == (node, index) for hop in route.nexthops)
        ]

    def _hops(self, node: int, vrf: int, route: Route) -> Hops:
        """Next hops that are not the VRF itself: VTEPs, or names of VRFs
        beside it."""
        return frozenset(
            self.network.vrfs[hop.vrf].name
            if hop.vtep == node
            else self.network.plan.vtep(hop.vtep)
            for hop in route.nexthops
            if (hop.vtep, hop.vrf) != (node, vrf)
        )

    def widths(self, node: int) -> dict[str, int]:
        """How many next hops a node has to every loopback that it reaches."""
        underlay, plan = self.network.underlay, self.network.plan
        return {
            f"{plan.vtep(far)}/32": len(underlay.ecmp(node, far))
            for far in self.speakers
            if far != node and underlay.reachable(node, far)
        }
