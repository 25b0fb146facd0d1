"""Hosts with several addresses, found by regions alone.

The words are those of `sim.proof.ways_around.machines`; nothing of it is used. An expectation that
denies packets is spoken against by a node with host-network pods at one of its ends when such a
packet gets through with another node of that host in its place, or that one is at the other end.
What addresses limit an end to counts where no other node stands in its place.

It is spoken against, too, by a node on whose network both ends select pods, not the same ones: by
name, or as all in their VRF; behind a Service may be any of the node's pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set

from fabric.building.network import Network
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, accepting
from fabric.values.inventory import Endpoint
from fabric.values.names import matches
from sim.checker.expectations.claims import Claim, Judge
from sim.checker.walking.guests import stands_for

DETOUR = "detour"
Doors = Mapping[int, Set[int]]
"""By nodes with host-network pods the other nodes of their hosts."""


def led_on(
    network: Network, judge: Judge, claims: Iterable[Claim], gone: Set[int] = frozenset()
) -> Iterator[Unevaluated]:
    """A record for each tenant and host of which something speaks against one of these claims, in
    the world that a judge knows; endpoints that are `gone` neither send nor answer."""
    doors = {
        node.index: others - gone
        for node, others in _machines(network)
        if node.index not in gone and others - gone
    }
    every = [c for claim in claims for c in claim.each if c.kind != "allow"]
    speaking = {
        node.index
        for node in network.endpoints
        if node.kind == "node" and len(node.aliases) > 1 and node.index not in gone
        for names in [_pods(network, node)]
        for vrf in [network.vrfs[node.vrf].name]
        if any(_shared(claim, node, vrf, names) for claim in every)
    }
    for claim in every if doors else ():
        for source, target in ((0, 1), (1, 0)) if claim.both_ways else ((0, 1),):
            speaking |= _speaking(judge, claim, source, target, doors, gone)
    named = (network.endpoints[number] for number in sorted(speaking))
    found = [
        Unevaluated("v1", "Node", "", node.host or "", None, DETOUR, "", "node", node.tenant)
        for node in named
    ]
    yield from accepting(found, network.accepts)


def _pods(network: Network, node: Endpoint) -> list[tuple[str, str]]:
    """Full names of the pods on the network of a node and of their workloads."""
    manifests = network.manifests.get(node.tenant)
    return [
        (f"{first}{pod.name}" + (f"-{node.host}" if pod.per_host else ""), f"{first}{pod.workload}")
        for pod in (manifests.pods if manifests else ())
        for first in [f"{node.tenant}/{pod.namespace}/"]
        if stands_for(node, pod)
    ]


def _shared(claim: Claim, node: Endpoint, vrf: str, pods: list[tuple[str, str]]) -> bool:
    """Whether both ends select pods of a node that are not one and the same."""

    def selected(pattern: str) -> set[str]:
        by_name = {p for p, workload in pods if _any(pattern, (p, workload))}
        return by_name or ({p for p, _ in pods} if pattern == vrf else by_name)

    if claim.pods is None:
        into = selected(claim.target)
    else:
        into = {p for p, _ in pods} if node.index in claim.pods else set()
    return any(into - {pod} for pod in selected(claim.source))


def _any(pattern: str, names: Iterable[str]) -> bool:
    return any(matches(pattern, name, None) for name in names)


def _machines(network: Network) -> Iterator[tuple[Endpoint, Set[int]]]:
    """Nodes with host-network pods, each with the other nodes of its host."""
    nodes = [e for e in network.endpoints if e.kind == "node" and e.host is not None]
    for node in nodes:
        others = {e.index for e in nodes if e.host == node.host} - {node.index}
        if node.aliases and others:
            yield node, others


def _speaking(
    judge: Judge, claim: Claim, source: int, target: int, doors: Doors, gone: Set[int]
) -> set[int]:
    """The nodes that speak against one direction of a claim."""
    senders, receivers = (_at(judge, claim, end) - gone for end in (source, target))
    free_target = claim._replace(blocks=(claim.blocks[0], None))
    free_source = claim._replace(blocks=(None, claim.blocks[1]))
    free = claim._replace(blocks=(None, None))
    found = set()
    for node, others in doors.items():
        elsewhere = {door for n in doors.keys() & senders - {node} for door in doors[n]}
        if node in receivers and (
            _passes(judge, free_target, senders - {node}, others)
            or _passes(judge, free, elsewhere, others)
        ):
            found.add(node)
        if node in senders and _passes(judge, free_source, others, receivers - {node}):
            found.add(node)
    return found


def _at(judge: Judge, claim: Claim, end: int) -> Set[int]:
    """Whom an end stands for, in whatever IP version."""
    block = claim.blocks[end]
    versions = (4, 6) if block is None else block.versions
    return frozenset().union(*(judge.at(claim, end, v) for v in versions))


def _passes(judge: Judge, claim: Claim, senders: Set[int], receivers: Set[int]) -> bool:
    """Whether somebody is at both ends, or a packet that is denied gets from one to the other."""
    return not senders.isdisjoint(receivers) or any(
        judge.leaks(claim, senders, receivers, version) for version in claim.versions
    )
