"""`cloison verify`: the proof for people and programs, certificates written and checked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from failing_fabrics import plain

from cloison.cli import main
from sim.lab import state
from sim.proof.certificates.certificate_text import digest

TOPOLOGIES = Path(__file__).parents[4] / "topologies"
SMALL = str(TOPOLOGIES / "small.yaml")
BROKEN = sorted((TOPOLOGIES / "broken").glob("*.yaml"))


def verify(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["verify", *arguments], input=stdin)


def test_json_holds_everything_that_the_text_says() -> None:
    first, second = (verify(SMALL, "-o", "json").stdout for _ in range(2))
    assert first == second
    found = json.loads(first)
    assert (found["schema"], found["holds"], found["down"]) == (
        "cloison/verification/1",
        True,
        [],
    )
    assert [e["holds"] for e in found["expectations"]] == [True] * 6
    assert found["findings"] == []
    assert found["single_failures_tried"] == 20
    opened = {(c["source"], c["destination"]): c for c in found["matrix"] if c["open"]}
    leak = opened["globex", "acme"]
    assert leak["ports"] == "8080/tcp"
    assert {cause["kind"] for cause in leak["because"]} == {"leak", "NetworkPolicy"}


@pytest.mark.slices(4)
@pytest.mark.parametrize("path", BROKEN, ids=lambda p: p.stem)
def test_a_broken_twin_fails_with_the_words_of_simulate(path: Path) -> None:
    found = verify(str(path))
    assert found.exit_code == 1
    simulated = CliRunner().invoke(main, ["simulate", str(path)]).stdout
    told = simulated[simulated.index("Finding 1") :]
    assert told in found.stdout
    data = json.loads(verify(str(path), "-o", "json").stdout)
    assert data["holds"] is False
    assert all(f["blame"] and f["line"] for f in data["findings"])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("certificate") / "small.json"
    assert verify(SMALL, "--certificate", str(path)).exit_code == 0
    return path


def test_a_certificate_is_checked_alone_and_against_its_fabric(written: Path) -> None:
    alone = verify("--check-certificate", str(written))
    assert alone.exit_code == 0
    assert "The certificate is consistent" in alone.stdout
    assert "valid" not in alone.stdout
    assert verify("--check-certificate", "-", stdin=written.read_text()).exit_code == 0
    found = verify(SMALL, "--check-certificate", str(written), "-o", "json")
    assert found.exit_code == 0, found.stdout
    data = json.loads(found.stdout)
    assert data["schema"] == "cloison/certificate-check/2"
    assert (data["consistent"], data["valid"], data["verdict"]) == (True, True, "holds")
    assert data["compared"] == {"regions": 4092, "packets": 9126}
    assert data["counts"]["endpoints"] == 13
    assert [entry["path"] for entry in json.loads(written.read_text())["inputs"]] == [
        "small.yaml",
        "small.lock.yaml",
        "manifests/small/acme/catalog.yaml",
        "manifests/small/acme/web.yaml",
        "manifests/small/globex/shop.yaml",
    ]
    text = " ".join(verify(SMALL, "--check-certificate", str(written)).stdout.split())
    assert "Computed again from routes and rules: 4,092 regions" in text
    assert text.endswith("The certificate is valid. It says: holds.")


def test_the_certificate_names_what_was_down(tmp_path: Path) -> None:
    path = tmp_path / "down.json"
    assert verify(SMALL, "--down", "spine1", "--certificate", str(path)).exit_code == 0
    assert json.loads(path.read_text())["down"] == ["spine1"]
    found = verify(SMALL, "--check-certificate", str(path))
    assert found.exit_code == 0
    assert "It says: holds with spine1 down." in found.stdout


def test_a_valid_certificate_of_what_does_not_hold_is_a_finding(tmp_path: Path) -> None:
    fabric, path = tmp_path / "broken.yaml", tmp_path / "broken.json"
    fabric.write_text(f'extends: {SMALL}\npatch: [{{at: [expect], set: [{{deny: "* -> *"}}]}}]\n')
    broken = str(fabric)
    assert verify(broken, "--certificate", str(path)).exit_code == 1
    found = verify(broken, "--check-certificate", str(path), "-o", "json")
    assert found.exit_code == 1
    data = json.loads(found.stdout)
    assert (data["valid"], data["verdict"], data["problems"]) == (True, "fails", [])
    assert verify("--check-certificate", str(path)).exit_code == 1


def test_a_copy_elsewhere_has_the_same_certificate(written: Path, tmp_path: Path) -> None:
    for name in ("small.yaml", "small.lock.yaml", "manifests/small"):
        source, target = TOPOLOGIES / name, tmp_path / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        target.parent.mkdir(exist_ok=True)
        copy(source, target)
    fabric, path = str(tmp_path / "small.yaml"), tmp_path / "copy.json"
    assert verify(fabric, "--check-certificate", str(written)).exit_code == 0
    assert verify(fabric, "--certificate", str(path)).exit_code == 0
    assert path.read_bytes() == written.read_bytes()


def test_another_fabric_s_certificate_is_refused(written: Path, tmp_path: Path) -> None:
    found = verify(str(plain(tmp_path)), "--check-certificate", str(written))
    assert found.exit_code == 1
    text = " ".join(found.stdout.split())
    assert "inputs: small.yaml is not read" in text
    assert "The certificate is not valid." in text


CHANGES: dict[str, Callable[[Any], Any]] = {
    "cells: acme to acme is called closed, its regions are open": lambda w: next(
        c for c in w["cells"] if c[2] == "open"
    ).__setitem__(2, "closed"),
    "inputs[5].path: 5 is no text": lambda w: w["inputs"].append({"path": 5, "sha256": []}),
    "down: 3 is no list": lambda w: w.__setitem__("down", 3),
    'down: no node or link is called "spine9"': lambda w: w.__setitem__("down", ["spine9"]),
    "sources: is missing": lambda w: w.pop("sources"),
}


@pytest.mark.parametrize("words", CHANGES)
def test_a_tampered_certificate_is_a_finding(written: Path, tmp_path: Path, words: str) -> None:
    found = json.loads(written.read_text())
    CHANGES[words](found)
    del found["digest"]
    path = tmp_path / "tampered.json"
    path.write_text(json.dumps(found | {"digest": digest(found)}))
    result = verify(SMALL, "--check-certificate", str(path))
    assert result.exit_code == 1
    assert words in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nothing.yaml",),
        (str(TOPOLOGIES),),
        (SMALL, "--down", "spine9"),
        (SMALL, "--down", "spine1", "--check-certificate", "x.json"),
        ("--check-certificate", SMALL),
        ("--check-certificate", "nothing.json"),
        (SMALL, "--certificate", "/proc/no/such/folder/x.json"),
    ],
)
def test_wrong_arguments_are_2(arguments: tuple[str, ...]) -> None:
    result = verify(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    "given", [("verify", "--certificate"), ("replay", "--pairs", "--dropped"), ("lab", "--pcap")]
)
@pytest.mark.parametrize("over", ["f.yaml", "pods.yaml", "f.lock.yaml", "link.yaml"])
def test_no_result_is_written_over_an_input(
    tmp_path: Path, given: tuple[str, ...], over: str
) -> None:
    """A slip of the hand must not cost the fabric file."""
    verb, *options = given
    pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c}]}}"
    (tmp_path / "pods.yaml").write_text(pod)
    (tmp_path / "link.yaml").symlink_to("f.yaml")
    fabric = tmp_path / "f.yaml"
    fabric.write_text(
        "cloison: 1\nname: f\nsites: {s: {}}\ntenants:\n"
        "  t: {manifests: [pods.yaml], vrfs: {main: {prefixes: [10.0.0.0/16]}}}\n"
    )
    CliRunner().invoke(main, ["show", "addresses", str(fabric)])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    verbs = ["lab", "test"] if verb == "lab" else [verb]
    done = CliRunner().invoke(main, [*verbs, str(fabric), *options, str(tmp_path / over), "-q"])
    assert (done.exit_code, "error[C791]" in done.stderr) == (2, True)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_no_result_is_written_over_what_the_only_lab_was_built_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    fabric = tmp_path / "f.yaml"
    fabric.write_text("cloison: 1\nname: f\nsites: {s: {}}\n")
    state.write("00c0ffee", state.About(str(fabric), ()))
    done = CliRunner().invoke(main, ["lab", "test", "--pcap", str(fabric), "-q"])
    assert (done.exit_code, "error[C791]" in done.stderr) == (2, True)
    assert fabric.read_text().startswith("cloison: 1")


def test_others_try_failures_and_say_the_same(tmp_path: Path) -> None:
    path = str(plain(tmp_path))
    alone, together = (verify(path, "-q", "-o", "json", *w) for w in ([], ["--workers", "2"]))
    assert together.stdout == alone.stdout
    assert together.exit_code == alone.exit_code


def test_workers_of_a_cluster_are_not_of_this_machine(tmp_path: Path) -> None:
    found = verify("f.yaml", "--workers", "2", "--cluster", "tcp://127.0.0.1:9")
    assert found.exit_code == 2
    assert "--cluster has its own" in found.output


def test_what_is_drained_is_said_and_in_no_certificate(tmp_path: Path) -> None:
    found = json.loads(verify(SMALL, "--drain", "leaf1", "-o", "json").stdout)
    assert (found["down"], found["drained"]) == ([], ["leaf1"])
    refused = verify(SMALL, "--drain", "leaf1", "--certificate", str(tmp_path / "c.json"))
    assert refused.exit_code == 2
    assert "certificates do not say --drain" in refused.output
    assert verify(SMALL, "--drain", "leaf9").exit_code == 2
