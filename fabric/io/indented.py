"""JSON with a line per value, as `json.dumps(value, indent=1)` writes it, many times faster: the
encoder of the standard library draws indented lines in Python, piece by piece. Here what holds no
further container is one call of the encoder that is written in C, with separators that break lines.
"""

from __future__ import annotations

from functools import lru_cache
from json import JSONEncoder
from json.encoder import encode_basestring_ascii
from typing import Any

COMPACT = JSONEncoder()


def indented(value: Any, depth: int = 0) -> str:
    """The text of a value that stands `depth` deep; no spaces before its first line.

    >>> print(indented({"a": [1, "x"], "b": {}}))
    {
     "a": [
      1,
      "x"
     ],
     "b": {}
    }
    """
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if not held:
        return _one(value)
    inner, outer = "\n" + " " * (depth + 1), "\n" + " " * depth
    first, last = "{}" if isinstance(value, dict) else "[]"
    if not [None for v in held if isinstance(v, dict | list)]:
        return f"{first}{inner}{_broken(inner).encode(value)[1:-1]}{outer}{last}"
    parts = [indented(v, depth + 1) if isinstance(v, dict | list) else _one(v) for v in held]
    if isinstance(value, dict):
        parts = [f"{_one(k)}: {part}" for k, part in zip(value, parts, strict=True)]
    return f"{first}{inner}{f',{inner}'.join(parts)}{outer}{last}"


def _one(value: Any) -> str:
    """What holds nothing."""
    return encode_basestring_ascii(value) if isinstance(value, str) else COMPACT.encode(value)


@lru_cache(64)
def _broken(inner: str) -> JSONEncoder:
    """One that breaks a line before each value."""
    return JSONEncoder(separators=(f",{inner}", ": "))
