"""`check`, `verify` and `diff` for CI: what they annotate, where, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import oracles
import pytest
from actions_runner import commands
from click.testing import CliRunner, Result
from fabric_files import vrf, write_fabric

from cloison.cli import main
from cloison.render.ci.writers import WRITERS

oracles.require("git")
TOPOLOGIES = Path(__file__).parents[4] / "topologies"
DEMO = TOPOLOGIES / "demo.yaml"
BROKEN = TOPOLOGIES / "broken"
AUTHOR = {f"GIT_{who}_{what}": f"{who}@example.org" for who in ("AUTHOR", "COMMITTER")
          for what in ("NAME", "EMAIL")}  # fmt: skip
TWO = ("web/one@host1", "web/two@host2")
LAB = ("lab/a@host1", "lab/b@host2")
ASKED = {
    "a check that holds": ("check", TOPOLOGIES / "small.yaml"),
    "a check that finds": ("check", BROKEN / "wrong-rt-import.yaml"),
    "a proof that holds": ("verify", TOPOLOGIES / "small.yaml"),
    "a proof that fails": ("verify", BROKEN / "missing-egress-rule.yaml"),
    "a proof with a finding": ("verify", BROKEN / "wrong-rt-import.yaml"),
    "no difference": ("diff", DEMO, DEMO),
    "a difference": ("diff", DEMO, BROKEN / "too-wide-ipblock.yaml"),
    "a finding of one world": ("diff", DEMO, BROKEN / "wrong-rt-import.yaml"),
}


def run(*arguments: str | Path, at: Path | None = None) -> Result:
    before = Path.cwd()
    os.chdir(at or before)
    try:
        return CliRunner().invoke(main, [str(a) for a in arguments])
    finally:
        os.chdir(before)


def bad(output: str, text: str) -> tuple[int, int]:
    """How many errors, and how many that are unknown or wrong input, as the format tells them."""
    match output:
        case "sarif":
            results = json.loads(text)["runs"][0]["results"]
            said = [r["properties"]["verdict"] for r in results if r["level"] == "error"]
            return len(said), sum(word != "fails" for word in said)
        case "junit":
            top = ElementTree.fromstring(text)
            errors = int(top.get("errors", 0))
            return int(top.get("failures", 0)) + errors, errors
        case "github":
            found = [c for c in commands(text) if c.name == "error"]
            words = ("unknown", " error")
            return len(found), sum(c.properties["title"].endswith(words) for c in found)
        case _:
            found_ = [i for i in json.loads(text) if i["severity"] != "minor"]
            return len(found_), sum("unknown:" in i["description"] for i in found_)


@pytest.mark.parametrize("asked", ASKED)
def test_no_output_changes_the_exit_code_and_none_is_greener(asked: str) -> None:
    plain = run(*ASKED[asked], "-o", "json")
    assert plain.exit_code in (0, 1)
    for output in WRITERS:
        done = run(*ASKED[asked], "-o", output)
        assert done.exit_code == plain.exit_code, (output, done.output)
        errors, unknown = bad(output, done.stdout)
        assert (errors > 0) == (plain.exit_code == 1), (output, done.stdout)
        assert unknown == 0
        if asked == "a difference":
            assert done.stdout == run(*ASKED[asked], "-o", output).stdout


@pytest.fixture
def unknown(tmp_path: Path) -> Path:
    """A fabric with an object that nobody evaluates."""
    expect = [{"allow": "a/web/one -> a/web/two:80/tcp"}]
    path = write_fabric(tmp_path, {"a": vrf("10.1.0.0/16")}, {"a": TWO}, expect=expect)
    with (tmp_path / "a.yaml").open("a") as file:
        file.write(json.dumps({
            "apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy",
            "metadata": {"name": "p", "namespace": "web"}, "spec": {"endpointSelector": {}},
        }))  # fmt: skip
    return path


@pytest.mark.parametrize("output", WRITERS)
def test_unknown_is_never_green(unknown: Path, output: str) -> None:
    for verb in (("check", unknown), ("verify", unknown), ("diff", unknown, unknown)):
        done = run(*verb, "-o", output)
        assert done.exit_code == 4, done.output
        errors, unsure = bad(output, done.stdout)
        assert errors and errors == unsure, done.stdout
        if output == "junit":
            top = ElementTree.fromstring(done.stdout)
            passed = [c.get("name") for c in top.iter("testcase") if not [*c]]
            assert passed == [], "what may fail does not pass"
    accepted = run("verify", unknown, "--accept-unevaluated", "CiliumNetworkPolicy", "-o", output)
    assert accepted.exit_code == 0
    assert bad(output, accepted.stdout) == (0, 0)


@pytest.mark.parametrize("output", WRITERS)
def test_wrong_input_is_annotated_and_stays_wrong_input(tmp_path: Path, output: str) -> None:
    path = write_fabric(tmp_path, {"a": {**vrf("10.1.0.0/16"), "hosts": ["host1", "hots2"]}}, {})
    (tmp_path / "good").mkdir()
    good = write_fabric(tmp_path / "good", {"a": vrf("10.1.0.0/16")}, {"a": TWO})
    for verb in (("check", path), ("verify", path), ("diff", path, good), ("diff", good, path)):
        done = run(*verb, "-o", output)
        assert done.exit_code == 2, done.output
        errors, unsure = bad(output, done.stdout)
        assert errors > 0, done.stdout
        assert output == "gitlab" or errors == unsure
        assert "hots2" in done.stdout
        assert done.stderr == "" if output == "github" else True
    missing = run("verify", tmp_path / "nowhere.yaml", "-o", output)
    assert missing.exit_code == 2 and bad(output, missing.stdout)[0] == 1


def test_an_expectation_is_a_case_and_the_blame_its_place() -> None:
    done = run("verify", BROKEN / "missing-egress-rule.yaml", "-o", "junit")
    top = ElementTree.fromstring(done.stdout)
    (failed,) = [c for c in top.iter("testcase") if c.find("failure") is not None]
    name = "allow: inference/serving/router -> inference/serving/llm:8000/tcp"
    assert failed.get("name") == name
    assert len([*top.iter("testcase")]) == 40
    log = json.loads(run("verify", BROKEN / "missing-egress-rule.yaml", "-o", "sarif").stdout)
    (result,) = log["runs"][0]["results"]
    at = result["locations"][0]["physicalLocation"]
    assert at["artifactLocation"]["uri"] == "topologies/manifests/demo/inference/policies.yaml"
    assert at["region"]["startLine"] == 52


def test_rules_say_what_the_page_of_errors_says() -> None:
    done = run("verify", BROKEN / "wrong-rt-import.yaml", "-o", "sarif")
    rules = json.loads(done.stdout)["runs"][0]["tool"]["driver"]["rules"]
    assert any("without a declared intent" in rule["help"]["text"] for rule in rules)


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True,
                   env={**os.environ, **AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull})  # fmt: skip


def policy(*ports: int) -> str:
    lines = [f"        - port: {port}" for port in ports]
    head = ["apiVersion: networking.k8s.io/v1", "kind: NetworkPolicy"]
    head += ["metadata: {name: shut, namespace: lab}", "spec:"]
    return "\n".join([*head, "  podSelector: {}", "  ingress:", "    - ports:", *lines, ""])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A repository of two commits: one opens port 80, the next 443 as well, five lines below."""
    top = tmp_path / "repository"
    (top / "net").mkdir(parents=True)
    path = write_fabric(top / "net", {"red": vrf("10.1.0.0/16")}, {"red": LAB})
    pods = (top / "net" / "red.yaml").read_text()
    git(tmp_path, "init", "-q", "-b", "main", "repository")
    for name, ports, space in (("one", (80,), ""), ("two", (80, 443), "# moved\n" * 5)):
        (top / "net" / "red.yaml").write_text(f"{pods}{space}{policy(*ports)}")
        git(top, "add", "-A")
        git(top, "commit", "-qm", name)
        git(top, "tag", name)
    return path


