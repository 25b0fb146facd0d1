"""`hold_under`: the claims of a world in which one thing is otherwise, such as a link that failed.

Every single value that a kind of `hold_under` means is tried (`sim.axes`). Most failures change
nothing that a packet could notice, because next hops are VTEPs and paths are many: worlds with the
same routes, the same reachable VTEPs and the same policy are proven once. Endpoints that an axis
exempts, such as the tenants' on the failed node, are not expected to answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fabric.budget import afford_failures
from fabric.door_names import door_in
from fabric.kubernetes.unevaluated import Unevaluated
from fabric.network import Network
from sim.axes import axes, sweep
from sim.names.services import full_name
from sim.proof.against import Against, Found, only_under
from sim.proof.expect import Claim, Outcome, check_claim, pairs_of, without
from sim.proof.machines import Machines
from sim.proof.reachability import Reach, reachability
from sim.world import World

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """An outcome in the world of one failure, that world, and the Services that may break it there
    and not as the network stands."""

    outcome: Outcome
    reach: Reach
    detours: tuple[Unevaluated, ...] = ()


def kinds() -> tuple[str, ...]:
    """What an expectation can ask to hold under, in the order in which it is tried."""
    return tuple(kind for axis in axes() for kind in axis.sweeps)


def check_failures(
    reach: Reach, claims: tuple[Claim, ...], against: Against, tell: Callable[[str], None]
) -> Iterator[Failed]:
    """Outcomes of the claims that must hold under failures, failure by failure. A failure that no
    packet can notice has no outcome of its own."""
    here, network = reach.world, reach.network
    failures = Failures(reach, tell)
    asking = [claim for claim in claims if claim.hold_under]
    afford_failures(network.fabric, tried(here, claims), asking[0].span if asking else None)
    led: dict[tuple[object, ...], Sequence[Found]] = {}
    machines = Machines(network)
    wanted = {claim.number: pairs_of(claim, network) for claim in claims if claim.hold_under}
    for kind in kinds():
        concerned = [claim for claim in claims if kind in claim.hold_under]
        axis, _ = sweep(kind)
        for value, found in failures.each(kind) if concerned else ():
            exempt = axis.exempt(here, value)
            key = kind, id(found), *exempt
            if key not in led:
                doors = against.under(found, exempt, concerned)
                led[key] = doors, machines.against(found, concerned, exempt)
            for claim in concerned:
                left = without(wanted[claim.number], network, exempt)
                outcome = check_claim(found, claim, left, value)
                opened = [r for told in led[key] for r in told.get(claim.number, ())]
                detours = tuple(only_under(f"{axis.word} {value}", record) for record in opened)
                yield Failed(replace(outcome, word=axis.word), found, detours)


class Failures:
    """The worlds of single failures beside one that is known. Those that no packet can tell apart
    are proven once, and are the same object."""

    def __init__(self, reach: Reach, tell: Callable[[str], None]) -> None:
        self.reach, self.tell = reach, tell
        self._known = {_key(reach.world): reach}

    def each(self, kind: str) -> Iterator[tuple[str, Reach]]:
        """Every failure of a kind that some packet notices, with what gets where then."""
        here = self.reach.world
        axis, values = sweep(kind)
        for value in values(here):
            self.tell(f"{axis.word} {value}")
            world = axis.move(here, (*axis.values(here), value))
            key = _key(world)
            if key not in self._known:
                self._known[key] = reachability(world)
            if self._known[key] is not self.reach:
                yield value, self._known[key]


def left_out(world: World, claims: tuple[Claim, ...]) -> dict[str, tuple[int, ...]]:
    """By failure the endpoints of these claims that nobody expects to answer then."""
    found: dict[str, tuple[int, ...]] = {}
    for kind in kinds():
        asking = [pairs_of(claim, world.network) for claim in claims if kind in claim.hold_under]
        if asking:
            ends = np.divmod(np.concatenate(asking) // 2, len(world.network.endpoints))
            concerned = set(np.unique(np.concatenate(ends)).tolist())
            axis, values = sweep(kind)
            for value in values(world):
                gone = tuple(e for e in axis.exempt(world, value) if e in concerned)
                found |= {value: gone} if gone else {}
    return found


def emptied(world: World, claims: tuple[Claim, ...]) -> dict[str, tuple[str, ...]]:
    """By failure the Services (and other doors) of these claims of which no pod is left then: of
    access to them nobody expects anything."""
    found: dict[str, set[str]] = {}
    for kind in kinds():
        asked = [
            (pods, full_name(world.network, name))
            for claim in claims
            if kind in claim.hold_under and claim.kind != "deny"
            for name in [door_in(claim.target)]
            for pods in [{end for part in claim.parts for end in part.pods or ()}]
            if name is not None and pods
        ]
        axis, values = sweep(kind)
        for value in values(world) if asked else ():
            gone = set(axis.exempt(world, value))
            if names := {name for pods, name in asked if pods <= gone}:
                found.setdefault(value, set()).update(names)
    return {value: tuple(sorted(names)) for value, names in found.items()}


def tried(world: World, claims: tuple[Claim, ...]) -> int:
    """How many single failures the claims ask for."""
    asked = {kind for claim in claims for kind in claim.hold_under}
    return sum(len(values(world)) for _, values in map(sweep, asked))


def _key(world: World) -> Key:
    """Equal for worlds that no packet can tell apart; what they share is the same object. (Worlds
    that are known are kept, so that nothing else gets an object's number.)"""
    program, network = world.program, world.network
    shared = program.groups, program.bindings, network.endpoints, network.vrfs
    a, b, c, d = map(id, shared)
    return signature(network), a, b, c, d, *sorted(world.at.items()), *world.rewrites


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
