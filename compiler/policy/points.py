"""Enforcement points: who asks the rules of a stage, and at which step of a packet's way.

| point  | who                                   | OUT meets it        | IN meets it        |
|--------|---------------------------------------|---------------------|--------------------|
| HOST   | the network plugin of the local host  | before this DPU     | behind this DPU    |
| HERE   | the local side's VTEP: its DPU        | at the source       | at the destination |
| BORDER | the border at which either end lives  | behind the tunnel   | before the tunnel  |
| PEER   | the remote side's VTEP                | behind the tunnel   | before the tunnel  |

Rules that hold here:

1. Every point sees the packet that `semantics` is about: the same local side and the same remote,
   behind the VRF where the routes of the VTEPs see it. A route comes first: what has none is told
   as such, whatever its host says of it.
2. Of OUT and IN, those rows of the table of stages count that stand where the packet meets their
   point: before the rows of this DPU or behind them (`compiler.policy.stages.met`).
3. A packet that passes no border is let through by what borders enforce.
4. Replies to a permitted flow skip the rules of every point.
5. Where the underlay has no way to the far end (no route of a converged fabric leads there), what
   the far end would deny is told first.
6. VTEPs enforce what their dumps say. That a host's plugin enforces rules is known from whoever
   reads its objects (`Policy.enforced`); nothing is evaluated that nobody enforces
   (`compiler.passes.enforce`).
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import TYPE_CHECKING

from fabric.wiring.topology import Role

if TYPE_CHECKING:
    from compiler.policy.domain import Domain
    from fabric.values.inventory import Endpoint


class Direction(IntEnum):
    """OUT: endpoint to fabric, at the source. IN: fabric to endpoint, at the destination."""

    OUT = 0
    IN = 1


class Point(Enum):
    """Who enforces a rule: the DPU of the local side, that of the remote, a border, or the host's
    own network plugin."""

    HERE = "this DPU"
    PEER = "the peer's DPU"
    BORDER = "a border"
    HOST = "the host's own CNI"

    @property
    def beside(self) -> dict[str, str]:
        """What stands beside a rule in dumps and lists, which are of one DPU: nothing where that
        one enforces it."""
        return {} if self is Point.HERE else {"at": self.value}


STEPS = (
    Point.HOST, Point.PEER, Point.BORDER,
    Point.HERE,
    Point.BORDER, Point.PEER, Point.HOST,
)  # fmt: skip
"""The order of points in a table of stages; those of one direction in the order in which its
packets meet them."""
VTEPS = frozenset((Point.HERE, Point.PEER, Point.BORDER))
"""Points that hold what is compiled for them."""


def met_before(point: Point) -> Direction:
    """The direction of packets that meet another point before this DPU; the others meet it
    behind."""
    return Direction.OUT if point is Point.HOST else Direction.IN


def at_border(endpoint: Endpoint | None, network: Domain) -> bool:
    """Whether an endpoint lives at a border."""
    nodes = network.nodes
    at = -1 if endpoint is None else endpoint.vtep
    return 0 <= at < len(nodes) and nodes[at].role is Role.BORDER


def where(point: Point, local: Endpoint, ends: tuple[int, int], network: Domain) -> str:
    """The name of who enforces, for a packet between `local` and somebody: the nodes of both."""
    nodes = network.nodes
    if point is Point.HOST:
        return local.host or "no host"
    here = point is Point.HERE or (point is Point.BORDER and at_border(local, network))
    return nodes[ends[not here]].name
