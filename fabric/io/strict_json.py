"""JSON as RFC 8259 has it: neither NaN nor Infinity, no number that a double cannot hold, no half
of a character.

Python's own reader takes the words `NaN` and `Infinity`, turns `1e999` into infinity, keeps one
half of a surrogate pair, and its writer writes them back; other programs then refuse the line.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

SPACE = re.compile(r"[ \t\n\r]*")
HALF = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
Pairs = Callable[[list[tuple[str, Any]]], Any]


def decoded(text: str, pairs: Pairs | None = None) -> Any:
    """The value of a JSON text; ValueError when it is none, also when it is nested too deep.
    `pairs` makes the value of an object, a dictionary unless given.

    >>> decoded('{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    >>> decoded("[1e999]")
    Traceback (most recent call last):
    ValueError: 1e999 is not a value
    """
    try:
        value = json.JSONDecoder(
            object_pairs_hook=pairs, parse_constant=_reject, parse_float=_finite
        ).decode(text)
        if HALF.search(text):
            _whole(json.JSONDecoder(object_pairs_hook=list).decode(text))
    except RecursionError:
        raise ValueError("nested too deep") from None
    return value


def stream(text: str, pairs: Pairs | None = None) -> Iterator[Any]:
    """The values of JSON texts that stand one behind the other; errors as those of `decoded`.

    >>> list(stream('{"a": 1} {"b": 2}'))
    [{'a': 1}, {'b': 2}]
    """
    reader, at = json.JSONDecoder(), _behind_space(text, 0)
    while at < len(text):
        try:
            _, end = reader.raw_decode(text, at)
        except RecursionError:
            raise ValueError("nested too deep") from None
        yield decoded(text[at:end], pairs)
        at = _behind_space(text, end)


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys stand there once: readers disagree about others.

    >>> decoded('{"a": 1, "a": 2}', distinct)
    Traceback (most recent call last):
    ValueError: an object has a key twice
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a key twice")
    return found


def _behind_space(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    return at if found is None else found.end()


def _whole(value: Any) -> None:
    """Raises when a text holds half of a surrogate pair."""
    if isinstance(value, list | tuple):
        for inner in value:
            _whole(inner)
    elif isinstance(value, str):
        half = next((letter for letter in value if "\ud800" <= letter <= "\udfff"), None)
        if half is not None:
            raise ValueError(f"\\u{ord(half):04x} is half of a character")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _reject(text)


def _reject(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a value")
