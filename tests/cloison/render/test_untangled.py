"""Rows of pictures: cables cross little, and pass nothing that they do not lead to."""

from __future__ import annotations

from itertools import combinations, pairwise
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laid_out import layout

from cloison.render.untangled import behind, length, untangled, way_round
from fabric.file.spec import FabricSpec
from fabric.wiring.clos import build_fabric
from fabric.wiring.topology import Fabric


def crossings(at: list[float], cables: np.ndarray) -> int:
    """Pairs of cables that cross, of two tiers alone."""
    return sum(
        (at[a] - at[c]) * (at[b] - at[d]) < 0 for (a, b), (c, d) in combinations(cables.tolist(), 2)
    )


@given(st.integers(0, 2**16))
def test_rows_keep_their_places_and_cables_get_no_longer(seed: int) -> None:
    rng = Random(seed)
    tier = sorted(float(rng.randrange(3)) for _ in range(rng.randint(1, 14)))
    rows = [[n for n, y in enumerate(tier) if y == level] for level in sorted({*tier})]
    x = [float(row.index(n)) for row in rows for n in row]
    pairs = [(a, b) for a, b in combinations(range(len(tier)), 2) if rng.random() < 0.2]
    cables = np.array(pairs, np.int64).reshape(-1, 2)
    found = untangled(x, rows, tier, cables)
    for row in rows:
        assert sorted(found[n] for n in row) == sorted(x[n] for n in row)
    assert length(np.array(found), cables) <= length(np.array(x), cables)
    assert found == untangled(x, rows, tier, cables)


@pytest.mark.parametrize("seed", range(8))
def test_a_tree_has_no_crossings(seed: int) -> None:
    """Twelve nodes below four, three at each, in any order."""
    below = [n % 4 for n in range(12)]
    Random(seed).shuffle(below)
    cables = np.array([(n, 12 + top) for n, top in enumerate(below)])
    x = [*map(float, range(12)), *(1.5 + 3 * n for n in range(4))]
    found = untangled(x, [[*range(12)], [*range(12, 16)]], [1.0] * 12 + [2.0] * 4, cables)
    assert crossings(x, cables) > 0 == crossings(found, cables)


def test_a_cable_passes_no_box_that_it_does_not_lead_to() -> None:
    boxes = [(0.0, 4.0), (2.0, 3.0), (3.0, 3.0), (4.0, 2.0)]
    way = way_round([boxes[0], boxes[3]], boxes)
    assert way[0] == boxes[0] and way[-1] == boxes[3] and len(way) == 3
    assert not any(behind(a, b, box) for a, b in pairwise(way) for box in boxes[1:3])
    assert behind(boxes[0], boxes[3], boxes[1])
    assert way_round([(0.0, 1.0), (0.0, 2.0)], boxes) == [(0.0, 2.0), (0.0, 1.0)]


def test_a_cable_within_a_tier_is_an_arc_where_somebody_stands_between() -> None:
    row = [(0.0, 3.0), (1.0, 3.0), (2.0, 3.0)]
    assert way_round(row[:2], row) == row[:2]
    arc = way_round([row[0], row[2]], row)
    assert arc[0] == row[0] and arc[-1] == row[2]
    assert max(y for _, y in arc) == pytest.approx(3.28)


RACKS = {
    "s1": {"role": "spine"}, "s2": {"role": "spine"},
    "b2": {"role": "leaf", "rack": "r10"}, "a1": {"role": "leaf", "rack": "r9"},
    "a2": {"role": "leaf", "rack": "r9"},
    **{f"d{n}": {"role": "dpu", "host": f"h{n}", "rack": ("r9", "r10")[n % 2]} for n in range(8)},
}  # fmt: skip
CABLES = [
    *(f"d{n} -- {'b2' if n % 2 else 'a1' if n < 4 else 'a2'}" for n in range(8)),
    *(f"{leaf} -- {spine}" for leaf in ("b2", "a1", "a2") for spine in ("s1", "s2")),
]


def written(nodes: dict[str, Any], cables: list[str]) -> Fabric:
    site = {"clos": "none", "nodes": nodes, "cables": cables}
    return build_fabric(
        FabricSpec.model_validate({"cloison": 1, "name": "x", "sites": {"s": site}})
    )


def test_racks_are_columns_in_order_of_their_numbers() -> None:
    fabric = written(RACKS, CABLES)
    spots = [s for s in layout(fabric) if s.role not in ("spine", "superspine")]
    racks = {rack: [s.x for s in spots if fabric.nodes[s.members[0]].rack == rack]
             for rack in ("r9", "r10")}  # fmt: skip
    assert max(racks["r9"]) < min(racks["r10"])
    order = [s.label for s in sorted(spots, key=lambda s: s.x) if s.role == "dpu"]
    assert [*map(set, (order[:2], order[2:4]))] in ([{"d0", "d2"}, {"d4", "d6"}],
                                                    [{"d4", "d6"}, {"d0", "d2"}])  # fmt: skip


def test_beyond_the_limit_racks_are_bundles_and_then_pods() -> None:
    fabric = written(RACKS, CABLES)
    labels = {s.label for s in layout(fabric, limit=8)}
    assert labels == {"spine\n× 2", "r9 leaf\n× 2", "b2", "r9 dpu\n× 4", "r10 dpu\n× 4"}
    labels = {s.label for s in layout(fabric, limit=4)}
    assert labels == {"spine\n× 2", "leaf\n× 3", "dpu\n× 8"}


@pytest.mark.parametrize("clos", ["leaf-spine", "three-tier"])
@pytest.mark.parametrize("vtep", ["dpu", "leaf"])
def test_a_counted_clos_keeps_the_order_of_its_names(clos: str, vtep: str) -> None:
    site = {"clos": clos, "leaves": 4, "hosts_per_pair": 3}
    more = {"pods": 2, "superspines": 2} if clos == "three-tier" else {}
    spec = {"cloison": 1, "name": "x", "vtep": vtep, "sites": {"s": {**site, **more}}}
    fabric = build_fabric(FabricSpec.model_validate(spec))
    for role in ("host", "dpu", "leaf", "spine", "superspine"):
        row = [s for s in layout(fabric) if s.role == role]
        members = [s.members[0] for s in sorted(row, key=lambda s: s.x)]
        assert members == sorted(members)
