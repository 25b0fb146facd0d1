"""A row that lacks a property, or contradicts itself, does not get into a table; a new stage is
told in the documents."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields, replace
from pathlib import Path

import pytest

from cloison.cli.show.show_policy import command
from compiler.policy.ir import Action, Policy
from compiler.policy.stages import STAGES, WIDEST, Does, Stage, To, checked, every, inserted
from sim.checker.document.form import reasons_of
from sim.packets.reasons import LIMIT, reasons

ROOT = Path(__file__).parents[2]
NEW = replace(Stage.ZONE2, name="NEW", label="new", drop="new_drop")


def test_no_property_of_a_row_may_be_left_out() -> None:
    """Nothing has a default: mypy and Python refuse a row without any of them."""
    for row in (Stage, Does):
        assert all(f.default is MISSING and f.default_factory is MISSING for f in fields(row))
    with pytest.raises(TypeError, match="missing"):
        Stage(
            "NEW",
            "new",
            Stage.ZONE2.owner,
            Stage.ZONE2.at,
            "new_drop",
            Action.PERMIT,
            Stage.ZONE2.combine,
            Stage.ZONE2.does,
            True,
        )  # type: ignore[call-arg]


WRONG = {
    "two stages have one name": replace(NEW, name="ZONE0"),
    "two stages have one label": replace(NEW, label="zone0"),
    "two stages have one drop": replace(NEW, drop="zone0_drop"),
    "no later stage": replace(NEW, does=(*NEW.does, Does(Action.PERMIT_FINAL, "skip", "ZONE0"))),
    "to deny is to drop": replace(NEW, does=(Does(Action.PERMIT, "permit", To.DROP),)),
    "one action does two things": replace(
        NEW, does=(*NEW.does, Does(Action.PERMIT, "permit", To.END))
    ),
    "NEW closes ISOLATION, no earlier": replace(NEW, closes="ISOLATION"),
    "NEW closes HERE, no earlier": replace(NEW, closes="HERE"),
    "NEW has no PERMIT_FINAL": replace(NEW, default=Action.PERMIT_FINAL),
}


@pytest.mark.parametrize("why", WRONG)
def test_rows_that_contradict_are_refused(why: str) -> None:
    with pytest.raises((ValueError, KeyError), match=why):
        inserted(STAGES, WRONG[why], after=Stage.ZONE2)


def test_reasons_of_the_datapath_are_not_those_of_a_stage() -> None:
    with pytest.raises(ValueError, match="a reason of the datapath"):
        reasons(inserted(STAGES, replace(NEW, drop="underlay_drop"), after=Stage.ZONE2))
    many = tuple(replace(NEW, name=f"N{i}", label=f"n{i}", drop=f"n{i}_drop") for i in range(LIMIT))
    with pytest.raises(ValueError, match="numbers for 64 reasons"):
        reasons(many)


def test_two_tables_are_joined_only_where_one_holds_the_other() -> None:
    more = inserted(STAGES, NEW, after=Stage.ZONE2)
    assert (Policy() + Policy(stages=more)).stages == more
    assert (Policy(stages=more) + Policy()).stages == more
    other = inserted(STAGES, NEW, after=Stage.ZONE0)
    with pytest.raises(ValueError, match="two tables of stages"):
        Policy(stages=more) + Policy(stages=other)
    with pytest.raises(ValueError, match="two tables of stages"):
        Policy() + Policy(stages=(replace(Stage.ZONE0, default=Action.DENY), *STAGES[1:]))


def test_numbers_of_reasons_are_nobodys_arithmetic() -> None:
    """Stages that every policy has keep theirs wherever a new one stands; no two share one."""
    known = reasons(inserted(STAGES, NEW, after=Stage.ZONE0))
    assert [int(known.of[stage]) for stage in STAGES] == [5, 6, 7, 8, 9]
    assert len({*map(int, known.in_order)}) == len(known.in_order)
    assert [r.label for r in known.in_order if r.by_policy] == [s.drop for s in known.of]
    source = [p for room in ("sim", "compiler", "cloison") for p in (ROOT / room).rglob("*.py")]
    added = re.compile(r"_DROP\b\s*[+-]|[+-]\s*(int\()?Reason\.")
    assert [p for p in source if added.search(p.read_text())] == []


def test_whoever_lists_stages_reads_the_table() -> None:
    (option,) = [p for p in command.params if p.name == "stage"]
    assert list(option.type.choices) == [stage.label for stage in every()]  # type: ignore[attr-defined]
    assert {*WIDEST} < {*checked(every())}
    assert [r for r in reasons_of(STAGES) if r in {s.drop for s in STAGES}] == [
        stage.drop for stage in STAGES
    ]


def test_the_documents_name_every_stage_and_its_reason() -> None:
    formats = (ROOT / "docs" / "formats.md").read_text()
    for stage in checked(every()):
        assert f"`{stage.label}`" in formats, stage
        assert f"`{stage.drop}`" in formats, stage
