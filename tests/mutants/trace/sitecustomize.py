"""Notes which functions of the packages a process calls, subprocesses of a test included.

Python imports a `sitecustomize` that stands first in `PYTHONPATH`, in every process. With
`CLOISON_CALLS` naming a folder it writes `path<TAB>qualified name` lines there at exit. Only calls
are traced, no lines; compiled kernels are called past it (`mutants.reach` says what is done there).
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from types import CodeType, FrameType
from typing import Any

FOLDER = os.environ.get("CLOISON_CALLS", "")
ROOT = os.environ.get("CLOISON_CALLS_ROOT", "")
SEEN: set[CodeType] = set()


def note(frame: FrameType, event: str, arg: Any) -> None:
    """One call; no trace function for its lines."""
    SEEN.add(frame.f_code)


def write() -> None:
    """What this process called below the root."""
    sys.settrace(None)
    lines = {
        f"{code.co_filename[len(ROOT) + 1 :]}\t{code.co_qualname}\n"
        for code in list(SEEN)
        if code.co_filename.startswith(ROOT + "/")
    }
    with open(f"{FOLDER}/{os.getpid()}.calls", "w") as out:  # noqa: PTH123
        out.writelines(sorted(lines))


def forget() -> None:
    """A forked child writes its own, if it ends by itself."""
    SEEN.clear()


if FOLDER:
    atexit.register(write)
    os.register_at_fork(after_in_child=forget)
    threading.settrace(note)  # type: ignore[arg-type]
    sys.settrace(note)  # type: ignore[arg-type]
