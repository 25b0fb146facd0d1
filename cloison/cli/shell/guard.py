"""Refuse to run beside a distribution that owns one of our package names.

PyPI has an SSH library called `fabric`. Installed into one environment, the two overwrite each
other's files, and what then happens is anyone's guess; so say it plainly instead. The check reads
directory names only: `importlib.metadata` would cost more than all of `cloison --help`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path

PACKAGES = ("fabric", "compiler", "sim")
SUSPECTS = ("fabric", "fabric2", "fabric3", "fab_classic", "compiler", "sim")


def conflict(path: Iterable[str] | None = None) -> str | None:
    """Why our packages cannot be trusted in this environment, or None.

    >>> conflict() is None
    True
    """
    ours = Path(__file__).parents[3]
    folders = [Path(entry or ".") for entry in (sys.path if path is None else path)]
    for owner in owners(folders):
        return message(f'the distribution "{owner}" is installed in this environment')
    for package in PACKAGES:
        found = PathFinder.find_spec(package, list(map(str, folders)))
        if found and found.origin and Path(found.origin).resolve().parent.parent != ours.resolve():
            return message(f'"import {package}" finds {found.origin}')
    return None


def owners(folders: Iterable[Path]) -> Iterator[str]:
    """Other distributions in these folders that installed files under one of our names."""
    for folder in folders:
        if folder.name not in ("site-packages", "dist-packages"):
            continue
        for info in sorted(folder.glob("*.dist-info")):
            name = info.name.partition("-")[0]
            if name.lower() in SUSPECTS and owns(info / "RECORD"):
                yield name


def owns(record: Path) -> bool:
    """Whether a RECORD lists a file inside one of our packages."""
    if not record.is_file():
        return False
    starts = tuple(f"{package}/" for package in PACKAGES)
    return any(line.startswith(starts) for line in record.read_text(errors="replace").splitlines())


def message(what: str) -> str:
    """What the user reads."""
    return (
        f"{what},\nand it owns a package name that cloison needs. Install cloison in an environment"
        " of\nits own: `uv tool install cloison`, `pipx install cloison`, or a fresh venv."
    )
