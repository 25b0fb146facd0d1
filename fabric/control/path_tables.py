"""Tables of paths between points: how far, over whom first, over which next hops.

How far points are from each other says which routes they choose and whom they reach, and that is
all that many ask, a thousand failures among them. The next hops are far more numbers than that:
they are found when somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fabric.wiring.budget import countable_hops

ECMP_WIDTH = 64
"""Next hops of a route that a node installs: what `maximum-paths` of our configurations says, and
what HBN documents."""
I16 = NDArray[np.int16]
I32 = NDArray[np.int32]
Parents = NDArray[np.signedinteger[Any]]


class NextHops(NamedTuple):
    """Of all pairs, in CSR form: row `a * n + b` of `off` bounds `node` and `link`."""

    off: I32
    node: I32
    link: I32

    def known(self) -> NextHops:
        """Themselves."""
        return self


def hop_offsets(count: NDArray[Any]) -> I32:
    """Where the next hops of each pair begin, and those of the last one end, of so many each.
    Raises `InputError` (C114) for more than 32 bits number."""
    countable_hops(int(count.sum()))
    offsets: I32 = np.concatenate(([0], np.cumsum(count))).astype(np.int32)
    return offsets


@dataclass(frozen=True, eq=False)
class PathTable:
    """`length[a, b]` is the AS path length from a to b's loopback, 0 for itself, -1 if unreachable;
    `parent[a, b]` whom a has its best path from. `widest` has points that leave some equal paths
    out, with all that they know to one target. `tagged[a, b]`: a's paths to b hold a drained node
    (None where nobody is drained). Next hops are what `find` says, once; whoever unpickles or
    copies a table has them."""

    length: I16
    parent: Parents
    find: Callable[[], NextHops] = field(repr=False)
    widest: Mapping[int, int] = field(default_factory=dict)
    tagged: NDArray[np.bool_] | None = None

    @cached_property
    def hops(self) -> NextHops:
        """The next hops of all pairs."""
        return self.find()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"hops": self.hops, "find": self.hops.known}

    @property
    def n(self) -> int:
        """How many points there are."""
        return len(self.length)
