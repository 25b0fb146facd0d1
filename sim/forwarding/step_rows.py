"""The forwarding step for columns of destinations: where packets of every class may be next, from
every place at once. What kernels, blocks and proofs walk is drawn from here.

Theory: destinations between two bounds of `starts` fare alike everywhere, so that a *row* per place
(a node's VRF, an instance) with a number per class of destinations says the step of all packets.
Invariant (`tests/sim/forwarding` holds it for random networks, rewrites included): for a place and
a destination the set of its class has the places that `one_step.onward` says, in that order, for
the header which the rewrites make of it, -1 where there are none; what a VTEP routes on (rule 3
there) is what `sim.blocks.onward.leads_on` reads in them. Cost: one look-up per bound and VRF, one
gather per instance.

    number = fib[fib_off[inst_of[node, vrf]] + class]
    next   = (set_vtep[k], set_vrf[k]) for k in range(set_off[number], set_off[number + 1])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fabric.building.network import Network
from fabric.control.fib import Fib
from fabric.control.fib_changes import moved, renumbered
from fabric.wiring.budget import afford_choices

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Starts = Sequence[tuple[Sequence[int], Sequence[int]]]
"""By VRF the first address of each class of destinations, of IPv4 and of IPv6; both begin at 0."""


class StepRows(NamedTuple):
    """See the module. `inst_of` [nodes, VRFs] has the number of an instance, -1 for none; offsets
    are int64; `set_*` are next-hop sets in CSR form."""

    inst_of: I32
    fib_off: I64
    fib: I32
    set_off: I32
    set_vtep: I32
    set_vrf: I32


class KnownRows(Protocol):
    """Rows that were made before, as blocks have them."""

    @property
    def fib_off(self) -> I64: ...
    @property
    def fib(self) -> I32: ...


def nowhere(nodes: int, vrfs: int) -> StepRows:
    """Those where nothing has a route."""
    none, first = np.zeros(0, np.int32), np.zeros(1, np.int32)
    return StepRows(
        np.full((nodes, vrfs), -1, np.int32), np.zeros(0, np.int64), none, first, none, none
    )


def step_rows(
    network: Network, starts: Starts, known: tuple[Fib, KnownRows] | None = None
) -> StepRows:
    """The rows of a network. VRFs that route as they did in rows that are `known` of other routes,
    with the same bounds, are not looked up again."""
    fib = network.fib
    same = _same_routes(*known, starts, fib) if known else {}
    inst_of = np.full((len(network.nodes), len(network.vrfs)), -1, np.int32)
    for number, (vtep, vrf) in enumerate(fib.instances):
        inst_of[vtep, vrf] = number
    sizes = [sum(map(len, starts[vrf])) for _, vrf in fib.instances]
    afford_choices(sum(sizes))
    parts = [np.zeros(0, np.int32)] * len(sizes)
    for vrf, bounds in enumerate(starts):
        vteps = np.flatnonzero(inst_of[:, vrf] >= 0)
        if vrf in same:
            for number in inst_of[vteps, vrf].tolist():
                parts[number] = same[vrf][number]
            continue
        for number, found in zip(
            inst_of[vteps, vrf].tolist(),
            fib.lookup_starts(vrf, vteps.tolist(), *bounds),
            strict=True,
        ):
            parts[number] = found
    hops = [hop for hop_set in fib.nexthop_sets for hop in hop_set]
    return StepRows(
        inst_of,
        np.cumsum([0, *sizes])[:-1].astype(np.int64),
        np.concatenate(parts).astype(np.int32) if parts else np.zeros(0, np.int32),
        np.cumsum([0] + [len(s) for s in fib.nexthop_sets]).astype(np.int32),
        np.array([hop.vtep for hop in hops], np.int32),
        np.array([hop.vrf for hop in hops], np.int32),
    )


def _same_routes(
    before: Fib, rows: KnownRows, starts: Starts, fib: Fib
) -> dict[int, dict[int, I32]]:
    """By VRF the rows of its instances, where all of them have the same next hops for each prefix
    as in rows that are known, in the numbers of `fib`."""
    other, now = moved(before, fib), renumbered(before, fib)
    found: dict[int, dict[int, I32]] = {}
    for number, (_, vrf) in enumerate(fib.instances):
        if vrf not in other:
            # after an update instances do not lie in order
            first = int(rows.fib_off[number])
            routes = rows.fib[first : first + sum(map(len, starts[vrf]))]
            found.setdefault(vrf, {})[number] = now[routes]
    return found
