"""Hosts with several addresses: a process on a host's own network is at each of them.

A node is an endpoint in each VRF and of each tenant that its host serves, and yet one machine. What
an expectation forbids about a host-network pod is proven for the node that it is named by; who gets
to another node of that host gets to the process there, and the process gets to whatever another
node of that host gets to.

Rules that hold here:

1. An expectation that denies packets (`deny`, `only`) is spoken against when a node with
   host-network pods is among those at one of its ends, and packets that it denies get through with
   another node of the same host in its place, or that other node is at the other end.
2. An address of such a node is as good as its name. An end that is addresses is about these alone
   where no other node stands in its place.
3. A process is not compared with itself, whatever its addresses.
4. It is asked as things are and in the world of every failure that the expectation names.
5. Two host-network pods of one node always reach each other: no packet of theirs leaves it. So an
   expectation is also spoken against by a node where its ends select two different ones, by names,
   as everybody of a tenant or as everybody in a VRF; of a Service any pod there may be the other
   one. What is the node's own besides is not compared with them, as rule 3 has it.
6. Where there are too many pairs to list all of them (`sim.proof.crowded`), packets of somebody
   are taken to get to the other nodes of a host, and from there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product

import numpy as np

from fabric.building.network import Network
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, accepting
from fabric.values.inventory import Endpoint
from fabric.values.names import matches
from sim.names.chosen import ANYBODY, chosen
from sim.names.members import members
from sim.proof.expectations.expect import Claim, check_claim
from sim.proof.pairs.reachability import Reach
from sim.proof.routes.paths import Column
from sim.why.pod_classes import workload
from sim.wording.verdicts import DETOUR

Guest = tuple[str, str]
"""Full names of a host-network pod and of its workload."""
TOO_MANY = "who gets to its other addresses is too much to ask, and a process may answer there"
Meant = Mapping[int, Sequence[Endpoint]]
"""Who is meant by endpoints, by their numbers: each itself, or nodes whose processes are there."""


@dataclass(frozen=True, slots=True)
class LedOn:
    """A packet that is denied, from `src` to `dst`, one of which stands for `node`, a node that is
    meant, on the same host; `sends`: at the source. Equal ones: both ends are on that host."""

    src: Endpoint
    dst: Endpoint
    node: Endpoint
    sends: bool

    @property
    def record(self) -> Unevaluated:
        """What is told of a host: one record for each tenant with processes there."""
        node, door, other = self.node, self.dst, self.src
        if self.sends:
            door, other = self.src, self.dst
        who, process = workload(other), node.aliases[0]
        what = f"{who} gets to it at {door.name}, where {process} may answer as well"
        if self.sends:
            what = f"it gets to {who} from {door.name}, where {process} may send as well"
        if door is other:
            what = f"{who} is on it, where {process} is as well"
        return of_node(node, what)


def of_node(node: Endpoint, what: str) -> Unevaluated:
    """A record of a host."""
    told = f"is one machine: {what}"
    return Unevaluated("v1", "Node", "", node.host or "", None, DETOUR, told, "node", node.tenant)


def guests(network: Network) -> dict[int, list[Guest]]:
    """The host-network pods of each node."""
    found: dict[int, dict[Guest, None]] = {}
    hosting = {e.tenant for e in network.endpoints if e.aliases}
    for tenant in (tenant for tenant in network.manifests if tenant in hosting):
        for pod, end in members(network, tenant):
            if end.kind == "node":
                own = f"-{end.host}" if pod.per_host else ""
                first = f"{tenant}/{pod.namespace}/"
                guest = f"{first}{pod.name}{own}", f"{first}{pod.workload}"
                found.setdefault(end.index, {})[guest] = None
    return {number: list(some) for number, some in found.items()}


class Machines:
    """Nodes that are one machine, asked about for expectations."""

    def __init__(self, network: Network) -> None:
        self.network = network
        nodes = defaultdict[str | None, list[Endpoint]](list)
        for e in network.endpoints:
            if e.kind == "node" and e.host is not None:
                nodes[e.host].append(e)
        self.nodes = {host: found for host, found in nodes.items() if len(found) > 1}
        self.guests = {n: found for n, found in guests(network).items() if len(found) > 1}

    @property
    def apart(self) -> bool:
        """Whether a node with host-network pods has another one on its host: what anybody reaches
        there matters, and not just the pairs of expectations."""
        return any(e.aliases for found in self.nodes.values() for e in found)

    def against(
        self, reach: Reach, claims: Iterable[Claim], gone: Sequence[int] = ()
    ) -> dict[int, tuple[Unevaluated, ...]]:
        """What speaks against expectations in a world, by their numbers; `gone` are the endpoints
        that are exempt."""
        out = {}
        for claim in claims if self.nodes or self.guests else ():
            told = dict[tuple[str, str | None], Unevaluated]()
            for one in claim.each if claim.kind != "allow" else ():
                for node, what in self._together(one, gone):
                    told.setdefault((node.tenant, node.host), of_node(node, what))
            asked = claim.each if self.apart else ()
            if reach.stand_ins is not None:
                for node in self._taken_to_be(asked):
                    told.setdefault((node.tenant, node.host), of_node(node, TOO_MANY))
                asked = ()
            ways = (self._ways(reach, one, frozenset(gone)) for one in asked)
            for way in chain.from_iterable(ways):
                told.setdefault((way.node.tenant, way.node.host), way.record)
            if told:
                out[claim.number] = accepting(told.values(), self.network.accepts)
        return out

    def _taken_to_be(self, claims: Iterable[Claim]) -> Iterator[Endpoint]:
        """Nodes at an end of claims that deny packets, whose hosts have another one (rule 6)."""
        for claim in claims if self.apart else ():
            for end in (claim.source, claim.target) if claim.kind != "allow" else ():
                for e in chosen(self.network, end):
                    if e.aliases and len(self.nodes.get(e.host, ())) > 1:
                        yield e

    def _together(self, claim: Claim, gone: Sequence[int]) -> Iterator[tuple[Endpoint, str]]:
        """Nodes with two pods that an expectation is about (rule 5)."""
        for number, every in self.guests.items():
            node, behind = self.network.endpoints[number], claim.pods
            if number in gone or (behind is not None and number not in behind):
                continue
            froms = self._meant(claim.source, node)
            into = self._meant(claim.target, node) if behind is None else every
            if pair := next(((a, b) for a in froms for b in into if a != b), None):
                yield node, f"{pair[0][0]} and {pair[1][0]} are on it, and reach each other"

    def _meant(self, end: str, node: Endpoint) -> list[Guest]:
        """The host-network pods of a node that an end is about."""
        every = self.guests[node.index]
        named = [g for g in every if any(matches(end, name, None) for name in g)]
        everybody = self.network.vrfs[node.vrf].name == end
        return every if everybody and not named else named

    def _ways(self, reach: Reach, claim: Claim, gone: frozenset[int]) -> Iterator[LedOn]:
        ends = [(claim.source, claim.target), (claim.target, claim.source)]
        for a, b in ends[: 1 + claim.both_ways] if claim.kind != "allow" else ():
            sources, targets = ({e.index: [e] for e in chosen(self.network, x)} for x in (a, b))
            if claim.pods is not None:
                targets = {i: [self.network.endpoints[i]] for i in claim.pods}
            out, into = (self._elsewhere(end, gone) for end in (sources, targets))
            for froms, tos, source, target in (
                (sources, into, a, ANYBODY),
                (out, into, ANYBODY, ANYBODY),
                (out, targets, ANYBODY, b),
            ):
                asked = replace(claim, source=source, target=target, both_ways=False)
                yield from self._between(reach, asked, froms, tos, gone)

    def _elsewhere(self, end: Meant, gone: frozenset[int]) -> Meant:
        """The other nodes of the hosts of those at an end."""
        found = defaultdict[int, list[Endpoint]](list)
        for (e,) in end.values():
            if e.kind == "node" and e.aliases and e.index not in gone:
                for other in self.nodes.get(e.host, ()):
                    if other is not e:
                        found[other.index].append(e)
        return found

    def _between(
        self, reach: Reach, claim: Claim, froms: Meant, tos: Meant, gone: frozenset[int]
    ) -> Iterator[LedOn]:
        endpoints = self.network.endpoints
        ends = [[endpoints[i] for i in end if i not in gone] for end in (froms, tos)]
        if not all(ends):
            return
        met = [(i, i) for i in froms if i in tos and i not in gone]
        grid = _keys(len(endpoints), *ends)
        met += [(b.src, b.dst) for b in check_claim(reach, claim, grid).breaches if b.reached]
        for src, dst in met:
            for sender, receiver in product(froms[src], tos[dst]):
                if sender is not receiver:
                    sends = receiver.index == dst
                    node = sender if sends else receiver
                    yield LedOn(endpoints[src], endpoints[dst], node, sends)


def _keys(n: int, senders: Iterable[Endpoint], doors: Iterable[Endpoint]) -> Column:
    """Pairs as `sim.proof.expectations.expect.pairs_of` has them, sorted."""
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
