"""What the policies of a VRF say about every other one, addresses, ports and endpoints aside.

Two bits per decision: something is permitted; something is permitted that no declared intent (leak,
peering, zone rule) asks for. Rows of a block that no rule tells apart were merged by the compiler,
so folding reads each table once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Direction
from compiler.program.program import Group
from sim.blocks.blocks import Blocks
from sim.blocks.numbering import expand

Flags = NDArray[np.uint8]
Bits = NDArray[np.bool_]
I64 = NDArray[np.int64]
PERMITTED, UNDECLARED = 1, 2
CHUNK_BITS = 22
WIDE = 1 << 14
"""Cells of a block from which it is looked at by itself; of those with fewer there are many."""


def declared(blocks: Blocks, groups: Sequence[Group]) -> Bits:
    """Which entries of these groups come from a declared intent, by their numbers."""
    origins = blocks.program.origins
    of = [e.origin for g in groups for e in (*g.entries, g.default_entry)]
    asked = {number: origins[number].kind.declared for number in {*of}}
    return np.array([asked[number] for number in of], np.bool_)


def intended(blocks: Blocks, asked: Bits, first: int = 0) -> Bits:
    """Of each decision from number `first` on, whether one of its entries is declared."""
    entries = blocks.dec_entries[first:]
    if not len(asked):
        return np.zeros(len(entries), np.bool_)
    found: Bits = np.asarray((asked[entries] & (entries >= 0)).any(axis=1))
    return found


def bits(blocks: Blocks, asked: Bits, first: int = 0) -> Flags:
    """The bits of each decision from number `first` on."""
    permitted = np.where(intended(blocks, asked, first), PERMITTED, PERMITTED | UNDECLARED)
    return np.where(blocks.dec_permit[first:], permitted, 0).astype(np.uint8)


def members(blocks: Blocks) -> dict[int, I64]:
    """Endpoints of each VRF that has some."""
    order = np.argsort(blocks.endpoint_vrf, kind="stable")
    vrfs, first = np.unique(blocks.endpoint_vrf[order], return_index=True)
    parts = np.split(order, first[1:])[: len(vrfs)]
    return dict(zip(vrfs.tolist(), parts, strict=True))


def fold(
    blocks: Blocks,
    decided: Flags,
    endpoints: Mapping[int, I64],
    direction: Direction,
    table: NDArray[np.generic],
) -> None:
    """Write the rows of these VRFs of [local VRF, remote VRF]: the bits of everything that their
    endpoints' blocks say of any address behind the remote one."""
    ends = np.concatenate([np.zeros(0, np.int64), *endpoints.values()])
    numbers = np.unique(blocks.ep_block[direction, ends])
    rows, base = _rows(blocks, decided, numbers)
    vrf, width = blocks.block_vrf[numbers], blocks.remote_count.astype(np.int64)
    size = np.diff(blocks.addresses.base)[vrf] * width[vrf]
    first = np.cumsum(width) - width
    found = np.zeros(int(width.sum()), np.uint8)
    for number in np.flatnonzero(size > WIDE).tolist():
        begin, of = blocks.cell_off[numbers[number]], vrf[number]
        alike = blocks.cell_class[begin : begin + size[number]]
        seen = rows[base[number] + alike].reshape(-1, width[of])
        found[first[of] : first[of] + width[of]] |= np.bitwise_or.reduce(seen, axis=0)
    few = np.flatnonzero(size <= WIDE)
    for part in np.array_split(few, 1 + (int(size[few].sum()) >> CHUNK_BITS)):
        begin = blocks.cell_off[numbers[part]]
        row, cell = expand(begin, size[part])
        seen = rows[base[part][row] + blocks.cell_class[cell]]
        told = np.flatnonzero(seen)
        row, cell, seen = row[told], cell[told] - begin[row[told]], seen[told]
        at = first[vrf[part]][row] + cell % width[vrf[part]][row]
        for bit in (PERMITTED, UNDECLARED):
            found[at[seen & bit > 0]] |= bit
    vrfs = [*endpoints]
    table[vrfs] = found[first[vrfs][:, None] + blocks.remote_index[vrfs]]


def _rows(blocks: Blocks, decided: Flags, numbers: I64) -> tuple[Flags, I64]:
    """The bits of each row of these blocks, and where the rows of each block begin. A block's
    values end where those of the next block begin."""
    ends = np.append(blocks.F_off[1:], len(blocks.F))
    size, width = (ends - blocks.F_off)[numbers], blocks.n_l4[numbers]
    _, place = expand(blocks.F_off[numbers], size)
    rows = size // width
    base = np.cumsum(rows) - rows
    row_block = np.repeat(np.arange(len(numbers)), rows)
    begin = np.cumsum(size) - size
    first = begin[row_block] + (np.arange(len(row_block)) - base[row_block]) * width[row_block]
    if not len(first):
        return np.zeros(0, np.uint8), base
    return np.bitwise_or.reduceat(decided[blocks.F[place]], first), base
