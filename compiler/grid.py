"""What the groups bound in one VRF say, as small tables over classes of cells and of L4 atoms.

    cell = atom * width + k           atom: VRF-local address atom, k: remote VRF as seen from here

A `Table` has an entry id for every combination of a class on either axis: `paint` makes it from one
group, `chain` from the groups that decide one after the other. Only what the group itself tells
apart is a row or column of it, so that tables stay small however many addresses there are.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from compiler.atoms import AddressAtoms, L4Atoms
from compiler.axis import Axis, combine
from compiler.ir import Action, Stage
from compiler.tables import ANY_VRF, Group, Program, Region
from fabric.diagnostics import Diagnostic, InputError

T = TypeVar("T")
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Bits = NDArray[np.bool_]
MAX_GRID = 1 << 23


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a grid stands: the atoms of VRF `vrf` on both axes, and how it numbers remote VRFs
    (`remotes[r]` in 0..width-1)."""

    program: Program
    vrf: int
    addresses: AddressAtoms
    l4: L4Atoms
    remotes: NDArray[np.int16]
    width: int

    @property
    def cells(self) -> int:
        """Number of cells."""
        return self.addresses.count(self.vrf) * self.width

    def cell_mask(self, regions: tuple[Region, ...]) -> Bits:
        """Which cells the regions hold."""
        out = np.zeros((self.addresses.count(self.vrf), self.width), np.bool_)
        for region in regions:
            inside = self.addresses.mask(self.vrf, region.v4, region.v6)
            if region.vrf == ANY_VRF:
                out |= inside[:, None]
            else:
                out[:, self.remotes[region.vrf]] |= inside
        return out.reshape(-1)


@dataclass(frozen=True, slots=True)
class Grid:
    """Both axes of one VRF."""

    cells: Axis
    l4: Axis

    @staticmethod
    def empty(ground: Ground) -> Grid:
        """Nothing told apart yet."""
        return Grid(Axis.plain(ground.cells), Axis.plain(ground.l4.size))

    def knowing(self, ground: Ground, groups: Sequence[Group]) -> Grid:
        """The grid with all keys of these groups."""
        entries = [entry for group in groups for entry in group.entries]
        regions = dict.fromkeys(distinct(e.regions for e in entries))
        ranges = dict.fromkeys(distinct(e.l4 for e in entries))
        cells = self.cells.add(
            (key, ground.cell_mask(key)) for key in regions if key not in self.cells.keys
        )
        l4 = self.l4.add((key, ground.l4.mask(key)) for key in ranges if key not in self.l4.keys)
        return self if cells is self.cells and l4 is self.l4 else Grid(cells, l4)

    def over(self, ground: Ground, cells: I64 | None) -> Grid:
        """The same on atoms that were cut further; `cells` names for each cell the one of before
        that held it, None when cells are as before."""
        out = self if cells is None else replace(self, cells=self.cells.moved(cells))
        size = len(self.l4.of)
        if size == ground.l4.size:
            return out
        return replace(out, l4=self.l4.moved(ground.l4.ancestors(size)))


@dataclass(frozen=True, slots=True)
class Table:
    """Row and column of each class of a grid's axes, and a value for each row and column."""

    cells: I32
    l4: I32
    values: I32


