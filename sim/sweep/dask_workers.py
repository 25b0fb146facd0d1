"""A sweep by the workers of a dask cluster.

Workers have to be of the same code: the sources of cloison, Python and numpy are compared first.
What is shared is sent to all of them once and stays there for as long as the sweep lasts. A worker
does one chunk at a time, however many threads it has. Who may talk to a scheduler may run programs
on its workers: dask's `tls://` is for networks of others.
"""

from __future__ import annotations

import hashlib
import platform
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import compiler
import fabric
import sim
from fabric.diagnostics import Diagnostic, InputError
from sim.sweep.runner import ATTEMPTS, Work, chunks, died, done

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = 10
"""Seconds to wait for a scheduler, and for its first worker."""
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Cluster:
    """The workers of the scheduler at an address, such as `tcp://10.0.0.1:8786`."""

    address: str

    def run(self, work: Work, shared: Any, pieces: Sequence[Any]) -> Iterator[Any]:
        """The result of each piece, in order."""
        with self._client() as client:
            workers = self._workers(client)
            for part in self._parts(client, work, shared, chunks(pieces, workers)):
                yield from part

    def _parts(
        self, client: Client, work: Work, shared: Any, parts: list[Sequence[Any]]
    ) -> Iterator[list[Any]]:
        """The results of each chunk, in order. The scheduler gives the chunks of a worker that dies
        to others; what is shared is sent again where nobody has it any more."""
        from concurrent.futures import CancelledError

        from distributed import KilledWorker

        told = attempts = 0
        while told < len(parts):
            before = told
            there = client.scatter(shared, broadcast=True, hash=False)
            futures = [client.submit(_done, work, there, p, pure=False) for p in parts[told:]]
            try:
                for future in futures:
                    yield future.result()
                    future.release()
                    told += 1
            except (KilledWorker, CancelledError) as error:
                attempts = attempts + 1 if told == before else 1
                if attempts == ATTEMPTS:
                    raise died(attempts) from error
                self._workers(client)
            finally:
                client.cancel(futures)

    def _client(self) -> Client:
        try:
            from distributed import Client
        except ImportError as error:
            message, hint = "clusters need dask", "pip install 'cloison[cluster]'"
            raise InputError(Diagnostic("C870", message, None, hint)) from error
        try:
            return Client(self.address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            message = f"no scheduler of dask answers at {self.address}"
            hint = "dask scheduler --host 10.0.0.1 says its address, such as tcp://10.0.0.1:8786"
            raise InputError(Diagnostic("C871", message, None, hint)) from error

    def _workers(self, client: Client) -> int:
        """How many there are, all of this code."""
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            message, hint = f"{self.address} has no workers", f"dask worker {self.address}"
            raise InputError(Diagnostic("C871", message, None, hint)) from error
        try:
            codes = client.run(code)
        except Exception as error:
            raise self._others(f"cannot run this cloison: {error}") from error
        if others := sorted(name for name, found in codes.items() if found != code()):
            raise self._others(f"are of another cloison, Python or numpy: {', '.join(others)}")
        return len(codes)

    def _others(self, what: str) -> InputError:
        hint = "install the same versions on every worker"
        return InputError(Diagnostic("C872", f"workers of {self.address} {what}", None, hint))


def code() -> str:
    """Equal for those who compute alike."""
    digest = hashlib.sha256(f"{platform.python_version()} {np.__version__}".encode())
    for package in (fabric, compiler, sim):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            digest.update(f"{package.__name__}/{path.relative_to(root)}".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _done(work: Work, shared: Any, pieces: Sequence[Any]) -> list[Any]:
    with _one_at_a_time:
        return done(work, shared, pieces)
