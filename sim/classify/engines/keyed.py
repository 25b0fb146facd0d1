"""The keyed engine: a dense grid per block, for policy tables.

Cost: per block two tries (1 KiB per chunk) and the product of its classes, which is small because
rules keep their lists: pods that no rule tells apart are one class.

Tables have room to spare. A changed block is written behind the others and then takes its place in
one assignment; whoever classifies meanwhile sees the old block or the new one, never a mixture.
When the room is used up, all blocks are laid out again.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.blocks.numbering import distinct
from sim.classify.axes.address_axis import ROOT_8, write_trie
from sim.classify.axes.l4_classes import L4Classes, Narrow
from sim.classify.engines.block import Block
from sim.classify.engines.keys import Keys, numbers
from sim.classify.engines.pages import pack
from sim.classify.ruleset import I64

RAW_PLACES = 1 << 19
DIRECT_BYTES = 1 << 21
SPAN = 1 << 16


class KeyedTables(NamedTuple):
    """What `sim.kernels.match.keyed` reads; see there.

    `vni_root` u32[pages], `vni` u32[256 x pages, or values], `endpoint_root` u32[pages],
    `endpoint_page` u32[256 x pages], `block` u32[VNIs x directions x endpoints]; `trie` u32[256 x
    chunks], two roots of 8-8-8-8 tries a block (`sim.kernels.match.tries`);
    `sport` u8|u16[65,536, or 1 where no rule looks at it], `dport` u8|u16[65,536], `meta`
    u8|u16[256, or 65,536 with further fields], `y` u16[raw combinations of the three]
    (`sim.classify.axes.l4_classes`);
    `local` u8|u16[blocks x `n_local`], `x` u32[cells of all blocks, or none], `f` i32[different
    cells x L4 classes, of all blocks].
    """

    uses_vni: bool
    uses_others: bool
    uses_direction: bool
    uses_endpoint: bool
    vni_first: np.uint32
    vni_last: np.uint32
    vni_pages: bool
    vni_root: NDArray[np.uint32]
    vni: NDArray[np.uint32]
    endpoint_last: np.uint32
    endpoint_root: NDArray[np.uint32]
    endpoint_page: NDArray[np.uint32]
    n_endpoints: np.uint32
    block: NDArray[np.uint32]
    trie: NDArray[np.uint32]
    sport: Narrow
    dport: Narrow
    meta: Narrow
    n_dport: np.uint32
    n_meta: np.uint32
    uses_sport: bool
    uses_meta: bool
    uses_y: bool
    y: NDArray[np.uint16]
    local: Narrow
    n_local: np.uint32
    uses_x: bool
    x: NDArray[np.uint32]
    f: NDArray[np.int32]


class Full(Exception):  # noqa: N818
    """No room for one more block."""


class BlockLayout:
    """Blocks laid out in tables, with room for more. `at[b]` is where block `b` of the keys is."""

    def __init__(self, keys: Keys, blocks: Sequence[Block], l4: L4Classes) -> None:
        self.keys = keys
        self.free_block = self.free_x = self.free_f = 0
        whole = sum(block.direct_places for block in blocks)
        self.uses_x = 4 * whole > max(DIRECT_BYTES, 2 * sum(4 * b.places for b in blocks))
        n_blocks = _spare(len(blocks))
        self.free_chunk = 2 * n_blocks
        self.l4 = l4
        span = int(keys.vni[-1] - keys.vni[0]) if len(keys.vni) else 0
        self.vni = numbers(keys.vni, span > SPAN)
        self.locals = np.zeros((n_blocks, l4.n_y), np.uint16)
        self.tables = self._empty(blocks, l4)
        self.blocks = list(blocks)
        self.at = np.array([self.place(block) for block in blocks], np.uint32)
        self.answers = self._answers()
        self.publish(self.at)

    def _answers(self) -> NDArray[np.int32] | None:
        """The answer of each place, if every block has just one."""
        if any(block.direct_places > 1 for block in self.blocks):
            return None
        out = np.full(len(self.locals), -1, np.int32)
        out[self.at] = [block.grid.f[0] for block in self.blocks]
        return out

    def _empty(self, blocks: Sequence[Block], l4: L4Classes) -> KeyedTables:
        uses_y, local = self._local(max((b.grid.n_y for b in blocks), default=1))
        n_chunks = self.free_chunk + _spare(sum(block.chunks for block in blocks))
        n_f = _spare(sum(b.places if self.uses_x else b.direct_places for b in blocks))
        n_x = _spare(sum(b.cells for b in blocks)) if self.uses_x else 0
        vni, endpoint = self.vni, numbers(self.keys.endpoint, True)
        uses_others = self.keys.uses_direction or self.keys.uses_endpoint
        return pack(KeyedTables(
            self.keys.uses_vni, uses_others, self.keys.uses_direction, self.keys.uses_endpoint,
            np.uint32(vni.first), np.uint32(vni.last), vni.paged, vni.root, vni.page,
            np.uint32(endpoint.last), endpoint.root, endpoint.page,
            np.uint32(len(self.keys.endpoint) + 1), self.keys.block,
            np.zeros(n_chunks << 8, np.uint32),
            l4.sport, l4.dport, l4.meta, np.uint32(l4.n_dport), np.uint32(l4.n_meta),
            l4.uses_sport, l4.uses_meta, uses_y, l4.y, local.reshape(-1), np.uint32(local.shape[1]),
            self.uses_x, np.zeros(n_x, np.uint32), np.full(n_f, -1, np.int32),
        ))  # fmt: skip

    def _local(self, most: int) -> tuple[bool, Narrow]:
        """Whether the blocks' classes, at most `most`, are found through `y`; and the classes."""
        kind: Any = np.uint8 if most <= 256 else np.uint16
        if self.l4.n_z * self.locals.size // self.l4.n_y > RAW_PLACES:
            return True, self.locals.astype(kind)
        return False, np.ascontiguousarray(self.locals[:, self.l4.y], kind)

    def place(self, block: Block) -> int:
        """Write a block behind the others and say where. Raises `Full`."""
        t, here, grid = self.tables, self.free_block, block.grid
        f = grid.f if self.uses_x else grid.f.reshape(-1, grid.n_y)[grid.x].reshape(-1)
        if (
            here == len(self.locals)
            or grid.n_y > 256**t.local.itemsize
            or self.free_f + len(f) > len(t.f)
            or (self.uses_x and self.free_x + len(grid.x) > len(t.x))
            or (self.free_chunk + block.chunks) << 8 > len(t.trie)
        ):
            raise Full
        self.locals[here] = block.local
        row = slice(here * int(t.n_local), (here + 1) * int(t.n_local))
        t.local[row] = block.local if t.uses_y else block.local[t.y]
        t.f[self.free_f : self.free_f + len(f)] = f
        rows, columns = np.arange(grid.n_rows) * grid.n_columns, np.arange(grid.n_columns)
        if self.uses_x:
            x = grid.x.astype(np.int64) * grid.n_y + self.free_f
            t.x[self.free_x : self.free_x + len(x)] = x
            leaves = self.free_x + rows, columns
            self.free_x += len(x)
        else:
            leaves = self.free_f + rows * grid.n_y, columns * grid.n_y
        self.free_f += len(f)
        for axis, side, values in ((block.src, 0, leaves[0]), (block.dst, 1, leaves[1])):
            node = 2 * here + side
            self.free_chunk = write_trie(axis, values, t.trie, ROOT_8, node, self.free_chunk)
        self.free_block += 1
        return here

    def publish(self, at: NDArray[np.uint32]) -> None:
        """Let the keys find the blocks `at` these places, from now on."""
        self.at = at
        block = at[self.keys.block]
        vni = self.vni.page if self.tables.uses_others else block[self.vni.page]
        self.tables = self.tables._replace(block=block, vni=vni)

    def changed(self, where: slice, number: NDArray[np.uint32], new: list[Block]) -> BlockLayout:
        """These combinations have other blocks now; `new` ones are numbered after all others."""
        block = self.keys.block.copy()
        block[where] = number
        out = copy(self)
        out.keys, out.blocks = replace(self.keys, block=block), self.blocks + new
        out.answers = None
        try:
            out.publish(
                np.append(self.at, [np.uint32(out.place(b)) for b in new]).astype(np.uint32)
            )
        except Full:
            return self._anew(out.keys, new)
        return out

    def _anew(self, keys: Keys, new: list[Block]) -> BlockLayout:
        """The blocks that are in use, laid out with room to spare."""
        block, sample = distinct(keys.block)
        n = len(self.blocks)
        live = [
            new[b - n] if b >= n else replace(self.blocks[b], local=self.locals[self.at[b]])
            for b in keys.block[sample].tolist()
        ]
        return BlockLayout(replace(keys, block=block.astype(np.uint32)), live, self.l4)

    def refined(self, l4: L4Classes, parent: I64) -> BlockLayout:
        """The same blocks under finer L4 classes; tables that do not depend on them are shared."""
        other = copy(self)
        other.l4, other.locals = l4, self.locals[:, parent]
        uses_y, local = other._local(256 if self.tables.local.itemsize == 1 else 1 << 16)
        other.tables = self.tables._replace(
            sport=l4.sport,
            dport=l4.dport,
            meta=l4.meta,
            n_dport=np.uint32(l4.n_dport),
            n_meta=np.uint32(l4.n_meta),
            uses_sport=l4.uses_sport,
            uses_meta=l4.uses_meta,
            uses_y=uses_y,
            y=l4.y,
            local=local.reshape(-1),
            n_local=np.uint32(local.shape[1]),
        )
        return other


def locals_bytes(n_blocks: int, n_y: int) -> int:
    """Bytes of the blocks' own L4 classes: once to look up, once to change."""
    return 4 * _spare(n_blocks) * n_y


def _spare(n: int) -> int:
    return n + n // 4 + 8
