"""The only place with numba: arrays in, arrays out, no Python objects inside.

Rules that hold here:

1. Every kernel releases the GIL and is cached on disk; a naive twin of each is in `tests/sim`.
2. Indices are unsigned 64-bit: signed ones make numba emit wrap-around code, which costs twice.
3. A key that no table knows ends in an explicit miss, never in an access out of bounds.
4. Compiled kernels are loaded from a directory of this user's alone (`fabric.io.cache_folder`),
   and only as they were written (`sim.kernels.sealed`).

numba's cache notices changes of a kernel's own file only, not of inlined functions in other files,
so the cache directory is keyed by a hash over all kernel sources, and the rows of fields that
kernels are made of. numba also keeps apart Python
versions and the places where a package is installed; the hash covers these as well, so that
`compiled()` knows whether a caller should announce a cold compilation, which takes seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numba

from compiler.policy.fields import looked_up
from fabric.io import cache_folder
from fabric.io.visible import visible
from sim.kernels.kernel_parts import PartCompiler
from sim.kernels.sealed import seal

F = TypeVar("F", bound=Callable[..., Any])
config: Any = numba.config


def cache_dir() -> Path | None:
    """Where compiled kernels are kept: below `$XDG_CACHE_HOME/cloison` (or `~/.cache/cloison`);
    None for a user without a home."""
    folder = Path(__file__).resolve().parent
    digest = sha256(f"{numba.__version__} {sys.implementation.cache_tag} {folder}".encode())
    digest.update(repr([(row.name, row.last) for row in looked_up()]).encode())
    for source in sorted(folder.rglob("*.py")):
        digest.update(source.read_bytes())
    root = cache_folder.home()
    return root and root / f"kernels-{digest.hexdigest()[:16]}"


def compiled() -> bool:
    """Whether kernels of this version have been compiled on this machine before."""
    return WRITABLE and CACHE_DIR is not None and any(CACHE_DIR.glob("**/*.nbc"))


def kernel(function: F) -> F:
    """Compile without the GIL, cached in `cache_dir()`; numba's own setting is left as it was.

    `_nrt` off: a kernel borrows its arrays. Counting references to each array of a tuple at each
    access, which numba would do with atomics, makes the datapath four times slower.
    """
    before = config.CACHE_DIR
    config.CACHE_DIR = str(CACHE_DIR)
    try:
        made: Any = numba.njit(
            nogil=True, cache=WRITABLE, boundscheck=False, no_cfunc_wrapper=True, _nrt=False
        )(function)  # type: ignore[call-overload]
        if WRITABLE:
            seal(made)
        return made  # type: ignore[no-any-return]
    finally:
        config.CACHE_DIR = before


def inlined(function: F) -> F:
    """A part of kernels, inlined into them: passing tables costs more than the work. LLVM does it:
    numba's own inlining copies the callee's syntax tree per call and level, and took two thirds of
    the time to compile the datapath. Nobody else calls a part: what would let Python and C do so,
    which unpacks every table, took half of what was left."""
    made: Any = numba.njit(
        nogil=True,
        forceinline=True,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        _nrt=False,
        pipeline_class=PartCompiler,
    )  # type: ignore[call-overload]
    return made(function)  # type: ignore[no-any-return]


def _usable(path: Path | None) -> bool:
    """Whether kernels are kept at all; a directory that is there and not to be trusted is told."""
    if path is None or not cache_folder.made(path):
        return False
    why = next(filter(None, map(cache_folder.distrust, (path.parent, path))), "")
    if why:
        where = path.parent if cache_folder.distrust(path.parent) else path
        sys.stderr.write(
            f"warning: compiled kernels in {visible(str(where))} are not used: {why}; "
            "remove it, or set XDG_CACHE_HOME\n"
        )
    return not why


CACHE_DIR = cache_dir()
WRITABLE = _usable(CACHE_DIR)
