"""One of two worlds that are compared: what becomes of each packet, by definition, remembered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import naive
from naive import Header

from compiler.policy.ir import Packet, Policy, Verdict
from compiler.policy.selectors import selects
from compiler.policy.semantics import decide, owner
from fabric.building.network import Network
from fabric.values.inventory import Endpoint
from sim.packets.reasons import Reason

L4 = tuple[int, int, int]


@dataclass
class World:
    """One world; answers are remembered."""

    network: Network
    policy: Policy
    alone: bool = False
    known: dict[Any, Any] = field(default_factory=dict)

    def delivered(self, e: Endpoint, version: int, src: int, dst: int, l4: L4) -> list[int]:
        """To whom each choice of ECMP delivers a packet, -1 when it is dropped."""
        key = e.index, version, src, dst, l4
        if key not in self.known:
            header = Header(version, src, dst, *l4)
            found = naive.outcomes(self.policy, self.network, e.index, header, self.judge)
            self.known[key] = [o.dst if o.reason is Reason.DELIVERED else -1 for o in found]
        return self.known[key]

    def judge(self, policy: Policy, network: Network, packet: Packet) -> Verdict:
        """`decide`, of the rules alone that are about this endpoint and direction."""
        key = "about", packet.direction, packet.local
        if key not in self.known:
            e, n = network.endpoints[packet.local], network
            rules, selections = (
                tuple(
                    item
                    for item in items
                    if item.direction is packet.direction
                    and any(selects(m, e, n) for m in item.local)
                )
                for items in (policy.rules, policy.selections)
            )
            self.known[key] = Policy(rules, selections)  # type: ignore[arg-type]
        return decide(self.known[key], network, packet)

    def at(self, vrf: str, version: int, ip: int) -> Endpoint | None:
        """Who owns an address behind a VRF."""
        key = "owner", vrf, version, ip
        if key not in self.known:
            number = next((v.index for v in self.network.vrfs if v.name == vrf), None)
            self.known[key] = None if number is None else owner(self.network, number, version, ip)
        return self.known[key]


def outer(e: Endpoint) -> bool:
    """Whether an endpoint is compared by address."""
    return e.kind == "zone" or any(p.num_addresses > 1 for p in e.prefixes)


def vrf_name(world: World, e: Endpoint) -> str:
    return world.network.vrfs[e.vrf].name


def leads(world: World, vrf: str, version: int, ip: int) -> set[int]:
    """Tenants' VRFs to which a VRF routes an address, at any VTEP."""
    key = "leads", vrf, version, ip
    if key not in world.known:
        found = set()
        for vtep, number in world.network.fib.instances:
            if world.network.vrfs[number].name == vrf:
                route = world.network.fib.lookup(vtep, number, version, ip)
                found |= {hop.vrf for hop in route.nexthops} if route else set()
        world.known[key] = {u for u in found if world.network.vrfs[u].zone == 1}
    return world.known[key]
