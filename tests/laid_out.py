"""Spots of a picture from 0 to 1, whatever stands beside them (`cloison.render.places`)."""

from __future__ import annotations

from collections.abc import Collection

from cloison.render.places import LIMIT, Spot, placed
from fabric.wiring.topology import Fabric


def layout(fabric: Fabric, *, keep: Collection[str] = (), limit: int = LIMIT) -> list[Spot]:
    """Places for all nodes, from the lowest tier up."""
    spots, width = placed(fabric, keep, limit)
    return [Spot(s.label, s.role, s.x / width, s.y, s.members) for s in spots]
