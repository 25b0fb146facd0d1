"""Forged certificates: whoever forges one, and however much of it he makes follow, the field that
lies is named."""

from __future__ import annotations

import re

import pytest
from certificate_cases import LEFT_OUT, TOPOLOGIES, Case, case, two_ways
from forged_statements import put
from forger import forged, settle
from forgeries import FORGERIES

from sim.checker.consistency import inconsistencies
from sim.checker.validity import differences


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    """Of a fabric that holds, with and without a spine, and of one that does not."""
    return {
        "holds": case(TOPOLOGIES / "small.yaml"),
        "spine": case(TOPOLOGIES / "small.yaml", "spine1"),
        "fails": case(TOPOLOGIES / "broken" / "too-wide-ipblock.yaml"),
        "ways": two_ways(),
        "unknown": case(TOPOLOGIES / "small.yaml", left_out=(LEFT_OUT,)),
    }


@pytest.mark.parametrize("name", FORGERIES)
def test_the_field_that_lies_is_named(name: str, cases: dict[str, Case]) -> None:
    field, forge, sly, of = FORGERIES[name]
    written, wanted = cases[of]
    other = forged(written, forge)
    alone = inconsistencies(other)
    assert (alone == []) == sly, alone
    found = alone or differences(other, wanted)
    assert any(re.match(rf"(\w+, )?{field}\b", problem) for problem in found), found


def test_another_failure_than_the_one_that_was_there(cases: dict[str, Case]) -> None:
    """Both spines are alike to every packet; only the routes tell which one was down."""
    for down, other in (("spine1", "spine2"), ("spine1", ""), ("", "spine2")):
        written, _ = case(TOPOLOGIES / "small.yaml", *filter(None, [down]))
        lie = forged(written, put("down", list(filter(None, [other]))))
        _, wanted = case(TOPOLOGIES / "small.yaml", *lie["down"])
        assert inconsistencies(lie) == []
        assert any("down" in problem.split(":")[0] for problem in differences(lie, wanted))


@pytest.mark.parametrize("of", ["holds", "spine", "fails", "ways", "unknown"])
def test_a_forger_who_changes_nothing_is_believed(of: str, cases: dict[str, Case]) -> None:
    written, wanted = cases[of]
    other = forged(written, settle)
    assert other == written
    assert inconsistencies(other) == []
    assert differences(other, wanted) == []
