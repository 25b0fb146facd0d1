"""Rooms and arrows of a package, and modules of rooms: `python tests/rooms.py` counts them.

A room is a folder or a module at the root of a package, an arrow is that some module of one room
imports some module of another, now or when it is called for. Both are what a reader has to know
before the first file makes sense.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("fabric", "compiler", "sim", "cloison")

Arrows = dict[tuple[str, str], list[str]]


def rooms(package: str) -> set[str]:
    """Modules and folders of modules at the root of a package."""
    folder = ROOT / package
    found = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    return found | {path.name for path in folder.iterdir() if any(path.rglob("*.py"))}


def modules(package: str) -> dict[str, int]:
    """How many modules stand in a package and in each room inside of it, at whatever depth."""
    found: dict[str, int] = defaultdict(int)
    for path in (ROOT / package).rglob("*.py"):
        found[str(path.parent.relative_to(ROOT))] += path.stem != "__init__"
    return dict(found)


def arrows(package: str) -> Arrows:
    """Between which rooms imports run, with the places where they stand."""
    there = rooms(package)
    found: Arrows = defaultdict(list)
    for path in sorted((ROOT / package).rglob("*.py")):
        room = path.relative_to(ROOT).with_suffix("").parts[1]
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for name in imported(node):
                top, _, rest = name.partition(".")
                other = rest.partition(".")[0]
                if top == package and other in there - {room} and room in there:
                    found[room, other].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return dict(found)


def imported(node: ast.AST) -> list[str]:
    """What a statement may import, by dotted names.

    >>> imported(ast.parse("from fabric import values, io").body[0])
    ['fabric.values', 'fabric.io']
    """
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


if __name__ == "__main__":
    for package in PACKAGES:
        counted = len(rooms(package)), len(arrows(package))
        sys.stdout.write("{}: {} rooms, {} arrows\n".format(package, *counted))
        inside = modules(package)
        most = max(inside, key=lambda room: inside[room])
        sys.stdout.write(f"  {sum(inside.values())} modules, most in {most}: {inside[most]}\n")
