"""Endpoints that live at several VTEPs, as arrays: where packets are delivered to them, and where
what they send comes in (`compiler.policy.domain.Domain.entries`, which failures change)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.policy.domain import Domain
from sim.blocks.numbering import expand

I32 = NDArray[np.int32]
Index = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Homes:
    """Endpoints that live at several VTEPs: `several` has the row of each endpoint here, -1 for
    those with one; `lives[row, node]` says where, and what they send comes in at
    `entry[entry_off[row] : entry_off[row + 1]]`."""

    several: I32
    lives: NDArray[np.bool_]
    entry_off: I32
    entry: I32

    def at(self, endpoint: NDArray[Any], first: NDArray[Any], vtep: NDArray[Any]) -> Any:
        """Whether each endpoint, of which `first` is the first VTEP, lives at a VTEP; bool."""
        found = first == vtep
        if len(self.lives):
            row = self.several[endpoint]
            found = found | ((row >= 0) & self.lives[row, vtep])
        return found

    def entries(self, endpoint: NDArray[Any], first: NDArray[Any]) -> tuple[Index, Index]:
        """Rows of these endpoints with each VTEP where what they send comes in."""
        if not len(self.lives):
            return np.arange(len(endpoint)), first
        row = self.several[endpoint]
        many = row >= 0
        start = np.where(many, self.entry_off[row], 0)
        count = np.where(many, np.diff(self.entry_off)[row], 1)
        of, place = expand(start, count)
        return of, np.where(many[of], self.entry[np.where(many[of], place, 0)], first[of])

    def everywhere(self, endpoint: NDArray[Any], first: NDArray[Any]) -> tuple[Index, Index]:
        """Rows of these endpoints with each VTEP where they live."""
        of, vtep = np.arange(len(endpoint)), first
        if not len(self.lives):
            return of, vtep
        row = self.several[endpoint]
        many, at = np.nonzero(self.lives[row] & (row >= 0)[:, None])
        one = row < 0
        return np.r_[of[one], many], np.r_[vtep[one], at]


def homes_of(network: Domain) -> Homes:
    """Those of a network as it stands."""
    ends = [e for e in network.endpoints if e.also_at]
    several = np.full(len(network.endpoints), -1, np.int32)
    several[[e.index for e in ends]] = np.arange(len(ends))
    lives = np.zeros((len(ends), len(network.nodes)), np.bool_)
    for row, end in enumerate(ends):
        lives[row, list(end.vteps)] = True
    entries = [network.entries(end) for end in ends]
    offsets = np.cumsum([0, *map(len, entries)]).astype(np.int32)
    return Homes(several, lives, offsets, np.array([v for e in entries for v in e], np.int32))
