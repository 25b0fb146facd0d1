"""Orders: in which steps devices may take a change, given which of them must not be apart.

If something goes wrong while `a` has the new version and `b` the old one, b has to be in an earlier
step than a. Steps are taken one after the other, with a barrier between; within one, devices go in
any order. A device goes as early as it may, so there are as many steps as the longest chain of
devices that wait for each other has: fewer are not safe.

Devices that wait for each other in a circle are *tied*: no order is safe. What goes wrong with more
than two devices counts as if the others did not matter, which may ask for more than is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import networkx as nx


@dataclass(frozen=True, slots=True)
class Order:
    """Steps of devices, each sorted; none where some are `tied`: circles of devices, sorted."""

    steps: tuple[tuple[int, ...], ...]
    tied: tuple[tuple[int, ...], ...] = ()

    @property
    def barriers(self) -> int:
        """How often everybody has to wait."""
        return max(0, len(self.steps) - 1)


def order(devices: Iterable[int], apart: Iterable[tuple[int, int]]) -> Order:
    """Steps for devices of which none of these pairs may be apart: the first with the new version
    and the second with the old one.

    >>> order([1, 2, 3], [(1, 2)])
    Order(steps=((2, 3), (1,)), tied=())
    >>> order([1, 2, 3], [(1, 2), (2, 3), (3, 1)])
    Order(steps=(), tied=((1, 2, 3),))
    """
    waits: nx.DiGraph[int] = nx.DiGraph()
    waits.add_nodes_from(devices)
    waits.add_edges_from((older, newer) for newer, older in apart)
    tied = sorted(tuple(sorted(c)) for c in nx.strongly_connected_components(waits) if len(c) > 1)
    if tied:
        return Order((), tuple(tied))
    return Order(tuple(tuple(sorted(step)) for step in nx.topological_generations(waits)))
