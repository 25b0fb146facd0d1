"""Orders rows of a picture so that cables cross little: by barycentres (Sugiyama, Tagawa and Toda
1981), sweep after sweep, up and down; and leads cables around what they do not lead to.

Rules that hold here:

1. Spots change places within their row of their column alone; places stay as they are.
2. Where a sweep makes cables longer than they were at best, what was best counts. Equal ones keep
   their order, so the same fabric gives the same picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

Place = tuple[float, float]
SWEEPS = 8
ARC, HEIGHT = 12, 0.28
"""Straight pieces of an arc, and how far it is above its tier."""
NEAR, BOX = 0.45, 0.15
"""Half of a box that a cable does not lead to, sideways and upwards."""
SIDE, OVER = 0.55, 0.22
"""Where such a cable passes instead: over the corner on its far side."""


def untangled(
    x: Sequence[float], rows: Sequence[Sequence[int]], tier: Sequence[float], cables: np.ndarray
) -> list[float]:
    """Places from the left of numbered spots: each row permutes those of its spots. `cables` has
    two columns of spots."""
    at, heights = np.array(x, float), np.array(tier)
    if not len(cables):
        return [*x]
    levels = sorted({tier[row[0]] for row in rows})
    by_level = {level: [row for row in rows if tier[row[0]] == level] for level in levels}
    best, least = at.copy(), length(at, cables)
    for sweep in range(SWEEPS):
        upwards = sweep % 2 == 0
        for level in levels if upwards else levels[::-1]:
            middle = barycentres(at, heights, cables, level, below=upwards)
            for row in by_level[level]:
                places = sorted(at[spot] for spot in row)
                order = sorted(row, key=lambda spot: (middle.get(spot, at[spot]), at[spot]))
                at[order] = places
        if (now := length(at, cables)) < least - 1e-9:
            best, least = at.copy(), now
    return [float(place) for place in best]


def way_round(ends: Sequence[Place], places: Iterable[Place]) -> list[Place]:
    """Between two places and around what stands there, as points: within a tier over it in an arc,
    across tiers over the corner of each box that it would pass behind."""
    a, b = ends
    others = [place for place in places if place not in ends]
    if a[1] == b[1]:
        low, high = sorted((a[0], b[0]))
        if not any(y == a[1] and low < x < high for x, y in others):
            return [a, b]
        steps = (n / ARC for n in range(ARC + 1))
        return [(a[0] + (b[0] - a[0]) * t, a[1] + HEIGHT * 4 * t * (1 - t)) for t in steps]
    top, foot = (a, b) if a[1] > b[1] else (b, a)
    points = [top]
    left = sorted(others, key=lambda other: (-other[1], abs(other[0] - top[0])))
    while box := next((box for box in left if behind(points[-1], foot, box)), None):
        left.remove(box)
        side = SIDE if foot[0] >= points[-1][0] else -SIDE
        if points[-1][1] == box[1] + OVER:
            points.pop()
        points.append((box[0] + side, box[1] + OVER))
    return [*points, foot]


def behind(top: Place, foot: Place, box: Place) -> bool:
    """Whether a straight line from one place down to another passes behind a box."""
    if not foot[1] < box[1] < top[1]:
        return False
    lean = (foot[0] - top[0]) / (top[1] - foot[1])
    return abs(top[0] + lean * (top[1] - box[1]) - box[0]) < NEAR + BOX * abs(lean)


def length(at: np.ndarray, cables: np.ndarray) -> float:
    """How far sideways all cables lead."""
    return float(np.abs(at[cables[:, 0]] - at[cables[:, 1]]).sum())


def barycentres(
    at: np.ndarray, heights: np.ndarray, cables: np.ndarray, level: float, *, below: bool
) -> Mapping[int, float]:
    """The middle of each spot's neighbours on lower tiers (or on higher ones), for those of a
    tier that have some."""
    near, far = np.concatenate([cables, cables[:, ::-1]]).T
    side = heights[far] < level if below else heights[far] > level
    chosen = (heights[near] == level) & side
    total = np.bincount(near[chosen], at[far[chosen]], len(at))
    count = np.bincount(near[chosen], minlength=len(at))
    return {int(spot): float(total[spot] / count[spot]) for spot in np.flatnonzero(count)}
