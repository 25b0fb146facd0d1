"""Isolation between VRFs, proven by classes: which VRFs can exchange packets at all, and why.

Proven for every ordered pair of different VRFs (a, b): no packet (any addresses of either family,
any protocol and ports) gets from an endpoint of a to an endpoint of b, except where `VrfCrossing`
says that it may; and whatever passes there is permitted at both ends by a declared intent (leak,
peering, zone), unless the crossing is *undeclared*.

Nothing is enumerated by address, port or pair of endpoints:

1. What a VRF's blocks say about every remote VRF is folded into two bits per direction
   (`sim.proof.isolation.permits`): something is permitted, something is permitted that no intent
   explains.
2. a can only send to b if a route of a leads there, and b only answers to what it sees a's
   addresses as coming from (`seen`, by b's own routes). Both bits must be set at both ends.
3. This errs on one side: it forgets that both ends must agree on addresses, ports and VTEPs. A pair
   that looks undeclared is therefore walked path by path (`sim.proof.isolation.undeclared`), and is
   only called so with a packet in hand. `may pass` is not refined: it may hold where nothing
   passes. Whoever has the paths of all endpoints (`sim.proof.prove`) gives them, and none is walked
   twice.

Every pair is walked where VRFs permit hairpins, since routes of others decide what a reaches, and
where an address has several owners; after an update too.

After an update (`sim.blocks.update`) only the pairs of VRFs whose endpoints are bound otherwise are
looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Direction
from fabric.building.network import Network
from sim.blocks.blocks import Blocks
from sim.blocks.numbering import expand, same_rows
from sim.proof.isolation.permits import (
    I64,
    UNDECLARED,
    Flags,
    bits,
    declared,
    fold,
    members,
)
from sim.proof.isolation.undeclared import passing, undeclared
from sim.proof.pairs.reachability import Reach, reach_from, reachability
from sim.proof.pairs.witness import Witness, reached
from sim.proof.routes.paths import Column
from sim.worlds.world import World

DENSE = 1 << 26
FEW = 1 << 12
"""Keys of which a set is made sooner than NumPy begins to sort."""


@dataclass(frozen=True, slots=True)
class VrfCrossing:
    """Packets may pass from VRF `src` to VRF `dst`; `undeclared` is one that no intent explains,
    and `pairs` says between how many pairs of endpoints there are such."""

    src: int
    dst: int
    undeclared: Witness | None = None
    pairs: int = 0


@dataclass(frozen=True, slots=True)
class Isolation:
    """The proof about one `Blocks`. `out[a, b]` and `into[b, a]` are the bits of rule 1, `routed`
    those of rule 2; the rest is kept for `recheck`."""

    blocks: Blocks
    crossings: tuple[VrfCrossing, ...]
    out: Flags = field(repr=False)
    into: Flags = field(repr=False)
    routed: NDArray[np.bool_] = field(repr=False)
    declared: NDArray[np.bool_] = field(repr=False)
    decided: Flags = field(repr=False)
    behind_of: SeenBehind = field(repr=False)

    @property
    def holds(self) -> bool:
        """Whether whatever passes between VRFs was asked for."""
        return not any(crossing.undeclared for crossing in self.crossings)

    def __bool__(self) -> bool:
        """Whether it holds."""
        return self.holds


def isolation(blocks: Blocks, reach: Reach | None = None) -> Isolation:
    """Prove isolation between all VRFs. `reach` has the paths of all endpoints, if they are
    known."""
    n = len(blocks.program.network.vrfs)
    asked = declared(blocks, blocks.program.groups)
    decided = bits(blocks, asked)
    out, into = (np.zeros((n, n), np.uint8) for _ in Direction)
    _between(blocks, decided, members(blocks), out, into)
    routed, behind_of = _routed(blocks), SeenBehind(blocks)
    if blocks.program.network.once(_by_paths_alone):
        crossings = _walked(_all_paths(blocks) if reach is None else reach)
    else:
        pairs = [(a, b) for a, b in np.argwhere(routed & (out > 0)).tolist()]
        crossings = _crossings(blocks, pairs, out, into, behind_of, reach)
    return Isolation(blocks, crossings, out, into, routed, asked, decided, behind_of)


def recheck(before: Isolation, blocks: Blocks) -> Isolation:
    """The proof about updated blocks, from that about the blocks that were updated."""
    old = before.blocks
    same = blocks.store is old.store and blocks.inst_of is old.inst_of
    if not same or blocks.program.network.once(_by_paths_alone):
        return isolation(blocks)
    groups = blocks.program.groups[len(old.program.groups) :]
    asked = np.append(before.declared, declared(blocks, groups))
    decided = np.append(before.decided, bits(blocks, asked, len(before.decided)))
    moved = np.flatnonzero((blocks.ep_block != old.ep_block).any(axis=0))
    vrfs = np.unique(blocks.endpoint_vrf[moved]).tolist()
    out, into = before.out.copy(), before.into.copy()
    moving = {vrf: np.flatnonzero(blocks.endpoint_vrf == vrf) for vrf in vrfs}
    _between(blocks, decided, moving, out, into)
    pairs: set[tuple[int, int]] = set()
    for vrf in vrfs:
        ahead = np.flatnonzero(before.routed[vrf] & (out[vrf] > 0)).tolist()
        behind = np.flatnonzero(before.routed[:, vrf] & (out[:, vrf] > 0)).tolist()
        pairs |= {*((vrf, b) for b in ahead), *((a, vrf) for a in behind)}
    again = set(vrfs)
    kept = [c for c in before.crossings if c.src not in again and c.dst not in again]
    found = _crossings(blocks, pairs, out, into, before.behind_of)
    crossings = tuple(sorted([*kept, *found], key=lambda c: (c.src, c.dst)))
    return replace(
        before,
        blocks=blocks,
        crossings=crossings,
        out=out,
        into=into,
        declared=asked,
        decided=decided,
    )


def _between(
    blocks: Blocks, decided: Flags, endpoints: Mapping[int, I64], out: Flags, into: Flags
) -> None:
    """Write the rows of these VRFs, of which `endpoints` has theirs."""
    for direction, table in zip(Direction, (out, into), strict=True):
        fold(blocks, decided, endpoints, direction, table)


def _routed(blocks: Blocks) -> NDArray[np.bool_]:
    """Whether a route of VRF a leads to VRF b, for any VTEP and address; False for a itself."""
    n, n_sets = blocks.inst_of.shape[1], len(blocks.set_off) - 1
    vteps, vrf = np.nonzero(blocks.inst_of >= 0)
    number = blocks.inst_of[vteps, vrf]
    counts = np.diff(blocks.addresses.base)[vrf]
    row, at = expand(blocks.fib_off[number], counts)
    key = vrf[row] * (n_sets + 1) + blocks.fib[at] + 1
    if n * (n_sets + 1) <= DENSE:
        there = np.zeros(n * (n_sets + 1), np.bool_)
        there[key] = True
        key = np.flatnonzero(there)
    source, hops = np.divmod(np.unique(key), n_sets + 1)
    source, hops = source[hops > 0], hops[hops > 0] - 1
    row, hop = expand(blocks.set_off[hops], blocks.set_off[hops + 1] - blocks.set_off[hops])
    routed = np.zeros((n, n), np.bool_)
    routed[source[row], blocks.set_vrf[hop]] = True
    np.fill_diagonal(routed, False)
    return routed


def _crossings(
    blocks: Blocks,
    pairs: Iterable[tuple[int, int]],
    out: Flags,
    into: Flags,
    behind_of: SeenBehind,
    reach: Reach | None = None,
) -> tuple[VrfCrossing, ...]:
    """The pairs, of those that routes and the senders' policies allow, where packets may pass."""
    found: dict[tuple[int, int], VrfCrossing] = {}
    suspects = []
    for a, b in pairs:
        accepts = 0
        for vrf in behind_of.seen(a, b):
            accepts |= int(into[b, vrf])
        if accepts:
            found[a, b] = VrfCrossing(a, b)
            if (int(out[a, b]) | accepts) & UNDECLARED:
                suspects.append((a, b))
    if suspects and reach is not None:
        proven = _undeclared(reach)
        found |= {pair: proven[pair] for pair in suspects if pair in proven}
    else:
        for pair in suspects:
            found |= _undeclared(reach_from(blocks, *pair))
    return tuple(found.values())


