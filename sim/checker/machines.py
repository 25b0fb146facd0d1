"""Hosts with several addresses, found by regions alone.

The words are those of `sim.proof.machines`; nothing of it is used. An expectation that denies
packets and names a node with host-network pods is spoken against when one of its senders is another
node of that host, or gets such a packet to one. Ends that are addresses name no process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

from fabric.inventory import Endpoint
from fabric.kubernetes.unevaluated import Unevaluated, accepting
from fabric.network import Network
from sim.checker.claims import Claim, Judge

DETOUR = "detour"


def led_on(
    network: Network, judge: Judge, claims: Iterable[Claim], gone: Set[int] = frozenset()
) -> Iterator[Unevaluated]:
    """A record for each tenant and host of which something speaks against one of these claims, in
    the world that a judge knows; endpoints that are `gone` neither send nor answer."""
    claims = [c for c in claims if c.kind != "allow" and c.blocks[1] is None]
    found = [
        Unevaluated("v1", "Node", "", node.host or "", None, DETOUR, "", "node", node.tenant)
        for node, doors in _machines(network)
        if not gone & {node.index, *doors}
        and any(_speaks_against(judge, claim, node, doors, gone) for claim in claims)
    ]
    yield from accepting(found, network.accepts)


def _machines(network: Network) -> Iterator[tuple[Endpoint, Set[int]]]:
    """Nodes with host-network pods, each with the other nodes of its host."""
    nodes = [e for e in network.endpoints if e.kind == "node" and e.host is not None]
    for node in nodes:
        others = {e.index for e in nodes if e.host == node.host} - {node.index}
        if node.aliases and others:
            yield node, others


def _speaks_against(
    judge: Judge, claim: Claim, node: Endpoint, doors: Set[int], gone: Set[int]
) -> bool:
    ways = ((0, 1), (1, 0)) if claim.both_ways else ((0, 1),)
    names = claim.source, claim.target
    for source, target in ways:
        if node.index not in judge.selected(names[target], claim.within(target, 4), 4):
            continue
        for version in claim.versions:
            senders = judge.selected(names[source], claim.within(source, version), version)
            senders = senders - gone - {node.index}
            if senders & doors or judge.leaks(claim, senders, doors, version):
                return True
    return False
