"""Where a picture of the Clos puts its nodes: tiers are rows, pods are columns.

Rules that hold here:

1. Height is the tier (`fabric.wiring.topology.RANK`). A pod's DPUs, leaves and spines stand in one
   column of the picture, each row spread over its width; superspines spread over their whole site,
   and a site's borders have a column of their own at its right, so that they push nobody aside.
2. A DPU stands for its host. Beyond `LIMIT` nodes, those of one role and rack are drawn as one
   bundle, or of one role, pod and site where that is not enough; what is to be seen (a path) stays
   apart.
3. Within a column nodes keep the fabric's order, unless some nodes are written down: then cables
   cross as little as barycentres can make them (`cloison.render.untangled`).
4. What stands in racks has a column per rack; spines spread over those of their pod.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from cloison.render.untangled import untangled
from fabric.wiring.topology import RANK, Fabric, Node, Role, port_order

LIMIT = 150
GAP = 0.7
"""Between columns, in places of a node."""
RACK_GAP = 0.3
"""Between the racks of a pod."""
Pod = tuple[str, bool, int]
Column = tuple[Pod, tuple[str | int, ...]]
"""A pod (or the borders of a site), and a rack in it."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A node, or a bundle of nodes, at its place: `x` from the left, `y` the tier."""

    label: str
    role: Role
    x: float
    y: float
    members: tuple[int, ...]


def placed(fabric: Fabric, keep: Collection[str], limit: int) -> tuple[list[Spot], float]:
    """Spots in places of a node from the left, and how many there are side by side."""
    rows: dict[tuple[Column, int], list[list[Node]]] = {}
    spanning: dict[tuple[str | Pod, int], list[list[Node]]] = {}
    racked = {(n.site, n.pod) for n in fabric.nodes if n.rack and RANK[n.role] < RANK[Role.SPINE]}
    for members in bundles(fabric, keep, limit):
        first = members[0]
        pod = first.site, first.role is Role.BORDER, first.pod
        if first.role is Role.SUPERSPINE:
            spanning.setdefault((first.site, RANK[first.role]), []).append(members)
        elif first.role is Role.SPINE and (first.site, first.pod) in racked:
            spanning.setdefault((pod, RANK[first.role]), []).append(members)
        else:
            column = pod, port_order(first.rack)
            rows.setdefault((column, RANK[first.role]), []).append(members)
    starts, widths, extent, at = columns(rows)
    drawn = [[*spread(row, starts[c], widths[c])] for (c, _), row in rows.items()]
    for (over, _), row in sorted(spanning.items(), key=lambda item: item[0][1]):
        left, right = extent.get(over, (at, at + len(row)))
        at = max(at, right + GAP)
        drawn.append([*spread(row, left, max(right - left, 1.0))])
    if fabric.by_hand:
        drawn = reordered(fabric, drawn)
    spots = [spot for row in drawn for spot in row]
    return sorted(spots, key=lambda spot: (spot.y, spot.x)), max(1.0, at - GAP)


def columns(
    rows: Mapping[tuple[Column, int], Sequence[Sequence[Node]]],
) -> tuple[dict[Column, float], dict[Column, int], dict[str | Pod, tuple[float, float]], float]:
    """Where columns start and how wide they are, how far pods and sites extend, and the end."""
    widths: dict[Column, int] = {}
    for (column, _), row in rows.items():
        widths[column] = max(widths.get(column, 1), len(row))
    starts: dict[Column, float] = {}
    extent: dict[str | Pod, tuple[float, float]] = {}
    at, before = 0.0, None
    for column in sorted(widths):
        pod = column[0]
        if pod == before:
            at += RACK_GAP - GAP
        starts[column], end, before = at, at + widths[column], pod
        for whole in (pod, pod[0]):
            extent[whole] = (extent.get(whole, (at, end))[0], end)
        at = end + GAP
    return starts, widths, extent, at


def reordered(fabric: Fabric, rows: Sequence[Sequence[Spot]]) -> list[list[Spot]]:
    """Rows of spots, so that cables cross little."""
    spots = [spot for row in rows for spot in row]
    numbers = iter(range(len(spots)))
    numbered = [[*islice(numbers, len(row))] for row in rows]
    of = {node: n for n, spot in enumerate(spots) for node in spot.members}
    cables = [(of[k.a], of[k.b]) for k in fabric.links if k.a in of and k.b in of]
    pairs = np.array(cables, np.int64).reshape(-1, 2)
    found = untangled([s.x for s in spots], numbered, [s.y for s in spots], pairs)
    return [[replace(spots[n], x=found[n]) for n in row] for row in numbered]


def bundles(fabric: Fabric, keep: Collection[str], limit: int) -> Iterator[list[Node]]:
    """Nodes that are drawn, those of one bundle together (rule 2)."""
    shown = [n for n in fabric.nodes if n.role is not Role.HOST or fabric.vtep_role is Role.LEAF]
    many = len(shown) > limit
    kinds = {(n.site, n.pod, n.rack, n.role) for n in shown} if many else ()
    found: dict[tuple[object, ...], list[Node]] = {}
    for node in shown:
        rack = node.rack if len(kinds) <= limit else ""
        alone = not many or node.name in keep
        key = (node.index,) if alone else (node.site, node.pod, rack, node.role.value)
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
    if first.rack and all(node.rack == first.rack for node in members):
        pod = f"{first.rack} "
    return f"{pod}{first.role.value}\n× {len(members)}"
