"""A sweep by processes of this machine.

They are started anew (`spawn`) and not forked: threads of this one, such as those of kernels or of
a progress display, are no safe start. What is shared is pickled into a file once; each process
reads it when it starts.
"""

from __future__ import annotations

import gc
import pickle
import signal
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextvars import ContextVar
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from fabric.io.uncollected import uncollected
from sim.sweep.runner import ATTEMPTS, SERIAL, Work, chunks, died, done

_shared: ContextVar[Any] = ContextVar("shared")


@dataclass(frozen=True, slots=True)
class Processes:
    """So many processes at once; one is this process."""

    workers: int

    def run(self, work: Work, shared: Any, pieces: Sequence[Any]) -> Iterator[Any]:
        """The result of each piece, in order."""
        if self.workers < 2 or len(pieces) < 2:
            yield from SERIAL.run(work, shared, pieces)
            return
        with tempfile.TemporaryDirectory(prefix="cloison-") as folder:
            path = Path(folder, "shared")
            with path.open("wb") as file:
                pickle.dump((work, shared), file, pickle.HIGHEST_PROTOCOL)
            for part in self._parts(path, chunks(pieces, self.workers)):
                yield from part

    def _parts(self, path: Path, parts: list[Sequence[Any]]) -> Iterator[list[Any]]:
        """The results of each chunk, in order."""
        known: dict[int, list[Any]] = {}
        told = attempts = 0
        while told < len(parts):
            before = len(known) + told
            with self._pool(path) as pool:
                todo = [n for n in range(told, len(parts)) if n not in known]
                futures = {n: pool.submit(_done, parts[n]) for n in todo}
                try:
                    while told < len(parts):
                        if told in futures:
                            known[told] = futures.pop(told).result()
                        yield known.pop(told)
                        told += 1
                except BrokenProcessPool:
                    known |= {n: f.result() for n, f in futures.items() if _good(f)}
                finally:
                    pool.shutdown(wait=False, cancel_futures=True)
            attempts = attempts + 1 if len(known) + told == before else 0
            if attempts == ATTEMPTS:
                raise died(attempts)

    def _pool(self, path: Path) -> ProcessPoolExecutor:
        start = get_context("spawn")
        return ProcessPoolExecutor(self.workers, start, initializer=_begin, initargs=(str(path),))


def _good(future: Future[list[Any]]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _begin(path: str) -> None:
    """What a process does first. Ctrl-C ends it without a word: its parent has the word. What is
    shared stays, so the collector of garbage need not look at it each time."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with uncollected(), Path(path).open("rb") as file:
        _shared.set(pickle.load(file))
        gc.freeze()


def _done(pieces: Sequence[Any]) -> list[Any]:
    work, shared = _shared.get()
    return done(work, shared, pieces)
