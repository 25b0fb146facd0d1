"""Tenants that are alike are shown once: a hundred tenants of one kind are one line, not a hundred.

Two parties are alike when swapping them changes no cell of the matrix. The classes are found by
refinement: split by what a party shows towards each class, until nothing splits any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

Cell = Callable[[str, str], Hashable]


def classes(parties: Sequence[str], cell: Cell) -> list[list[str]]:
    """Parties by class, in the order of each class's first member.

    `cell(a, b)` is what the matrix holds for source `a` and destination `b`.

    >>> classes(["a", "b", "hub"], lambda x, y: "open" if "hub" in (x, y) and x != y else "")
    [['a', 'b'], ['hub']]
    """
    names = dict.fromkeys(parties, 0)
    while True:
        seen: dict[Hashable, int] = {}
        split = {p: seen.setdefault(signature(p, names, cell), len(seen)) for p in parties}
        if len(seen) == len(set(names.values())):
            break
        names = split
    found: dict[int, list[str]] = {}
    for party in parties:
        found.setdefault(names[party], []).append(party)
    return list(found.values())


def signature(party: str, names: dict[str, int], cell: Cell) -> Hashable:
    """A party's class, its own cell, and its cells towards the members of every class."""
    towards = Counter(
        (names[other], cell(party, other), cell(other, party)) for other in names if other != party
    )
    return names[party], cell(party, party), frozenset(towards.items())


def label(members: Sequence[str]) -> str:
    """How a class is called.

    >>> label(["a"]), label(["t1", "t2", "t3"])
    ('a', 't1 … t3 (3 alike)')
    """
    if len(members) == 1:
        return members[0]
    return f"{members[0]} … {members[-1]} ({len(members)} alike)"
