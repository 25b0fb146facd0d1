"""What gets from whom one text says to whom another one says: as much of it as whoever lists access
(`sim.reach.access`) asks about. Of crowds (`sim.proof.crowded`) endpoints that fare alike and are
asked about alike are listed once; addresses that are drawn from other pools tell them apart.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from fabric.building.network import Network
from fabric.values.address_sets import addresses_in
from sim.names.wanted_ports import split_port, split_source
from sim.proof.crowded import crowd_told
from sim.proof.pairs.reachability import Reach, reach_within, reachability
from sim.proof.routes.paths import Column
from sim.reach.access import receivers, senders
from sim.reach.drawn_from import Pool, pools_of
from sim.worlds.world import World


class AskedReach:
    """What a list of access asks about, and everything, where somebody asks for that beside it."""

    def __init__(self, world: World, source: str | None, target: str | None) -> None:
        self.world, self.texts = world, (source, target)

    @cached_property
    def part(self) -> Reach:
        """As much as the list is about."""
        return asked_reach(self.world, *self.texts)

    @cached_property
    def whole(self) -> Reach:
        """All pairs."""
        if self.texts == (None, None) and self.part.stand_ins is None:
            return self.part
        return reachability(self.world, covered=False)


def asked_reach(world: World, source: str | None, target: str | None) -> Reach:
    """Texts as `access.asked` takes them; of pairs nothing is said that is sure."""
    network = world.network
    froms, into = senders(network, source), [some for some, _ in receivers(network, target)]
    texts = split_source(source or "")[0], split_port(target or "")[0]
    limited = any(addresses_in(text) is not None for text in texts)
    stand_ins = crowd_told(world, [froms, *into], limited, map(_pools, [network]))
    if source is None and target is None:
        return reachability(world, covered=False, stand_ins=stand_ins)
    vrf = world.blocks.endpoint_vrf
    ends = (np.unique(vrf[some]).tolist() for some in (froms, np.any(into, axis=0)))
    return reach_within(world, *ends, covered=False, stand_ins=stand_ins)


def _pools(network: Network) -> Column:
    """The pool of each endpoint's address as a number."""
    known: dict[Pool | None, int] = {}
    return np.array(
        [known.setdefault(pool, len(known)) for pool in network.once(pools_of)], np.int64
    )
