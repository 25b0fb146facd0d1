"""A digest of everything that computes: our own sources, Python, and what values are made of.

Sources may be edited while they run. So whoever keeps what was computed, or uses what was kept,
asks `steady`: whether none of them was touched since shortly before this process began.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("cloison", "compiler", "fabric", "sim")
LIBRARIES = ("llvmlite", "networkx", "numba", "numpy", "pydantic", "pydantic-core", "PyYAML")
EARLIER = 2.0
"""Seconds by which clocks, times of files and the start of a process may differ."""


def began() -> float:
    """When this process began, by when it had imported nothing; where the system does not say
    that, now."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        boot = int(Path("/proc/stat").read_text().partition("\nbtime ")[2].split()[0])
        return min(time.time(), boot + ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError):
        return time.time()


STARTED = began()


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
    root = Path(__file__).resolve().parents[2]
    for package in PACKAGES:
        yield from sorted((root / package).rglob("*.py"))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
