"""Entries of an access list as columns: an entry is made when somebody looks at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from compiler.imports.device_facts import AccessEntry, Networks
from fabric.diagnostics import Span

NUMBER, SHAPE, LINE, SOURCE, DESTINATION, SPORT, DPORT = range(7)
"""Rows of the table: of an entry its number, its shape, its line from 1, and for each side what its
own networks and ports are: a place in `networks`, a port, or NONE where the shape says it."""
NONE = -1


@dataclass(frozen=True, slots=True)
class EntryColumns(Sequence[AccessEntry]):
    """The entries of a list. `shapes[k]` is an entry of shape k, whose number and line are
    another's, and whose networks and ports are too where a column has them. `table` has shape
    (7, entries), int32; `column` is that of every key, from 1."""

    file: str
    column: int
    shapes: Sequence[AccessEntry]
    networks: Sequence[Networks]
    table: NDArray[np.int32]

    def __len__(self) -> int:
        """How many entries."""
        return int(self.table.shape[1])

    @overload
    def __getitem__(self, at: int) -> AccessEntry: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[AccessEntry, ...]: ...

    def __getitem__(self, at: int | slice) -> AccessEntry | tuple[AccessEntry, ...]:
        """An entry, or several."""
        if isinstance(at, slice):
            return tuple(self.made(self.table[:, at]))
        place = range(len(self))[at]
        return next(self.made(self.table[:, place : place + 1]))

    def __iter__(self) -> Iterator[AccessEntry]:
        """All of them, in order."""
        return self.made(self.table)

    def __eq__(self, other: object) -> bool:
        """Whether another sequence has the same entries."""
        if not isinstance(other, tuple | EntryColumns):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        """That of the tuple that it stands for."""
        return hash(tuple(self))

    def made(self, table: NDArray[np.int32]) -> Iterator[AccessEntry]:
        """The entries of some columns."""
        file, column, networks = self.file, self.column, self.networks
        for number, shape, line, source, destination, sport, dport in table.T.tolist():
            like = self.shapes[shape]
            yield AccessEntry(
                number,
                like.action,
                like.source if source < 0 else networks[source],
                like.destination if destination < 0 else networks[destination],
                like.protocol,
                like.sports if sport < 0 else ((sport, sport),),
                like.dports if dport < 0 else ((dport, dport),),
                like.states,
                like.partial,
                like.odd,
                Span(file, line, column),
            )
