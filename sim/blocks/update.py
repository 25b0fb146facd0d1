"""An update: what changed is compiled again, everything else stays where it is.

`update` takes blocks and a program that was edited since (`compiler.edit`): groups of before keep
their place and their entries' numbers, new ones follow, and endpoints are bound otherwise. Blocks
of endpoints that are bound as before are untouched, down to the memory that they lie in.

The old blocks stay valid and do not change. A reader holds one `Blocks` or the other, so swapping
the one reference that it reads is an update in one instant.

Two things are shared by all tenants: the numbers of decisions and of L4 atoms. Both only grow. An
L4 atom that a new port cuts keeps its number for the lower part, and the upper part gets a new one,
which stands in every row of `l4_class` for the class of the atom that it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.program.program import ANY_VRF, Entry, Group, L4Range, Program
from sim.blocks.arena import Arena
from sim.blocks.atoms import AddressAtoms, L4Atoms
from sim.blocks.blocks import Blocks, build_blocks
from sim.blocks.equal_worlds import alike
from sim.blocks.field_classes import PLAIN
from sim.blocks.grid import VrfSpace, distinct
from sim.blocks.refine import cut_addresses, cut_l4
from sim.blocks.store import BlockRow, Key

I64 = NDArray[np.int64]


def update(blocks: Blocks, program: Program) -> Blocks:
    """Blocks of an edited program. Whatever cannot be reused is built anew: programs of another
    network or compiled from scratch, blocks that have been updated before, source ports that were
    never told apart, further fields of packets, and arrays of which most is left over."""
    store, before = blocks.store, blocks.program
    if (
        not alike(program.domain, before.domain)
        or program.stages != before.stages
        or program.groups[: len(before.groups)] != before.groups
        or store.serial != blocks.serial
        or blocks.l4.fields != PLAIN
        or any(r.fields for g in fresh_groups(before, program) for e in g.entries for r in e.l4)
        or store.fragmented
    ):
        return build_blocks(program)
    moved = _moved(before, program)
    fresh = moved.unknown(blocks)
    l4 = cut_l4(blocks.l4, _new_ports(blocks, program, fresh))
    if l4 is None:
        return build_blocks(program)
    store.serial += 1
    store.learn(fresh_groups(before, program))
    if l4 is not blocks.l4:
        store.lanes.extend(l4.ancestors(blocks.l4.size)[blocks.l4.size :])
    work = _Update(blocks, program, l4, moved)
    for vrf, keys in fresh.items():
        work.add(vrf, keys)
    return work.done()


def fresh_groups(before: Program, program: Program) -> tuple[Group, ...]:
    """The groups that an edit has added."""
    return program.groups[len(before.groups) :]


@dataclass(frozen=True, slots=True)
class _Moved:
    """Endpoints that are bound otherwise: (direction, endpoint) → (VRF, key of the block)."""

    keys: dict[tuple[int, int], tuple[int, Key]]

    def unknown(self, blocks: Blocks) -> dict[int, list[Key]]:
        """Keys without a block, per VRF."""
        out: dict[int, dict[Key, None]] = {}
        for vrf, key in self.keys.values():
            if key not in blocks.store.known.get(vrf, {}):
                out.setdefault(vrf, {})[key] = None
        return {vrf: list(keys) for vrf, keys in out.items()}


def _moved(before: Program, after: Program) -> _Moved:
    changed = np.flatnonzero(before.bindings.reshape(-1) != after.bindings.reshape(-1))
    n_stages = after.bindings.shape[2]
    keys = {}
    for row in np.unique(changed // n_stages).tolist():
        direction, endpoint = divmod(row, after.bindings.shape[1])
        key = (direction, *after.bindings[direction, endpoint].tolist())
        keys[direction, endpoint] = (after.domain.endpoints[endpoint].vrf, key)
    return _Moved(keys)


def _new_ports(blocks: Blocks, program: Program, fresh: dict[int, list[Key]]) -> set[L4Range]:
    """Port ranges that the rules of a VRF have not spoken of before."""
    out: set[L4Range] = set()
    for vrf, keys in fresh.items():
        known = blocks.store.grids[vrf].l4.keys
        groups = {g for key in keys for g in key[1:]} - {-1}
        for ranges in distinct(e.l4 for g in groups for e in _entries(program, g)):
            if ranges not in known:
                out.update(ranges)
    return out


def _entries(program: Program, group: int) -> tuple[Entry, ...]:
    return program.groups[group].entries


class _Update:
    """The arrays of the next version while they are being made; copied before they are changed."""

    def __init__(self, blocks: Blocks, program: Program, l4: L4Atoms, moved: _Moved) -> None:
        self.blocks = blocks
        self.moved = moved
        self.program = program
        self.store = blocks.store
        self.l4 = l4
        self.addresses: AddressAtoms = blocks.addresses
        self.remote_index = blocks.remote_index
        self.remote_count = blocks.remote_count
        self.fib, self.fib_off = blocks.fib, blocks.fib_off
        self.cell_off = blocks.cell_off
        self.placed: list[BlockRow] = []

    def add(self, vrf: int, keys: list[Key]) -> None:
        """Blocks for new keys of one VRF; what its rules tell apart more is cut."""
        groups = {g for key in keys for g in key[1:]} - {-1}
        known = self.store.grids[vrf].cells.keys
        keys_here = distinct(e.regions for g in groups for e in _entries(self.program, g))
        regions = {r for key in keys_here if key not in known for r in key}
        addresses, atoms = cut_addresses(self.addresses, vrf, regions)
        self.addresses = addresses
        width = int(self.remote_count[vrf])
        names = self._name(vrf, {r.vrf for r in regions} - {ANY_VRF})
        cells = None
        if atoms is not None or names is not None:
            parent = np.arange(addresses.count(vrf)) if atoms is None else atoms
            columns = np.arange(width) if names is None else names
            cells = (parent[:, None] * width + columns).reshape(-1)
            self._refine(vrf, cells)
        if atoms is not None:
            self._reroute(vrf, atoms)
        space = VrfSpace(
            self.program, vrf, addresses, self.l4, self.remote_index[vrf],
            int(self.remote_count[vrf]),
        )  # fmt: skip
        self.store.grids[vrf] = self.store.grids[vrf].over(space, cells)
        self.placed += self.store.add(space, keys)

    def _name(self, vrf: int, remotes: Iterable[int]) -> I64 | None:
        """Tell more remote VRFs apart; for each column of before the one it was, None if none is
        new."""
        row, width = self.remote_index[vrf], int(self.remote_count[vrf])
        named = row < width - 1
        fresh = [remote for remote in remotes if not named[remote]]
        if not fresh:
            return None
        named[fresh] = True
        index = np.where(named, np.cumsum(named) - 1, named.sum())
        self.remote_index = self.remote_index.copy()
        self.remote_index[vrf] = index
        self.remote_count = self.remote_count.copy()
        self.remote_count[vrf] = named.sum() + 1
        return np.append(row[named], width - 1).astype(np.int64)

    def _refine(self, vrf: int, cells: I64) -> None:
        """Lay the VRF's blocks that are in use out over its new cells; forget the others."""
        store, members = self.store, np.flatnonzero(self.blocks.endpoint_vrf == vrf)
        known = store.known[vrf]
        again = [known[key] for of, key in self.moved.keys.values() if of == vrf and key in known]
        live = np.unique(np.append(self.blocks.ep_block[:, members], np.array(again, np.int32)))
        size = int(self.blocks.addresses.count(vrf) * self.blocks.remote_count[vrf])
        self.cell_off = self.cell_off.copy()
        self.cell_off[live] = store.refine(self.cell_off[live], size, cells)
        used = set(live.tolist())
        store.known[vrf] = {key: b for key, b in known.items() if b in used}

    def _reroute(self, vrf: int, atoms: I64) -> None:
        """Routes of the VRF's instances by its new atoms."""
        arena = self.store.fib
        if not np.may_share_memory(self.blocks.fib, arena.view):
            arena = self.store.fib = Arena(np.int32)
            arena.append(self.blocks.fib)
        instances = self.blocks.inst_of[:, vrf]
        instances = instances[instances >= 0]
        self.fib_off = self.fib_off.copy()
        rows = arena.view[self.fib_off[instances][:, None] + atoms]
        first = arena.append(rows.reshape(-1))
        self.fib_off[instances] = first + np.arange(len(instances)) * len(atoms)
        self.fib = arena.view

    def done(self) -> Blocks:
        """The new version."""
        store, blocks = self.store, self.blocks
        ep_block = blocks.ep_block.copy()
        for (direction, endpoint), (vrf, key) in self.moved.keys.items():
            ep_block[direction, endpoint] = store.known[vrf][key]
        store.lane = np.append(store.lane, np.array([b.lane for b in self.placed], np.int64))

        return replace(
            blocks,
            program=self.program,
            l4=self.l4,
            addresses=self.addresses,
            remote_index=self.remote_index,
            remote_count=self.remote_count,
            fib_off=self.fib_off,
            fib=self.fib,
            ep_block=ep_block,
            block_vrf=_more(blocks.block_vrf, [b.vrf for b in self.placed]),
            cell_off=_more(self.cell_off, [b.cell_off for b in self.placed]),
            cell_class=store.cells.view,
            l4_off=store.lane * store.lanes.stride,
            l4_class=store.lanes.view,
            n_l4=_more(blocks.n_l4, [b.n_l4 for b in self.placed]),
            F_off=_more(blocks.F_off, [b.f_off for b in self.placed]),
            F=store.values.view,
            dec_permit=store.permit.view,
            dec_stage=store.stage.view,
            dec_entries=store.entries.view,
            serial=store.serial,
        )


def _more(column: NDArray[Any], values: list[int]) -> NDArray[Any]:
    return np.append(column, np.array(values, column.dtype))
