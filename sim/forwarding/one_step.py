"""A forwarding step: where a packet is → the set of places where it may be next.

A *place* is a node, a VRF and a header. Rules that hold here:

1. A network's *rewrites* see the packet first, each after the one before
   (`fabric.control.rewrites`).
2. The FIB of the node's VRF then maps the destination to next hops. Their places come in the order
   of the route: ECMP picks one of all by its number.
3. Who takes a packet out of a tunnel looks its destination up again (RFC 9136 §4.4.1). Where its
   route leads on, the packet ends, unless the VRF there says `hairpin: permit`: then the next step
   begins here (`sim.pipeline.ways`). Tables and rulesets say either, since kernels and switches
   would send it on.
4. Where a packet is delivered to is a set too: the endpoints that own its destination and live
   there. A VTEP with several of them takes the first; other VTEPs have theirs. Likewise where it
   comes in: of several borders of who sends it, one that is up (`Network.entries`).
5. There the source is looked for in turn: the way back says behind which VRF it lies.
6. An endpoint neither gets anything at an address that its own VTEP routes on, nor sends from there
   (`spoof_drop`): no answer would come back.

One step leads from a VTEP to the next one, through a tunnel. `sim.pipeline.trace`, explanations and
witnesses take steps from here. Kernels and proofs take the same step for columns of packets: what
they walk is drawn by `sim.forwarding.step_rows`, and rewrites are made before it. The lab's routes
are those of `steps_at`. Who follows no rewrites refuses networks that have some. Nobody else asks a
FIB where a packet goes, but dumps of it and the checker, which shares nothing with this.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.policy.semantics import owners
from fabric.building.network import Network
from fabric.control.fib import stays
from fabric.control.rewrites import rewritten
from fabric.values.inventory import Endpoint, Prefix
from sim.packets.headers import Flow

if TYPE_CHECKING:
    from fabric.control.fib import NextHop, Route


I32 = NDArray[np.int32]


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


def onward(network: Network, at: Place) -> tuple[Onward, ...]:
    """Everywhere that a packet may be next; empty without a route."""
    header = as_rewritten(network, at.header)
    route = network.fib.lookup(at.node, at.vrf, header.version, header.dst)
    if route is None:
        return ()
    return tuple(Onward(route, hop, Place(hop.vtep, hop.vrf, header)) for hop in route.nexthops)


def as_rewritten(network: Network, header: Flow) -> Flow:
    """What becomes of a header, wherever it comes in."""
    if not network.rewrites:
        return header
    return replace(header, dst=rewritten(network.moves, header.version, header.dst))


def sets_onward(network: Network, vtep: int, vrf: int, version: int, ips: Sequence[int]) -> I32:
    """The same step for a column of destinations, rewritten before: the next-hop set of each
    (`Fib.nexthop_sets`), -1 without a route."""
    return network.fib.lookup_many(vtep, vrf, version, ips)


def steps_at(network: Network, node: int, vrf: int) -> Mapping[Prefix, Route]:
    """The same step for all destinations, rewritten before, as a table: the most specific prefix
    that holds one says its route."""
    return {route.prefix: route for route in network.fib.routes(node, vrf)}


def hops_at(network: Network, node: int, vrf: int) -> Iterator[NextHop]:
    """The next hops that some destination has at a node, set by set."""
    place = network.fib.instance(node, vrf)
    if place >= 0:
        for number in sorted({n for n in network.fib.chosen[place].tolist() if n >= 0}):
            yield from network.fib.nexthop_sets[number]


def leads_on(network: Network, node: int, vrf: int, version: int, ip: int) -> Route | None:
    """A node's route for an address, unless it stays in the VRF there: by it a packet that came out
    of a tunnel would go into another one."""
    route = network.fib.lookup(node, vrf, version, ip)
    if route is None or stays(route.nexthops, node, vrf):
        return None
    return route


def receivers(network: Network, at: Place) -> tuple[Endpoint, ...]:
    """The endpoints to which a packet may be delivered where it is."""
    ip = at.header.version, at.header.dst
    if leads_on(network, at.node, at.vrf, *ip):
        return ()
    found = owners(network, at.vrf, *ip)
    return tuple(end for end in found if at.node in end.vteps)


def sender(network: Network, header: Flow) -> Endpoint | None:
    """Who sends a packet: of the owners of its source address the one that it names, or the first;
    None where it names somebody else. Whether it may send from there its VTEP says (`ways`)."""
    found = owners(network, header.vrf, header.version, header.src)
    return next((e for e in found if header.src_endpoint in (-1, e.index)), None)


def way_back(
    network: Network, at: Place, outer: tuple[int, int]
) -> tuple[Route | None, int | None]:
    """The route by which a packet's source is looked for where it came out of the tunnel from VTEP
    and VRF `outer`; and the VRF behind which that puts it: that of a next hop that leads to this
    VTEP, the VRF it came from if it is among them. None where no hop leads there."""
    header, (vtep, vrf) = at.header, outer
    back = network.fib.lookup(at.node, at.vrf, header.version, header.src)
    vrfs = [hop.vrf for hop in back.nexthops if hop.vtep == vtep] if back is not None else []
    return back, vrf if vrf in vrfs else next(iter(vrfs), None)
