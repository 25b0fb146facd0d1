"""What a sweep is: one function of something that all pieces share, and of each piece.

Rules that hold for every `Runner`:

1. Results come in the order of pieces, and are those of `work(shared, piece)`.
2. `work` stands at the top of a module; what is shared, pieces and results can be pickled. Work may
   keep what it has found in what is shared, as long as no result depends on it.
3. A worker that dies is replaced and its pieces are done again, unless workers die `ATTEMPTS` times
   with nothing done in between.
4. What work raises is raised, that of the first piece first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fabric.diagnostics import Diagnostic, UndecidedError

Work = Callable[[Any, Any], Any]
ATTEMPTS = 3
CHUNKS = 4
"""Chunks of pieces per worker: few, as each takes a message; several, as some take longer."""


class Runner(Protocol):
    """Somebody who does the pieces of a sweep."""

    def run(self, work: Work, shared: Any, pieces: Sequence[Any]) -> Iterator[Any]:
        """The result of each piece, in order."""


@dataclass(frozen=True, slots=True)
class Serial:
    """Here, one after the other."""

    def run(self, work: Work, shared: Any, pieces: Sequence[Any]) -> Iterator[Any]:
        """The result of each piece, in order."""
        for piece in pieces:
            yield work(shared, piece)


SERIAL = Serial()


def chunks(pieces: Sequence[Any], workers: int) -> list[Sequence[Any]]:
    """Pieces in order, a few chunks per worker.

    >>> [len(part) for part in chunks(range(10), 2)]
    [2, 2, 2, 2, 2]
    >>> chunks([], 2)
    []
    """
    size = max(1, -(-len(pieces) // (CHUNKS * workers)))
    return [pieces[first : first + size] for first in range(0, len(pieces), size)]


def done(work: Work, shared: Any, pieces: Sequence[Any]) -> list[Any]:
    """The results of a chunk."""
    return [work(shared, piece) for piece in pieces]


def died(attempts: int) -> UndecidedError:
    """Workers die of what they are given."""
    message = f"workers died {attempts} times with nothing done in between"
    hint = "is there enough memory for as many workers?"
    return UndecidedError(Diagnostic("C873", message, None, hint, "unknown"))
