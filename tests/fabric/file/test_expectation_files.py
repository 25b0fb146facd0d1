"""Expectations in files of their own, and those from before a change: the same lines, each where it
stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from fabric_files import vrf, write_fabric
from hypothesis import given
from hypothesis import strategies as st

from fabric.building.inputs import input_files
from fabric.building.load import load
from fabric.diagnostics import InputError
from fabric.file.in_force import at_moment
from fabric.file.kept_lines import taken_back, with_kept_lines
from fabric.file.spec import FabricSpec
from fabric.io.reading import rooted
from fabric.values.instants import instant

TENANTS = {"red": vrf("10.1.0.0/16"), "blue": vrf("10.2.0.0/16")}
PODS = {"red": ["lab/a@host1=10.1.0.10"], "blue": ["lab/b@host2=10.2.0.75"]}
RED = {"deny": "red/* -> blue/*"}
BLUE = {"deny": "blue/* -> red/*"}
DAY = "2027-01-{:02}T00:00:00Z"


def site(folder: Path, expect: list[Any], **more: Any) -> Path:
    folder.mkdir(exist_ok=True)
    return write_fabric(folder, TENANTS, PODS, expect=expect, **more)


def test_lines_of_files_are_lines_of_the_fabric_file(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    own = {"owner": "@net", "requirement": ["SEC11-01"], "expect": [BLUE, {**RED, "owner": "@me"}]}
    (tmp_path / "rules" / "b.yaml").write_text(yaml.safe_dump(own, sort_keys=False))
    (tmp_path / "rules" / "notes.txt").write_text("not read")
    (tmp_path / "a.yaml").write_text('expect:\n- { deny: "red/* -> red/*", requirement: [X.1] }\n')
    path = site(tmp_path, [RED], expect_files=["rules", "a.yaml"])
    spec, _ = load(path)
    assert [line.deny for line in spec.expect] == [
        RED["deny"],
        BLUE["deny"],
        RED["deny"],
        "red/* -> red/*",
    ]
    assert [line.owner for line in spec.expect] == [None, "@net", "@me", None]
    assert [line.requirement for line in spec.expect] == [[], ["SEC11-01"], ["SEC11-01"], ["X.1"]]
    spans = [str(spec.at("expect", number)) for number in range(4)]
    assert spans[0].startswith(f"{path}:")
    assert spans[1:] == [
        f"{tmp_path / 'rules' / 'b.yaml'}:5:3",
        f"{tmp_path / 'rules' / 'b.yaml'}:6:3",
        f"{tmp_path / 'a.yaml'}:2:3",
    ]
    assert {tmp_path / "rules" / "b.yaml", tmp_path / "a.yaml"} <= {*input_files(spec)}


def test_who_extends_a_file_has_its_files_of_expectations(tmp_path: Path) -> None:
    base = site(tmp_path / "base", [RED], expect_files=["more.yaml"])
    (base.parent / "more.yaml").write_text(yaml.safe_dump({"expect": [BLUE]}))
    upper = tmp_path / "upper.yaml"
    upper.write_text("cloison: 1\nextends: base/fabric.yaml\n")
    assert [line.deny for line in load(upper)[0].expect] == [RED["deny"], BLUE["deny"]]


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("- 1\n", "C728", "1:1"),
        ("", "C728", ""),
        ("expect: []\n---\nexpect: []\n", "C728", "1:1"),
        ("expects: []\n", "C201", "1:1"),
        ('expect:\n- deni: "red/* -> blue/*"\n', "C201", "2:3"),
        ("owner: 7\nexpect: []\n", "C203", "1:8"),
        ('requirement: ["a b"]\nexpect: []\n', "C206", "1:15"),
        ("expect:\n- requirement: [X]\n", "C704", "2:3"),
        ('expect:\n- deny: "red/* -> nobody/*"\n', "C311", "2:9"),
        ("expect: [\n", "C104", ""),
    ],
)
def test_mistakes_are_told_where_they_stand(
    tmp_path: Path, text: str, code: str, place: str
) -> None:
    path = site(tmp_path, [RED], expect_files=["own.yaml"])
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        load(path)
    told = [(d.code, str(d.span)) for d in caught.value.diagnostics]
    file = tmp_path / "own.yaml"
    assert told[0][0] == code
    assert told[0][1].startswith(f"{file}:{place}" if place else str(tmp_path))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        load(site(tmp_path, [RED], expect_files=["nowhere.yaml"]))


def test_nothing_is_read_from_elsewhere(tmp_path: Path) -> None:
    """A stranger's file names no other file of the machine, and none of that is told."""
    (tmp_path / "secret.yaml").write_text("root: hidden\n")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    for named in (tmp_path / "secret.yaml", "../secret.yaml", "..", "link.yaml", "/proc/self"):
        path = site(tmp_path / "own", [RED], expect_files=[str(named)])
        with rooted(path.parent), pytest.raises(InputError) as caught:
            load(path)
        assert {d.code for d in caught.value.diagnostics} == {"C112"}
        assert "hidden" not in str(caught.value)


