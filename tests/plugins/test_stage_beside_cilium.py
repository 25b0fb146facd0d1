"""Toy: a source with a stage of its own, in a fabric whose cluster runs Cilium, with others."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import compiler.sources
from cloison.cli import main
from compiler.policy.ir import L4, Direction, Everyone, Named, Origin, Policy, Rule
from compiler.policy.points import Point
from compiler.policy.source import Source, all_read, no_lints, no_mistakes, ordered
from compiler.policy.stages import (
    DENY_OR_NEXT,
    STAGES,
    TIERED,
    WIDEST,
    Action,
    Combine,
    Owner,
    Stage,
    Stages,
    inserted,
    joined,
)
from fabric.building.network import Network

TOPOLOGIES = Path(__file__).parents[2] / "topologies"
METER = Stage(
    "METER",
    "meter",
    Owner.FABRIC,
    Point.HERE,
    "meter_drop",
    Action.PERMIT,
    Combine.FIRST_MATCH,
    DENY_OR_NEXT,
    True,
    None,
)
TABLE = inserted(STAGES, METER, after=Stage.ZONE2)


def policy(network: Network) -> Policy:
    """Nobody opens connections to the front."""
    origin = Origin("zone rule", "metered")
    front, nobody = (Named(("shop/store/front",)),), (Everyone(),)
    place = METER, Direction.IN, 1
    rule = Rule(*place, front, nobody, (L4(6, 8443, 8443),), Action.DENY, origin)
    return Policy((rule,), (), TABLE)


ROW = Source("meter", policy, no_lints, no_mistakes, (), all_read, ordered)


def test_a_source_with_its_stage_goes_with_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(TOPOLOGIES, tmp_path / "t")
    asked = [
        "explain",
        str(tmp_path / "t/cilium.yaml"),
        "zone2/office",
        "shop/store/front:8443/tcp",
    ]
    before = CliRunner().invoke(main, asked)
    monkeypatch.setattr(compiler.sources, "SOURCES", (*compiler.sources.SOURCES, ROW))
    after = CliRunner().invoke(main, asked)
    assert "store/front-0: allow\n" in before.output
    assert "store/front-0: deny" in after.output and "zone rule metered" in after.output


tables = st.sampled_from([STAGES, TIERED, WIDEST])
places = st.sampled_from(STAGES)


@given(tables, tables, places)
def test_a_table_of_both_has_the_order_of_either(one: Stages, other: Stages, place: Stage) -> None:
    """And the house's tables are parts of one."""
    toy = inserted(one, METER, after=place)
    found = joined(other, toy)
    assert set(found) == {*other, *toy} and len(found) == len({*found})
    for table in (other, toy):
        assert [stage for stage in found if stage in table] == list(table)
    assert joined(found, one) == found == joined(found, found)


def test_what_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="two tables of stages"):
        joined(STAGES, (replace(STAGES[0], drop="other_drop"), *STAGES[1:]))
    early, late = (inserted(STAGES, METER, after=at) for at in (Stage.ZONE0, Stage.ISOLATION))
    with pytest.raises(ValueError, match="two tables of stages"):
        joined(early, late)
