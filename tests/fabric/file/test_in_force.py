"""A file at a moment is the file without what is not in force then, and nobody takes a moment for
granted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from windowed import PLACES, Place, fabric, without

from compiler.compile import read_policy
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.diagnostics import InputError, UndecidedError
from fabric.file.in_force import alike, at_moment, moment_in, spoken, timed_entries, whole_of
from fabric.values.instants import instant
from sim.checker.same_file import same_file
from sim.proof.certificates.certificate import certificate
from sim.proof.prove import prove
from sim.worlds.world import World

DAYS = [f"2027-01-{day:02}T00:00:00Z" for day in range(1, 8)]
NEVER_EQUAL = ("inputs", "digest", "times", "assumptions")


@st.composite
def windows(draw: st.DrawFn) -> dict[str, str]:
    first, last = sorted(draw(st.lists(st.integers(0, 6), min_size=2, max_size=2, unique=True)))
    kept = draw(st.sampled_from([("from",), ("until",), ("from", "until")]))
    return {key: DAYS[at] for key, at in (("from", first), ("until", last)) if key in kept}


placed = st.dictionaries(st.sampled_from(PLACES), windows(), min_size=1, max_size=6)


def holds(window: Mapping[str, str], day: str) -> bool:
    """Written so, moments sort as text."""
    return window.get("from", "") <= day < window.get("until", "9")


def said(path: Path, at: str | None = None) -> dict[str, Any]:
    spec = load_fabric(path)
    spec = spec if at is None else at_moment(spec, instant(at))
    written = json.loads(json.dumps(certificate(prove(World(build(spec, lock=False))))))
    return {key: value for key, value in written.items() if key not in NEVER_EQUAL}


@settings(max_examples=12, deadline=None)
@given(placed, st.sampled_from(DAYS))
def test_the_world_at_a_moment_is_that_of_a_file_without_the_rest(
    written: dict[Place, dict[str, str]], day: str
) -> None:
    with TemporaryDirectory() as folder:
        path = fabric(Path(folder) / "f", written)
        gone = [place for place, window in written.items() if not holds(window, day)]
        assert said(path, day) == said(without(path, gone))


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_every_entry_is_in_force_in_its_window_alone(tmp_path: Path, place: Place) -> None:
    path = fabric(tmp_path / "f", {place: {"from": DAYS[1], "until": DAYS[3]}})
    with_it, without_it = (said(without(path, gone)) for gone in ([], [place]))
    assert [said(path, day) == with_it for day in DAYS[:4]] == [
        with_it == without_it, True, True, with_it == without_it,
    ]  # fmt: skip
    assert said(path, DAYS[0]) == said(path, DAYS[3]) == without_it


@settings(max_examples=30, deadline=None)
@given(placed)
def test_every_period_is_of_one_file_and_the_checker_finds_the_same_ones(
    written: dict[Place, dict[str, str]],
) -> None:
    with TemporaryDirectory() as folder:
        spec = load_fabric(fabric(Path(folder) / "f", written))
    for same in alike([spec]):
        for period in same:
            there = at_moment(spec, period.moment)
            assert there.judged_at.times == same
            assert same_file(there) == [one.row() for one in same]
            last = period.end and period.end - timedelta(microseconds=1)
            if last is not None:
                assert at_moment(spec, last).judged_at.active == there.judged_at.active
    assert {e.place for e in timed_entries(spec)} == {*written}


def test_a_line_is_found_behind_what_is_left_out(tmp_path: Path) -> None:
    place = ("zones", "zone2", "rules", 0)
    spec = load_fabric(fabric(tmp_path / "f", {place: {"until": DAYS[0]}}))
    later = at_moment(spec, instant(DAYS[1]))
    assert [rule.name for rule in later.zones.zone2.rules] == ["out"]
    assert later.at("zones", "zone2", "rules", 0) == spec.at("zones", "zone2", "rules", 1)
    policy = read_policy(build(later, lock=False))
    lines = {r.origin.span for r in policy.rules if r.origin.name.endswith("out")}
    assert lines == {spec.at("zones", "zone2", "rules", 1)}
    assert whole_of(later) is spec and at_moment(later, instant(DAYS[0])).judged_at.whole is spec


def test_nothing_is_judged_at_a_moment_that_nobody_named(tmp_path: Path) -> None:
    path = fabric(tmp_path / "f", {("leaks", 0): {"from": DAYS[0]}})
    spec = load_fabric(path)
    with pytest.raises(InputError, match="nobody says when is judged") as wrong:
        build(spec, lock=False)
    assert wrong.value.diagnostics[0].code == "C212"
    assert moment_in(spec, DAYS[3]) == instant(DAYS[3])
    window = {("leaks", 0): {"from": DAYS[0]}}
    named = load_fabric(fabric(tmp_path / "g", window, times={"at": DAYS[2]}))
    assert moment_in(named, None) == instant(DAYS[2])
    assert moment_in(named, DAYS[4]) == instant(DAYS[4])
    assert len(build(named, lock=False).spec.leaks) == 2
    assert moment_in(load_fabric(fabric(tmp_path / "h", {})), None) is None


def test_numbers_of_a_leak_stay_while_it_is_not_in_force(tmp_path: Path) -> None:
    path = fabric(tmp_path / "f", {("leaks", 0): {"from": DAYS[2]}})
    spec = load_fabric(path)
    before, after = (build(at_moment(spec, instant(day))) for day in (DAYS[0], DAYS[3]))
    assert {*before.plan.intent_rt} < {*after.plan.intent_rt}
    assert before.plan.intent_rt.items() <= after.plan.intent_rt.items()


def test_numbers_of_a_leak_are_there_before_it(tmp_path: Path) -> None:
    path = fabric(tmp_path / "f", {("leaks", 0): {"from": DAYS[2]}})
    build(at_moment(load_fabric(path), instant(DAYS[0])))
    assert "leak svc" in path.with_name("fabric.lock.yaml").read_text()


def test_too_many_periods_are_not_judged_at_once(tmp_path: Path) -> None:
    deny = "b/* -> a/n/q"
    ends = [("from", "{}-01-01T00:00:00Z"), ("until", "{}-01-02T00:00:00Z")]
    many = [
        {"deny": deny, "window": {key: text.format(2000 + n) for key, text in ends}}
        for n in range(89)
    ]
    hours = [
        {"deny": deny, "window": {"from": f"2027-03-{d:02}T{h:02}:00:00Z"}}
        for d in range(1, 25)
        for h in range(24)
    ]
    path = fabric(tmp_path / "f", {})
    value = yaml.safe_load(path.read_text())
    value["expect"] = many
    path.write_text(yaml.safe_dump(value))
    assert sum(map(len, alike([load_fabric(path)]))) == 2 * len(many) + 1
    value["expect"] = hours
    path.write_text(yaml.safe_dump(value))
    with pytest.raises(UndecidedError, match="577 periods"):
        alike([load_fabric(path)])


def test_small_letters_and_other_zones_are_the_same_moment(tmp_path: Path) -> None:
    told = [DAYS[2], DAYS[2].lower(), "2027-01-03T05:30:00+05:30", "2027-01-02T23:00:00.000-01:00"]
    found = []
    for number, text in enumerate(told):
        spec = load_fabric(fabric(tmp_path / f"f{number}", {("leaks", 0): {"from": text}}))
        there = at_moment(spec, instant(DAYS[4]))
        found.append((same_file(there), [window.row() for window in there.judged_at.times]))
    assert found == [([{"from": DAYS[2], "until": None}],) * 2] * 4


def test_moments_are_written_out() -> None:
    now = instant("2027-05-06T07:08:09.5Z")
    assert spoken("now", now) == "2027-05-06T07:08:09Z"
    assert spoken("2027-01-01T01:00:00+01:00") == "2027-01-01T00:00:00Z"
    with pytest.raises(InputError, match="is no time"):
        spoken("tomorrow")
