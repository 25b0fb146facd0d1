"""Doors of a cluster without a fabric (`sim.reach.openings`), and who of the outside gets in.

Rules that hold here:

1. Where pods see the client, the door is open to whom policies let in from outside at that port.
2. Where a node opens the connection, it may be the pod's own, which is always let in. Where
   policies let the outside in anyway, the door is open to everybody; where they do not, it leads
   past them, and who gets in is unknown (`compiler.sources.doors` tells of it).
3. Where a controller opens it, whoever reaches the controller reaches the pods, and who that is is
   unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

from fabric.building.cluster import CLUSTER
from fabric.values.ports import PortRange
from sim.reach.connectivity import Connection, Connectivity, Peer
from sim.reach.openings import CONTROLLER, NODES, Opening, openings

EVERYBODY = ("everybody",)


@dataclass(frozen=True, slots=True, order=True)
class Door:
    """One way in to a workload, as `Opening` tells it; `open_to` is who may use it (None: unknown,
    empty: nobody), `conditional` whether something must hold besides for some of these."""

    kind: str
    name: str
    way: str
    service: str
    target: Peer
    port: str
    via: str
    open_to: tuple[str, ...] | None
    conditional: bool = False


def doors(found: Connectivity) -> list[Door]:
    """Every door of a cluster, by what opens it."""
    network = found.reach.network
    past = {
        (f"{r.namespace}/{r.name}", r.workload)
        for r in network.not_evaluated
        if r.category == "door" and r.kind == "Service"
    }
    out: dict[tuple[str, str, str, str, Peer, str, str], Door] = {}
    for at in openings(network, CLUSTER):
        pod, _ = at.pod
        target = Peer(pod.workload_kind, pod.namespace, pod.workload)
        key = at.kind, at.name, at.way, at.service, target, str(at.port), at.via
        if key not in out:
            shut = at.via == NODES and (at.name, pod.workload) in past
            who = None if shut else entering(found, at, target)
            some = bool(who) and any(c.conditional for c in outside(found, target, at.port))
            out[key] = Door(*key, who, some)
    return sorted(out.values(), key=lambda d: (d.kind, d.name, d.way, d.target, d.port))


def entering(found: Connectivity, at: Opening, target: Peer) -> tuple[str, ...] | None:
    """Who of the outside gets in."""
    if at.via == CONTROLLER:
        return None
    who = tuple(text for c in outside(found, target, at.port) for text in c.source.ranges)
    return EVERYBODY if who and at.via == NODES else who


def outside(found: Connectivity, target: Peer, port: PortRange) -> list[Connection]:
    """How policies let the outside in."""
    mask = found.reach.space.touching([port])
    return [
        c
        for c in found.connections
        if c.source.kind == "External" and c.target == target and (c.ports & mask).any()
    ]
