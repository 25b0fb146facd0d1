"""`hold_under`: the claims of a world in which one link or one node has failed.

Every single failure is tried. Most change nothing that a packet could notice, because next hops are
VTEPs and paths are many: worlds with the same routes and the same reachable VTEPs are proven once.
Endpoints on the failed node are exempt: nobody expects them to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from compiler.tables import Program
from fabric.network import Network
from fabric.topology import Role
from sim.expect import Claim, Outcome, check_claim
from sim.reachability import Reach, reachability

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
    """Outcomes of the claims that must hold under failures, failure by failure."""
    network, program = reach.network, reach.program
    already = down_names(network)
    worlds: dict[object, Reach] = {signature(network): reach}
    for kind in ("any-1-link", "any-1-node"):
        concerned = [claim for claim in claims if kind in claim.hold_under]
        for name in single_failures(network, kind) if concerned else ():
            tell(f"without {name}")
            failed = rebuild(network, (*already, name))
            world = _world(failed, program, worlds)
            gone = {n.index for n in network.fabric.nodes if n.name == name}
            exempt = [e.index for e in network.endpoints if e.vtep in gone]
            for claim in concerned:
                yield Failed(check_claim(world, claim, exempt, name), world)


def _world(network: Network, program: Program, known: dict[object, Reach]) -> Reach:
    key = signature(network)
    if key not in known:
        known[key] = reachability(network, program)
    return known[key]


def signature(network: Network) -> tuple[object, ...]:
    """Equal for two networks of the same endpoints when no packet can tell them apart."""
    fib = network.fib
    routes = tuple(
        (vtep, vrf, tuple((route.prefix, route.nexthops) for route in fib.routes(vtep, vrf)))
        for vtep, vrf in fib.instances
    )
    vteps = sorted({vtep for vtep, _ in fib.instances})
    return routes, tuple(network.underlay.reachable(a, b) for a in vteps for b in vteps)


def down_names(network: Network) -> tuple[str, ...]:
    """Names of everything that is down in a network."""
    fabric = network.fabric
    return (
        *(fabric.nodes[i].name for i in sorted(fabric.down_nodes)),
        *(fabric.links[i].name for i in sorted(fabric.down_links)),
    )
