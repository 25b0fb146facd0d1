"""Pictures: the Clos by tier, and the isolation matrix.

Rules that hold here:

1. Figures are made without pyplot: no global state, no display needed, same input → same bytes.
2. Places are those of `cloison.render.places`. A name stands in its node's box, above all lines.
3. Switches get darker tier by tier; hues are for tenants (Okabe and Ito's palette, which people
   with any colour vision can tell apart), vermilion for the path alone. The legend names all that
   is there. More tenants than there are hues are not told apart.
4. A path is drawn as far as the packet comes; a cross stands where it stops, and why is said below.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cloison.render.files import write_bytes
from cloison.render.places import LIMIT, Spot, placed
from cloison.render.untangled import way_round
from fabric.io.visible import lines as lines_of
from fabric.io.visible import visible
from fabric.wiring.topology import Fabric, Role

CABLE, PATH, UNREACHED, DOWN, SEVERAL = "#b6bfca", "#d55e00", "#e9b48f", "#d8d8d8", "#ffffff"
TIERS = {
    Role.SUPERSPINE: "#8fa1b5",
    Role.SPINE: "#b3c1cf",
    Role.LEAF: "#d5dee7",
    Role.BORDER: "#e8ddc4",
    Role.DPU: "#f1f4f7",
    Role.HOST: "#f1f4f7",
}
HUES = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#0072b2")
"""Of tenants (rule 3)."""
UNIT = 0.7
"""Inches for a node."""
STATES = ("both", "route", "policy", "closed", "open", "self")
STATE_COLOURS = ("#2e7d32", "#81c784", "#c5e1a5", "#fff3b0", "#90caf9", "#eceff1")
STATE_WORDS = (
    "closed by route and policy",
    "closed by route",
    "closed by policy",
    "closed",
    "open",
    "same tenant",
)


@dataclass(frozen=True, slots=True, repr=False)
class Drawing:
    """A figure that shows itself in a notebook and saves itself to a file. `verdict` is that of
    what is drawn, where it is an answer."""

    figure: Figure
    verdict: str = ""

    def __repr__(self) -> str:
        return "Drawing"

    def _repr_png_(self) -> bytes:
        return self.render("png")

    def render(self, kind: str) -> bytes:
        """The picture as `png`, `svg` or `pdf`, byte for byte the same every time."""
        out = io.BytesIO()
        metadata = {"png": None, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
        with mpl.rc_context({"svg.hashsalt": "cloison"}):
            self.figure.savefig(out, format=kind, bbox_inches="tight", metadata=metadata)
        return out.getvalue()

    def save(self, path: str | Path) -> None:
        """Write the picture; the suffix says the format. ValueError for an unknown one."""
        kind = Path(path).suffix.lstrip(".").lower()
        if kind not in ("png", "svg", "pdf"):
            raise ValueError(f'"{path}" should end in .svg, .png or .pdf')
        write_bytes(Path(path), self.render(kind))


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a packet ends without arriving: the node, and why in a line or several."""

    node: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Highlights:
    """What a picture is to show beside the wiring: tenants by node, a path, and where it stops."""

    tenants: Mapping[str, Collection[str]]
    path: Sequence[str] = ()
    stop: Stop | None = None

    @property
    def hues(self) -> dict[str, str]:
        """A hue per tenant; none when there are too many."""
        names = sorted({name for names in self.tenants.values() for name in names})
        return dict(zip(names, HUES, strict=False)) if len(names) <= len(HUES) else {}

    @property
    def come(self) -> Sequence[str]:
        """The part of the path that the packet comes along."""
        if self.stop is None or self.stop.node not in self.path:
            return self.path
        return self.path[: self.path.index(self.stop.node) + 1]


