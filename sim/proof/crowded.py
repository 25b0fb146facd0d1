"""Crowds: worlds with so many pairs of endpoints that those who fare alike are asked about once.

Of few pairs every one is listed, as whoever asks about failures needs it: what a failure does is
looked up by pair, and a class may come apart in its world. Of many pairs a proof lists those of
stand-ins (`sim.proof.routes.stand_ins`), each of which counts for all that it stands for. What
tells endpoints apart besides, so that whatever is said of a pair is true of all that it stands for:

1. whom expectations are about, and of which workload they are, since findings count by these;
2. several addresses of one IP version, where expectations are about addresses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from fabric.building.network import Network
from sim.blocks.numbering import partition
from sim.proof.expectations.expect import Claim, told_apart
from sim.proof.pairs.reachability import Bits
from sim.proof.routes.own_nodes import OwnNodes
from sim.proof.routes.paths import Column
from sim.proof.routes.stand_ins import StandIns
from sim.why.pod_classes import workload
from sim.worlds.world import World

LISTED = 1_000_000
"""Pairs inside VRFs of which every one is listed."""
ROWS = 256


def crowd(world: World, claims: Collection[Claim] = ()) -> StandIns | None:
    """Who stands for whom in a proof of these claims; None where all pairs are listed."""
    limited = any(part.limits for claim in claims for part in claim.each)
    return crowd_told(world, told_apart(claims, world.network), limited)


def crowd_told(
    world: World, ends: Iterable[Bits], limited: bool, told: Iterable[Column] = ()
) -> StandIns | None:
    """Who stands for whom for somebody who asks about these `ends` (bool[endpoints]), or about
    addresses (`limited`), and tells endpoints apart by what is `told`; None where all pairs are
    listed."""
    if pairs_within(world) <= LISTED:
        return None
    number = _of_workloads(world.network)
    rest = iter(ends)
    while rows := [*islice(rest, ROWS)]:
        number = partition(np.array(rows), number).of
    columns = [number, _by_themselves(world.network, limited), *told]
    return StandIns.among(world.blocks, columns, world.program.once(OwnNodes.of))


def pairs_within(world: World) -> int:
    """How many pairs of endpoints there are inside VRFs."""
    members = np.bincount(world.blocks.endpoint_vrf).astype(np.int64)
    return int((members**2).sum())


def too_many_for_failures(world: World) -> str:
    """Why failures are not tried where stand-ins are asked about."""
    return (
        f"what a failure changes is looked up pair by pair, and {pairs_within(world):,} pairs "
        f"inside VRFs are more than {LISTED:,}"
    )


def _of_workloads(network: Network) -> NDArray[np.int32]:
    """A number for each endpoint, equal for pods of one workload."""
    named: dict[tuple[str, str], int] = {}
    keys = ((e.tenant, workload(e)) for e in network.endpoints)
    own = (named.setdefault(key, len(named)) for key in keys)
    return np.fromiter(own, np.int32, len(network.endpoints))


def _by_themselves(network: Network, limited: bool) -> Column:
    """A number for each endpoint that stands for nobody else, 0 for others."""
    alone = (
        limited and len(e.prefixes) > len({p.version for p in e.prefixes})
        for e in network.endpoints
    )
    flags = np.fromiter(alone, np.bool_, len(network.endpoints))
    return np.where(flags, np.arange(1, len(flags) + 1), 0)
