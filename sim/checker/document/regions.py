"""Regions: what a certificate says about packets, whoever computed it.

Every packet that anybody can send lies in one region: a source (addresses of an endpoint), a range
of destination addresses, and a box of protocol and ports. ECMP may lead it to several next hops; a
`Choice` is one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.checker.document import fields
from sim.checker.document.fields import NOTHING_ELSE, Fields
from sim.checker.document.shared_rows import Numbered, expanded, numbered

Column = NDArray[Any]

Ranges = tuple[tuple[int, int], ...]
Box = tuple[int, int, int, int, int, int]
"""Protocols, destination ports, source ports: first and last of each. Protocols are numbered as in
`sim.checker.document.fields`."""


class Choice(NamedTuple):
    """What becomes of a packet on one next hop: a profile, and the endpoint and the VRF (-1: none)
    that the next hop leads to."""

    profile: int
    endpoint: int
    vrf: int


class Row(NamedTuple):
    """A range of destination addresses in which every packet has the same choices."""

    first: int
    last: int
    choices: tuple[Choice, ...]


class Sender(NamedTuple):
    """Addresses of an endpoint that fare alike."""

    endpoint: int
    version: int
    ranges: Ranges
    map: int


class Party(NamedTuple):
    """An endpoint as the certificate knows it; `owned` are its IPv4 and IPv6 addresses."""

    name: str
    workload: str | None
    others: tuple[str, ...]
    group: str
    vrf: str
    prefixes: tuple[str, ...]
    owned: tuple[Ranges, Ranges]

    def speaks(self, version: int) -> bool:
        """Whether it has a prefix of this family, its own or not."""
        return any(ip_network(prefix).version == version for prefix in self.prefixes)


class Flat(NamedTuple):
    """All choices of all rows, one behind the other: row r has `first[r]:first[r + 1]`."""

    first: Column
    profile: Column
    endpoint: Column


@dataclass(frozen=True)
class Regions:
    """All of them. `profiles[i]` is a partition of protocols and ports into boxes, each with the
    reason of what becomes of its packets."""

    vrfs: Sequence[str]
    parties: Sequence[Party]
    profiles: Sequence[Sequence[tuple[Box, str]]]
    maps: Sequence[Sequence[Row]]
    sources: Sequence[Sender]
    fields: Fields = NOTHING_ELSE

    @cached_property
    def numbered(self) -> Numbered:
        """The rows of maps, each once."""
        return numbered(self.maps)

    def with_rows(self, known: Numbered) -> Regions:
        """The same, of which the rows are known."""
        self.__dict__["numbered"] = known
        return self

    @cached_property
    def flat(self) -> Flat:
        """The choices of these rows."""
        rows = self.numbered.rows
        first = np.cumsum([0, *(len(row.choices) for row in rows)])
        profile = np.array([c.profile for row in rows for c in row.choices], np.int64)
        endpoint = np.array([c.endpoint for row in rows for c in row.choices], np.int64)
        return Flat(first, profile, endpoint)

    def choices(self, number: int) -> Column:
        """All choices of a map, as places in `flat`."""
        first = self.flat.first
        rows = self.numbered.of[number]
        return expanded(first[rows], first[rows + 1] - first[rows])[1]


def read(certificate: Any) -> Regions:
    """The regions that a certificate of good form writes down; a profile with the reasons of
    several choices becomes one profile for each."""
    reasons = [outcome["reasons"] for outcome in certificate["outcomes"]]
    profiles: list[list[tuple[Box, str]]] = []
    number_of: dict[tuple[int, int], int] = {}
    for number, boxes in enumerate(certificate["profiles"]):
        for way in range(len(reasons[boxes[0][6]]) if boxes else 0):
            number_of[number, way] = len(profiles)
            profiles.append([((*box[:6],), reasons[box[6]][way]) for box in boxes])
    rows = numbered(certificate["maps"])
    told = [
        Row(
            as_number(first),
            as_number(last),
            tuple(
                Choice(number_of[p, way], *end)
                for way, end in enumerate(zip(endpoints, vrfs, strict=True))
            ),
        )
        for first, last, p, endpoints, vrfs in rows.rows
    ]
    found = Regions(
        certificate["vrfs"],
        [_party(endpoint) for endpoint in certificate["endpoints"]],
        profiles,
        [[told[number] for number in found.tolist()] for found in rows.of],
        [
            Sender(endpoint, version, ranges(found), place)
            for endpoint, version, found, place in certificate["sources"]
        ],
        fields.read(certificate),
    )
    return found.with_rows(Numbered(told, rows.of))


def _party(endpoint: Any) -> Party:
    return Party(
        endpoint["name"],
        endpoint["workload"],
        (*endpoint["aliases"], *endpoint.get("runs", ()), *endpoint["also"]),
        endpoint["group"],
        endpoint["vrf"],
        tuple(endpoint["prefixes"]),
        (ranges(endpoint["v4"]), ranges(endpoint["v6"])),
    )


def ranges(found: Any) -> Ranges:
    """Address ranges as numbers."""
    return tuple((as_number(low), as_number(high)) for low, high in found)


def as_number(address: int | str) -> int:
    """An address as a number."""
    return address if isinstance(address, int) else int(address, 16)


def written(version: int, first: int, last: int) -> list[int | str]:
    """An address range as it stands in a certificate: IPv6 in hexadecimal text."""
    return [first, last] if version == 4 else [f"{first:x}", f"{last:x}"]
