"""Pairs of a reachability by where they end: who gets to an endpoint, without a look at all pairs.

Cost: one sort of all pairs, then two binary searches per endpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.proof.pairs.reachability import Pairs
from sim.proof.routes.paths import Column


@dataclass(frozen=True, slots=True)
class PairsInto:
    """`order` lists the rows of pairs by destination, `ends` has the destination of each.

    >>> from types import SimpleNamespace
    >>> PairsInto.sorted(SimpleNamespace(dst=np.array([2, 0, 2, 1]))).rows(2)
    array([0, 2])
    """

    order: Column
    ends: Column

    @staticmethod
    def sorted(pairs: Pairs) -> PairsInto:
        """Of all pairs."""
        order = np.argsort(pairs.dst, kind="stable")
        return PairsInto(order, pairs.dst[order])

    def rows(self, endpoint: int) -> Column:
        """The rows of pairs that end at an endpoint, in their order."""
        first, last = np.searchsorted(self.ends, [endpoint, endpoint + 1]).tolist()
        found: Column = self.order[first:last]
        return found
