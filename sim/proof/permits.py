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


def declared(blocks: Blocks, groups: Sequence[Group]) -> Bits:
    """Which entries of these groups come from a declared intent, by their numbers."""
    origins = blocks.program.origins
    entries = (e for g in groups for e in (*g.entries, g.default_entry))
    return np.array([origins[e.origin].kind.declared for e in entries], np.bool_)


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
    numbers = {vrf: np.unique(blocks.ep_block[direction, of]) for vrf, of in endpoints.items()}
    flat = np.concatenate([np.zeros(0, np.int64), *numbers.values()])
    rows, base = _rows(blocks, decided, flat)
    place = np.zeros(len(blocks.block_vrf), np.int64)
    place[flat] = base
    for vrf, mine in numbers.items():
        size, width = blocks.addresses.count(vrf), int(blocks.remote_count[vrf])
        cells = np.arange(size * width)
        found = np.zeros(width, np.uint8)
        for part in np.array_split(mine, 1 + (len(mine) * len(cells) >> CHUNK_BITS)):
            alike = blocks.cell_class[blocks.cell_off[part][:, None] + cells]
            seen = rows[place[part][:, None] + alike].reshape(-1, width)
            found |= np.bitwise_or.reduce(seen, axis=0)
        table[vrf] = found[blocks.remote_index[vrf]]


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