def draw_fabric(
    fabric: Fabric,
    *,
    title: str = "",
    tenants: Mapping[str, Collection[str]] | None = None,
    path: Sequence[str] = (),
    stop: Stop | None = None,
    limit: int = LIMIT,
) -> Drawing:
    """The Clos by tier; nodes coloured by the `tenants` that they serve, consecutive nodes of
    `path` joined up to where the packet stops."""
    shown = Highlights(tenants or {}, path, stop)
    spots, width = placed(fabric, path, limit)
    room = spacing(spots, width)
    figure = Figure(figsize=(min(24.0, 1.5 + UNIT * width), 0.9 + 1.15 * len(room)))
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_title(visible(title), loc="left", fontsize=10, parse_math=False)
    cables = bundle_cables(fabric, spots, shown)
    if fabric.by_hand:
        at = [(spot.x, spot.y) for spot in spots]
        cables = [replace(c, way=way_round(c.way, at)) for c in cables]
    for shade in (DOWN, CABLE, UNREACHED, PATH):
        axes.add_collection(lines([c for c in cables if c.colour == shade], shade))
    for spot in spots:
        draw_spot(axes, fabric, spot, shown, room=room[spot.y] * min(UNIT, 22.5 / width))
    axes.set_xlim(-0.1, width + 0.1)
    heights = [spot.y for spot in spots] or [0]
    axes.set_ylim(min(heights) - 0.5, max(heights) + 0.4)
    legend(axes, fabric, spots, cables, shown)
    if stop is not None:
        below = lines_of(*stop.why)
        place: dict[str, Any] = {"ha": "left", "va": "top", "fontsize": 8, "parse_math": False}
        axes.text(0, 0, below, transform=axes.transAxes, color=PATH, **place)
    return Drawing(figure)


def spacing(spots: Sequence[Spot], width: float) -> dict[float, float]:
    """By tier: how near two neighbours stand, in places of a node."""
    rows: dict[float, list[float]] = {}
    for spot in spots:
        rows.setdefault(spot.y, []).append(spot.x)
    return {
        y: min((b - a for a, b in pairwise(sorted(row))), default=width) for y, row in rows.items()
    }


@dataclass(frozen=True, slots=True)
class Cable:
    """All links between two spots, and the points that it leads through."""

    a: Spot
    b: Spot
    count: int
    colour: str
    way: Sequence[tuple[float, float]]


def bundle_cables(fabric: Fabric, spots: Sequence[Spot], shown: Highlights) -> list[Cable]:
    """Links between spots, parallel ones together; on the path beats intact beats failed."""
    at = {index: number for number, spot in enumerate(spots) for index in spot.members}
    whole, come = ({frozenset(p) for p in pairwise(way)} for way in (shown.path, shown.come))
    shades: dict[tuple[int, int], list[str]] = {}
    for link in fabric.links:
        if link.a in at and link.b in at:
            ends = frozenset((fabric.nodes[link.a].name, fabric.nodes[link.b].name))
            failed = link.index in fabric.down_links or {link.a, link.b} & fabric.down_nodes
            way = PATH if ends in come else UNREACHED if ends in whole else CABLE
            shades.setdefault((at[link.a], at[link.b]), []).append(DOWN if failed else way)
    order = (PATH, UNREACHED, CABLE, DOWN).index
    return [
        Cable(spots[a], spots[b], len(found), min(found, key=order), straight(spots[a], spots[b]))
        for (a, b), found in sorted(shades.items())
    ]


def straight(a: Spot, b: Spot) -> Sequence[tuple[float, float]]:
    """From one spot to another."""
    return (a.x, a.y), (b.x, b.y)


def lines(cables: Sequence[Cable], shade: str) -> LineCollection:
    """Cables of one colour; a bundle is thicker than a link."""
    way = shade in (PATH, UNREACHED)
    return LineCollection(
        [c.way for c in cables],
        colors=shade,
        linewidths=[2.4 if way else min(3.0, 0.7 + 0.2 * (c.count - 1)) for c in cables],
        linestyles="dashed" if shade in (DOWN, UNREACHED) else "solid",
        zorder=2 if way else 1,
    )


def draw_spot(axes: Axes, fabric: Fabric, spot: Spot, shown: Highlights, *, room: float) -> None:
    """One node or bundle: its name in a box, upright where it has not enough `room` (inches)."""
    names = {fabric.nodes[index].name for index in spot.members}
    down = set(spot.members) <= fabric.down_nodes
    on_path = bool(names & {*shown.come})
    longest = max(map(len, spot.label.split("\n")))
    axes.text(
        spot.x,
        spot.y,
        spot.label,
        ha="center",
        va="center",
        fontsize=7,
        color="#777777" if down else "#000000",
        rotation=90 if 0.075 * longest + 0.12 > room else 0,
        parse_math=False,
        bbox={
            "boxstyle": "round,pad=0.35",
            "facecolor": "#ffffff" if down else colour(spot, names, shown),
            "edgecolor": PATH if on_path else DOWN if down else "#5b6876",
            "linewidth": 2.2 if on_path else 0.8,
            "linestyle": "dashed" if down else "solid",
        },
        zorder=3,
    )
    if shown.stop is not None and shown.stop.node in names:
        axes.scatter([spot.x], [spot.y - 0.22], s=70, c=PATH, marker="X", zorder=4)


