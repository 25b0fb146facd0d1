"""Moments, as RFC 3339 writes them, in UTC. Windows are half open: they hold their first moment and
not the one at which they end."""

from __future__ import annotations

import re
from datetime import UTC, datetime

RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.(\d{1,9}))?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)
HINT = "a date, a time and its zone: 2027-01-31T09:30:00Z"


def instant(text: str) -> datetime:
    """The moment that a text names, down to a microsecond; ValueError where it names none.

    >>> told(instant("2027-01-31T10:30:00+01:00"))
    '2027-01-31T09:30:00Z'
    """
    if not RFC_3339.fullmatch(text):
        raise ValueError(f'"{text}" is no time')
    whole = re.sub(r"\.(\d{6})\d+", r".\1", text.upper())
    try:
        return datetime.fromisoformat(whole).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f'"{text}" is no time: {error}') from None


def told(moment: datetime) -> str:
    """A moment as text, with a fraction where it has one."""
    plain = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{plain.isoformat(timespec='microseconds' if plain.microsecond else 'seconds')}Z"
