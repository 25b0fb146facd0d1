"""Pictures: the Clos by tier, and the isolation matrix.

Rules that hold here:

1. Figures are made without pyplot: no global state, no display needed, same input → same bytes.
2. A DPU stands for its host. Beyond `LIMIT` nodes, those of one role, pod and site are drawn as one
   bundle; what is highlighted (a path) stays apart.
3. Height is the tier (`fabric.topology.RANK`); within a tier nodes keep the fabric's order.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from cloison.files import write_bytes
from fabric.topology import RANK, Fabric, Node, Role
from fabric.visible import lines as lines_of
from fabric.visible import visible

LIMIT = 150
PLAIN, TENANT, PATH, DOWN = "#8a94a6", "#1f77b4", "#d62728", "#d0d0d0"
SHAPES = {
    Role.HOST: "s",
    Role.DPU: "o",
    Role.LEAF: "s",
    Role.BORDER: "D",
    Role.SPINE: "^",
    Role.SUPERSPINE: "P",
}
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
    """A figure that shows itself in a notebook and saves itself to a file."""

    figure: Figure

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
class Spot:
    """A node, or a bundle of nodes, at its place in the picture."""

    label: str
    role: Role
    x: float
    y: float
    members: tuple[int, ...]


def draw_fabric(
    fabric: Fabric,
    *,
    title: str = "",
    marked: Collection[str] = (),
    path: Sequence[str] = (),
    limit: int = LIMIT,
) -> Drawing:
    """The Clos by tier; `marked` nodes are coloured, consecutive nodes of `path` joined in red."""
    spots = layout(fabric, keep=path, limit=limit)
    widest = max(Counter(spot.y for spot in spots).values(), default=1)
    figure = Figure(figsize=(min(24.0, 3 + 0.45 * widest), 1.6 + 1.3 * len({s.y for s in spots})))
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_title(visible(title), loc="left", fontsize=10, parse_math=False)
    cables = bundle_cables(fabric, spots, path)
    for shade in (DOWN, PLAIN, PATH):
        axes.add_collection(lines([c for c in cables if c.colour == shade], shade))
    for spot in spots:
        draw_spot(axes, fabric, spot, marked, path, crowded=widest > 16)
    axes.margins(0.06, 0.22)
    return Drawing(figure)


@dataclass(frozen=True, slots=True)
class Cable:
    """All links between two spots."""

    a: Spot
    b: Spot
    count: int
    colour: str


def bundle_cables(fabric: Fabric, spots: Sequence[Spot], path: Sequence[str]) -> list[Cable]:
    """Links between spots, parallel ones together; on the path beats intact beats failed."""
    at = {index: number for number, spot in enumerate(spots) for index in spot.members}
    steps = {frozenset(pair) for pair in pairwise(path)}
    shades: dict[tuple[int, int], list[str]] = {}
    for link in fabric.links:
        if link.a in at and link.b in at:
            ends = frozenset((fabric.nodes[link.a].name, fabric.nodes[link.b].name))
            failed = link.index in fabric.down_links or {link.a, link.b} & fabric.down_nodes
            shade = DOWN if failed else PATH if ends in steps else PLAIN
            shades.setdefault((at[link.a], at[link.b]), []).append(shade)
    return [
        Cable(spots[a], spots[b], len(found), min(found, key=(PATH, PLAIN, DOWN).index))
        for (a, b), found in sorted(shades.items())
    ]


def lines(cables: Sequence[Cable], shade: str) -> LineCollection:
    """Cables of one colour; a bundle is thicker than a link."""
    widths = [2.2 if shade == PATH else min(4.0, 0.5 + 0.25 * c.count) for c in cables]
    return LineCollection(
        [[(c.a.x, c.a.y), (c.b.x, c.b.y)] for c in cables],
        colors=shade,
        linewidths=widths,
        linestyles="dashed" if shade == DOWN else "solid",
        zorder=2 if shade == PATH else 1,
    )


def draw_spot(
    axes: Axes,
    fabric: Fabric,
    spot: Spot,
    marked: Collection[str],
    path: Collection[str],
    *,
    crowded: bool,
) -> None:
    """One node or bundle with its name."""
    names = {fabric.nodes[index].name for index in spot.members}
    shades = (
        (PATH, bool(names & set(path))),
        (TENANT, bool(names & set(marked))),
        (DOWN, set(spot.members) <= fabric.down_nodes),
        (PLAIN, True),
    )
    shade = next(colour for colour, applies in shades if applies)
    size = 60 if len(spot.members) == 1 else 200
    axes.scatter([spot.x], [spot.y], s=size, c=shade, marker=SHAPES[spot.role], zorder=3)
    below = spot.y <= RANK[Role.DPU]
    axes.annotate(
        spot.label,
        (spot.x, spot.y),
        textcoords="offset points",
        xytext=(0, -9 if below else 8),
        ha="center",
        va="top" if below else "bottom",
        fontsize=7,
        rotation=90 if crowded and below else 0,
        parse_math=False,
    )


def layout(fabric: Fabric, *, keep: Collection[str] = (), limit: int = LIMIT) -> list[Spot]:
    """Places for all nodes, tier by tier; bundled beyond `limit` nodes (rule 2)."""
    shown = [n for n in fabric.nodes if n.role is not Role.HOST or fabric.vtep_role is Role.LEAF]
    bundles: dict[tuple[object, ...], list[Node]] = {}
    for node in shown:
        alone = len(shown) <= limit or node.name in keep
        key = (node.index,) if alone else (node.site, node.pod, node.role.value)
        bundles.setdefault(key, []).append(node)
    tiers: dict[int, list[list[Node]]] = {}
    for members in bundles.values():
        tiers.setdefault(RANK[members[0].role], []).append(members)
    spots = []
    for rank, row in sorted(tiers.items()):
        row.sort(key=lambda m: (m[0].site, m[0].role is Role.BORDER, m[0].pod, m[0].index))
        for place, members in enumerate(row):
            label = members[0].name if len(members) == 1 else bundle_label(members)
            x = (place + 0.5) / len(row)
            spots.append(Spot(label, members[0].role, x, rank, tuple(n.index for n in members)))
    return spots


def bundle_label(members: Sequence[Node]) -> str:
    """How a bundle is called: what it holds and how many."""
    first = members[0]
    pod = f"pod{first.pod} " if first.pod else ""
    return f"{pod}{first.role.value}\n× {len(members)}"


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
