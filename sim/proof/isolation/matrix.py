"""The isolation matrix: tenant × tenant × zone, why a cell is open, what keeps a closed one closed.

A cell is open when any packet gets from any endpoint of the row to any endpoint of the column. A
closed cell may be protected by

* `route`: no pair has a route there and a route back;
* `policy`: were every destination routed straight to its VRF, policies would still deny every pair.

What policies say is asked of VRFs and blocks, not of pairs: OUT depends on the source's block and
the destination's address, IN on the destination's block and the source's address, and nothing else.
Whether what passes between VRFs was asked for is no matter of this table
(`sim.proof.isolation.vrf_pairs`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from compiler.policy.ir import Direction, Origin
from sim.blocks.blocks import Blocks
from sim.blocks.numbering import same_rows
from sim.proof.isolation.permits import PERMITTED
from sim.proof.isolation.vrf_pairs import Isolation
from sim.proof.pairs.reachability import Bits, Reach, decisions
from sim.proof.routes.paths import Column, row_key

ZONES = ("zone0", "zone2")
CHUNK = 1 << 22
LAYERS = {
    (lead, permit): tuple(w for w, opens in (("route", lead), ("policy", permit)) if not opens)
    for lead, permit in product((False, True), repeat=2)
}
"""What keeps a cell closed, by whether routes lead there and whether policies permit anything."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One row → column. `ports` is a set of L4 atoms; `open_pairs` of `pairs` endpoint pairs (both
    families counted); `causes` are the origins that permit; `layers` protect a closed cell."""

    src: str
    dst: str
    ports: Bits
    pairs: int
    open_pairs: int
    causes: tuple[Origin, ...]
    layers: tuple[str, ...]

    @property
    def open(self) -> bool:
        """Whether anything passes."""
        return self.open_pairs > 0


@dataclass(frozen=True, slots=True)
class Matrix:
    """All cells, row by row."""

    groups: tuple[str, ...]
    cells: tuple[Cell, ...]

    def cell(self, src: str, dst: str) -> Cell:
        """The cell of two groups; ValueError when there is no such group."""
        return self.cells[self.groups.index(src) * len(self.groups) + self.groups.index(dst)]


def matrix(reach: Reach, proof: Isolation) -> Matrix:
    """The matrix of a world; zones come after the tenants. `proof` is the one about its VRFs."""
    names, group = _groups(reach)
    n = len(names)
    pairs = reach.pairs
    cell = group[pairs.src] * n + group[pairs.dst]
    is_open = np.asarray(reach.sets.any(axis=1))[pairs.some]
    counts = reach.counts(pairs.src[is_open], pairs.dst[is_open])
    open_pairs = np.bincount(cell[is_open], counts, n * n).astype(np.int64)
    routed = np.bincount(cell, minlength=n * n) > 0
    in_vrf = np.zeros((n, len(reach.network.vrfs)), np.float32)
    in_vrf[group, reach.blocks.endpoint_vrf] = 1
    closed = (open_pairs == 0).reshape(n, n)
    asked = in_vrf.T @ closed @ in_vrf > 0
    permitted = (in_vrf @ policy_alone(reach, proof, asked) @ in_vrf.T).ravel() > 0
    causes = _causes(reach, group, n)
    nothing: Bits = np.zeros(reach.space.size, np.bool_)
    ports = _ports(reach, cell[is_open], pairs.some[is_open])
    totals = _totals(reach, group, n).ravel().tolist()
    kept = zip(open_pairs.tolist(), routed.tolist(), permitted.tolist(), strict=True)
    cells = (
        Cell(
            *ends, ports.get(number, nothing), totals[number], count, causes.get(number, ()),
            () if count else LAYERS[lead, permit],
        )
        for number, (ends, (count, lead, permit)) in enumerate(
            zip(product(names, names), kept, strict=True)
        )
    )  # fmt: skip
    return Matrix(tuple(names), tuple(cells))


def _groups(reach: Reach) -> tuple[list[str], Column]:
    """Tenants by name, then zones; and the number of each endpoint's group."""
    tenants = [e.tenant for e in reach.network.endpoints]
    names = sorted(set(tenants), key=lambda t: (t in ZONES, t))
    number = {name: i for i, name in enumerate(names)}
    return names, np.array([number[t] for t in tenants], np.int64)


def _ports(reach: Reach, cell: Column, chosen: Column) -> dict[int, Bits]:
    """The union of the sets that occur in each cell where any does, bool[atoms]."""
    where, number = np.divmod(np.unique(cell * len(reach.sets) + chosen), len(reach.sets))
    first = np.flatnonzero(np.diff(where, prepend=-1))
    parts = np.split(number, first[1:]) if len(first) else []
    known: dict[bytes, Bits] = {}
    out = {}
    for at, part in zip(where[first].tolist(), parts, strict=True):
        key = part.tobytes()
        if key not in known:
            known[key] = reach.sets[part].any(axis=0)
        out[at] = known[key]
    return out


def _totals(reach: Reach, group: Column, n: int) -> Column:
    """Ordered pairs of different endpoints per cell, per family."""
    ends = reach.network.endpoints
    has = [[any(p.version == v for p in e.prefixes) for v in (4, 6)] for e in ends]
    families = np.array(has, np.bool_).reshape(-1, 2)
    count = np.stack([np.bincount(group[mine], minlength=n) for mine in families.T], axis=1)
    totals: Column = count @ count.T - np.diag(count.sum(axis=1))
    return totals