def results(*arguments: str | Path, at: Path) -> list[Any]:
    done = run("diff", "-o", "sarif", *arguments, at=at)
    assert done.exit_code == 1, done.output
    return json.loads(done.stdout)["runs"][0]["results"]  # type: ignore[no-any-return]


def test_files_of_a_revision_are_files_of_the_repository(site: Path) -> None:
    """The new side is what is reviewed; lines of the old one are of another text."""
    lines = (site.parent / "red.yaml").read_text().splitlines()
    new = next(n for n, line in enumerate(lines, 1) if "kind: NetworkPolicy" in line)
    for words, at in (
        (("one..two", "--", "fabric.yaml"), site.parent),
        (("one", "--", "fabric.yaml"), site.parent),
        (("one..two", "--", "net/fabric.yaml"), site.parent.parent),
    ):
        name = words[-1].replace("fabric.yaml", site.name)
        found = results(*words[:-1], name, at=at)
        assert {gained["ruleId"] for gained in found} == {"gained"}
        for gained in found:
            place = gained["locations"][0]["physicalLocation"]
            assert place["artifactLocation"] == {"uri": "net/red.yaml", "uriBaseId": "%SRCROOT%"}
            assert place["region"]["startLine"] in range(new - 1, len(lines) + 1)
            (before,) = gained["relatedLocations"]
            assert before["message"]["text"] == "before"
            old = before["physicalLocation"]
            assert old["artifactLocation"] == {"uri": "net/red.yaml", "uriBaseId": "OLD"}
            assert place["region"]["startLine"] - old["region"]["startLine"] == 5
    back = results("two..one", "--", site.name, at=site.parent)
    assert {lost["ruleId"] for lost in back} == {"lost"}
    done = run("diff", "-o", "github", "one..two", site.name, at=site.parent)
    told = [c for c in commands(done.stdout) if c.name == "error"]
    assert {c.properties["file"] for c in told} == {"net/red.yaml"}


