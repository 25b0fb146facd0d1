"""A forwarding step: where a packet is → the set of places where it may be next.

A *place* is a node, a VRF and a header. Rules that hold here:

1. A world's *rewrites* see the packet first, each after the one before: a header becomes a set of
   headers. None are built in.
2. The FIB of the node's VRF then maps each header's destination to next hops. Their places come in
   the order of the route, headers in order: ECMP picks one of all by its number.
3. Where a packet is delivered to is a set too: the endpoints that own its destination and live
   there. An address of several owners is delivered to one of them.

One step leads from the source's VTEP to the destination's, through a tunnel. `sim.pipeline.trace`,
explanations, witnesses and the lab take steps from here; `sim.proof.legs` and the kernels take the
same step for columns of packets, without rewrites, and refuse worlds that have some.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from compiler.policy.semantics import owner
from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.inventory import Endpoint
from fabric.network import Network
from sim.packets.headers import Flow
from sim.world import World

if TYPE_CHECKING:
    from fabric.control.fib import NextHop, Route


class Place(NamedTuple):
    """A packet with `header` is at a node (index), in a VRF (index)."""

    node: int
    vrf: int
    header: Flow


class Onward(NamedTuple):
    """The route and the next hop that lead `to` a place."""

    route: Route
    hop: NextHop
    to: Place


def onward(world: World, at: Place) -> tuple[Onward, ...]:
    """Everywhere that a packet may be next; empty without a route."""
    headers: tuple[Flow, ...] = (at.header,)
    for rewrite in world.rewrites:
        headers = tuple(new for old in headers for new in rewrite(world.network, at.node, old))
    found = []
    for header in headers:
        route = world.network.fib.lookup(at.node, at.vrf, header.version, header.dst)
        for hop in route.nexthops if route is not None else ():
            assert route is not None
            found.append(Onward(route, hop, Place(hop.vtep, hop.vrf, header)))
    return tuple(found)


def receivers(network: Network, at: Place) -> tuple[Endpoint, ...]:
    """The endpoints to which a packet may be delivered where it is."""
    found = owner(network, at.vrf, at.header.version, at.header.dst)
    return (found,) if found is not None and found.vtep == at.node else ()


def refuse_rewrites(world: World, who: str) -> None:
    """Nothing, unless a world rewrites headers: `who` does not follow that."""
    if world.rewrites:
        message = f"{who} does not follow headers that are rewritten on their way"
        raise UndecidedError(Diagnostic("C851", message, None, "explain follows them", "unknown"))
