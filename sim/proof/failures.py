"""`hold_under`: the claims of a world in which one link or one node has failed.

Every single failure is tried. Most change nothing that a packet could notice, because next hops are
VTEPs and paths are many: worlds with the same routes and the same reachable VTEPs are proven once.
Endpoints on the failed node are exempt: nobody expects them to answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from fabric.budget import afford_failures
from fabric.network import Network
from fabric.topology import Role
from sim.blocks.blocks import reroute
from sim.proof.expect import Claim, Outcome, check_claim, pairs_of, without
from sim.proof.reachability import Reach, reachability

KINDS = ("any-1-link", "any-1-node")
Rebuild = Callable[[Network, tuple[str, ...]], Network]


@dataclass(frozen=True, slots=True)
class Failed:
    """An outcome in the world of one failure, and that world."""

    outcome: Outcome
    reach: Reach


def single_failures(network: Network, kind: str) -> list[str]:
    """Names of what fails, one at a time: links, or nodes that speak BGP; what is down stays so."""
    fabric = network.fabric
    if kind == "any-1-link":
        return [
            link.name
            for link in fabric.links
            if link.kind != "host" and link.index not in fabric.down_links
        ]
    return [
        node.name
        for node in fabric.nodes
        if node.role is not Role.HOST and node.index not in fabric.down_nodes
    ]


def check_failures(
    reach: Reach, claims: tuple[Claim, ...], rebuild: Rebuild, tell: Callable[[str], None]
) -> Iterator[Failed]:
    """Outcomes of the claims that must hold under failures, failure by failure. A failure that no
    packet can notice has no outcome of its own."""
    network = reach.network
    already = down_names(network)
    worlds = {signature(network): reach}
    asking = [claim for claim in claims if claim.hold_under]
    afford_failures(network.fabric, tried(network, claims), asking[0].span if asking else None)
    wanted = {claim.number: pairs_of(claim, network) for claim in claims if claim.hold_under}
    for kind in KINDS:
        concerned = [claim for claim in claims if kind in claim.hold_under]
        for name in single_failures(network, kind) if concerned else ():
            tell(f"without {name}")
            world = _world(rebuild(network, (*already, name)), reach, worlds)
            if world is reach:
                continue
            gone = {n.index for n in network.fabric.nodes if n.name == name}
            exempt = [e.index for e in network.endpoints if e.vtep in gone]
            for claim in concerned:
                left = without(wanted[claim.number], network, exempt)
                yield Failed(check_claim(world, claim, left, name), world)


def tried(network: Network, claims: tuple[Claim, ...]) -> int:
    """How many single failures the claims ask for."""
    kinds = {kind for claim in claims for kind in claim.hold_under}
    return sum(len(single_failures(network, kind)) for kind in kinds)


def _world(network: Network, reach: Reach, known: dict[bytes, Reach]) -> Reach:
    key = signature(network)
    if key not in known:
        program = replace(reach.program, network=network)
        known[key] = reachability(network, program, reroute(reach.blocks, program))
    return known[key]


def signature(network: Network) -> bytes:
    """Equal for two worlds of one network when no packet can tell them apart: which next-hop set
    answers for each prefix, and which VTEPs reach each other."""
    fib, n = network.fib, len(network.fabric.nodes)
    vteps = sorted({vtep for vtep, _ in fib.instances})
    ways = np.diff(network.underlay.hop_off).reshape(n, n)[np.ix_(vteps, vteps)] > 0
    text = repr([[(hop.vtep, hop.vrf) for hop in hops] for hops in fib.nexthop_sets])
    digest = hashlib.sha256(text.encode())
    for chosen in (*fib.chosen, ways):
        digest.update(np.ascontiguousarray(chosen).tobytes())
    return digest.digest()


def down_names(network: Network) -> tuple[str, ...]:
    """Names of everything that is down in a network."""
    fabric = network.fabric
    return (
        *(fabric.nodes[i].name for i in sorted(fabric.down_nodes)),
        *(fabric.links[i].name for i in sorted(fabric.down_links)),
    )
