"""Classes of the atoms of an axis that nothing tells apart, for what endpoints of one VRF send.

* As destinations: every VTEP where such packets come in routes them alike, and no rule about their
  senders tells them apart; in each VRF into which a route leads them, they have one owner and the
  same VTEPs lead them on.
* As sources: they have one owner, the same VTEPs lead them on, and in each VRF where packets may
  arrive they are seen behind the same VRF by every VTEP, have the same owner there, and are told
  apart by no rule about receivers.

Where a VRF permits hairpins packets may end anywhere: all routes, owners and VTEPs count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Rule
from sim.checker.walking.address_space import AddressSpace, Cut, distinct, ends

Column = NDArray[Any]


class Alike(NamedTuple):
    """Classes of atoms: `of[i]` is that of atom i, -1 for none; `sample` has an atom of
    each, `size` how many it has."""

    of: Column
    sample: Column
    size: Column


def alike(columns: Sequence[Column], among: Column | None = None) -> Alike:
    """Atoms that are equal in all columns; maybe only those `among` all, of which alone the
    columns tell."""
    n = len(columns[0])
    table = np.ascontiguousarray(np.array([*columns], np.int64).T)
    keys = table.view(np.dtype((np.void, table.itemsize * table.shape[1]))).ravel()
    _, sample, of, size = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    of = of.reshape(n)
    if among is None:
        return Alike(of, sample, size)
    every = np.full(int(among.max(initial=-1)) + 1, -1)
    every[among] = of
    return Alike(every, among[sample], size)


class Crossings:
    """What packets of one VRF and family may meet; `entries` are the VTEPs where they come in."""

    def __init__(self, where: AddressSpace, vrf: int, version: int, entries: Sequence[int]) -> None:
        self.where, self.vrf, self.entries = where, vrf, entries
        self.axis = where.axis(vrf, version)
        self.hairpins = any(where.network.vrfs[far].hairpin for far in where.met(vrf))

    def targets(self, named: Iterable[Cut]) -> Alike:
        """Destinations; rules about senders name prefixes with these cuts."""
        where, axis = self.where, self.axis
        routes = distinct(where.routes(vtep, self.vrf, axis) for vtep in self.entries)
        columns = [*routes, where.atom_of(axis, named)]
        for far in sorted(where.met(self.vrf)):
            there = np.ones(len(axis.starts), np.bool_)
            if not self.hairpins:
                there = np.any([where.leading(far)[row] for row in routes], axis=0)
            if there.any():
                told = [where.owners(far, axis), *where.led(far, axis), *self._all(far)]
                columns += distinct(np.where(there, column, -2) for column in told)
        return alike(columns)

    def sources(self, owner: Column, named: Iterable[Cut]) -> Alike:
        """What somebody owns; rules about receivers name prefixes with these cuts."""
        where, axis = self.where, self.axis
        owned = np.flatnonzero(owner >= 0)
        alone = alike([owner[owned]], owned)
        if len(alone.sample) == len(owned):
            return alone
        columns = [owner, where.atom_of(axis, named), *where.led(self.vrf, axis)]
        for far in sorted(where.met(self.vrf)):
            columns += self._all(far) if self.hairpins else self._seen(far)
        return alike([column[owned] for column in distinct(columns)], owned)

    def _all(self, far: int) -> list[Column]:
        """Everything about addresses in a VRF, if it may matter."""
        if not self.hairpins:
            return []
        where, axis = self.where, self.axis
        routes = (where.routes(vtep, far, axis) for vtep in where.vteps[far])
        return distinct((*routes, *(where.owners(vrf, axis) for vrf in where.near(self.vrf))))

    def _seen(self, far: int) -> Iterator[Column]:
        """Behind which VRFs the VTEPs of another one see addresses, and whose these are there."""
        where, axis = self.where, self.axis
        routes = distinct(where.routes(vtep, far, axis) for vtep in where.vteps[far])
        behind = [where.behind(vtep, self.vrf) for vtep in self.entries]
        for seen in distinct(back[row] for back in distinct(behind) for row in routes):
            yield seen
            owner = np.full(len(seen), -2)
            for vrf in np.unique(seen[seen >= 0]).tolist():
                owner = np.where(seen == vrf, where.owners(vrf, axis), owner)
            yield owner


def cuts_of(rules: Iterable[Rule]) -> Iterator[Cut]:
    """The ends of every prefix that rules name for their remote side."""
    for rule in rules:
        for matcher in rule.remote:
            yield from ((prefix.version, end) for prefix in matcher.cuts() for end in ends(prefix))
