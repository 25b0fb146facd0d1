"""Pictures: places by tier, bundles, highlights, the same bytes every time."""

from __future__ import annotations

from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from laid_out import layout
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb

import cloison
from cloison.render.plot import HUES, PATH, UNREACHED, Drawing, Stop, draw_fabric, draw_matrix
from fabric.file.spec import FabricSpec
from fabric.wiring.clos import build_fabric
from fabric.wiring.topology import RANK, Fabric


def fabric(leaves: int = 2, **more: object) -> Fabric:
    site = {"leaves": leaves, "hosts_per_pair": 4, **more}
    return build_fabric(
        FabricSpec.model_validate({"cloison": 1, "name": "x", "sites": {"a": site}})
    )


def test_tiers_are_heights_and_dpus_stand_for_hosts() -> None:
    small = fabric()
    spots = layout(small)
    assert {s.label for s in spots} == {n.name for n in small.nodes if n.role != "host"}
    assert all(s.y == RANK[s.role] for s in spots)
    assert all(0 < s.x < 1 for s in spots)


def test_large_fabrics_are_bundled_but_the_path_stays_apart() -> None:
    large = fabric(leaves=100)
    labels = [s.label for s in layout(large, keep=["dpu7"])]
    assert "dpu7" in labels
    assert "dpu\n× 199" in labels
    assert len(labels) < 10


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_same_bytes(tmp_path: Path, kind: str) -> None:
    first, second = (tmp_path / f"{n}.{kind}" for n in "ab")
    for target in (first, second):
        draw_fabric(fabric(), title="x", tenants={"dpu1": ["t"]}, path=["dpu1", "leaf1"]).save(
            target
        )
    assert first.read_bytes() == second.read_bytes()


def test_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.svg"):
        draw_fabric(fabric()).save(tmp_path / "x.docx")


def test_matrix() -> None:
    cells = {
        ("acme", "acme"): ("self", ""),
        ("acme", "globex"): ("both", ""),
        ("globex", "acme"): ("open", "443/tcp"),
        ("globex", "globex"): ("self", ""),
    }
    drawing = draw_matrix(cells, title="Isolation")
    assert isinstance(drawing, Drawing)
    assert b"443/tcp" in drawing.render("svg") or drawing._repr_png_().startswith(b"\x89PNG")


def three_tier() -> Fabric:
    shape = {"clos": "three-tier", "pods": 3, "leaves": 4, "spines": 2, "superspines": 4}
    return fabric(**shape | {"hosts_per_pair": 3, "borders": 2})


def test_pods_are_columns_that_borders_push_nowhere() -> None:
    found = three_tier()
    where: dict[int, dict[str, list[float]]] = {}
    for spot in layout(found):
        pod = found.nodes[spot.members[0]].pod
        where.setdefault(pod, {}).setdefault(spot.role, []).append(spot.x)
    pods = [where[pod] for pod in (1, 2, 3)]
    middles = [{role: np.mean(xs) for role, xs in pod.items()} for pod in pods]
    for middle in middles:
        assert len(middle) == 3
        assert np.ptp(list(middle.values())) < 1e-9
    reach = [(min(map(min, p.values())), max(map(max, p.values()))) for p in pods]
    assert all(left[1] < right[0] for left, right in pairwise(reach))
    assert min(where[0]["border"]) > reach[-1][1]


@pytest.mark.parametrize("site", [{}, {"leaves": 24, "borders": 2}], ids=["few", "many"])
def test_names_stand_in_boxes_above_every_line(site: dict[str, int]) -> None:
    axes = draw_fabric(fabric(**site)).figure.axes[0]
    highest = max(lines.get_zorder() for lines in axes.findobj(LineCollection))
    assert axes.texts
    for text in axes.texts:
        box = text.get_bbox_patch()
        assert box is not None
        assert box.get_alpha() in (None, 1)
        assert text.get_zorder() > highest


PAD = 0.35 * 7 / 72 * 100
"""Of a box around its text, in pixels: 0.35 of 7 points."""


