"""Guess what was meant where the shape of a fabric file is wrong, so that checks can go on.

The file stays wrong: a guess only serves to report, in the same run, what else is wrong with it.
Slips that have one obvious reading are repaired (a misspelt key, a number for text, text for a
list); for everything else nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from fabric.schema import keys_at

Place = tuple[str | int, ...]


def repaired(value: Any, problems: Iterable[tuple[Place, ErrorDetails]]) -> Any:
    """A copy of a file's value in which the obvious slips are mended; nothing shared is changed."""
    for place, detail in problems:
        value = mended(value, place, place, detail)
    return value


def mended(value: Any, rest: Place, place: Place, detail: ErrorDetails) -> Any:
    """A copy with one problem at `place` mended, of which `rest` still lies below `value`."""
    if not rest:
        return guess(value, detail["type"])
    copy: Any
    if isinstance(value, Mapping) and rest[0] in value:
        copy = dict(value)
    elif isinstance(value, list) and isinstance(rest[0], int) and rest[0] < len(value):
        copy = list(value)
    else:
        return value
    if len(rest) == 1 and detail["type"] == "extra_forbidden":
        extra = copy.pop(rest[0])
        for key in get_close_matches(str(rest[0]), keys_at(place[:-1]), n=1):
            copy.setdefault(key, extra)
    else:
        copy[rest[0]] = mended(value[rest[0]], rest[1:], place, detail)
    return copy


def guess(value: Any, kind: str) -> Any:
    """What a value of the wrong type probably stands for.

    >>> guess(22, "string_type"), guess("a", "list_type"), guess("2", "int_type"), guess({}, "x")
    ('22', ['a'], 2, {})
    """
    match kind, value:
        case "string_type", int() | float():
            return str(value)
        case "list_type", str():
            return [value]
        case "int_type", str() if value.isdecimal() and len(value) < 20:
            return int(value)
        case "dict_type" | "model_type", None:
            return {}
        case _:
            return value
