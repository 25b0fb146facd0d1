"""The only place with numba: arrays in, arrays out, no Python objects inside.

Rules that hold here:

1. Every kernel releases the GIL and is cached on disk; a naive twin of each is in `tests/sim`.
2. Indices are unsigned 64-bit: signed ones make numba emit wrap-around code, which costs twice.
3. A key that no table knows ends in an explicit miss, never in an access out of bounds.

numba's cache notices changes of a kernel's own file only, not of inlined functions in other files,
so the cache directory is keyed by a hash over all kernel sources. numba also keeps apart Python
versions and the places where a package is installed; the hash covers these as well, so that
`compiled()` knows whether a caller should announce a cold compilation, which takes seconds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])
config: Any = numba.config


def cache_dir() -> Path | None:
    """Where compiled kernels are kept: below `$XDG_CACHE_HOME/cloison` (or `~/.cache/cloison`);
    None for a user without a home."""
    folder = Path(__file__).resolve().parent
    digest = sha256(f"{numba.__version__} {sys.implementation.cache_tag} {folder}".encode())
    for source in sorted(folder.glob("*.py")):
        digest.update(source.read_bytes())
    try:
        root = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    except RuntimeError:
        return None
    return root / "cloison" / f"kernels-{digest.hexdigest()[:16]}"


def compiled() -> bool:
    """Whether kernels of this version have been compiled on this machine before."""
    return CACHE_DIR is not None and any(CACHE_DIR.glob("**/*.nbc"))


def kernel(function: F) -> F:
    """Compile without the GIL, cached in `cache_dir()`; numba's own setting is left as it was.

    `_nrt` off: a kernel borrows its arrays. Counting references to each array of a tuple at each
    access, which numba would do with atomics, makes the datapath four times slower.
    """
    before = config.CACHE_DIR
    config.CACHE_DIR = str(CACHE_DIR)
    try:
        return numba.njit(nogil=True, cache=WRITABLE, boundscheck=False, _nrt=False)(function)  # type: ignore[no-any-return, call-overload]
    finally:
        config.CACHE_DIR = before


def inlined(function: F) -> F:
    """A part of kernels, inlined into them: passing tables costs more than the work."""
    return numba.njit(nogil=True, inline="always", _nrt=False)(function)  # type: ignore[no-any-return, call-overload]


def _writable(path: Path | None) -> bool:
    if path is None:
        return False
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(path, os.W_OK)


CACHE_DIR = cache_dir()
WRITABLE = _writable(CACHE_DIR)
