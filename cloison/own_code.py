"""A digest of everything that computes: our own sources, Python, and what values are made of.

Sources may be edited while they run. So whoever keeps what was computed asks `steady` when it is
done: whether none of them was touched since shortly before this process began.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("cloison", "compiler", "fabric", "sim")
LIBRARIES = ("llvmlite", "networkx", "numba", "numpy", "pydantic", "pydantic-core", "PyYAML")


STARTED = time.time()
EARLIER = 2.0
"""Seconds that a process may have run before it imported this."""


def steady() -> bool:
    """Whether what runs is what `own_code` says."""
    times = (max(about.st_mtime, about.st_ctime) for about in (p.stat() for p in _sources()))
    return max(times) < STARTED - EARLIER


@cache
def own_code() -> str:
    """Equal for programs that compute the same from the same files."""
    digest = sha256(f"{sys.version} {sys.implementation.cache_tag}".encode())
    for path in _sources():
        digest.update(f"\0{path}\0".encode())
        digest.update(path.read_bytes())
    for name in LIBRARIES:
        digest.update(f"\0{name} {_version(name)}".encode())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    root = Path(__file__).resolve().parents[1]
    for package in PACKAGES:
        yield from sorted((root / package).rglob("*.py"))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
