"""Running a program of others on a tree of files, so that it can read it, print, and nothing else.

Rules that hold here:

1. Words are what they are: no shell sees them. The program gets no input, and of the environment
   nothing but a search path, a home of its own that is empty, and a language.
2. What it prints, how long it runs, how much memory and processor time it takes, and how large its
   files get is bounded (`Bounds`). Whatever it started ends with it.
3. Where the machine has namespaces for users, it has no network, sees nothing but programs,
   libraries and the tree, and can write to nothing (`fabric.rendering.confined_child`). Where not,
   the answer says so (`Ran.walls`), and it runs on a copy of the tree that nobody else has.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

CHILD = Path(__file__).with_name("confined_child.py")
PART = 1 << 16
ENDED = 10.0
"""Seconds to wait for what was killed."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds of wall time; bytes of what is printed, of memory, of one file, and of `/tmp`."""

    seconds: float = 120.0
    printed: int = 64 * 2**20
    said: int = 2**16
    memory: int = 4 * 2**30
    file: int = 256 * 2**20
    scratch: int = 256 * 2**20

    def limits(self) -> dict[str, int]:
        """As setrlimit(2) takes them."""
        return {
            "RLIMIT_CPU": int(self.seconds) + 1,
            "RLIMIT_DATA": self.memory,
            "RLIMIT_FSIZE": self.file,
            "RLIMIT_NOFILE": 1024,
            "RLIMIT_CORE": 0,
        }


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of it: all that was printed, the beginning of what was said on stderr, and the
    exit code, negative for a signal. `walls` says why there were none around it, empty where there
    were; `ended` why it was ended, if it was."""

    printed: bytes
    said: bytes
    code: int
    walls: str = ""
    ended: str = ""


def run(
    words: Sequence[str], program: Path, tree: Path, folder: str, bounds: Bounds = Bounds()
) -> Ran:
    """Run `program`, called as `words` say, in `folder` of `tree`. Raises OSError where it cannot
    be started at all."""
    with TemporaryDirectory(prefix="cloison-") as place:
        home, box = Path(place, "home"), Path(place, "box")
        home.mkdir()
        box.mkdir()
        job = {
            "words": [*words],
            "program": str(program),
            "tree": str(tree),
            "folder": folder,
            "box": str(box),
            "scratch": bounds.scratch,
            "bounds": bounds.limits(),
        }
        inside = environment("/tmp", program)
        ran, status = _start({**job, "confine": True, "environment": inside}, bounds)
        if not status.startswith(" unable"):
            return _started(ran, status)
        why = status.removeprefix(" unable ")
        outside = environment(str(home), program)
        ran, status = _start({**job, "confine": False, "environment": outside}, bounds)
        found = _started(ran, status)
        return Ran(found.printed, found.said, found.code, why, found.ended)


def environment(home: str, program: Path) -> dict[str, str]:
    """All that a program learns from its environment."""
    path = dict.fromkeys([str(program.parent), "/usr/local/bin", "/usr/bin", "/bin"])
    return {"PATH": ":".join(path), "HOME": home, "TMPDIR": home, "LC_ALL": "C.UTF-8"}


def _started(ran: Ran, status: str) -> Ran:
    if status != "ran" and not ran.ended:
        raise OSError(status.removeprefix("ran").strip().partition(" ")[2] or "it did not start")
    return ran


def _start(job: dict[str, object], bounds: Bounds) -> tuple[Ran, str]:
    """What a job prints, and what it says of itself."""
    reading, writing = os.pipe()
    try:
        command = [sys.executable, "-I", "-S", str(CHILD), json.dumps({**job, "status": writing})]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[writing],
            start_new_session=True,
            env={},
            cwd="/",
        )
    finally:
        os.close(writing)
    with os.fdopen(reading, "rb") as status:
        ran = _watched(process, bounds)
        return ran, status.read(PART).decode("utf-8", "replace")


def _watched(process: subprocess.Popen[bytes], bounds: Bounds) -> Ran:
    """Rule 2."""
    assert process.stdout is not None and process.stderr is not None
    parts: dict[str, list[bytes]] = {"printed": [], "said": []}
    sizes = {"printed": 0, "said": 0}
    end, ended = time.monotonic() + bounds.seconds, ""
    try:
        with selectors.DefaultSelector() as waiting:
            waiting.register(process.stdout, selectors.EVENT_READ, "printed")
            waiting.register(process.stderr, selectors.EVENT_READ, "said")
            while waiting.get_map() and not ended:
                for key, _ in waiting.select(max(end - time.monotonic(), 0)):
                    data = os.read(key.fd, PART)
                    if not data:
                        waiting.unregister(key.fileobj)
                    elif key.data == "printed" or sizes["said"] < bounds.said:
                        parts[key.data].append(data)
                        sizes[key.data] += len(data)
                if sizes["printed"] > bounds.printed:
                    ended = f"it printed more than {bounds.printed >> 20} MiB"
                elif time.monotonic() >= end:
                    ended = f"it ran for more than {bounds.seconds:g} s"
        if not ended:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(end - time.monotonic(), 0.0) + ENDED)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
        process.stderr.close()
        process.wait(ENDED)
    code = process.returncode
    code = 128 - code if code > 128 else code
    said = b"".join(parts["said"])[: bounds.said]
    return Ran(b"".join(parts["printed"]), said, code, "", ended)
