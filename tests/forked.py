"""The command line in a process of its own, without the second that it takes to import it.

A server that has imported everything forks a child for each command. It has a folder, limits and
streams of its own, and may be killed. What a test says about the start of a process (imports, hash
seeds, too few files) needs a fresh one.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import Any

from cloison.cli import VERBS

ALSO = (
    "matplotlib.pyplot",
    "networkx",
    "sim.pipeline.replay",
    "sim.proof.certificates.certificate",
)
"""What verbs import while they run."""


def run(
    folder: Path,
    *arguments: str,
    before: str = "",
    limits: Mapping[int, int] | None = None,
    stdout: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """`cloison ARGUMENTS` in a folder, after some Python, below `resource` limits; minus the signal
    that ended it is its return code."""
    ours, theirs = zip(*(_server().Pipe(duplex=False) for _ in range(2)), strict=True)
    given = (*theirs, stdout, folder, dict(os.environ), before, dict(limits or {}), arguments)
    child = _server().Process(target=_child, args=given)
    child.start()
    said = ["", ""]
    readers = [Thread(target=_read, args=(one, said, n)) for n, one in enumerate(ours)]
    for one in theirs:
        one.close()
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    child.join()
    return subprocess.CompletedProcess(arguments, child.exitcode or 0, *said)


@cache
def _server() -> Any:
    context = get_context("forkserver")
    context.set_forkserver_preload([*(module for module, _ in VERBS.values()), *ALSO])
    return context


def _read(end: Connection, said: list[str], number: int) -> None:
    with end, open(end.fileno(), encoding="utf-8", closefd=False) as file:
        said[number] = file.read()


def _child(
    out: Connection,
    errors: Connection,
    stdout: Path | None,
    folder: Path,
    environment: dict[str, str],
    before: str,
    limits: dict[int, int],
    arguments: tuple[str, ...],
) -> None:
    os.dup2(os.open(stdout, os.O_WRONLY) if stdout else out.fileno(), 1)
    os.dup2(errors.fileno(), 2)
    out.close()
    errors.close()
    sys.stdout, sys.stderr = (os.fdopen(fd, "w", encoding="utf-8", closefd=False) for fd in (1, 2))
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv[:] = ["-c", *arguments]
    exec(before, {})
    for which, limit in limits.items():
        resource.setrlimit(which, (limit, limit))
    from cloison.cli import main

    main()