def _causes(reach: Reach, group: Column, n: int) -> dict[int, tuple[Origin, ...]]:
    """The origins that permit what passes, per cell where anything does."""
    blocks, rows = reach.blocks, reach.paths
    origin_of = _decision_origins(blocks)
    passing = np.flatnonzero(np.asarray(reach.sets.any(axis=1))[reach.path_set])
    cells = group[rows.src] * n + group[rows.dst]
    columns = np.stack([cells, rows.out_key, rows.in_key, rows.version])[:, passing]
    unique = columns[:, same_rows(list(columns)).sample]
    found: set[tuple[int, int]] = set()
    real = np.stack([reach.space.sent(version) for version in (4, 6)])
    step = max(1, CHUNK // max(1, reach.space.size))
    for start in range(0, unique.shape[1], step):
        cell, out_key, in_key, version = unique[:, start : start + step]
        out, into = decisions(blocks, out_key), decisions(blocks, in_key)
        both = blocks.dec_permit[out] & blocks.dec_permit[into] & real[(version == 6).astype(int)]
        row, atom = np.nonzero(both)
        for side in (out, into):
            pair = np.unique(cell[row] * len(origin_of) + side[row, atom])
            found |= set(zip(*(x.tolist() for x in np.divmod(pair, len(origin_of))), strict=True))
    return _by_cell(reach, found, origin_of)


def _decision_origins(blocks: Blocks) -> list[frozenset[int]]:
    """Origins behind each decision."""
    groups = blocks.program.groups
    origin = np.array([e.origin for g in groups for e in (*g.entries, g.default_entry)], np.int64)
    rows = np.asarray(blocks.dec_entries)
    return [frozenset(origin[row[row >= 0]].tolist()) for row in rows]


def _by_cell(
    reach: Reach, found: set[tuple[int, int]], origin_of: list[frozenset[int]]
) -> dict[int, tuple[Origin, ...]]:
    numbers: dict[int, set[int]] = defaultdict(set)
    for cell, decision in found:
        numbers[cell] |= origin_of[decision]
    origins = reach.program.origins
    known: dict[frozenset[int], tuple[Origin, ...]] = {}
    for mine in map(frozenset, numbers.values()):
        if mine not in known:
            spoken = (origins[o] for o in mine if not origins[o].kind.silent)
            known[mine] = tuple(sorted(spoken, key=lambda o: o.rank))
    return {cell: known[frozenset(mine)] for cell, mine in numbers.items()}


def policy_alone(reach: Reach, proof: Isolation, asked: Bits) -> Bits:
    """Whether policies would let any packet through from VRF to VRF if everything were routed,
    bool[source VRF, destination VRF]. Where not `asked`, True may stand for unknown."""
    may: Bits = (proof.out & proof.into.T & PERMITTED) > 0
    for src, dst in np.argwhere(may & asked):
        may[src, dst] = _meets(reach, int(src), int(dst))
    return may


def _meets(reach: Reach, src_vrf: int, dst_vrf: int) -> bool:
    """Whether OUT of some source and IN of some other endpoint permit a common packet. Inside one
    VRF endpoints are asked one by one, because none is compared with itself; of those that fare
    alike two."""
    blocks, atoms = reach.blocks, reach.blocks.addresses
    ref = reach.refinements.of(src_vrf, dst_vrf)
    src = atoms.endpoint[atoms.base[src_vrf] + ref.atom_a]
    dst = atoms.endpoint[atoms.base[dst_vrf] + ref.atom_b]
    ahead = int(blocks.remote_index[src_vrf, dst_vrf])
    behind = int(blocks.remote_index[dst_vrf, src_vrf])
    same = src_vrf == dst_vrf
    v4 = np.arange(len(ref)) < ref.n_v4
    for version, family in ((4, v4), (6, ~v4)):
        real = reach.space.sent(version)
        sources, targets = np.flatnonzero((src >= 0) & family), np.flatnonzero((dst >= 0) & family)
        out_block = blocks.ep_block[Direction.OUT, src[sources]]
        in_block = blocks.ep_block[Direction.IN, dst[targets]]
        senders, takers = (src[sources], dst[targets]) if same else (out_block, in_block)
        both: Iterable[tuple[Any, Any]] = product(np.unique(senders), np.unique(takers))
        if same and reach.stand_ins is not None:
            both = zip(*reach.stand_ins.asked(*map(np.unique, (senders, takers))), strict=True)
        for a, b in both:
            if same and a == b:
                continue
            from_a, to_b = senders == a, takers == b
            there = _permits(blocks, out_block[from_a][0], ref.atom_a[targets[to_b]], ahead)
            back = _permits(blocks, in_block[to_b][0], ref.atom_b[sources[from_a]], behind)
            if (there & back & real).any():
                return True
    return False


def _permits(blocks: Blocks, block: Any, atoms: Column, remote: int) -> Bits:
    """L4 atoms that a block permits for some of these addresses behind a remote VRF."""
    width = int(blocks.remote_count[blocks.block_vrf[block]])
    where: Any = np.full(len(atoms), block)
    keys = np.unique(row_key(blocks, where, atoms * width + remote))
    open_: Bits = np.asarray(blocks.dec_permit[decisions(blocks, keys)].any(axis=0))
    return open_
