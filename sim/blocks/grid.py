"""What the groups bound in one VRF tell apart: classes of cells and of L4 atoms.

    cell = atom * width + k           atom: VRF-local address atom, k: remote VRF as seen from here

Classes are few where atoms are many: most addresses fare like their neighbours. Tables are made
over classes (`sim.blocks.tabulate`), and at last written over cells and atoms (`sim.blocks.store`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from compiler.program.program import ANY_VRF, Group, Program, Region
from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.wiring.budget import HINT, factor
from sim.blocks.atoms import AddressAtoms, L4Atoms
from sim.blocks.axis import Axis

T = TypeVar("T")
I64 = NDArray[np.int64]
Bits = NDArray[np.bool_]
MAX_GRID = 1 << 23
"""Cells of one table; about 20 bytes each while it is made."""


@dataclass(frozen=True, slots=True)
class VrfSpace:
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
    def empty(space: VrfSpace) -> Grid:
        """Nothing told apart yet."""
        return Grid(Axis.plain(space.cells), Axis.plain(space.l4.size))

    def knowing(self, space: VrfSpace, groups: Sequence[Group]) -> Grid:
        """The grid with all keys of these groups."""
        entries = [entry for group in groups for entry in group.entries]
        regions = dict.fromkeys(distinct(e.regions for e in entries))
        ranges = dict.fromkeys(distinct(e.l4 for e in entries))
        cells = self.cells.add(
            (key, space.cell_mask(key)) for key in regions if key not in self.cells.keys
        )
        l4 = self.l4.add((key, space.l4.mask(key)) for key in ranges if key not in self.l4.keys)
        return self if cells is self.cells and l4 is self.l4 else Grid(cells, l4)

    def over(self, space: VrfSpace, cells: I64 | None) -> Grid:
        """The same on atoms that were cut further; `cells` names for each cell the one of before
        that held it, None when cells are as before."""
        out = self if cells is None else replace(self, cells=self.cells.moved(cells))
        size = len(self.l4.of)
        if size == space.l4.size:
            return out
        return replace(out, l4=self.l4.moved(space.l4.ancestors(size)))


def distinct(keys: Iterable[T]) -> Iterator[T]:
    """The keys without repeated objects: hashing long keys costs more than looking at them."""
    return iter({id(key): key for key in keys}.values())


def groups_of(program: Program, numbers: Sequence[int]) -> Iterator[Group]:
    """The groups that are bound, in stage order."""
    return (program.groups[number] for number in numbers if number >= 0)


def bounded(vrf: str, cells: int, ports: int) -> None:
    """Say so before the memory is gone: `UndecidedError` when one block would be too large."""
    most = int(MAX_GRID * factor())
    if cells * ports > most:
        message = (
            f"the policies of one endpoint in {vrf} tell {cells:,} sets of addresses and {ports:,} "
            f"sets of ports apart, {cells * ports:,} combinations, and the budget is {most:,}"
        )
        hint = f"merge address blocks or port ranges, or spread them over several workloads; {HINT}"
        raise UndecidedError(Diagnostic("C718", message, None, hint, "unknown"))