def _by_paths_alone(network: Network) -> bool:
    """Whether any VRF passes on what it takes out of tunnels, or any address has several owners."""
    return any(vrf.hairpin for vrf in network.vrfs) or any(e.anycast for e in network.endpoints)


def _all_paths(blocks: Blocks) -> Reach:
    return reachability(World.compiled(blocks.program, blocks))


def _walked(reach: Reach) -> tuple[VrfCrossing, ...]:
    """The pairs between which packets pass, found path by path."""
    proven = _undeclared(reach)
    return tuple(
        proven.get(pair) or VrfCrossing(*pair) for pair in sorted(_by_pair(reach, passing(reach)))
    )


def _undeclared(reach: Reach) -> dict[tuple[int, int], VrfCrossing]:
    """The pairs of VRFs between which packets pass that no intent explains, the first of them."""
    found = {}
    for pair, paths in _by_pair(reach, undeclared(reach, passing(reach))).items():
        witness = reached(reach, paths[:1].tolist())
        assert witness is not None, "an undeclared path without a packet"
        ends = same_rows([reach.paths.src[paths], reach.paths.dst[paths]])
        counts = reach.counts(reach.paths.src[paths], reach.paths.dst[paths])[ends.sample]
        found[pair] = VrfCrossing(*pair, witness, int(counts.sum()))
    return found


