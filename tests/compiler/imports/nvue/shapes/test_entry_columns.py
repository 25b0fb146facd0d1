"""Entries as columns are those of a tuple, each made of its shape and of what is its own."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import numpy as np

from compiler.imports.device_facts import AccessEntry
from compiler.imports.nvue.shapes.entry_columns import NONE, EntryColumns
from fabric.diagnostics import Span

ANY = (ip_network("0.0.0.0/0"),)
NETWORKS = ((ip_network("10.0.0.1/32"),), (ip_network("10.0.0.2/32"),))
SSH = AccessEntry(
    0, "permit", ANY, ANY, 6, ((1024, 65535),), ((22, 22),), ("new",), "", (), Span("a.yaml", 0)
)
SHAPES = (SSH, replace(SSH, action="deny", partial="a flag", odd=("010.0.0.1",)))
ROWS = [
    (1, 0, 7, NONE, NONE, NONE, NONE),
    (2, 1, 8, 0, 1, NONE, NONE),
    (3, 0, 9, 1, NONE, 0, 0),
    (9, 1, 12, NONE, 0, 53, 65535),
]
"""Number, shape, line, source, destination, sport and dport of each entry."""


def columns() -> EntryColumns:
    """A list of these entries."""
    return EntryColumns("a.yaml", 5, SHAPES, NETWORKS, np.array(ROWS, np.int32).T)


def slow() -> tuple[AccessEntry, ...]:
    """The same, made one by one."""
    return tuple(
        replace(
            SHAPES[shape],
            number=number,
            source=ANY if source == NONE else NETWORKS[source],
            destination=ANY if destination == NONE else NETWORKS[destination],
            sports=((1024, 65535),) if sport == NONE else ((sport, sport),),
            dports=((22, 22),) if dport == NONE else ((dport, dport),),
            span=Span("a.yaml", line, 5),
        )
        for number, shape, line, source, destination, sport, dport in ROWS
    )


def test_they_are_those_of_a_tuple() -> None:
    found, expected = columns(), slow()
    assert tuple(found) == expected and found == expected and hash(found) == hash(expected)
    assert [found[at] for at in range(-4, 4)] == [*expected, *expected]
    assert [found[cut] for cut in (slice(1, 3), slice(None, None, 2), slice(9, None))] == [
        expected[1:3],
        expected[::2],
        (),
    ]
    assert found != expected[:3] and found != expected[::-1]
