"""Classes of packets by what they carry besides protocol and ports (`compiler.policy.fields`).

The rules of a world cut each field that they name into *parts*; a class is a part of every field.
Classes are numbered, the last field fastest. A protocol and a class together are a *wide protocol*,

    wide = class * 256 + protocol

in whose place a protocol stands where no rule names a further field: there is one class then.

Rules that hold here:

1. Classes are a partition: every packet is in one, and no rule tells two packets of one apart by
   their further fields.
2. The same rules have the same classes, whoever asks and in whatever order they stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.policy.fields import Values, Within, further, value_of
from compiler.policy.ir import Policy
from compiler.program.program import L4Range
from fabric.values.interval_sets import union

PROTOCOLS = 256
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FieldClasses:
    """`cuts` has the first values of each field's parts, by name; fields without a cut are not
    among them.

    >>> classes = FieldClasses.of([Within("dscp", 46, 46), Within("state", 0, 0)])
    >>> classes.size, classes.number((("dscp", 46),)), [str(w) for w in classes.parts(5)]
    (6, 2, ['dscp 47-63', 'state 1-3'])
    """

    cuts: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @staticmethod
    def of(limits: Iterable[Within]) -> FieldClasses:
        """The coarsest classes that every limit is a union of."""
        starts: dict[str, set[int]] = {}
        for limit in limits:
            bounds = {limit.first, limit.last + 1} - {further(limit.name).last + 1}
            starts.setdefault(limit.name, {0}).update(bounds)
        return FieldClasses(
            tuple((name, tuple(sorted(of))) for name, of in sorted(starts.items()) if len(of) > 1)
        )

    @staticmethod
    def of_policy(policy: Policy, ranges: Iterable[L4Range] = ()) -> FieldClasses:
        """The classes of all rules of a policy, also of those that compile to nothing; and of what
        stands in tables without one."""
        rules = {l4.fields for rule in policy.rules for l4 in rule.l4}
        found = rules | {r.fields for r in ranges}
        return FieldClasses.of(limit for fields in found for limit in fields)

    @property
    def size(self) -> int:
        """Number of classes."""
        return prod(len(starts) for _, starts in self.cuts)

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that are told apart."""
        return tuple(name for name, _ in self.cuts)

    def number(self, values: Values) -> int:
        """The class of a packet."""
        columns = {name: np.array([value_of(values, name)]) for name in self.names}
        return int(self.numbers(columns, 1)[0])

    def numbers(self, columns: Mapping[str, NDArray[Any]], n: int) -> I64:
        """The classes of `n` packets, int64[n]; a field without a column is 0 in all of them."""
        out = np.zeros(n, np.int64)
        for name, starts in self.cuts:
            column = columns.get(name)
            part = 0 if column is None else np.searchsorted(starts, column, "right") - 1
            out = out * len(starts) + part
        return out

    def parts(self, number: int) -> tuple[Within, ...]:
        """What packets of a class have in each field."""
        out: list[Within] = []
        for name, starts in reversed(self.cuts):
            number, part = divmod(number, len(starts))
            ends = (*starts[1:], further(name).last + 1)
            out.append(Within(name, starts[part], ends[part] - 1))
        return tuple(reversed(out))

    def sample(self, number: int) -> Values:
        """The further fields of one packet of a class."""
        return tuple((part.name, part.first) for part in self.parts(number))

    def holds(self, number: int, limits: Iterable[Within]) -> bool:
        """Whether all packets of a class are within limits; if not, none is."""
        parts = {part.name: part for part in self.parts(number)}
        return all(
            limit.name not in parts
            or limit.first <= parts[limit.name].first <= parts[limit.name].last <= limit.last
            for limit in limits
        )

    def common(self, other: FieldClasses) -> tuple[FieldClasses, list[int], list[int]]:
        """The coarsest classes that those of both are unions of, and for each the class of either
        that holds it."""
        both = FieldClasses.of([*self._limits(), *other._limits()])
        samples = [both.sample(number) for number in range(both.size)]
        return both, [self.number(s) for s in samples], [other.number(s) for s in samples]

    def _limits(self) -> Iterator[Within]:
        for number in range(self.size):
            yield from self.parts(number)

    def words(self, numbers: Iterable[int]) -> str:
        """Some classes as people write them, few words where they differ in one field alone.

        >>> FieldClasses.of([Within("dscp", 8, 8)]).words([0, 2])
        'dscp 0-7, 9-63'
        """
        chosen = sorted(numbers)
        if len(self.cuts) == 1:
            name = self.names[0]
            joined = union((part.first, part.last) for n in chosen for part in self.parts(n))
            said = [str(Within(name, *run)).removeprefix(f"{name} ") for run in joined]
            return f"{name} {', '.join(said)}"
        return " or ".join(" and ".join(map(str, self.parts(n))) for n in chosen)


PLAIN = FieldClasses()
"""Of rules that name no further field: one class, of all packets."""


def interesting(classes: FieldClasses) -> list[Values]:
    """Values at both ends of every part of every field, all combinations.

    >>> interesting(FieldClasses.of([Within("dscp", 46, 46)]))[-2:]
    [(('dscp', 47),), (('dscp', 63),)]
    """
    every = [part for number in range(classes.size) for part in classes.parts(number)]
    bounds: dict[str, set[int]] = {name: set() for name in classes.names}
    for part in every:
        bounds[part.name] |= {part.first, part.last}
    return [*product(*([(name, v) for v in sorted(found)] for name, found in bounds.items()))]
