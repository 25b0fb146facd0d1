"""Hosts with several addresses: a process on a host's own network answers at each of them.

A node is an endpoint in each VRF and of each tenant that its host serves, and yet one machine. What
an expectation forbids about a host-network pod is proven for the node that it is named by; who gets
to another node of that host gets to the process there.

Rules that hold here:

1. An expectation that denies packets (`deny`, `only`) is spoken against when it names a node with
   host-network pods, and packets that it denies get from one of its senders to another node of the
   same host, or the sender is one. Addresses name no process: what is asked about them is proven.
2. It is asked as things are and in the world of every failure that the expectation names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from fabric.inventory import Endpoint
from fabric.kubernetes.unevaluated import Unevaluated, accepting
from fabric.network import Network
from sim.names.chosen import chosen
from sim.proof.expect import Claim, check_claim
from sim.proof.reachability import Reach
from sim.verdicts import DETOUR
from sim.why.pod_classes import workload

Way = tuple[Endpoint, Endpoint, Endpoint]
"""A sender, the node that he gets to, and the node whose processes are there too."""


class Machines:
    """Nodes that are one machine, asked about for expectations."""

    def __init__(self, network: Network) -> None:
        self.network = network
        nodes = defaultdict[str | None, list[Endpoint]](list)
        for e in network.endpoints:
            if e.kind == "node" and e.host is not None:
                nodes[e.host].append(e)
        self.nodes = {host: found for host, found in nodes.items() if len(found) > 1}

    def against(
        self, reach: Reach, claims: Iterable[Claim], gone: Sequence[int] = ()
    ) -> dict[int, tuple[Unevaluated, ...]]:
        """What speaks against expectations in a world, by their numbers; `gone` are the endpoints
        that are exempt."""
        out = {}
        for claim in claims if self.nodes else ():
            told = dict[tuple[str, str | None], Unevaluated]()
            for way in self._ways(reach, claim, frozenset(gone)):
                told.setdefault((way[2].tenant, way[2].host), record(*way))
            if told:
                out[claim.number] = accepting(told.values(), self.network.accepts)
        return out

    def _ways(self, reach: Reach, claim: Claim, gone: frozenset[int]) -> Iterator[Way]:
        if claim.kind == "allow" or claim.limits.target is not None:
            return
        ends = [(claim.source, claim.target), (claim.target, claim.source)]
        for source, target in ends[: 1 + claim.both_ways]:
            meant = [e for e in chosen(self.network, target) if e.aliases and e.index not in gone]
            named = [e for e in meant if e.host in self.nodes and e.kind == "node"]
            if named:
                senders = [e for e in chosen(self.network, source) if e.index not in gone]
                yield from self._around(reach, claim, senders, named)

    def _around(
        self, reach: Reach, claim: Claim, senders: list[Endpoint], named: list[Endpoint]
    ) -> Iterator[Way]:
        doors = {n.index: n for e in named for n in self.nodes[e.host] if n is not e}
        met = [(e.index, e.index) for e in senders if e.index in doors]
        grid = _keys(len(self.network.endpoints), senders, doors.values())
        asked = replace(claim, both_ways=False)
        met += [(b.src, b.dst) for b in check_claim(reach, asked, grid).breaches if b.reached]
        for src, dst in met:
            for node in named:
                if node.host == doors[dst].host and node.index not in (src, dst):
                    yield self.network.endpoints[src], doors[dst], node


def _keys(
    n: int, senders: Iterable[Endpoint], doors: Iterable[Endpoint]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Pairs as `sim.proof.expect.pairs_of` has them, sorted."""
    ends = [list(senders), list(doors)]
    out = [np.zeros(0, np.int64)]
    for version in (4, 6):
        src, dst = (
            np.array([e.index for e in end if _speaks(e, version)], np.int64) for end in ends
        )
        grid = (src[:, None] * n + dst) * 2 + (version == 6)
        out.append(grid[src[:, None] != dst])
    return np.sort(np.concatenate(out))


def _speaks(endpoint: Endpoint, version: int) -> bool:
    return any(p.version == version for p in endpoint.prefixes)


def record(sender: Endpoint, door: Endpoint, node: Endpoint) -> Unevaluated:
    """What is told of a host: one record for each tenant with processes there."""
    who = workload(sender)
    gets = f"{who} is on it" if sender is door else f"{who} gets to it at {door.name}"
    what = f"is one machine: {gets}, where {node.aliases[0]} may answer as well"
    return Unevaluated("v1", "Node", "", node.host or "", None, DETOUR, what, "node", node.tenant)
