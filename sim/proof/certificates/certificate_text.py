"""The text of a certificate, piece by piece: that of a large fabric is hundreds of megabytes, most
of it ranges that many maps have in common. Those are one list, and are encoded once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from json import JSONEncoder
from typing import Any


def pieces(body: dict[str, Any], in_order: bool = False) -> Iterator[bytes]:
    """What `json.dumps` writes without spaces; `in_order` with all keys sorted."""
    encode = JSONEncoder(separators=(",", ":"), sort_keys=in_order).encode
    between = "{"
    for key in sorted(body) if in_order else body:
        yield f"{between}{encode(key)}:".encode()
        yield from _maps(body[key]) if key == "maps" else [encode(body[key]).encode()]
        between = ","
    yield b"}"


def digest(body: dict[str, Any]) -> str:
    """SHA-256 of a certificate's canonical text."""
    found = hashlib.sha256()
    for piece in pieces(body, in_order=True):
        found.update(piece)
    return found.hexdigest()


def _maps(maps: list[list[list[Any]]]) -> Iterator[bytes]:
    encode = JSONEncoder(separators=(",", ":")).encode
    known: dict[int, str] = {}
    between = "["
    for rows in maps:
        known |= {id(row): encode(row) for row in rows if id(row) not in known}
        yield f"{between}[{','.join([known[id(row)] for row in rows])}]".encode()
        between = ","
    yield b"]" if maps else b"[]"
