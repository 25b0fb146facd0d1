"""How much of an answer the readers of each format take, and what stands where something is cut.

GitHub shows 10 annotations of a level per step and 50 per run, and takes SARIF of 25,000 results
and 10 MB when packed ("SARIF support for code scanning", "Workflow commands"); comments on pull
requests hold 65,536 characters. GitLab takes more of everything. What is left out is told where it
is left out, with how many there are; exit codes are about all of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

PER_LEVEL = 10
RESULTS = 25_000
PACKED = 10_000_000
COMMENT = 65_536
TEXT = 4_000
"""Characters of one message."""


def clipped(text: str, most: int = TEXT) -> str:
    """Text of at most so many characters.

    >>> clipped("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def cut(items: Sequence[T], most: int) -> tuple[Sequence[T], int]:
    """As many as there is room for, and how many are left out; what says so takes a place."""
    if len(items) <= most:
        return items, 0
    return items[: most - 1], len(items) - most + 1


def more(count: int, link: str) -> str:
    """What stands in the place of what is left out.

    >>> more(1200, "https://ci.example/7")
    'and 1,200 more: https://ci.example/7'
    """
    return f"and {count:,} more: {link or 'cloison with -o json has all of it'}"


def packed(text: str) -> int:
    """Bytes of a text when it is packed."""
    return len(zlib.compress(text.encode()))


def bounded(lines: Sequence[str], link: str, most: int = COMMENT) -> str:
    """Lines of Markdown, the last ones left out where there are too many; a line that is too long
    by itself ends there."""
    text = "\n".join(lines)
    if len(text) <= most:
        return text
    kept: list[str] = []
    room = most - len(more(len(lines), link)) - 2
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    left = sum(bool(line) for line in lines[len(kept) :])
    said = more(left, link).replace("more:", "lines:", 1)
    return "\n".join([*kept, "", said])
