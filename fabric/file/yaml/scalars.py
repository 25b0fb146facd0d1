"""Plain YAML scalars under the YAML 1.2 core schema (YAML 1.2.2 §10.3.2).

Only `null`, `true`/`false`, decimal, `0o` and `0x` integers and floats are special. Everything
else is text: `yes`, `on`, `22:22`, `2024-01-01` and `1_000` mean what they look like.
"""

from __future__ import annotations

import re

Scalar = None | bool | int | float | str

WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
BASES = {"0o": 8, "0x": 16}
NUMERIC_START = frozenset("-+.0123456789")
MAX_DIGITS = 400


def resolve(text: str) -> Scalar:
    """The value of a plain scalar; `ValueError` when it is a number too long to be one.

    >>> [resolve(text) for text in ("0x1f", "1e3", "yes", "22:22", "~")]
    [31, 1000.0, 'yes', '22:22', None]
    """
    if text in WORDS:
        return WORDS[text]
    if text[0] not in NUMERIC_START:
        return text
    if INTEGER.fullmatch(text):
        if len(text) > MAX_DIGITS:
            raise ValueError(f"a number of {len(text)} digits")
        base = BASES.get(text[:2])
        return int(text[2:], base) if base else int(text)
    return float(text) if FLOAT.fullmatch(text) else text
