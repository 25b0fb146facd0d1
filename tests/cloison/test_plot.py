"""Pictures: places by tier, bundles, highlights, the same bytes every time."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloison.plot import Drawing, draw_fabric, draw_matrix, layout
from fabric.clos import build_fabric
from fabric.spec import FabricSpec
from fabric.topology import RANK, Fabric


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
        draw_fabric(fabric(), title="x", marked=["dpu1"], path=["dpu1", "leaf1"]).save(target)
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
