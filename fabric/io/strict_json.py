"""JSON as RFC 8259 has it: neither NaN nor Infinity, no number that a double cannot hold.

Python's own reader takes the words `NaN` and `Infinity`, turns `1e999` into infinity, and its
writer writes them back; other programs then refuse the line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

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
        return json.JSONDecoder(
            object_pairs_hook=pairs, parse_constant=_reject, parse_float=_finite
        ).decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _reject(text)


def _reject(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a value")
