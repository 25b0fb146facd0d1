"""What a lab of FRR leaves is taken away, also when the process that ran the lab was killed.

A lab starts this as a process of its own, in a session of its own, and keeps its standard input
open: that ends with the lab, however the lab ends. Everything is found by the lab's prefix.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ENDED = b"ended"


@contextmanager
def swept(prefix: str, *parents: Path) -> Iterator[None]:
    """Afterwards there are no namespaces that begin with `prefix`, no processes in them, and
    nothing called so in `parents`: daemons' folders with their pid files, scratch folders."""
    command = [sys.executable, __file__, prefix, *map(str, parents)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as keeper:
        try:
            yield
        finally:
            keeper.communicate(ENDED)


def sweep(prefix: str, parents: Sequence[Path]) -> bool:
    """Daemons by pid file, then whatever else runs in the namespaces, then all that has a name;
    whether there was anything."""
    files = [file for parent in parents for file in parent.glob(f"{prefix}*/*.pid")]
    end(int(text) for text in (file.read_text().strip() for file in files) if text.isdigit())
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    names = [line.split()[0] for line in listed.splitlines() if line.startswith(prefix)]
    for name in names:
        inside = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True)
        end(map(int, inside.stdout.split()))
    for name in names:
        subprocess.run(["ip", "netns", "del", name], capture_output=True)
    folders = [folder for parent in parents for folder in parent.glob(f"{prefix}*")]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return bool(names or folders)


def end(numbers: Iterable[int]) -> None:
    """End processes; those that do not listen are killed."""
    pids = list(numbers)
    for signal_, patience in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
        for pid in filter(alive, pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal_)
        deadline = time.monotonic() + patience
        while any(map(alive, pids)) and time.monotonic() < deadline:
            time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process still runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def main() -> None:
    """Who was killed may have left commands that are still at work: look again until nothing
    comes."""
    ended = sys.stdin.buffer.read() == ENDED
    while sweep(sys.argv[1], [Path(argument) for argument in sys.argv[2:]]) and not ended:
        time.sleep(0.5)


if __name__ == "__main__":
    main()
