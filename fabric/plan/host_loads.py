"""How many pods hosts have, and which of them has the fewest.

Loads only grow, so that what the heap knows of a host is its load or less: if the first one's is
right, nobody has fewer. Cost: a look at the heap per question and pod, not one at every host.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from heapq import heapreplace


class HostLoads:
    """Loads of hosts, all without pods at first."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self.hosts, self.load = hosts, Counter[str]()
        self.heap = [(0, place) for place in range(len(hosts))]

    def add(self, host: str) -> None:
        """One more pod, on one of these hosts or on another one."""
        self.load[host] += 1

    def least(self) -> str:
        """The host with the fewest pods, of several the first.

        >>> loads = HostLoads(["b", "a"])
        >>> loads.add("b")
        >>> loads.least()
        'a'
        """
        while True:
            known, place = self.heap[0]
            host = self.hosts[place]
            if self.load[host] == known:
                return host
            heapreplace(self.heap, (self.load[host], place))
