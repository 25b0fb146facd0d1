"""What hangs on addresses that are not in the input but drawn by rule.

Rules that hold here:

1. A pair *rests* on such an address when a workload policy that lets some of its packets pass goes
   by the address of the other end, and that is drawn.
2. A pair *misses* packets because of such an address when nothing but a workload policy denies
   them, and one of its rules that go by address would permit them if the other end had another one.

3. In a fabric addresses are drawn from the prefixes of their VRF, and no pair counts as such.

Where either is so, the truth may be another than what is listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from compiler.policy.ir import Action, Direction
from compiler.policy.stages import Owner
from compiler.program.program import Entry, goes_by_address
from fabric.cluster import CLUSTER
from sim.proof.reachability import Bits, Reach, decisions


@dataclass(frozen=True, slots=True)
class _Side:
    """What one enforcement point says, per L4 atom: it permits; it permits by an address; nothing
    but a workload policy denies."""

    permits: Bits
    by_address: Bits
    denied: Bits


class Assumed:
    """Answers for the pairs of one reach (row numbers of `Reach.pairs`)."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        alone = CLUSTER in reach.network.manifests
        drawn = (alone and "address" in e.assumed for e in reach.network.endpoints)
        self.drawn: Bits = np.array([*drawn], np.bool_)
        self.sides: dict[int, _Side] = {}
        self.masks: dict[tuple[Direction, int, int], Bits] = {}

    @cached_property
    def rests(self) -> frozenset[int]:
        """The pairs that rest on a drawn address (rule 1)."""
        return frozenset(pair for pair, rests, _ in self._fates if rests)

    @cached_property
    def misses(self) -> tuple[int, ...]:
        """The pairs that miss packets because of a drawn address (rule 2)."""
        return tuple(dict.fromkeys(pair for pair, _, misses in self._fates if misses))

    @cached_property
    def _fates(self) -> list[tuple[int, bool, bool]]:
        return list(self._legs())

    def _legs(self) -> Iterator[tuple[int, bool, bool]]:
        if not self.drawn.any():
            return
        pairs, legs = self.reach.pairs, self.reach.legs
        speaks = [
            np.array([bool(self._entries(side, e.index)) for e in self.reach.network.endpoints])
            for side in (Direction.OUT, Direction.IN)
        ]
        if not (speaks[0].any() or speaks[1].any()):
            return
        out = self.drawn[pairs.dst] & speaks[0][pairs.src]
        into = self.drawn[pairs.src] & speaks[1][pairs.dst]
        for pair in np.flatnonzero(out | into).tolist():
            src, dst = int(pairs.src[pair]), int(pairs.dst[pair])
            version = int(pairs.version[pair])
            for leg in range(int(pairs.first[pair]), int(pairs.last[pair])):
                here, there = self._side(int(legs.out_key[leg])), self._side(int(legs.in_key[leg]))
                now = here.permits & there.permits
                by, may_out, may_in = np.zeros_like(now), here.permits, there.permits
                if out[pair]:
                    by = by | here.by_address
                    may_out = may_out | (here.denied & self._mask(Direction.OUT, src, version))
                if into[pair]:
                    by = by | there.by_address
                    may_in = may_in | (there.denied & self._mask(Direction.IN, dst, version))
                yield pair, bool((now & by).any()), bool((may_out & may_in & ~now).any())

    def _side(self, key: int) -> _Side:
        """What a row of the blocks says."""
        if key not in self.sides:
            blocks = self.reach.blocks
            found = decisions(blocks, np.array([key]))[0]
            entries = blocks.dec_entries[found]
            permits = blocks.dec_permit[found]
            by_address = ((entries >= 0) & self._by_address[np.maximum(entries, 0)]).any(axis=1)
            denied = ~permits & np.isin(blocks.dec_stage[found], self._ours)
            self.sides[key] = _Side(permits, permits & by_address, denied)
        return self.sides[key]

    @cached_property
    def _ours(self) -> list[int]:
        """The places of the stages that hold a cluster's policies."""
        stages = enumerate(self.reach.program.stages)
        return [place for place, stage in stages if stage.owner is Owner.CLUSTER]

    @cached_property
    def _by_address(self) -> Bits:
        """By entry id: whether it is a workload policy's and goes by address."""
        groups = self.reach.program.groups
        entries = [e for g in groups for e in (*g.entries, g.default_entry)]
        out: Bits = np.zeros(max((e.id for e in entries), default=0) + 1, np.bool_)
        ours = (e for g in groups if g.stage.owner is Owner.CLUSTER for e in g.entries)
        out[[e.id for e in ours if goes_by_address(e)]] = True
        return out

    def _entries(self, side: Direction, endpoint: int) -> list[Entry]:
        """The permits by address that are bound to an endpoint."""
        return [
            entry
            for group in self.reach.program.bound(side, endpoint)
            if group.stage.owner is Owner.CLUSTER
            for entry in group.entries
            if entry.action is not Action.DENY and self._by_address[entry.id]
        ]

    def _mask(self, side: Direction, endpoint: int, version: int) -> Bits:
        """The L4 atoms that permits by address of an IP version cover."""
        key = side, endpoint, version
        if key not in self.masks:
            bits: Bits = np.zeros(self.reach.blocks.l4.size, np.bool_)
            for entry in self._entries(side, endpoint):
                if any(r.v4 if version == 4 else r.v6 for r in entry.regions):
                    bits |= self.reach.blocks.l4.mask(entry.l4)
            self.masks[key] = bits
        return self.masks[key]
