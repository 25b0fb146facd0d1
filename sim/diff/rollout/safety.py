"""Whether every order in which devices take a change is safe, and if not, which order is.

What is assumed is said in `ASSUMED`. A change without a transient is safe only where both versions
are evaluated whole and announce and take over the same routes: what is announced while versions
differ is not followed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fabric.building.network import Network
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, pending
from sim.diff.rollout.orders import Order, order
from sim.diff.rollout.transients import Transient, Transients
from sim.proof.availability.failures import quiet
from sim.worlds.world import World

ASSUMED = (
    "a device takes its tables and its routes at once: packets meet the old ones or the new ones",
    "cables, sessions and underlay are as in the old version throughout",
    "connections that are open already are not looked at",
)
Ends = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RolloutSafety:
    """The answer: every order is safe where nothing was `found`, unless something leaves that
    `unsure`. `order` is one that is; `exact` tells whether its steps are the fewest, and devices
    that are tied are so in truth. `versions` are the networks as they were read."""

    old: World
    new: World
    versions: tuple[Network, Network]
    devices: tuple[str, ...]
    tried: int
    found: tuple[Transient, ...]
    order: Order
    exact: bool
    not_evaluated: tuple[Unevaluated, ...]

    @property
    def rerouted(self) -> bool:
        """Whether any device has other routes in the new version."""
        pairs = zip(self.old.network.fib.chosen, self.new.network.fib.chosen, strict=True)
        return any(not np.array_equal(a, b) for a, b in pairs)

    @property
    def in_flight(self) -> bool:
        """Whether devices announce other routes in the new version, or take others over: while some
        have it and some have not, what is announced meets imports of another version. That is not
        followed."""
        old, new = self.versions
        taken = [[sorted(targets) for targets in n.fib.imports] for n in self.versions]
        return self.rerouted or old.routes != new.routes or taken[0] != taken[1]

    @property
    def unsure(self) -> bool:
        """Whether what was found may not be all."""
        return self.in_flight or bool(pending(self.not_evaluated))

    @property
    def ordered(self) -> bool:
        """Whether there is an order that is known to be safe."""
        return bool(self.found and self.order.steps) and not self.unsure

    @property
    def assumed(self) -> tuple[str, ...]:
        """What the answer rests on."""
        return ASSUMED if self.devices else ()

    @property
    def verdict(self) -> Literal["holds", "fails", "unknown"]:
        """Of "every order is safe"."""
        if self.found:
            return "fails"
        return "unknown" if self.unsure else "holds"

    def name(self, node: int) -> str:
        """Of a device."""
        return self.old.network.fabric.nodes[node].name


def rollout_safety(old: World, new: World, tell: Callable[[str], None] = quiet) -> RolloutSafety:
    """Ask about all mixtures of two versions of one network. Raises `InputError` C855 where they
    are none, `UndecidedError` where they cannot be mixed or are too large."""
    transients = Transients(old, new, tell)
    found = tuple(sorted(narrowed(transients, transients.found()), key=_in_order))
    exact = all(len(m.newer) == len(m.older) == 1 for m in found)
    devices = transients.changing.devices
    left_out = (record for world in (old, new) for record in world.network.not_evaluated)
    return RolloutSafety(
        transients.old,
        transients.new,
        (old.network, new.network),
        tuple(transients.names(devices)),
        transients.tried,
        found,
        order(devices, map(_pair, found)),
        exact,
        tuple(dict.fromkeys(left_out)),
    )


def narrowed(transients: Transients, found: Iterable[Transient]) -> list[Transient]:
    """Transients without the devices between that do not matter: where something happens whatever
    these have, it is told of the ends alone."""
    alike: defaultdict[tuple[Ends, Ends, Ends, str], list[Transient]] = defaultdict(list)
    for transient in found:
        ends: Ends = transients.ends(transient)
        sides = (tuple(n for n in side if n in ends) for side in (transient.newer, transient.older))
        newer, older = sides
        alike[newer, older, ends, transient.kind].append(transient)
    out = []
    for (newer, older, ends, _), these in alike.items():
        besides = {*transients.changing.between} - {*ends}
        if besides and newer and older and len(these) == 2 ** len(besides):
            out.append(replace(these[0], newer=newer, older=older))
        else:
            out += these
    return out


def _pair(transient: Transient) -> tuple[int, int]:
    """Two devices of a transient that must not be apart: those of its ends, if these are."""
    ends = transient.world.network.endpoints
    here, there = (ends[e].vtep for e in (transient.src, transient.dst))
    for newer, older in ((here, there), (there, here)):
        if newer in transient.newer and older in transient.older:
            return newer, older
    return transient.newer[0], transient.older[0]


def _in_order(transient: Transient) -> tuple[object, ...]:
    return transient.kind, transient.newer, transient.older
