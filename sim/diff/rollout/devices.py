"""Devices that a change concerns, and the mixtures of old and new that stand for all of them.

What becomes of a packet depends on the versions of few devices: of the one where it comes in, of
the one where it is received, and of those between them that pass packets on (VRFs with `hairpin`).
Of n devices there are 2^n mixtures; but every two of them are apart, either way round, in some of
the sets of a *separating family*, of which log2(n) and a few are enough: each device gets another
half of so many marks, and a set holds the devices with one mark.

Source: J. Spencer, Minimal completely separating systems, J. Combinatorial Theory 8 (1970).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from math import comb

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Direction
from compiler.program.program import Entry, Group
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, UndecidedError
from sim.worlds.world import World

Flags = NDArray[np.bool_]
MOST_BETWEEN = 4
"""Devices that pass packets on and change: of these all subsets are tried."""


@dataclass(frozen=True, slots=True)
class Changing:
    """What differs between two versions of a network. `senders` and `takers` flag endpoints for
    whom what they send (are sent) is decided otherwise at their own device; `between` are nodes
    that pass packets on in other ways, `devices` all nodes that differ, sorted."""

    senders: Flags
    takers: Flags
    between: tuple[int, ...]
    devices: tuple[int, ...]

    @staticmethod
    def of(old: World, new: World) -> Changing:
        """Between the two ends of a rollout, which share their numbers (`World.mixed`)."""
        network = old.network
        ends = network.endpoints
        routed = _other_routes(old.network, new.network)
        route = np.array([(e.vtep, e.vrf) in routed for e in ends], np.bool_)
        sense = _senses(old.program.groups)
        other = (sense[old.program.bindings] != sense[new.program.bindings]).any(axis=2)
        senders, takers = (other[way] | route for way in Direction)
        between = {vtep for vtep, vrf in routed if network.vrfs[vrf].hairpin}
        vtep = np.array([e.vtep for e in ends], np.int64)
        devices = {*vtep[senders | takers].tolist(), *between}
        return Changing(senders, takers, tuple(sorted(between)), tuple(sorted(devices)))

    def mixtures(self) -> Iterator[frozenset[int]]:
        """Sets of devices that have the new version, which stand for all such sets: whatever two
        devices and those between them have, some of these sets give it to them."""
        if len(self.between) > MOST_BETWEEN:
            message = (
                f"{len(self.between)} devices that pass packets on change; of more than "
                f"{MOST_BETWEEN} not all mixtures are tried"
            )
            raise UndecidedError(Diagnostic("C889", message, None, None, "unknown"))
        others = [device for device in self.devices if device not in self.between]
        family = [frozenset[int](), frozenset(others), *separating(others)]
        whole = frozenset[int](), frozenset(self.devices)
        for n in range(len(self.between) + 1):
            for more in combinations(self.between, n):
                for some in dict.fromkeys(family):
                    if (mixture := some | {*more}) not in whole:
                        yield mixture


def _senses(groups: Sequence[Group]) -> NDArray[np.int64]:
    """A number per group, and -1 behind them for none (-1): equal where what they decide is written
    alike, wherever that stands. Versions share their groups."""
    known: dict[object, int] = {}
    found = [
        known.setdefault(
            (g.stage, g.direction, *(_sense(e) for e in (*g.entries, g.default_entry))), len(known)
        )
        for g in groups
    ]
    return np.array([*found, -1], np.int64)


def _sense(entry: Entry) -> tuple[object, ...]:
    return entry.regions, entry.l4, entry.action, entry.conditions


def _other_routes(old: Network, new: Network) -> frozenset[tuple[int, int]]:
    """Instances (VTEP, VRF) with other routes; both FIBs number next-hop sets alike."""
    rows = zip(old.fib.instances, old.fib.chosen, new.fib.chosen, strict=True)
    return frozenset(place for place, a, b in rows if not np.array_equal(a, b))


def separating(members: Sequence[int]) -> list[frozenset[int]]:
    """Subsets such that for any two members one holds the first and not the second.

    >>> [sorted(s) for s in separating([1, 2, 3])]
    [[1], [2], [3]]
    >>> separating([7]), len(separating(range(512)))
    ([], 12)
    """
    if len(members) < 2:
        return []
    marks = next(n for n in range(2, 64) if comb(n, n // 2) >= len(members))
    halves = list(islice(combinations(range(marks), marks // 2), len(members)))
    found = (
        frozenset(m for m, half in zip(members, halves, strict=True) if mark in half)
        for mark in range(marks)
    )
    return [subset for subset in dict.fromkeys(found) if subset]