class Painter:
    """Makes tables over one grid; what several groups have in common is worked out once."""

    def __init__(self, grid: Grid, vrf: str, actions: NDArray[np.int8]) -> None:
        self.grid = grid
        self.vrf = vrf
        self.actions = actions
        self._tables: dict[int, Table] = {}
        self._numbers: dict[int, int] = {}
        self._l4: dict[tuple[int, ...], tuple[I32, Bits]] = {}
        self._combined: dict[tuple[int, ...], tuple[I32, I64]] = {}

    def paint(self, group: Group) -> Table:
        """The entries of one group, last first, on the classes that they tell apart."""
        if group.id not in self._tables:
            regions, ranges = (
                tuple(self._numbers.get(id(key)) or self._number(axis, key) for key in keys)
                for axis, keys in (
                    (self.grid.cells, [e.regions for e in group.entries]),
                    (self.grid.l4, [e.l4 for e in group.entries]),
                )
            )
            cells, cell_bits = self.grid.cells.merged(regions)
            l4, l4_bits = self._merged(ranges)
            shape = cell_bits.shape[1], l4_bits.shape[1]
            bounded(self.vrf, *shape)
            values = np.full(shape, group.default_entry.id, np.int32)
            for number in range(len(group.entries) - 1, -1, -1):
                where = cell_bits[number][:, None] & l4_bits[number]
                values[where] = group.entries[number].id
            self._tables[group.id] = Table(cells, l4, values)
        return self._tables[group.id]

    def chain(self, groups: Sequence[Group]) -> tuple[Table, I32]:
        """Groups one after the other: the first deny or final permit ends it.

        Values of the result are rows of the second array: the entry that decided each stage, or -1.
        """
        if not groups:
            alone = np.full((1, len(Stage)), -1, np.int32)
            return Table(*self._undivided(), np.zeros((1, 1), np.int32)), alone
        tables = [self.paint(group) for group in groups]
        cells, cell_at = combine([t.cells for t in tables])
        l4, l4_at = self._common([t.l4 for t in tables])
        bounded(self.vrf, len(cell_at), len(l4_at))
        alive = np.ones((len(cell_at), len(l4_at)), np.bool_)
        matched, codes = [], []
        for group, table in zip(groups, tables, strict=True):
            values = table.values[table.cells[cell_at][:, None], table.l4[l4_at]]
            first = group.default_entry.id - len(group.entries)
            matched.append(np.where(alive, values, -1).reshape(-1))
            codes.append(np.where(alive, values - (first - 1), 0).reshape(-1))
            alive &= self.actions[values] == Action.PERMIT
        of, sample = combine(codes)
        rows = np.full((len(sample), len(Stage)), -1, np.int32)
        for group, column in zip(groups, matched, strict=True):
            rows[:, group.stage] = column[sample]
        return Table(cells, l4, of.reshape(alive.shape)), rows

    def _number(self, axis: Axis, key: Hashable) -> int:
        """The number of a key, which lives as long as the program."""
        return self._numbers.setdefault(id(key), axis.keys[key])

    def _undivided(self) -> tuple[I32, I32]:
        axes = self.grid.cells, self.grid.l4
        cells, l4 = (np.zeros(len(axis.sample), np.int32) for axis in axes)
        return cells, l4

    def _merged(self, numbers: tuple[int, ...]) -> tuple[I32, Bits]:
        if numbers not in self._l4:
            self._l4[numbers] = self.grid.l4.merged(numbers)
        return self._l4[numbers]

    def _common(self, columns: Sequence[I32]) -> tuple[I32, I64]:
        """Columns of `_merged`, which live as long as this painter."""
        key = tuple(map(id, columns))
        if key not in self._combined:
            self._combined[key] = combine(columns)
        return self._combined[key]


def distinct(keys: Iterable[T]) -> Iterator[T]:
    """The keys without repeated objects: hashing long keys costs more than looking at them."""
    return iter({id(key): key for key in keys}.values())


def groups_of(program: Program, numbers: Sequence[int]) -> Iterator[Group]:
    """The groups that are bound, in stage order."""
    return (program.groups[number] for number in numbers if number >= 0)


def bounded(vrf: str, cells: int, ports: int) -> None:
    """Say so before the memory is gone: `InputError` when one block would be too large."""
    if cells * ports > MAX_GRID:
        message = (
            f"the policies of one endpoint in {vrf} tell {cells:,} sets of addresses and {ports:,} "
            f"sets of ports apart; {MAX_GRID:,} combinations are the most that cloison tabulates"
        )
        hint = "merge address blocks or port ranges, or spread them over several workloads"
        raise InputError(Diagnostic("C718", message, hint=hint))
