"""Text of strangers, made safe to look at: what hides, moves or ends a line is shown as an escape.

Names come from YAML, where a string may hold anything: ESC drives terminals, U+202E turns text
round, a newline ends a comment in a configuration and starts whatever follows. Whoever writes such
text anywhere but into JSON passes it through here.
"""

from __future__ import annotations

import unicodedata

HIDING = ("Cc", "Cf", "Zl", "Zp", "Cs")
"""Unicode categories: control, format (bidirectional overrides among them), line and paragraph
separators, surrogates."""


class Lines(str):
    """Several lines whose newlines are ours; `lines` makes them."""

    __slots__ = ()


def visible(text: str) -> str:
    """One line with everything that hides escaped; `Lines` stay as they are.

    >>> visible("a\\x1b[1mb\\nc\\u202ed")
    'a\\\\x1b[1mb\\\\nc\\\\u202ed'
    """
    if text.isprintable() or isinstance(text, Lines):
        return text
    return "".join(map(_escaped, text))


def lines(*parts: str | None) -> Lines:
    """Parts below one another, each made visible; empty ones are left out.

    >>> lines("a\\nb", None, "c")
    'a\\\\nb\\nc'
    """
    return Lines("\n".join(visible(part) for part in parts if part))


def paragraph(text: str) -> str:
    """Text whose newlines are ours, such as a finished message, with everything else visible.

    >>> paragraph("a\\x07\\nb")
    'a\\\\x07\\nb'
    """
    return "\n".join(map(visible, text.split("\n")))


def _escaped(character: str) -> str:
    hides = unicodedata.category(character) in HIDING
    return character.encode("unicode_escape").decode() if hides else character