def test_folders_are_read_with_those_in_them(tmp_path: Path) -> None:
    (tmp_path / "rules" / "team").mkdir(parents=True)
    (tmp_path / "rules" / "team" / "b.yml").write_text(yaml.safe_dump({"expect": [BLUE]}))
    path = site(tmp_path, [RED], expect_files=["rules"])
    assert [line.deny for line in load(path)[0].expect] == [RED["deny"], BLUE["deny"]]


@pytest.mark.parametrize("what", ["empty", "other names", "a link"])
def test_a_folder_that_says_nothing_is_told(tmp_path: Path, what: str) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "elsewhere").mkdir()
    if what == "other names":
        (tmp_path / "rules" / "b.YAML").write_text(yaml.safe_dump({"expect": [BLUE]}))
    if what == "a link":
        (tmp_path / "rules" / "a.yaml").write_text(yaml.safe_dump({"expect": [BLUE]}))
        (tmp_path / "rules" / "more").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError) as caught:
        load(site(tmp_path, [RED], expect_files=["rules"]))
    assert [d.code for d in caught.value.diagnostics] == ["C728"]


def test_keys_are_those_of_such_files(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(site(tmp_path, [RED], expect_files=["fabric.yaml"]))
    hints = {d.message: d.hint for d in caught.value.diagnostics}
    assert hints['unknown key "cloison"'] == "known here: owner, requirement, expect"


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=6))
def test_lines_stand_where_they_stand_at_every_moment(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[bool, bool]]
) -> None:
    """Whether a line stands in the file or in another, and has a window that has ended or not."""
    folder = tmp_path_factory.mktemp("w")
    mine, others = [], []
    for number, (own, over) in enumerate(lines):
        line: dict[str, Any] = {"deny": f"red/* -> blue/*:{number + 1}/tcp"}
        line |= {"window": {"until": DAY.format(2)}} if over else {}
        (mine if own else others).append(line)
    path = site(folder, mine, expect_files=["own.yaml"])
    (folder / "own.yaml").write_text(yaml.safe_dump({"expect": others}))
    whole, _ = load(path)
    known = {line.deny: str(whole.at("expect", n)) for n, line in enumerate(whole.expect)}
    for day in (1, 3):
        there = at_moment(whole, instant(DAY.format(day)))
        assert len(there.expect) == sum(day == 1 or not over for _, over in lines)
        for number, line in enumerate(there.expect):
            assert str(there.at("expect", number)) == known[line.deny]


def kept(tmp_path: Path, before: list[Any], now: list[Any], **more: Any) -> FabricSpec:
    """The file as it is now, with what it expected before."""
    files = [site(tmp_path / name, of) for name, of in (("before", before), ("now", now))]
    specs = [load(file)[0] for file in files]
    for spec, times in zip(specs, more.get("times", ()), strict=False):
        object.__setattr__(spec, "times", spec.times.model_copy(update=times))
    return with_kept_lines(specs[1], specs[0])


@pytest.mark.parametrize(
    ("before", "now", "more"),
    [
        ([RED, BLUE], [BLUE, RED], 0),
        ([RED, BLUE], [RED], 1),
        ([RED], [], 1),
        ([RED, RED], [], 1),
        ([], [RED], 0),
        ([{**RED, "owner": "@a", "requirement": ["X"]}], [RED], 0),
        ([{**RED, "hold_under": ["any-1-link"]}], [RED], 1),
        ([RED], [{**RED, "window": {"until": DAY.format(2)}}], 1),
        ([RED], [{"deny": "red/* -> blue/*:80/tcp"}], 1),
        ([RED], [{"allow": "red/* -> blue/*"}], 1),
    ],
)
def test_what_was_expected_before_is_expected(
    tmp_path: Path, before: list[Any], now: list[Any], more: int
) -> None:
    spec = kept(tmp_path, before, now)
    assert len(spec.expect) == len(now) + more
    for number in range(len(now), len(spec.expect)):
        assert str(spec.at("expect", number)).startswith(str(tmp_path / "before"))
    assert len([*taken_back(spec)]) == min(more, 1)


def test_owners_are_told_what_was_taken_back(tmp_path: Path) -> None:
    spec = kept(tmp_path, [{**RED, "owner": "@net"}, BLUE], [])
    assert ["@net" in d.message for d in taken_back(spec)] == [True, False]


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ({}, {"from_": DAY.format(2)}, (None, None)),
        ({"from_": DAY.format(3)}, {"from_": DAY.format(2)}, (DAY.format(2), None)),
        ({"until": DAY.format(3)}, {"until": DAY.format(2)}, (None, DAY.format(3))),
    ],
)
def test_all_times_that_were_spoken_of_are_judged(
    tmp_path: Path, was: dict[str, str], now: dict[str, str], told: tuple[str | None, str | None]
) -> None:
    spec = kept(tmp_path, [RED], [RED], times=(was, now))
    assert (spec.times.from_, spec.times.until) == told
