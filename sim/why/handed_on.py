"""What a tenant's own nodes get to by way of other nodes, of one flow that does not pass.

A node may always open connections to its own pods. So may whoever gets to it at the port of a
Service that leads to them: the node hands that on. Of everybody but the tenant's own nodes this is
told of the network (`sim.proof.ways_around.detours`); of these it is told of the question.

Rules that hold here:

1. It is asked of a flow that does not pass from a node to a pod of its tenant, at the port where a
   Service leads to the pod, and told if the node gets to another endpoint where that Service takes
   packets. A port that is drawn may be any of those that it is drawn from.
2. It touches nobody but the two ends of the flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, accepting
from fabric.values.inventory import Endpoint
from sim.forwarding.one_step import receivers
from sim.names.ends import address_of
from sim.names.service_ways import ServiceWay, service_ways
from sim.packets.headers import Flow
from sim.packets.reasons import Reason
from sim.pipeline.trace import trace
from sim.pipeline.traffic import interesting_ports
from sim.pipeline.ways import entered
from sim.wording.verdicts import detour
from sim.worlds.world import World


def handed_on(world: World, flow: Flow, told: Iterable[Unevaluated]) -> Iterator[Unevaluated]:
    """A record per Service that may lead a flow of a node on to whom it is sent."""
    network = world.network
    source = network.endpoints[flow.src_endpoint]
    if source.kind != "node":
        return
    found_ways = [way for _, way, _ in entered(world, source, flow) if way is not None]
    ends = {end.index for way in found_ways for end in receivers(network, way.end)}
    known = {(r.kind, r.tenant, r.namespace, r.name) for r in told}
    found: dict[tuple[str, ...], Unevaluated] = {}
    for way in service_ways(network):
        key = "Service", way.tenant, way.service.namespace, way.service.name
        mine = way.tenant == source.tenant and way.endpoint.index in ends
        if mine and key not in {*known, *found} and _leads(way, flow) and _enters(world, way, flow):
            found[key] = record(way)
    yield from accepting(found.values(), network.accepts)


def record(way: ServiceWay) -> Unevaluated:
    """What is told of a way that leads a node on."""
    what = f"leads nodes from {way.port} of another node on to pods that they do not reach"
    return detour(way, what)


def _leads(way: ServiceWay, flow: Flow) -> bool:
    """Whether a way ends where a flow goes."""
    at = way.target
    return (
        flow.version in way.versions
        and flow.protocol == at.protocol
        and at.first <= flow.dport <= at.last
    )


def _enters(world: World, way: ServiceWay, flow: Flow) -> bool:
    """Whether the sender of a flow gets to another endpoint where a way begins."""
    first, last = way.port.first, way.port.last
    known = interesting_ports(world.blocks) if first < last else ()
    ports = {
        first,
        *(p for protocol, p in known if protocol == flow.protocol and first < p <= last),
    }
    others = [world.network.endpoints[n] for n in way.at if n != flow.src_endpoint]
    return any(
        _gets_to(world, door, replace(flow, dport=p)) for p in sorted(ports) for door in others
    )


def _gets_to(world: World, door: Endpoint, flow: Flow) -> bool:
    at = address_of(world.network, door, flow.version)
    if at is None:
        return False
    to = replace(flow, dst=at)
    here = world.network.endpoints[flow.src_endpoint]
    traces = (trace(world, to, choice) for choice in range(len(entered(world, here, to))))
    return any((t.reason, t.target) == (Reason.DELIVERED, door.index) for t in traces)
