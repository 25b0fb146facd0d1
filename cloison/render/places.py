"""Where a picture of the Clos puts its nodes: tiers are rows, pods are columns.

Rules that hold here:

1. Height is the tier (`fabric.topology.RANK`). A pod's DPUs, leaves and spines stand in one column
   of the picture, each row spread over its width; superspines spread over their whole site, and a
   site's borders have a column of their own at its right, so that they push nobody aside.
2. A DPU stands for its host. Beyond `LIMIT` nodes, those of one role, pod and site are drawn as one
   bundle; what is to be seen (a path) stays apart.
3. Within a column nodes keep the fabric's order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from fabric.topology import RANK, Fabric, Node, Role

LIMIT = 150
GAP = 0.7
"""Between columns, in places of a node."""
Column = tuple[str, bool, int]


@dataclass(frozen=True, slots=True)
class Spot:
    """A node, or a bundle of nodes, at its place: `x` in 0…1, `y` the tier."""

    label: str
    role: Role
    x: float
    y: float
    members: tuple[int, ...]


def layout(fabric: Fabric, *, keep: Collection[str] = (), limit: int = LIMIT) -> list[Spot]:
    """Places for all nodes, from the lowest tier up."""
    spots, width = placed(fabric, keep, limit)
    return [Spot(s.label, s.role, s.x / width, s.y, s.members) for s in spots]


def placed(fabric: Fabric, keep: Collection[str], limit: int) -> tuple[list[Spot], float]:
    """Spots in places of a node from the left, and how many there are side by side."""
    rows: dict[tuple[Column, int], list[list[Node]]] = {}
    spanning: dict[str, list[list[Node]]] = {}
    for members in bundles(fabric, keep, limit):
        first = members[0]
        if first.role is Role.SUPERSPINE:
            spanning.setdefault(first.site, []).append(members)
        else:
            key = (first.site, first.role is Role.BORDER, first.pod), RANK[first.role]
            rows.setdefault(key, []).append(members)
    widths: dict[Column, int] = {}
    for (column, _), row in rows.items():
        widths[column] = max(widths.get(column, 1), len(row))
    starts: dict[Column, float] = {}
    extent: dict[str, tuple[float, float]] = {}
    at = 0.0
    for column in sorted(widths):
        starts[column], end = at, at + widths[column]
        extent[column[0]] = (extent.get(column[0], (at, end))[0], end)
        at = end + GAP
    spots = [
        spot
        for (column, _), row in rows.items()
        for spot in spread(row, starts[column], widths[column])
    ]
    for site, row in spanning.items():
        left, right = extent.get(site, (at, at + len(row)))
        at = max(at, right + GAP)
        spots += spread(row, left, right - left)
    return sorted(spots, key=lambda spot: (spot.y, spot.x)), max(1.0, at - GAP)


def bundles(fabric: Fabric, keep: Collection[str], limit: int) -> Iterator[list[Node]]:
    """Nodes that are drawn, those of one bundle together (rule 2)."""
    shown = [n for n in fabric.nodes if n.role is not Role.HOST or fabric.vtep_role is Role.LEAF]
    found: dict[tuple[object, ...], list[Node]] = {}
    for node in shown:
        alone = len(shown) <= limit or node.name in keep
        key = (node.index,) if alone else (node.site, node.pod, node.role.value)
        found.setdefault(key, []).append(node)
    yield from found.values()


def spread(row: Sequence[Sequence[Node]], start: float, width: float) -> Iterator[Spot]:
    """A row's spots, evenly over a width."""
    for place, members in enumerate(row):
        label = members[0].name if len(members) == 1 else bundle_label(members)
        x = start + (place + 0.5) * width / len(row)
        role = members[0].role
        yield Spot(label, role, x, RANK[role], tuple(n.index for n in members))


def bundle_label(members: Sequence[Node]) -> str:
    """How a bundle is called: what it holds and how many."""
    first = members[0]
    pod = f"pod{first.pod} " if first.pod else ""
    return f"{pod}{first.role.value}\n× {len(members)}"
