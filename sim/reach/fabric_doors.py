"""Doors of tenants' clusters in a fabric (`sim.reach.openings`), and who beyond the tenant gets in.

Rules that hold here:

1. A port of nodes is open to those beyond the tenant whom routes and policies let through to one
   of these hosts at that port, at whatever tenant's address: DPUs decide before hosts translate.
2. At a load balancer or an external IP, of which the fabric does not know who has it, and behind a
   controller, who gets in is unknown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fabric.building.network import Network
from fabric.values.ports import PortRange
from sim.proof.pairs.pairs_into import PairsInto
from sim.proof.pairs.reachability import Bits, Reach
from sim.reach.openings import openings
from sim.why.pod_classes import workload

Key = tuple[str, str, str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class FabricDoor:
    """One way in to a workload; `open_to` is None where it is unknown, of workloads by name."""

    tenant: str
    kind: str
    name: str
    way: str
    service: str
    target: str
    port: str
    via: str
    open_to: tuple[str, ...] | None

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "tenant": self.tenant,
            "kind": self.kind,
            "name": self.name,
            "at": self.way,
            "service": self.service or None,
            "leads_to": self.target,
            "port": self.port,
            "via": self.via or None,
            "open_to": None if self.open_to is None else list(self.open_to),
        }


def fabric_doors(network: Network, made: Callable[[], Reach], wanted: Bits) -> list[FabricDoor]:
    """Every door of every tenant that leads to one of the wanted endpoints; who reaches whom is
    `made` where there is one."""
    entering: _EnteringNodes | None = None
    names = [workload(e) for e in network.endpoints]
    open_to: defaultdict[Key, set[str]] = defaultdict(set)
    unknown: set[Key] = set()
    for tenant in network.manifests:
        for at in openings(network, tenant):
            _, pod = at.pod
            if wanted[pod.index]:
                target = names[pod.index]
                key = (
                    tenant, at.kind, at.name, at.way, at.service, target, str(at.port), at.via,
                )  # fmt: skip
                if at.on is None:
                    unknown.add(key)
                else:
                    entering = entering or _EnteringNodes(made())
                    open_to[key] |= entering.at(tenant, None if at.every else pod.host, at.on)
    rows = [FabricDoor(*key, open_to=tuple(sorted(who))) for key, who in open_to.items()]
    rows += [FabricDoor(*key, open_to=None) for key in unknown]
    return sorted(rows, key=lambda d: (d.tenant, d.kind, d.name, d.way, d.target, d.port))


class _EnteringNodes:
    """Who beyond a tenant gets to ports of its nodes, worked out once per port (rule 1)."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self.names = [workload(e) for e in reach.network.endpoints]
        self.into = PairsInto.sorted(reach.pairs)
        self.known: dict[tuple[str, str | None, PortRange], frozenset[str]] = {}

    def at(self, tenant: str, host: str | None, port: PortRange) -> frozenset[str]:
        """Workloads and endpoints that get to a port of a host's nodes, or of all of them."""
        key = tenant, host, port
        if key not in self.known:
            nodes = [e for e in self.reach.network.endpoints if e.kind == "node"]
            hosts = {e.host for e in nodes if e.tenant == tenant and host in (None, e.host)}
            at = [e.index for e in nodes if e.host in hosts]
            self.known[key] = frozenset(self.senders(at, tenant, port))
        return self.known[key]

    def senders(self, nodes: Iterable[int], tenant: str, port: PortRange) -> Iterator[str]:
        """Those that get to a port of one of these nodes."""
        reach = self.reach
        open_: Bits = np.asarray((reach.sets & reach.space.touching([port])).any(axis=1))
        for rows in map(self.into.rows, nodes):
            for index in reach.pairs.src[rows[open_[reach.pairs.some[rows]]]].tolist():
                if reach.network.endpoints[index].tenant != tenant:
                    yield self.names[index]
