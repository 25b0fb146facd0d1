"""Windows of time: half open, so that the moment at which one ends belongs to the next.

Whatever is in force in windows alone changes at their bounds and nowhere between: a finite number
of `periods` covers all time, and what holds at one moment of a period holds in all of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fabric.values.instants import told

BEGINNING = datetime.min.replace(tzinfo=UTC)
SHORTLY = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """From `first` until `end`, which is not part of it; None is no bound."""

    first: datetime | None = None
    end: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Whether a moment is in it: first <= moment < end."""
        begun = self.first is None or self.first <= moment
        return begun and (self.end is None or moment < self.end)

    @property
    def empty(self) -> bool:
        """Whether no moment is in it."""
        return self.first is not None and self.end is not None and self.end <= self.first

    @property
    def moment(self) -> datetime:
        """One of its moments: the first where it has one, else one shortly before it ends."""
        if self.first is not None or self.end is None or self.end - BEGINNING < SHORTLY:
            return self.first or BEGINNING
        return self.end.replace(microsecond=0) - SHORTLY

    def meets(self, other: Window) -> bool:
        """Whether some moment is in both."""
        return not self.common(other).empty

    def common(self, other: Window) -> Window:
        """What is in both."""
        firsts = [w.first for w in (self, other) if w.first is not None]
        ends = [w.end for w in (self, other) if w.end is not None]
        return Window(max(firsts, default=None), min(ends, default=None))

    def row(self) -> dict[str, str | None]:
        """As data."""
        bounds = {"from": self.first, "until": self.end}
        return {word: None if at is None else told(at) for word, at in bounds.items()}

    def __str__(self) -> str:
        """
        >>> from fabric.values.instants import instant
        >>> str(Window(instant("2027-01-01T00:00:00Z"))), str(Window())
        ('from 2027-01-01T00:00:00Z', 'always')
        """
        parts = [f"{word} {at}" for word, at in self.row().items() if at]
        return " ".join(parts) or "always"


def periods(windows: Iterable[Window], within: Window = Window()) -> tuple[Window, ...]:
    """The parts of `within` at whose bounds some window begins or ends, in order; together they are
    `within`.

    >>> from fabric.values.instants import instant
    >>> one, two = (instant(f"2027-0{n}-01T00:00:00Z") for n in (1, 2))
    >>> [str(part) for part in periods([Window(one, two)], Window(end=two))]
    ['until 2027-01-01T00:00:00Z', 'from 2027-01-01T00:00:00Z until 2027-02-01T00:00:00Z']
    """
    bounds = {at for window in windows for at in (window.first, window.end) if at is not None}
    inner = [at for at in sorted(bounds) if within.holds(at) and at != within.first]
    cuts = [within.first, *inner, within.end]
    return tuple(Window(*pair) for pair in itertools.pairwise(cuts))
