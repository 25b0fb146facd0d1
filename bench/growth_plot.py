"""How time per packet, build time and memory grow with the rows of a table, as one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from cloison.render.files import write_bytes

Row = Mapping[str, Any]
FAMILIES = ("policy", "acl", "fw", "ipc")
PANELS = (
    ("ns", "ns per packet, uniform"),
    ("seconds", "build, s"),
    ("bytes_per_row", "bytes per row"),
)


def draw(speeds: Sequence[Row], builds: Sequence[Row], target: Path) -> None:
    """An SVG of the families that have several sizes; the same rows give the same bytes."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams.update({"svg.hashsalt": "cloison", "svg.fonttype": "none"})
    figure, axes = plt.subplots(1, len(PANELS), figsize=(13, 4), layout="constrained")
    points = list(_points(speeds, builds))
    for axis, (key, label) in zip(axes, PANELS, strict=True):
        for number, family in enumerate(FAMILIES):
            _line(axis, points, family, key, f"C{number}")
        axis.set(xscale="log", yscale="log", xlabel="rows", ylabel=label)
        axis.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center")
    text = BytesIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    plt.close(figure)
    write_bytes(target, text.getvalue())


def _line(axis: Any, points: Sequence[Row], family: str, key: str, colour: str) -> None:
    """Ours solid; rte_acl's dotted where it was measured."""
    for prefix, style, label in (("", "-o", family), ("rival_", ":", f"{family}, rte_acl")):
        drawn = sorted(
            (point["rows"], point[prefix + key])
            for point in points
            if point["set"].rpartition("-")[0] == family and point[prefix + key] is not None
        )
        if drawn:
            axis.plot(*zip(*drawn, strict=True), style, color=colour, label=label, markersize=4)


def _points(speeds: Sequence[Row], builds: Sequence[Row]) -> list[Row]:
    uniform = {row["set"]: row for row in speeds if row["trace"] == "uniform"}
    return [
        {
            **row,
            "ns": 1e3 / uniform[row["set"]]["mpps"],
            "rival_ns": (mpps := uniform[row["set"]]["rival_mpps"]) and 1e3 / mpps,
        }
        for row in builds
        if row["set"] in uniform
    ]
