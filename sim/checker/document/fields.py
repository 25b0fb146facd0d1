"""What headers carry besides addresses, protocol and ports, where rules ask for it.

Rules cut each such field; a *part* is a piece of every field. In boxes the protocols of part n are
numbered from 256 n on: so boxes stay what they are where no rule asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, product
from math import prod
from typing import Any

from compiler.policy.fields import FIELDS
from compiler.policy.ir import L4

PROTOCOLS = 256
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fields:
    """The parts into which rules cut what else headers carry: `cuts` has by name the first values
    of each field that is cut, in order of names; the last field varies fastest."""

    cuts: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @staticmethod
    def of(ranges: Iterable[L4]) -> Fields:
        """The parts that these ranges cut."""
        starts: dict[str, set[int]] = {}
        for limit in (limit for l4 in ranges for limit in l4.fields):
            last = FIELDS[limit.name].last
            cuts = {x for x in (limit.first, limit.last + 1) if 0 < x <= last}
            starts.setdefault(limit.name, {0}).update(cuts)
        cut = ((name, tuple(sorted(found))) for name, found in sorted(starts.items()))
        return Fields(tuple((name, found) for name, found in cut if len(found) > 1))

    @property
    def size(self) -> int:
        """How many parts there are."""
        return prod(len(starts) for _, starts in self.cuts)

    def packet(self, part: int) -> tuple[tuple[str, int], ...]:
        """What one packet of a part carries."""
        choices = product(*([(name, value) for value in starts] for name, starts in self.cuts))
        return next(islice(choices, part, None))

    def written(self) -> dict[str, Any]:
        """As certificates have it: nothing where no rule asks."""
        cuts = [[name, list(starts)] for name, starts in self.cuts]
        return {"fields": cuts} if cuts else {}


NOTHING_ELSE = Fields()
"""Of rules that ask for nothing else: one part."""


def read(certificate: Any) -> Fields:
    """The parts of a certificate of good form."""
    found = certificate.get("fields", ())
    return Fields(tuple((name, tuple(starts)) for name, starts in found))


def problems(value: Any, at: str) -> Iterator[str]:
    """What is wrong with the form of the parts of a certificate: names in order, of each field at
    least two parts, the first from 0 on."""
    rows = value if isinstance(value, list) else [None]
    names: list[str] = []
    for row in rows:
        name, starts = row if isinstance(row, list) and len(row) == 2 else (None, None)
        known = FIELDS.get(name) if isinstance(name, str) else None
        if known is None or known.own or not isinstance(starts, list):
            yield f"{at}: a field that no packet has"
            return
        whole = [x for x in starts if type(x) is int and 0 <= x <= known.last]
        if whole != starts or sorted({*whole}) != whole or whole[:1] != [0] or len(whole) < 2:
            yield f"{at}: {known.name} is not cut into parts"
        names.append(known.name)
    if not names or sorted({*names}) != names:
        yield f"{at}: not the names of fields in order, each once"


def plain(first: int, last: int) -> Iterator[Span]:
    """The protocols of a box, part by part.

    >>> [*plain(0, 255)], [*plain(250, 260)]
    ([(0, 255)], [(250, 255), (0, 4)])
    """
    for part in range(first // PROTOCOLS, last // PROTOCOLS + 1):
        begin = part * PROTOCOLS
        yield max(first - begin, 0), min(last - begin, PROTOCOLS - 1)
