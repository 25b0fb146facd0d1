"""`approve` and `diff --approved` on repositories: who approves, what is read, what is answered.

That no approval accepts more than its reviewer saw is beside this (`test_approved_alone`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import oracles
import pytest
from approvals import (
    FILE,
    FROM_B,
    NOW,
    OPEN,
    PODS,
    UNKNOWN,
    approve,
    approved,
    commit,
    git,
    judge,
    on_main,
    put,
    repository,
    run,
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A repository with main, on which a takes nothing, and a branch that is checked out."""
    return repository(tmp_path)


oracles.require("git")


def test_comment_approve_green_revert_red(site: Path) -> None:
    put(site, OPEN)
    comment = run(site, "diff", "-q", "-o", "md", "main", "--", "f.yaml")
    assert comment.exit_code == 1 and "gained" in comment.stdout
    assert judge(site).exit_code == 1
    made = approve(site)
    assert made.exit_code == 0 and "red/lab/b" in made.stdout and "tcp 443" in made.stdout
    assert judge(site).exit_code == 1, "a change approves itself"
    on_main(site)
    commit(site, "open")
    assert judge(site).exit_code == 0
    assert judge(site, old="main..side").exit_code == 0
    git(site, "checkout", "-q", "main")
    git(site, "merge", "-q", "side")
    git(site, "checkout", "-q", "side")
    assert judge(site).exit_code == 0, "nothing changes any more"
    put(site)
    done = judge(site)
    assert done.exit_code == 1, "taking back is another change"
    assert "Not approved: lost" in done.stdout


def test_a_change_cannot_approve_itself_by_what_it_commits(site: Path) -> None:
    put(site, OPEN)
    assert approve(site).exit_code == 0
    commit(site, "open, and approve that")
    for old in ("main", "main..side", "main...side"):
        done = judge(site, old=old)
        assert done.exit_code == 1, done.output
        assert "is not there: nothing is approved" in done.stderr
    (site / "link").symlink_to(".")
    assert (
        run(
            site, "diff", "-q", "--approved", f"link/{FILE}", *NOW, "main", "--", "f.yaml"
        ).exit_code
        == 1
    )
    whole = str(site / FILE)
    assert run(site, "diff", "-q", "--approved", whole, *NOW, "main", "--", "f.yaml").exit_code == 1


def test_no_way_to_its_own_approvals_is_read_as_it_lies(site: Path, tmp_path: Path) -> None:
    """By a folder or a file elsewhere that links to them."""
    put(site, OPEN)
    assert approve(site).exit_code == 0
    commit(site, "open, and approve that")
    (tmp_path / "way").symlink_to(site)
    (tmp_path / "file").symlink_to(site / FILE)
    for named in (tmp_path / "way" / FILE, tmp_path / "file"):
        done = run(site, "diff", "-q", "--approved", named, *NOW, "main", "--", "f.yaml")
        assert done.exit_code == 1 and "is not there: nothing is approved" in done.stderr


def test_approvals_of_another_repository_are_those_that_are_named(
    site: Path, tmp_path: Path
) -> None:
    """Not those that the compared one has at that place."""
    put(site, OPEN)
    assert approve(site).exit_code == 0
    commit(site, "open, and approve that")
    put(site)
    commit(site, "shut")
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    (other / FILE).write_text("cloison: 1\napprovals: []\n")
    words = ("diff", "-q", *NOW, "HEAD..HEAD~1", "--", site / "f.yaml")
    there = run(other, *words[:2], "--approved", FILE, *words[2:])
    assert there.exit_code in (1, 2), there.output
    assert run(other, *words[:2], "--approved", other / FILE, *words[2:]).exit_code in (1, 2)
    own = run(other, *words[:2], "--approved", site / FILE, *words[2:])
    assert own.exit_code == 0, own.output


def test_an_approval_ends(site: Path) -> None:
    approved(site, OPEN)
    for at, code in (("2029-12-31T23:59:59Z", 0), ("2030-01-01T00:00:00Z", 1)):
        done = run(site, "diff", "-q", "--approved", FILE, "--at", at, "main", "--", "f.yaml")
        assert done.exit_code == code, done.output
        assert ("No longer approved: b asks a (alice" in done.stdout) == (code == 1)
    assert judge(site, "--at", "soon").exit_code == 2


def test_unknown_is_its_own_outcome(site: Path) -> None:
    approved(site, OPEN)
    put(site, OPEN, more=UNKNOWN)
    done = judge(site)
    assert done.exit_code == 4, done.output
    assert "the rest is unknown" in done.stdout
    junit = judge(site, "-o", "junit")
    assert junit.exit_code == 4 and 'errors="0"' not in junit.stdout
    git(site, "stash", "-q")
    put(site, OPEN, more=UNKNOWN)
    refused = approve(site)
    assert refused.exit_code == 4 and "C898" in refused.stderr
    assert not (site / FILE).exists() or "b asks a" not in (site / FILE).read_text()
    put(site, OPEN, f"{{{FROM_B}, ports: [{{port: 444}}]}}", more=UNKNOWN)
    assert judge(site).exit_code == 1, "more than approved is told before what is unknown"


def test_two_changes_approved_apart_are_judged_again_together(site: Path) -> None:
    """Each opens one way; together they open a third, which nobody saw."""
    one = "{from: [{podSelector: {matchLabels: {role: x}}}], ports: [{port: 443}]}"
    labelled = PODS.replace("labels: {app: c}", "labels: {app: c, role: x}")
    put(site, one)
    alone = judge(site).exit_code
    put(site, pods=labelled)
    assert (alone, judge(site).exit_code) == (0, 0), "nobody has the label, or nobody asks for it"
    other = f"{{{FROM_B}, ports: [{{port: 80}}]}}"
    approved(site, other)
    put(site, one, other, pods=labelled)
    done = judge(site)
    assert done.exit_code == 1, done.output
    beyond = [line for line in done.stdout.splitlines() if line.startswith("Not approved")]
    assert beyond and all("red/lab/c" in line and "tcp 443" in line for line in beyond)


def test_the_answer_has_what_was_judged(site: Path) -> None:
    approved(site, OPEN)
    put(site, f"{{{FROM_B}, ports: [{{port: 80}}]}}")
    found = json.loads(judge(site, "-o", "json").stdout)
    assert found["verdict"] == found["approved"]["verdict"] == "fails"
    assert {tuple(r["ports"]) for r in found["approved"]["beyond"]} == {("tcp 80",)}
    assert {tuple(r["ports"]) for r in found["approved"]["unspent"]} == {("tcp 443",)}
    done = judge(site, "-o", "github")
    assert done.exit_code == 1 and "title=not approved" in done.stdout
    put(site, OPEN)
    quiet = judge(site, "-o", "github")
    assert quiet.exit_code == 0 and "::error" not in quiet.stdout


def test_what_was_approved_before_stays(site: Path) -> None:
    put(site, OPEN)
    approve(site)
    put(site, f"{{{FROM_B}, ports: [{{port: 80}}]}}")
    approve(site)
    text = (site / FILE).read_text()
    assert text.count("approved_by: alice") == 2
    assert len(re.findall(r"tcp \d+", text)) >= 2


def test_who_approves_has_a_name_and_a_reason(site: Path) -> None:
    put(site, OPEN)
    for words in (("--reason", " "), ("--approved-by", ""), ("--expires", "2030-01-01")):
        assert approve(site, "main", *words).exit_code == 2
    assert not (site / FILE).exists()
    for words in (("--at", "noon"), ("--watch", "--approved", FILE)):
        assert run(site, "diff", "-q", *words, "f.yaml", "f.yaml").exit_code == 2
