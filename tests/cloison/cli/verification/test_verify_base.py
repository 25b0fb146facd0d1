"""`cloison verify --base`: a change is asked for what was expected before it; and what is proven of
each requirement."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from fabric_files import vrf, write_fabric

from cloison.cli import main
from fabric.building.load import load_fabric
from fabric.file.expect.expectation_spec import Expectation
from fabric.file.kept_lines import with_kept_lines

TENANTS = {"red": vrf("10.1.0.0/16"), "blue": vrf("10.2.0.0/16")}
PODS = {"red": ["lab/a@host1=10.1.0.10"], "blue": ["lab/b@host2=10.2.0.75"]}
APART = {"deny": "red/* <-> blue/*"}
SAME = {"allow": "red/@node/* -> red/lab/a"}
OPEN = {"peerings": [{"name": "p", "between": ["red/main", "blue/main"]}]}


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["verify", "-q", *map(str, arguments)])


def site(folder: Path, expect: list[Any], **more: Any) -> Path:
    folder.mkdir(exist_ok=True)
    return write_fabric(folder, TENANTS, PODS, expect=expect, **more)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose last commit expects two tenants to be apart, and that is in it."""
    site(tmp_path / "r", [APART, SAME])
    roles = [f"GIT_{role}_{what}" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]
    who = {**os.environ, **dict.fromkeys(roles, "a@b")}
    for command in (["init", "-qb", "main"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run(["git", *command], cwd=tmp_path / "r", check=True, env=who)
    monkeypatch.chdir(tmp_path / "r")
    return tmp_path / "r"


def test_a_change_does_not_take_back_what_it_breaks(repository: Path) -> None:
    path = site(repository, [SAME], **OPEN)
    assert run(path).exit_code == 0
    judged = run(path, "--base", "main")
    assert judged.exit_code == 1
    assert "deny: red/* <-> blue/* fails: a packet gets through" in judged.output
    assert "main:/fabric.yaml:" in judged.output and "warning[C727]" in judged.output
    assert run(path, "--base", "main:fabric.yaml").exit_code == 1


def test_every_word_of_a_line_counts_but_for_whom_and_what_it_is(tmp_path: Path) -> None:
    """A line that is about fewer requests, failures or times is another one."""
    base = site(tmp_path / "base", [{**APART, "owner": "net", "requirement": ["SEC11-01"]}])
    fields = {
        "http": "POST /nothing", "hold_under": ["any-1-link"], "owner": "somebody",
        "requirement": ["SEC04-01"], "window": {"until": "2030-01-01T00:00:00Z"},
    }  # fmt: skip
    given = {"allow", "deny", "only", *fields}
    assert given == {*Expectation.model_fields}, "what else a line says is asked for here"
    for name, value in fields.items():
        now = [Expectation.model_validate({**APART, name: value})]
        spec = load_fabric(base).model_copy(update={"expect": now})
        kept = with_kept_lines(spec, load_fabric(base)).expect
        assert len(kept) == (1 if name in ("owner", "requirement") else 2), name


def test_what_still_holds_may_go(repository: Path) -> None:
    judged = run(site(repository, [SAME]), "--base", "main")
    assert judged.exit_code == 0
    assert "2 of 2 expectations hold" in judged.output


def test_what_says_nothing_any_more_is_a_finding(repository: Path) -> None:
    """Who renames a tenant is not rid of what is expected of it."""
    named = {"red": TENANTS["red"], "navy": TENANTS["blue"]}
    pods = {"red": PODS["red"], "navy": PODS["blue"]}
    more = {"peerings": [{"name": "p", "between": ["red/main", "navy/main"]}]}
    judged = run(write_fabric(repository, named, pods, expect=[SAME], **more), "--base", "main")
    assert judged.exit_code == 1
    assert "it says nothing any more" in judged.output
    assert "selects no endpoint" in judged.output


def test_an_end_that_is_narrowed_is_not_enough(repository: Path) -> None:
    window = {"from": "2027-01-01T00:00:00Z"}
    path = site(repository, [{**APART, "window": window}, SAME], **OPEN)
    assert run(path, "--at", "2026-06-01T00:00:00Z").exit_code == 0
    assert run(path, "--at", "2026-06-01T00:00:00Z", "--base", "main").exit_code == 1
    assert run(path, "--base", "main").exit_code == 1


def test_windows_from_before_make_periods(repository: Path) -> None:
    """A file without windows is judged at all times of the lines that it had."""
    before = repository / "before"
    site(before, [{**APART, "window": {"from": "2027-01-01T00:00:00Z"}}])
    path = site(repository, [SAME], **OPEN)
    assert run(path).exit_code == 0
    judged = run(path, "--base", before / "fabric.yaml")
    assert judged.exit_code == 1
    assert "from 2027-01-01T00:00:00Z" in judged.output


def test_what_was_expected_is_read_where_it_was(repository: Path) -> None:
    """Who names a file of expectations by its whole path does not have the new one read as the
    old."""
    (repository / "own.yaml").write_text(yaml.safe_dump({"expect": [APART]}))
    site(repository, [SAME], expect_files=[str(repository / "own.yaml")])
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    stored = subprocess.run(
        ["git", "stash", "create"], cwd=repository, check=True, capture_output=True, text=True
    ).stdout.strip()
    (repository / "own.yaml").write_text("expect: []\n")
    judged = run(repository / "fabric.yaml", "--base", stored)
    assert judged.exit_code == 2 and "error[C112]" in judged.output


def test_no_requirement_holds_by_a_line_that_says_nothing(repository: Path) -> None:
    before = repository / "before"
    site(before, [{**APART, "requirement": ["A", "B"]}, {**SAME, "requirement": ["B"]}])
    named = {"red": TENANTS["red"], "navy": TENANTS["blue"]}
    pods = {"red": PODS["red"], "navy": PODS["blue"]}
    path = write_fabric(repository, named, pods, expect=[{**SAME, "requirement": ["B"]}])
    found = run(path, "--base", before / "fabric.yaml", "--by", "requirement", "-o", "json")
    assert found.exit_code == 1
    rows = {row["requirement"]: row for row in json.loads(found.stdout)["requirements"]}
    assert rows["A"]["verdict"] == rows["B"]["verdict"] == "fails"
    assert {e["expect"]: e["verdict"] for e in rows["B"]["expectations"]} == {
        f"allow: {SAME['allow']}": "holds",
        f"deny: {APART['deny']}": "fails",
    }


REDUNDANT = {"allow": "red/lab/a -> red/lab/c", "hold_under": ["any-1-risk-group"]}


@pytest.mark.parametrize(
    ("groups", "code"),
    [
        ({"trench": ["leaf1", "leaf2"]}, 1),
        ({"other": ["leaf[1-2]"]}, 1),
        ({"trench": ["leaf1"]}, 1),
        ({"trench": ["leaf1", "leaf2", "host2"]}, 1),
        ({}, 1),
    ],
)
def test_risk_groups_do_not_shrink_away(
    repository: Path, groups: dict[str, list[str]], code: int
) -> None:
    """What fails together is what failed together before the change, whatever it is called now."""
    pods = {**PODS, "red": ["lab/a@host1", "lab/c@host2"]}
    (repository / "before").mkdir()
    before = write_fabric(
        repository / "before", TENANTS, pods, expect=[REDUNDANT],
        risk_groups={"trench": ["leaf1", "leaf2"]},
    )  # fmt: skip
    assert run(before).exit_code == 1
    path = write_fabric(repository, TENANTS, pods, expect=[SAME], risk_groups=groups)
    judged = run(path, "--base", before)
    assert judged.exit_code == code
    named = "other" if "other" in groups else "trench"
    told = "" if "other" in groups or groups == {"trench": ["leaf1", "leaf2"]} else " before this"
    assert f"fails without {named}{told}" in judged.output


def test_risk_groups_that_are_gone_with_all_in_them_try_nothing(repository: Path) -> None:
    (repository / "before").mkdir()
    sites = {"s": {"spines": 2, "leaves": 4, "hosts_per_pair": 2, "borders": 2}}
    line = {**APART, "hold_under": ["any-1-risk-group"]}
    before = write_fabric(
        repository / "before", TENANTS, PODS, expect=[line],
        sites=sites, risk_groups={"row": ["leaf3", "leaf4"]},
    )  # fmt: skip
    assert run(before).exit_code == 0
    judged = run(site(repository, [APART]), "--base", before)
    assert judged.exit_code == 1
    assert "any-1-risk-group tries nothing" in judged.output


def test_certificates_are_of_one_file(repository: Path) -> None:
    path = site(repository, [SAME])
    assert run(path, "--base", "main", "--certificate", "c.json").exit_code == 2
    assert run(path, "--base", "nowhere").exit_code == 2


def test_expectations_by_requirement(tmp_path: Path) -> None:
    expect = [
        {**APART, "requirement": ["SEC11-01", "OURS-7"], "owner": "@net"},
        {**SAME, "requirement": ["SEC11-01"]},
        {"deny": "red/@node/* -> red/lab/a"},
    ]
    path = site(tmp_path / "s", expect)
    found = run(path, "--by", "requirement", "-o", "json")
    assert found.exit_code == 1
    rows = {row["requirement"]: row for row in json.loads(found.stdout)["requirements"]}
    said = {number: row["verdict"] for number, row in rows.items()}
    assert said["SEC11-01"] == said["OURS-7"] == "holds"
    assert said[None] == "fails" and said["SEC12"] is None
    assert [len(rows[n]["expectations"]) for n in ("SEC11-01", "OURS-7", None)] == [2, 1, 1]
    assert rows["SEC11-01"]["asks"] and rows["OURS-7"]["asks"] is None
    assert rows["OURS-7"]["expectations"][0]["owner"] == "@net"
    shown = run(path, "--by", "requirement").output
    assert "Requirements" in shown and "No line is about" in shown and "SEC12" in shown
    assert "SEC11," not in shown.partition("No line is about")[2]


def test_all_requirements_fall_with_a_line(tmp_path: Path) -> None:
    expect = [{**SAME, "requirement": ["B", "C"]}, {**APART, "requirement": ["A", "B"]}]
    found = run(site(tmp_path / "s", expect, **OPEN), "--by", "requirement", "-o", "json")
    rows = json.loads(found.stdout)["requirements"]
    said = {row["requirement"]: row["verdict"] for row in rows if row["expectations"]}
    assert said == {"A": "fails", "B": "fails", "C": "holds"}


def test_the_catalogue_is_read_by_number_and_by_test(tmp_path: Path) -> None:
    from cloison.views.verification.requirements import catalogue, known

    assert known("SEC11-01") == known("SEC11") == catalogue()["requirements"]["SEC11"]
    assert known("SEC110") is None and known("SEC1") is None
    for found in catalogue()["requirements"].values():
        assert {*found} == {"asks", "proves", "beyond", "lines"}
        for line in found["lines"]:
            assert yaml.safe_load(line.partition(" with ")[0]).keys() <= {"allow", "deny", "only"}
