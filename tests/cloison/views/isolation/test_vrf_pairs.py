"""What scripts see of proofs and differences without pairs."""

from __future__ import annotations

from pathlib import Path

import cloison

ROOT = Path(__file__).parents[4] / "topologies"


def test_the_demo_crosses_where_it_says_so() -> None:
    world = cloison.build(ROOT / "demo.yaml")
    assert len(world.isolation)
    assert all(row["declared"] for row in world.isolation)


def test_a_policy_that_is_missing_is_a_region() -> None:
    old = cloison.build(ROOT / "demo.yaml")
    new = cloison.build(ROOT / "broken" / "missing-egress-rule.yaml")
    rows = old.changes(new)
    assert {row["change"] for row in rows} == {"lost"}
    assert {row["direction"] for row in rows} == {"egress"}
    assert not len(old.changes(old))
    assert " in " in rows[0]["packet"]
