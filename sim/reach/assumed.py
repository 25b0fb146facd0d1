"""What hangs on addresses that are not in the input but drawn by rule.

Rules that hold here:

1. A pair *rests* on such an address when a workload policy that lets some of its packets pass goes
   by the address of the other end, and that is drawn.
2. A pair *misses* packets because of such an address when nothing but a workload policy denies
   them, and one of its rules that go by address would permit them if the other end had another one.

3. In a fabric addresses are drawn from prefixes of their VRF (`sim.reach.drawn_from`): a rule
   counts where it permits some addresses of those prefixes and not all of them, be it a workload
   policy or a leak of part of a VRF. What no route leads to is not looked at.

Where either is so, the truth may be another than what is listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from compiler.policy.ir import Action, Direction, Origin, Stage
from compiler.policy.stages import Owner
from compiler.program.program import Entry, Group, Region
from sim.blocks.numbering import expand, same_rows
from sim.proof.pairs.reachability import Bits, Reach, decisions
from sim.proof.routes.paths import Column
from sim.reach.drawn_from import Pool, by_address, cut, pools_of

CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class _PointPermits:
    """What one enforcement point says, per L4 atom: it permits; it permits by an address; nothing
    but a workload policy denies."""

    permits: Bits
    by_address: Bits
    denied: Bits


class Assumed:
    """Answers for the pairs of one reach (row numbers of `Reach.pairs`)."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self.pools = reach.network.once(pools_of)
        self.drawn: Bits = np.array([pool is not None for pool in self.pools], np.bool_)
        self.sides: dict[tuple[int, Pool, int], _PointPermits] = {}
        self.masks: dict[tuple[Direction, int, Pool, int], Bits] = {}
        self.cuts: dict[tuple[Pool, int], Bits] = {}

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
        """Pairs with a drawn address that a rule at the other end may be about, a row for each
        path: whether it rests on it, whether it misses something."""
        if not self.drawn.any():
            return []
        pairs = self.reach.pairs
        out = self._meets(Direction.OUT, pairs.src, pairs.dst)
        into = self._meets(Direction.IN, pairs.dst, pairs.src)
        chosen = np.flatnonzero(out | into)
        row, path = expand(pairs.first[chosen], pairs.last[chosen] - pairs.first[chosen])
        pair = chosen[row]
        here = self._said(Direction.OUT, pair, path, out[pair])
        there = self._said(Direction.IN, pair, path, into[pair])
        step = max(1, CHUNK // max(1, self.reach.blocks.l4.size))
        found: list[tuple[int, bool, bool]] = []
        for i in range(0, len(path), step):
            part = slice(i, i + step)
            (may, by, could), (may_in, by_in, could_in) = (
                [table[number[part]] for table in tables] for number, *tables in (here, there)
            )
            now = may & may_in
            rests = (now & (by | by_in)).any(axis=1)
            misses = (could & could_in & ~now).any(axis=1)
            found += zip(pair[part].tolist(), rests.tolist(), misses.tolist(), strict=True)
        return found

    def _said(self, side: Direction, pair: Column, path: Column, counts: Bits) -> list[Any]:
        """What the policies of one end say on some paths: the number of each path's row, and the
        rows: what passes; what of it by an address; what passes or would if the address of the
        other end were another one. Unless it `counts`, addresses do not matter."""
        pairs, paths = self.reach.pairs, self.reach.paths
        ends = (pairs.src, pairs.dst) if side is Direction.OUT else (pairs.dst, pairs.src)
        local, remote = (end[pair] for end in ends)
        keys = (paths.out_key if side is Direction.OUT else paths.in_key)[path]
        pool = self._numbered(remote)[0][remote]
        bound = self.reach.blocks.ep_block[side, local]
        asked = same_rows([keys, pool, pairs.version[pair], counts, bound])
        nothing: Bits = np.zeros(self.reach.blocks.l4.size, np.bool_)
        rows: list[tuple[Bits, Bits, Bits]] = []
        for i in asked.sample.tolist():
            theirs, version = self.pools[int(remote[i])], int(pairs.version[pair[i]])
            said = self._side(int(keys[i]), theirs, version)
            if counts[i]:
                mask = self._mask(side, int(local[i]), theirs, version)
                rows.append((said.permits, said.by_address, said.permits | (said.denied & mask)))
            else:
                rows.append((said.permits, nothing, said.permits))
        tables = [np.stack(column) for column in zip(*rows, strict=True)] if rows else []
        return [asked.of, *tables]

    def _meets(self, side: Direction, local: Column, remote: Column) -> Bits:
        """The pairs of which the remote end is drawn and the local one has a rule about that."""
        number, pools = self._numbered(remote)
        speaks = np.zeros((len(pools) + 1, len(self.pools)), np.bool_)
        for pool, place in pools.items():
            if any(self._by_address(pool, version).any() for version in (4, 6)):
                groups = [g.id for g in self.reach.program.groups if any(self._permits(g, pool))]
                speaks[place] = np.isin(self.reach.program.bindings[side], groups).any(axis=1)
        found: Bits = speaks[number[remote], local]
        return found

    def _numbered(self, remote: Column) -> tuple[Column, dict[Pool, int]]:
        """The pools of these endpoints, numbered, and which one each has: -1 for none."""
        number = np.full(len(self.pools), -1, np.int64)
        pools: dict[Pool, int] = {}
        for end in np.unique(remote).tolist():
            if (pool := self.pools[end]) is not None:
                number[end] = pools.setdefault(pool, len(pools))
        return number, pools

    def _permits(self, group: Group, pool: Pool) -> Iterator[Entry]:
        """The permits of a group that go by addresses of a pool."""
        for entry in group.entries:
            if entry.action is not Action.DENY and any(
                self._by_address(pool, version)[entry.id] for version in (4, 6)
            ):
                yield entry

    def _side(self, key: int, pool: Pool | None, version: int) -> _PointPermits:
        """What a row of the blocks says about a remote end of a pool."""
        asked = key, pool or (), version
        if asked not in self.sides:
            blocks = self.reach.blocks
            found = decisions(blocks, np.array([key]))[0]
            entries = blocks.dec_entries[found]
            permits = blocks.dec_permit[found]
            goes = self._by_address(pool or (), version)
            by_address = ((entries >= 0) & goes[np.maximum(entries, 0)]).any(axis=1)
            denied = ~permits & np.isin(blocks.dec_stage[found], self._ours)
            self.sides[asked] = _PointPermits(permits, permits & by_address, denied)
        return self.sides[asked]

    @cached_property
    def _ours(self) -> list[int]:
        """The places of the stages that hold a cluster's policies."""
        stages = enumerate(self.reach.program.stages)
        return [place for place, stage in stages if stage.owner is Owner.CLUSTER]

    def _by_address(self, pool: Pool, version: int) -> Bits:
        """By entry id: whether it goes by addresses of a pool."""
        if (pool, version) not in self.cuts:
            about = self._about
            alike = (ids for at, e, why, ids in about if cut(at, e, why, pool, version))
            found = [*chain.from_iterable(alike)]
            out = self._nobody.copy() if found else self._nobody
            out[found] = True
            self.cuts[pool, version] = out
        return self.cuts[pool, version]

    @cached_property
    def _nobody(self) -> Bits:
        """No entry, by id."""
        groups = self.reach.program.groups
        ids = (e.id for g in groups for e in (*g.entries, g.default_entry))
        return np.zeros(max(ids, default=0) + 1, np.bool_)

    @cached_property
    def _about(self) -> list[tuple[Stage, Entry, Origin, list[int]]]:
        """Entries that may go by address, with stage and origin: of those that cut the same pools
        one, and the ids of all."""
        origins = self.reach.program.origins
        found: dict[tuple[Owner, bool, tuple[Region, ...]], list[int]] = {}
        first: list[tuple[Stage, Entry, Origin]] = []
        for group in self.reach.program.groups:
            for entry in group.entries:
                why = origins[entry.origin]
                if by_address(entry, why):
                    key = group.stage.owner, why.kind.leads, entry.regions
                    if key not in found:
                        found[key] = []
                        first.append((group.stage, entry, why))
                    found[key].append(entry.id)
        return [(*one, ids) for one, ids in zip(first, found.values(), strict=True)]

    def _mask(self, side: Direction, endpoint: int, pool: Pool | None, version: int) -> Bits:
        """The L4 atoms that permits by address of an IP version cover, of a cluster's policies."""
        key = side, endpoint, pool or (), version
        if key not in self.masks:
            bits: Bits = np.zeros(self.reach.blocks.l4.size, np.bool_)
            for group in self.reach.program.bound(side, endpoint):
                for entry in (
                    self._permits(group, key[2]) if group.stage.owner is Owner.CLUSTER else ()
                ):
                    speaks = any(r.v4 if version == 4 else r.v6 for r in entry.regions)
                    if speaks and self._by_address(key[2], version)[entry.id]:
                        bits |= self.reach.blocks.l4.mask(entry.l4)
            self.masks[key] = bits
        return self.masks[key]