def test_fingerprints_stay_when_lines_move(site: Path) -> None:
    path = site.parent / "red.yaml"
    before = results("one", "--", site.name, at=site.parent)
    path.write_text(path.read_text().replace("# moved\n", "# moved\n\n"))
    after = results("one", "--", site.name, at=site.parent)
    prints = [[r["partialFingerprints"] for r in found] for found in (before, after)]
    assert prints[0] == prints[1]
    starts = [
        r[0]["locations"][0]["physicalLocation"]["region"]["startLine"] for r in (before, after)
    ]
    assert starts[0] != starts[1]


def test_a_summary_is_added_and_bounded(site: Path, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    done = run("diff", "one..two", site.name, "--summary", summary, "-o", "github", at=site.parent)
    assert done.exit_code == 1
    text = summary.read_text()
    assert text.startswith("before\n**NetworkPolicy")
    assert "| gained |" in text
    shown = run("diff", "one..two", site.name, "-o", "md", at=site.parent)
    assert text == f"before\n{shown.stdout}"
    run("verify", BROKEN / "missing-egress-rule.yaml", "--summary", summary)
    assert "**cloison verify**" in summary.read_text()


SECRETS = """\
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: web}
stringData: {token: hunter2}
---
apiVersion: v1
kind: Secret
metadata: [hunter3]
stringData: hunter4
"""
EVIL = "x\n::error file=a::INJECTED\n##[error]INJECTED"
HEAD = "m\n::error::INJECTED ##[add-mask]"


@pytest.fixture
def strangers(tmp_path: Path) -> Path:
    """A fabric that finds, fails, doubts and does not know, of which everything is called by a
    stranger, its files too."""
    folder = tmp_path / "##[error]INJECTED"
    folder.mkdir()
    expect = [{"deny": "a/web/one -> a/web/two:80/tcp"}]
    path = write_fabric(folder, {"a": vrf("10.1.0.0/16")}, {"a": TWO}, expect=expect, name="NAME")
    about = {"name": EVIL, "namespace": "web"}
    stranger = json.dumps({"apiVersion": EVIL, "kind": EVIL, "metadata": about})
    (folder / f"{HEAD}.yaml").write_text((folder / "a.yaml").read_text() + stranger)
    text = path.read_text().replace("a.yaml", json.dumps(f"{HEAD}.yaml"))
    path.write_text(text.replace("NAME", "evil"))
    return path


def test_a_stranger_commands_no_runner(strangers: Path) -> None:
    """Neither on stdout nor on stderr; in no verb, whatever comes of it."""
    for verb in (("check", strangers), ("verify", strangers), ("diff", strangers, strangers)):
        done = run(*verb, "-o", "github")
        assert done.exit_code in (1, 2, 4), done.output
        assert done.stderr == ""
        found = commands(done.stdout)
        assert len(found) == len(done.stdout.splitlines())
        for one in found:
            assert one.name in ("error", "warning", "notice")
            assert {*one.properties} <= {"file", "line", "col", "title"}
            assert one.properties.get("file", "") != "a"
        for output in WRITERS:
            assert not re.search(r"^\W*INJECTED", run(*verb, "-o", output).stdout, re.M)


def test_secrets_never_appear(tmp_path: Path) -> None:
    """Of a Secret among the manifests, of which a line is wrong, nothing is told."""
    path = write_fabric(tmp_path, {"a": {**vrf("10.1.0.0/16")}}, {"a": TWO})
    with (tmp_path / "a.yaml").open("a") as file:
        file.write(SECRETS)
    summary = tmp_path / "summary.md"
    for output in (*WRITERS, "md"):
        for verb in (("check", path), ("verify", path), ("diff", path, path)):
            done = run(*verb, "-o", output, "--summary", summary)
            assert not re.search("hunter[234]", done.output), (verb, output)
    assert "hunter" not in summary.read_text()


def test_what_needs_another_output_is_refused(tmp_path: Path) -> None:
    small = TOPOLOGIES / "small.yaml"
    for words in (
        ("diff", small, "--watch", "-o", "github"),
        ("diff", small, "--watch", "--summary", tmp_path / "s.md"),
        ("verify", "--check-certificate", small, "-o", "sarif"),
    ):
        assert run(*words).exit_code == 2
    assert not (tmp_path / "s.md").exists()
