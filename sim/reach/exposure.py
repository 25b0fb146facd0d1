"""Exposure: connections between workloads that are there and pods that are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from sim.reach.connectivity import Connection, Connectivity, Peer
from sim.reach.future_peers import FuturePod


@dataclass(frozen=True)
class Exposure:
    """Who reaches whom in a cluster with pods that are not there; `pods` says which these are."""

    found: Connectivity
    pods: Mapping[Peer, FuturePod]

    @cached_property
    def connections(self) -> tuple[Connection, ...]:
        """Those with a pod at one end that is not there, and at the other a workload that is."""
        rows = (
            c for c in self.found.connections if (c.source in self.pods) != (c.target in self.pods)
        )
        return tuple(c for c in rows if "External" not in (c.source.kind, c.target.kind))

    def future_end(self, of: Connection) -> tuple[Literal["ingress", "egress"], FuturePod]:
        """Which way it is for the workload that is there, and the pod that is not."""
        into = self.pods.get(of.source)
        return ("egress", self.pods[of.target]) if into is None else ("ingress", into)
