"""One place of an NVUE configuration that stands under several keys, such as an interface in a
range and by its name: what all of them say together.

Mappings are one mapping. Where two say different things at one place, nobody knows which counts:
the first is kept, and the place told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compiler.imports.nvue.nvue_tree import Branch, said
from fabric.file.yaml.reader import KeyEntry, Mark

CHOICES = ("state", "vrf", "member-of")
"""Keys below which one key is a value, of which there is one."""


def together(parts: Sequence[Branch]) -> tuple[Branch, str]:
    """What some branches say together, and the place where two of them disagree, if any."""
    first = parts[0]
    whole = first.again(first.value)
    unlike = list[str]()
    for part in parts[1:]:
        whole.value, whole.mark = merged(
            (whole.value, whole.mark), (part.value, part.mark), first, (), unlike
        )
        part.use()
    return whole, unlike[0] if unlike else ""


Place = tuple[Any, Mark]
"""A value and where it stands."""


def merged(
    one: Place, other: Place, at: Branch, steps: tuple[str, ...], unlike: list[str]
) -> Place:
    """Two values of one place. Lines of what is said twice count as used."""
    (a, mark), (b, far) = one, other
    if empty(b) and not (steps and isinstance(a, str | int | bool)):
        return one
    if empty(a) and not (steps and isinstance(b, str | int | bool)):
        return other
    if not (isinstance(a, dict) and isinstance(b, dict)):
        if isinstance(a, dict | list) or isinstance(b, dict | list) or said(a) != said(b):
            unlike.append(" ".join(steps))
        at.file.book.use(far.line + 1)
        return one
    values, below = dict(a), dict(entries(mark))
    if steps and steps[-1] in CHOICES and a.keys() != b.keys():
        unlike.append(" ".join(steps))
    for key, entry in entries(far).items():
        if key not in values:
            values[key], below[key] = b[key], entry
            continue
        at.file.book.use(entry.line + 1)
        values[key], inner = merged(
            (a[key], below[key].mark), (b[key], entry.mark), at, (*steps, key), unlike
        )
        below[key] = KeyEntry(below[key].line, below[key].column, inner)
    return values, Mark(mark.line, mark.column, below)


def empty(value: Any) -> bool:
    """Whether nothing stands there."""
    return value is None or value in ({}, [])


def entries(mark: Mark) -> dict[str, KeyEntry]:
    """The keys of a mapping."""
    return mark.below if isinstance(mark.below, dict) else {}
