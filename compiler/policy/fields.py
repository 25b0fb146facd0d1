"""Fields of a packet that are numbers, a row each.

Columns of headers (`sim.packets.headers`), columns and rules of the classifier (`sim.classify`)
draw their types and limits from these rows. Addresses are none: a family decides how wide they are.
What a packet does not carry (time, failures) is an axis of worlds, not a field.

Protocol and ports have arguments of their own in rules and packets, and columns of their own in
kernels (`own`). Any other row is a *further* field: a rule limits it by `Within`, a packet carries
it in `Values`. Definition, compiler, blocks, replay, proof, checker, explain and diff ask the rows
and name none of them, so that a further field is one row, and whatever source speaks of it. What a
dump or a device can match on says its own row (`compiler.targets.catalogue`). Only the classifier,
whose kernels have a column for each field that they look up, takes those that are `classified`:
columns of rules and packets, and the steps of kernels, are made of these rows when they are
imported, so that a row that comes later is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fabric.diagnostics import Diagnostic, InputError, did_you_mean
from fabric.file.yaml.scalars import MAX_DIGITS
from fabric.values.ports import MAX_PORT, span
from fabric.values.rows import Rows

STATES = ("new", "established", "related", "invalid")
IP_HEADERS = {4: 160, 6: 320}
"""Bits of the header of each IP version, without options."""
LONGEST = 24
"""Bits that four bytes hold, wherever in the first of them they begin."""
Values = tuple[tuple[str, int], ...]
"""Further fields of one packet, sorted by name; what is not listed is 0."""


@dataclass(frozen=True, slots=True)
class Field:
    """One row; values are 0 to `last`, `words` are names of the first of them. `at` has for each IP
    version the bit of the IP header at which it begins (RFC 791 §3.1, RFC 8200 §3); None where no
    IP header carries it in one place. `classified`: whether rule sets of the classifier look at it;
    those without columns of their own are sets of 64 bits there, and have all values of their bits,
    in a column that is made of the row (`state` and `dscp` are written out for their types alone).
    `ValueError` for a row that contradicts itself.

    >>> FIELDS["dscp"].dtype, FIELDS["dscp"].bits, FIELDS["state"].said(1)
    (dtype('uint8'), 6, 'established')
    """

    name: str
    last: int
    own: bool
    classified: bool
    at: Mapping[int, int] | None
    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.own and not self.classified:
            raise ValueError(f"{self.name} has columns of its own, which the classifier has")
        if self.classified and not self.own and (self.last > 63 or self.last & (self.last + 1)):
            raise ValueError(f"{self.name} is no field of all values of up to six bits")
        if len(self.words) > self.last + 1:
            raise ValueError(f"{self.name} has more words than values")
        for version, size in IP_HEADERS.items() if self.at is not None else ():
            begin = self.at.get(version, -1) if self.at is not None else -1
            if not 0 <= begin <= size - self.bits or self.bits > LONGEST:
                raise ValueError(f"{self.name} has no place in headers of IPv{version}")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The narrowest unsigned type that holds every value."""
        return np.min_scalar_type(self.last)

    @property
    def tight(self) -> bool:
        """Whether that type holds nothing else."""
        return int(np.iinfo(self.dtype).max) == self.last

    @property
    def bits(self) -> int:
        """How wide it is in a header."""
        return self.last.bit_length()

    def said(self, value: int) -> str:
        """A value as people read it."""
        return self.words[value] if value < len(self.words) else str(value)

    def read(self, text: str) -> int:
        """The value of a text; `InputError` C861."""
        value = self.words.index(text) if text in self.words else -1
        if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS:
            value = int(text)
        if not 0 <= value <= self.last:
            message = f'"{text[:50]}" is no value of {self.name}'
            hint = did_you_mean(text, self.words) or f"values are 0 to {self.last}"
            raise InputError(Diagnostic("C861", message, None, hint))
        return value


FIELDS: Rows[Field] = Rows(
    Field("protocol", 255, True, True, None, ()),
    Field("sport", MAX_PORT, True, True, None, ()),
    Field("dport", MAX_PORT, True, True, None, ()),
    Field("state", len(STATES) - 1, False, True, None, STATES),
    Field("dscp", 63, False, True, {4: 8, 6: 4}, ()),
)


@dataclass(frozen=True, slots=True, order=True)
class Within:
    """Packets of which a further field is `first` to `last`; `ValueError` for what is none.

    >>> str(Within("dscp", 8, 15)), str(Within("state", 1, 1)), Within("dscp", 8, 15).holds(())
    ('dscp 8-15', 'state established', False)
    """

    name: str
    first: int
    last: int

    def __post_init__(self) -> None:
        row = further(self.name)
        if not 0 <= self.first <= self.last <= row.last:
            raise ValueError(f"{self.name} is 0 to {row.last}, not {self.first} to {self.last}")

    def holds(self, values: Values) -> bool:
        """Whether a packet with these values is among them."""
        return self.first <= value_of(values, self.name) <= self.last

    def __str__(self) -> str:
        row = further(self.name)
        if self.first == self.last:
            return f"{self.name} {row.said(self.first)}"
        return f"{self.name} {span((self.first, self.last))}"


def classified() -> dict[str, Field]:
    """The rows at which rule sets of the classifier look.

    >>> [*classified()]
    ['protocol', 'sport', 'dport', 'state', 'dscp']
    """
    return {row.name: row for row in FIELDS.values() if row.classified}


def looked_up() -> tuple[Field, ...]:
    """Those of them without columns of their own, in the order of the table: the last columns of
    packets and rules where kernels take them.

    >>> [row.name for row in looked_up()]
    ['state', 'dscp']
    """
    return tuple(row for row in classified().values() if not row.own)


def further(name: str) -> Field:
    """The row of a further field; `ValueError` where no row has the name, or one of its own."""
    row = FIELDS.get(name)
    if row is None:
        raise ValueError(f'no field of a packet is called "{name}"')
    if row.own:
        raise ValueError(f"{name} has an argument of its own")
    return row


def value_of(values: Values, name: str) -> int:
    """What a packet has in a further field."""
    return next((value for field, value in values if field == name), 0)


def hold(limits: Iterable[Within], values: Values) -> bool:
    """Whether a packet is within all limits."""
    return all(limit.holds(values) for limit in limits)


def shown(values: Values) -> str:
    """What is behind a packet's ports when people write it.

    >>> shown((("dscp", 46), ("state", 0)))
    ', dscp 46, state new'
    """
    return "".join(f", {name} {further(name).said(value)}" for name, value in values)


def read(given: Mapping[str, str | int]) -> Values:
    """What a packet carries, as people say it; `InputError` C861 for what is no field or value."""
    for name in given:
        if name not in FIELDS or FIELDS[name].own:
            others = [row.name for row in FIELDS.values() if not row.own]
            message = f'packets have no further field "{name}"'
            hint = did_you_mean(name, others) or f"known: {', '.join(others)}"
            raise InputError(Diagnostic("C861", message, None, hint))
    return tuple(sorted((name, further(name).read(str(v))) for name, v in given.items()))