def test_few_names_lie_and_many_stand_apart() -> None:
    """Boxes of one row do not overlap."""
    for leaves in (2, 8, 16):
        figure = draw_fabric(fabric(leaves=leaves, hosts_per_pair=6)).figure
        figure.canvas.draw()
        boxes = [text.get_window_extent().padded(PAD) for text in figure.axes[0].texts]
        assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])], leaves


def colours(drawing: Drawing) -> set[str]:
    shades = [
        tuple(shade)
        for lines in drawing.figure.axes[0].findobj(LineCollection)
        if len(lines.get_segments())
        for shade in np.asarray(lines.get_color())[:, :3].tolist()
    ]
    return {name for name in (PATH, UNREACHED) if to_rgb(name) in shades}


def test_a_path_is_drawn_as_far_as_the_packet_comes() -> None:
    path, why = ["dpu1", "leaf1", "spine1", "leaf2", "dpu5"], ("why",)
    assert colours(draw_fabric(fabric(4), path=path)) == {PATH}
    assert colours(draw_fabric(fabric(4), path=path, stop=Stop("dpu5", why))) == {PATH}
    assert colours(draw_fabric(fabric(4), path=path, stop=Stop("dpu1", why))) == {UNREACHED}
    assert colours(draw_fabric(fabric(4), path=path, stop=Stop("spine1", why))) == {PATH, UNREACHED}


SMALL = Path(__file__).parents[3] / "topologies" / "small.yaml"


def said(drawing: Drawing) -> set[str]:
    """Everything that is written into a picture, its legend included."""
    axes = drawing.figure.axes[0]
    found = axes.get_legend()
    return {text.get_text() for text in (*axes.texts, *(found.get_texts() if found else ()))}


def test_a_denied_flow_shows_where_it_stops_and_the_line() -> None:
    story = cloison.explain(SMALL, "acme/web/front", "acme/catalog/db:5432/tcp")
    step = story.stops
    assert step is not None
    assert (step.where, step.result) == (story.path[-1], "deny")
    words = said(story.plot())
    assert "stops here" in words
    caption = next(text for text in words if text.startswith("stops at"))
    assert step.what in caption
    assert step.line is not None
    assert step.line in caption
    assert "tenant acme" in words


def test_a_flow_without_a_route_stops_where_it_starts() -> None:
    story = cloison.explain(SMALL, "acme/web/front", "192.0.2.9:22/tcp")
    assert story.verdict == "deny"
    assert story.stops is not None
    assert story.stops.where == story.path[0]
    assert "stops here" in said(story.plot())


def test_an_allowed_flow_stops_nowhere() -> None:
    story = cloison.explain(SMALL, "acme/web/front", "acme/catalog/api:8080/tcp")
    assert story.stops is None
    assert not {"stops here", "path, not reached"} & said(story.plot())


def test_tenants_are_coloured_alone_or_all_and_more_than_there_are_hues_not() -> None:
    world = cloison.build(SMALL)
    assert {"tenant acme", "tenant globex"} <= said(world.plot())
    assert "tenant globex" not in said(world.plot(tenant="acme"))
    crowd = {f"dpu{n}": [f"t{n}"] for n in range(1, len(HUES) + 2)}
    assert not any("tenant" in text for text in said(draw_fabric(fabric(8), tenants=crowd)))
    shared = draw_fabric(fabric(), tenants={"dpu1": ["a", "b"], "dpu2": ["a"]})
    assert {"several tenants", "tenant a"} <= said(shared)


SEES = {
    "all": np.eye(3),
    "no red": [[0.1524, 1.0526, -0.2050], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0519]],
    "no green": [[0.3672, 0.8606, -0.2279], [0.2801, 0.6727, 0.0472], [-0.0118, 0.0429, 0.9689]],
}
"""What dichromats see, over linear RGB (Machado, Oliveira and Fernandes 2009, severity 1)."""


@pytest.mark.parametrize("eyes", SEES)
def test_hues_differ_for_every_eye(eyes: str) -> None:
    def seen(name: str) -> np.ndarray:
        linear = np.array([((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(name)])
        return np.cbrt(np.clip(np.array(SEES[eyes]) @ linear, 0, 1))

    for one, other in combinations((*HUES, PATH), 2):
        assert np.linalg.norm(seen(one) - seen(other)) > 0.12, (one, other)