def _by_pair(reach: Reach, paths: Column) -> dict[tuple[int, int], Column]:
    """Paths by the VRFs of their ends, in order."""
    vrf = reach.blocks.endpoint_vrf.astype(np.int64)
    if not len(paths):
        return {}
    src, dst = vrf[reach.paths.src[paths]], vrf[reach.paths.dst[paths]]
    of, sample = same_rows([src, dst])
    parts = np.split(paths[np.argsort(of, kind="stable")], np.cumsum(np.bincount(of))[:-1])
    pairs = zip(src[sample].tolist(), dst[sample].tolist(), strict=True)
    return dict(zip(pairs, parts, strict=True))


class SeenBehind:
    """Behind which VRFs a receiver sees a sender's addresses. This depends on routes and owners
    alone, so updates keep it."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self._known: dict[tuple[int, int], tuple[int, ...]] = {}
        self._owned: dict[int, list[tuple[int, int, int, int]]] = {}
        self._hops: dict[tuple[int, int, int], int] = {}

    def seen(self, a: int, b: int) -> tuple[int, ...]:
        """VRFs behind which endpoints of VRF `b` may see those of `a`."""
        if (a, b) not in self._known:
            self._known[a, b] = tuple(sorted(self._seen(a, b) - {-1}))
        return self._known[a, b]

    def _seen(self, a: int, b: int) -> set[int]:
        x = self.blocks
        instances = x.inst_of[:, b]
        offsets = x.fib_off[instances[instances >= 0]]
        atoms: list[int] = []
        vteps: list[int] = []
        find = x.addresses.find
        for version, first, last, vtep in self._ranges(a):
            low = find(b, version, first)
            high = low if first == last else find(b, version, last)
            atoms += range(low, high + 1)
            vteps += [vtep] * (high + 1 - low)
        if not len(offsets) or not atoms:
            return set()
        sets = x.fib[offsets[:, None] + np.array(atoms)]
        keys = sets.astype(np.int64) * len(x.inst_of) + np.array(vteps)
        found = np.unique(keys).tolist() if keys.size > FEW else {*keys.ravel().tolist()}
        ways = (divmod(key, len(x.inst_of)) for key in found if key >= 0)
        return {self._hop(hops, vtep, a) for hops, vtep in ways}

    def _ranges(self, vrf: int) -> list[tuple[int, int, int, int]]:
        """Addresses that a VRF's endpoints own: version, first, last, VTEP. Neighbours at one VTEP
        are joined: an endpoint that owns everything is cut at every route."""
        if vrf not in self._owned:
            atoms = self.blocks.addresses
            owner = atoms.endpoint[atoms.base[vrf] : atoms.base[vrf + 1]]
            at = np.flatnonzero(owner >= 0)
            home = self.blocks.endpoint_vtep[owner[at]]
            row, entry = self.blocks.homes.entries(owner[at], home)
            order = np.lexsort((at[row], entry))
            at, vteps = at[row][order], entry[order].tolist()
            out: list[tuple[int, int, int, int]] = []
            for i, vtep in zip(at.tolist(), vteps, strict=True):
                version, first, last = atoms.bounds(vrf, i)
                if out and (out[-1][0], out[-1][2] + 1, out[-1][3]) == (version, first, vtep):
                    first = out.pop()[1]
                out.append((version, first, last, vtep))
            self._owned[vrf] = out
        return self._owned[vrf]

    def _hop(self, hops: int, vtep: int, vrf: int) -> int:
        """The VRF that a next-hop set names for a sender at a VTEP: the true one if it is there,
        else the first; -1 if there is none."""
        key = hops, vtep, vrf
        if key not in self._hops:
            x = self.blocks
            span = slice(x.set_off[hops], x.set_off[hops + 1])
            found = x.set_vrf[span][x.set_vtep[span] == vtep].tolist()
            self._hops[key] = vrf if vrf in found else found[0] if found else -1
        return self._hops[key]
