"""Work for sweeps. It stands in a module of its own, which other processes can import."""

from __future__ import annotations

import os
from pathlib import Path

from fabric.diagnostics import Diagnostic, InputError


def plus(shared: int, piece: int) -> int:
    return shared + piece


def refused(shared: int, piece: int) -> int:
    if piece >= shared:
        raise InputError(Diagnostic("C999", f"{piece} is too much"))
    return piece


def dying_once(shared: str, piece: int) -> int:
    """The process that is given 5 first dies of it."""
    marker = Path(shared)
    if piece == 5 and not marker.exists():
        marker.touch()
        os._exit(1)
    return piece * piece


def dying(shared: object, piece: int) -> int:
    os._exit(1)
