"""What a tenant's own nodes get to by way of other nodes, of all that was asked for.

As `sim.why.handed_on` tells it of one flow; who gets where is read off the reachability, for all
packets (`sim.proof.ways_around.detours`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fabric.building.network import Network
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, accepting, pending
from sim.names.service_ways import service_ways
from sim.proof.pairs.reachability import Bits, Reach
from sim.proof.ways_around.detours import Entering
from sim.why.handed_on import record
from sim.why.pod_classes import workload


@dataclass(frozen=True, slots=True)
class Led:
    """A record per Service, and the pairs (names of nodes and workloads) of which more may pass
    than is listed; of those that nobody accepted."""

    records: tuple[Unevaluated, ...] = ()
    pairs: frozenset[tuple[str, str]] = frozenset()


def led_nodes(network: Network, made: Callable[[], Reach], src: Bits, dst: Bits) -> Led:
    """What leads nodes among these senders on to endpoints among those receivers."""
    known = {(r.kind, r.tenant, r.namespace, r.name, r.workload) for r in network.not_evaluated}
    nodes = {e.tenant for e in network.endpoints if e.kind == "node" and src[e.index]}
    ways = [
        way
        for way in service_ways(network)
        if way.tenant in nodes
        and dst[way.endpoint.index]
        and ("Service", way.tenant, way.service.namespace, way.service.name, way.workload or "")
        not in known
    ]
    if not ways:
        return Led()
    entering, found = Entering(made()), dict[Unevaluated, set[tuple[str, str]]]()
    for way in ways:
        for key in entering.rest(way).tolist():
            end = network.endpoints[key // 2]
            mine = src[end.index] and (end.kind, end.tenant) == ("node", way.tenant)
            if mine and entering.around(key, way, entering.ranges(key, way)):
                pair = workload(end), workload(way.endpoint)
                found.setdefault(record(way), set()).add(pair)
    records = accepting(found, network.accepts)
    told = zip(records, found.values(), strict=True)
    pairs = {pair for one, led in told if pending([one]) for pair in led}
    return Led(records, frozenset(pairs))
