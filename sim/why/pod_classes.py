"""Which pods fare alike: those that no rule tells apart, neither as its own nor as the other end.

Two endpoints are of one class when the same groups decide for them, every range of addresses that
some entry speaks of has both or neither, and they are of one VRF and state. Under a failure the
host counts as well: what is down may cut off one of them. Pods of two workloads are never of one
class, nor are those that something not evaluated touches and others. Cost: endpoints times
distinct ranges.
"""

from __future__ import annotations

from collections.abc import Iterable

from compiler.policy.ir import Direction
from compiler.program.walk import inside
from fabric.values.inventory import Endpoint
from sim.wording.verdicts import touching
from sim.worlds.world import World


def workload(endpoint: Endpoint) -> str:
    """The workload that a pod belongs to, else the endpoint itself, by full name."""
    if endpoint.workload is None:
        return endpoint.name
    return f"{endpoint.name.rpartition('/')[0]}/{endpoint.workload}"


def classes(world: World, members: Iterable[Endpoint]) -> list[list[Endpoint]]:
    """The members by class, classes and members in the order given."""
    network, program = world.network, world.program
    ranges = {
        (version, intervals)
        for group in program.groups
        for entry in group.entries
        for region in entry.regions
        for version, intervals in ((4, region.v4), (6, region.v6))
    }
    ordered, doubts = sorted(ranges), touching(network)
    failed = bool(network.fabric.failed)
    found: dict[object, list[Endpoint]] = {}
    for endpoint in members:
        addresses = [(p.version, int(p.network_address)) for p in endpoint.prefixes]
        key = (
            endpoint.vrf,
            endpoint.state,
            endpoint.host if failed else None,
            workload(endpoint),
            doubts.of(endpoint.index),
            *(tuple(program.bindings[d, endpoint.index].tolist()) for d in Direction),
            tuple(sorted({version for version, _ in addresses})),
            tuple(
                any(v == version and inside(intervals, ip) for v, ip in addresses)
                for version, intervals in ordered
            ),
        )
        found.setdefault(key, []).append(endpoint)
    return list(found.values())
