"""What a world axis is: a way in which one world differs from the next.

An axis is no field of a packet: packets of all axes are alike, and what differs is what exists or
what is allowed. A row (`sim.worlds.axes`) says how a value is read, what of it a world has already,
how the world with other values is made (sharing whatever is equal), which values of each sort there
are that expectations may have to hold under (`fabric.file.expect.held_under` has the words), which
endpoints nobody expects to answer then, how commands spell it, and what answers say of it.

Nothing here imports more than names: every command lists the options of axes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from math import comb
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fabric.diagnostics import Diagnostic
    from fabric.file.spec import FabricSpec
    from fabric.wiring.topology import Fabric
    from sim.worlds.world import World


@dataclass(frozen=True, slots=True)
class Sweep:
    """The values that a kind of `hold_under` means: each of `single`, and every set of them up to
    `most` at once, smaller ones first."""

    single: Callable[[World], Sequence[str]]
    most: int

    def values(self, world: World) -> Iterator[tuple[str, ...]]:
        """Every set of values."""
        single = self.single(world)
        return chain.from_iterable(combinations(single, n + 1) for n in range(self.most))

    def count(self, world: World) -> int:
        """How many sets there are."""
        single = len(self.single(world))
        return sum(comb(single, n + 1) for n in range(self.most))


@dataclass(frozen=True, slots=True)
class AxisOption:
    """How commands spell an axis: the `name` of the option, a `metavar`, `help` for the verb, what
    it `means` wherever it stands, and whether it is `repeatable`. `spoken` writes out what is typed
    before a world is there (`InputError`); `offers` are values that a shell may offer, of nodes and
    links alone."""

    name: str
    metavar: str
    help: str
    means: str
    repeatable: bool
    spoken: Callable[[str], str]
    offers: Callable[[Fabric], Iterable[str]] | None


@dataclass(frozen=True, slots=True)
class FileAxis:
    """An axis on which files differ: what is not at a place is as if it were not in the file.

    `at` is the file at values (none: as the file says itself), with what goes with every answer
    about it; `InputError` where it cannot be. `whole` is the file that another was made of so."""

    at: Callable[[FabricSpec, tuple[str, ...]], tuple[FabricSpec, tuple[Diagnostic, ...]]]
    whole: Callable[[FabricSpec], FabricSpec]


@dataclass(frozen=True, slots=True)
class WorldAxis:
    """See the module. `word` stands before a value in sentences; `read` raises `InputError`; `move`
    makes the world with exactly these values on this axis, and all other axes as they are; `sorts`
    are single values by what one is called, which words of `hold_under` count.

    `of_network`: the values are in the network, which whoever reads a file builds with them. `file`
    is for an axis that decides what a file says; worlds are read anew there, and `move` refuses.
    `recorded`: certificates and labs say the values; where not, they are refused for such worlds.
    `said` is a sentence of values that goes with every answer, None where answers have their own.
    `shared_out`: worlds that expectations try differ in routes alone, so that workers may try them.
    """

    name: str
    word: str
    option: AxisOption
    read: Callable[[World, str], str]
    values: Callable[[World], tuple[str, ...]]
    move: Callable[[World, tuple[str, ...]], World]
    sorts: Mapping[str, Callable[[World], Sequence[str]]]
    exempt: Callable[[World, str], Sequence[int]]
    of_network: bool
    file: FileAxis | None
    recorded: bool
    said: Callable[[tuple[str, ...]], str] | None
    shared_out: bool
