"""Rewrites: destinations that become others on their way, such as a door's that become a pod's.

Rules that hold here:

1. All nodes rewrite alike, where a packet comes in: routes, groups, hashes and receivers see the
   new destination, and nobody gets what was sent to the old one. Answers are not turned back.
2. Several rewrites see a header one after the other.
3. What they make of it stays as it is: a packet that is passed on from tunnel to tunnel is looked
   at again, and must not become a third one. Others are refused (C851).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.values.interval_sets import Intervals, subtract, union

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    U64 = NDArray[np.uint64]

LOW = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Destinations `first..last` of an IP version become those from `to` on, in order."""

    version: int
    first: int
    last: int
    to: int

    @property
    def shift(self) -> int:
        """What is added to an address."""
        return self.to - self.first


def rewritten(rewrites: Iterable[Rewrite], version: int, ip: int) -> int:
    """What becomes of a destination.

    >>> through = Rewrite(4, 10, 19, 30), Rewrite(4, 35, 35, 99)
    >>> [rewritten(through, 4, ip) for ip in (9, 10, 15, 20)]
    [9, 30, 99, 20]
    """
    for one in rewrites:
        if one.version == version and one.first <= ip <= one.last:
            ip += one.shift
    return ip


def moves(rewrites: Iterable[Rewrite]) -> tuple[Rewrite, ...]:
    """The same as disjoint rewrites, in order, each of which changes every address in it. Raises
    `UndecidedError` (rule 3).

    >>> [(m.first, m.last, m.to) for m in moves([Rewrite(4, 10, 19, 30), Rewrite(4, 35, 35, 99)])]
    [(10, 14, 30), (15, 15, 99), (16, 19, 36), (35, 35, 99)]
    """
    found: list[Rewrite] = []
    for one in rewrites:
        found = [part for known in found for part in _then(known, one)]
        moved = union((m.first, m.last) for m in found if m.version == one.version)
        untouched = subtract(((one.first, one.last),), moved)
        found += [Rewrite(one.version, a, b, a + one.shift) for a, b in untouched]
    found = sorted((m for m in found if m.shift), key=lambda m: (m.version, m.first))
    for version in (4, 6):
        here = sources(found, version)
        if any(m.to <= b and a <= m.to + m.last - m.first for a, b in here for m in found
               if m.version == version):  # fmt: skip
            message = "what a rewrite of headers makes is rewritten once more at the next node"
            raise UndecidedError(Diagnostic("C851", message, None, None, "unknown"))
    return tuple(found)


def refuse_rewrites(rewrites: tuple[Rewrite, ...], who: str) -> None:
    """Nothing, unless there are rewrites: `who` does not follow them."""
    if rewrites:
        message = f"{who} does not follow headers that are rewritten on their way"
        hint = "explain, replay and proofs do"
        raise UndecidedError(Diagnostic("C851", message, None, hint, "unknown"))


def _then(known: Rewrite, one: Rewrite) -> Iterable[Rewrite]:
    """What is left of a rewrite before, inside and behind what another one makes of its result."""
    low = max(known.first, one.first - known.shift)
    high = min(known.last, one.last - known.shift)
    if known.version != one.version or low > high:
        return [known]
    bounds = (known.first, low - 1, 0), (low, high, one.shift), (high + 1, known.last, 0)
    return [Rewrite(known.version, a, b, a + known.shift + more) for a, b, more in bounds if a <= b]


def sources(rewrites: Iterable[Rewrite], version: int) -> Intervals:
    """The addresses of one IP version that become others, of disjoint rewrites."""
    return union((m.first, m.last) for m in rewrites if m.version == version)


def rewritten_columns(
    rewrites: Iterable[Rewrite], version: NDArray[np.uint8], hi: U64, lo: U64
) -> tuple[U64, U64]:
    """What becomes of columns of destinations: both halves of each address."""
    import numpy as np

    hi, lo = hi.copy(), lo.copy()
    for one in rewrites:
        rows = np.flatnonzero(version == one.version)
        low, high, shift = (split(n) for n in (one.first, one.last, one.shift))
        inside = ~_less(hi[rows], lo[rows], *low) & ~_less(*high, hi[rows], lo[rows])
        rows = rows[inside]
        total = lo[rows] + shift[1]
        hi[rows] += shift[0] + (total < shift[1])
        lo[rows] = total
    return hi, lo


def split(number: int) -> tuple[np.uint64, np.uint64]:
    """Both halves of 128 bits, of a negative number those of its complement."""
    import numpy as np

    return np.uint64((number >> 64) & LOW), np.uint64(number & LOW)


def _less(
    hi: U64 | np.uint64, lo: U64 | np.uint64, other_hi: U64 | np.uint64, other_lo: U64 | np.uint64
) -> NDArray[np.bool_]:
    import numpy as np

    return np.asarray((hi < other_hi) | ((hi == other_hi) & (lo < other_lo)))
