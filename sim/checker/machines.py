"""Hosts with several addresses, found by regions alone.

The words are those of `sim.proof.machines`; nothing of it is used. An expectation that denies
packets is spoken against by a node with host-network pods at one of its ends when such a packet
gets through with another node of that host in its place, or that one is at the other end. What
addresses limit an end to counts where no other node stands in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import chain

from fabric.inventory import Endpoint
from fabric.kubernetes.unevaluated import Unevaluated, accepting
from fabric.network import Network
from sim.checker.claims import Claim, Judge

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
    speaking: set[int] = set()
    for claim in chain.from_iterable(c.each for c in claims) if doors else ():
        if claim.kind != "allow":
            for source, target in ((0, 1), (1, 0)) if claim.both_ways else ((0, 1),):
                speaking |= _speaking(judge, claim, source, target, doors, gone)
    named = (network.endpoints[number] for number in sorted(speaking))
    found = [
        Unevaluated("v1", "Node", "", node.host or "", None, DETOUR, "", "node", node.tenant)
        for node in named
    ]
    yield from accepting(found, network.accepts)


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
