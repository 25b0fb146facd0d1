"""Laws of reachability: it says what brute force finds, packet by packet, and the proof about pairs
of VRFs says what its paths say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from naive import Header, Outcome, numbered, outcomes, points, theirs

from compiler.policy.ir import Policy
from compiler.policy.semantics import owners
from fabric.building.network import Network
from sim.packets.reasons import Reason
from sim.proof.isolation.undeclared import passing, undeclared
from sim.proof.isolation.vrf_pairs import Isolation, isolation
from sim.proof.pairs.reachability import Reach, reachability
from sim.worlds.world import World

Key = tuple[int, int, int, int]
"""Source, destination, IP version, number of the L4 header."""
Ask = Callable[[int, Header], list[Outcome]]
Axes = dict[int, list[int]]


def says_what_brute_force_finds(
    reach: Reach, network: Network, policy: Policy, ask: Ask | None = None, axes: Axes | None = None
) -> None:
    """Pairs that packets may get between, and those that all of them do. `ask` is what becomes of a
    packet, and `axes` the addresses per IP version, where these are not the policy's alone."""
    may, must = told(reach)
    some, sure = brute(
        network,
        ask or (lambda src, header: outcomes(policy, network, src, header)),
        axes or {version: points(network, policy, version) for version in (4, 6)},
    )
    assert may == some
    assert must == sure


def told(reach: Reach) -> tuple[set[Key], set[Key]]:
    """What reachability says that may be, and that surely is delivered."""
    may, must = set[Key](), set[Key]()
    columns = reach.pairs.src, reach.pairs.dst, reach.pairs.version
    for row, key in enumerate(zip(*(c.tolist() for c in columns), strict=True)):
        for number, l4 in numbered(key[2]):
            atom = reach.space.atom(*l4)
            for sets, into in ((reach.pairs.some, may), (reach.pairs.sure, must)):
                if reach.sets[sets[row], atom]:
                    into.add((*key, number))
    return may, must


def brute(network: Network, ask: Ask, axes: Axes) -> tuple[set[Key], set[Key]]:
    """The same, of every address and every L4 header."""
    some, cells = set[Key](), defaultdict[Key, list[bool]](list)
    for e in network.endpoints:
        for version, axis in axes.items():
            for src in (x for x in axis if e in owners(network, e.vrf, version, x)):
                for dst in axis:
                    others = [
                        d.index
                        for d in network.endpoints
                        if d is not e and theirs(network, e, d, version, src, dst)
                    ]
                    for number, l4 in numbered(version):
                        found = ask(e.index, Header(version, src, dst, *l4))
                        ends = {(o.reason, o.dst) for o in found}
                        good = {d for reason, d in ends if reason is Reason.DELIVERED}
                        some |= {(e.index, d, version, number) for d in good - {e.index}}
                        for d in others:
                            sure = ends == {(Reason.DELIVERED, d)}
                            cells[e.index, d, version, number].append(sure)
    return some, {key for key in some if cells[key] and all(cells[key])}


def isolation_is_what_paths_say(world: World) -> Isolation:
    """The proof about pairs of VRFs against a walk over all paths, which it may have or not: no
    pair is missed that packets pass between, and those that no intent explains are exact."""
    reach, found = reachability(world), isolation(world.blocks)
    crossing = {(c.src, c.dst): c.undeclared is not None for c in found.crossings}
    assert meeting(reach, passing(reach)) <= crossing.keys()
    without = undeclared(reach, passing(reach))
    assert meeting(reach, without) == {pair for pair, open_ in crossing.items() if open_}
    assert found.holds == (not len(without))
    assert seen(isolation(world.blocks, reach)) == seen(found)
    return found


def meeting(reach: Reach, paths: Any) -> set[tuple[int, int]]:
    """VRFs of the ends of some paths."""
    vrf = reach.blocks.endpoint_vrf
    ends = (vrf[end[paths]].tolist() for end in (reach.paths.src, reach.paths.dst))
    return {(a, b) for a, b in zip(*ends, strict=True) if a != b}


def seen(found: Isolation) -> list[tuple[int, int, int, bool]]:
    """All that a proof tells of each pair but which of its packets it shows."""
    return [(c.src, c.dst, c.pairs, c.undeclared is None) for c in found.crossings]