def colour(spot: Spot, names: Collection[str], shown: Highlights) -> str:
    """A box's colour: its tenant's, else its tier's."""
    hues = shown.hues
    served = {t for name in names for t in shown.tenants.get(name, ()) if t in hues}
    if not served:
        return TIERS[spot.role]
    return hues[served.pop()] if len(served) == 1 else SEVERAL


def legend(
    axes: Axes, fabric: Fabric, spots: Sequence[Spot], cables: Sequence[Cable], shown: Highlights
) -> None:
    """What the colours mean, of those that are there."""
    roles = {spot.role for spot in spots}
    names = [({fabric.nodes[i].name for i in s.members}, s) for s in spots]
    seen = {colour(spot, members, shown) for members, spot in names}
    boxes = {TIERS[role]: role.value for role in TIERS if role in roles}
    boxes |= {hue: f"tenant {visible(name)}" for name, hue in shown.hues.items()}
    boxes |= {SEVERAL: "several tenants"}
    handles: list[Any] = [
        Patch(facecolor=shade, edgecolor="#5b6876", label=text)
        for shade, text in boxes.items()
        if shade in seen
    ]
    ways = {PATH: "path", UNREACHED: "path, not reached", DOWN: "failed"}
    shades = {cable.colour for cable in cables}
    handles += [
        Line2D([], [], color=shade, lw=2, ls="-" if shade == PATH else "--", label=text)
        for shade, text in ways.items()
        if shade in shades
    ]
    if shown.stop is not None:
        handles += [Line2D([], [], color=PATH, marker="X", ls="", label="stops here")]
    found = axes.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=7, frameon=False
    )
    for text in found.get_texts():
        text.set_parse_math(False)


def draw_matrix(cells: Mapping[tuple[str, str], tuple[str, str]], *, title: str = "") -> Drawing:
    """The isolation matrix: (source, destination) → (state, text), a state of `STATES`."""
    sources = list(dict.fromkeys(source for source, _ in cells))
    destinations = list(dict.fromkeys(destination for _, destination in cells))
    values = [
        [STATES.index(cells[s, d][0]) if (s, d) in cells else len(STATES) - 1 for d in destinations]
        for s in sources
    ]
    side = max(len(sources), len(destinations), 1)
    figure = Figure(figsize=(min(24.0, 2.5 + 0.9 * side), min(24.0, 1.8 + 0.55 * side)))
    axes = figure.add_subplot()
    axes.imshow(
        values, cmap=ListedColormap(STATE_COLOURS), vmin=0, vmax=len(STATES) - 1, aspect="auto"
    )
    small: dict[str, Any] = {"fontsize": 7, "parse_math": False}
    across = [*map(visible, destinations)]
    axes.set_xticks(range(len(destinations)), across, rotation=45, ha="right", **small)
    axes.set_yticks(range(len(sources)), [*map(visible, sources)], **small)
    axes.set_xlabel("destination", fontsize=8)
    axes.set_ylabel("source", fontsize=8)
    axes.set_title(visible(title), loc="left", fontsize=10, parse_math=False)
    if side <= 16:
        for row, source in enumerate(sources):
            for column, destination in enumerate(destinations):
                below = lines_of(*cells.get((source, destination), ("", ""))[1].split(", "))
                place: dict[str, Any] = {
                    "ha": "center",
                    "va": "center",
                    "fontsize": 6,
                    "parse_math": False,
                }
                axes.text(column, row, below, **place)
    for colour, words in zip(STATE_COLOURS, STATE_WORDS, strict=True):
        axes.plot([], [], "s", color=colour, label=words)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=7, frameon=False)
    return Drawing(figure)
