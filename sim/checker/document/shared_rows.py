"""Ranges that maps have in common: most ranges of a large fabric stand in many maps.

They are read once and are one list then, and whoever asks something of every range of every map
asks it once of each list. Nobody relies on it: of ranges that are lists of their own each is asked.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from json import JSONEncoder
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fabric.io.strict_json import decoded, distinct

Column = NDArray[Any]
OPEN, CLOSE = '"maps":[[[', "]]]]"


class Numbered(NamedTuple):
    """`rows` are the lists that differ; `of[m]` has the number of each row of map m."""

    rows: list[Any]
    of: list[Column]

    def maps_with(self, flags: Sequence[bool] | Column) -> Iterator[int]:
        """The maps in which any row is flagged."""
        flagged = np.array(flags, np.bool_)
        if flagged.any():
            yield from (place for place, found in enumerate(self.of) if flagged[found].any())


def numbered(maps: Sequence[Sequence[Any]]) -> Numbered:
    """The rows of maps by number."""
    known: dict[int, int] = {}
    rows: list[Any] = []
    of = []
    for found in maps:
        ids = list(map(id, found))
        fresh = {number: row for number, row in zip(ids, found, strict=True) if number not in known}
        known |= {number: len(rows) + place for place, number in enumerate(fresh)}
        rows += fresh.values()
        of.append(np.array([known[number] for number in ids], np.int64))
    return Numbered(rows, of)


def expanded(first: Column, count: Column) -> tuple[Column, Column]:
    """Rows repeated so many times, and the values first, first + 1, … of each."""
    row = np.repeat(np.arange(len(count)), count)
    begin = np.cumsum(count) - count
    return row, np.arange(len(row)) - begin[row] + first[row]


def parsed(text: str) -> Any:
    """The JSON of a certificate, ValueError when it is none: as `decoded`, which is asked about
    each text of a range once, where maps are written without spaces."""
    found = _shared(text)
    return decoded(text, distinct) if found is None else found


def _shared(text: str) -> dict[str, Any] | None:
    """A text whose pieces are JSON each is JSON, and means what they mean; anything else is not
    read here. The token stands for maps where nobody who wrote the text can have put it."""
    first = text.find(OPEN)
    end = text.find(CLOSE, first)
    if first < 0 or end < 0:
        return None
    token = secrets.token_hex(16)
    try:
        found = decoded(f'{text[:first]}"maps":"{token}"{text[end + len(CLOSE) :]}', distinct)
        if not isinstance(found, dict) or found.get("maps") != token:
            return None
        known: dict[str, Any] = {}
        maps = []
        for part in text[first + len(OPEN) : end].split("]]],[["):
            pieces = part.split("]],[")
            fresh = {piece for piece in pieces if piece not in known}
            known |= {piece: decoded(f"[{piece}]]", distinct) for piece in fresh}
            maps.append([known[piece] for piece in pieces])
    except ValueError:
        return None
    return found | {"maps": maps}


def compact(value: dict[str, Any]) -> Iterator[bytes]:
    """The text of an object, keys sorted, no spaces, piece by piece."""
    encode = JSONEncoder(sort_keys=True, separators=(",", ":")).encode
    between = "{"
    for key in sorted(value):
        yield f"{between}{encode(key)}:".encode()
        if key == "maps":
            yield from _maps(value[key])
        else:
            yield encode(value[key]).encode()
        between = ","
    yield b"}" if value else b"{}"


def _maps(maps: Sequence[Sequence[Any]]) -> Iterator[bytes]:
    encode = JSONEncoder(sort_keys=True, separators=(",", ":")).encode
    found = numbered(maps)
    texts = [encode(row) for row in found.rows]
    between = "["
    for of in found.of:
        yield f"{between}[{','.join([texts[row] for row in of.tolist()])}]".encode()
        between = ","
    yield b"]" if maps else b"[]"
