"""`compare --state` as people and scripts see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from device_state import write_state

from cloison.cli import main
from fabric.building.build import build
from fabric.building.load import load_fabric

TOPOLOGIES = Path(__file__).parents[4] / "topologies"
DEMO = TOPOLOGIES / "demo.yaml"
NODE = "dpu1"


def cloison(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return write_state(build(load_fabric(DEMO), lock=False), tmp_path / "state")


def test_nothing_differs(state: Path) -> None:
    done = cloison("compare", DEMO, "--state", state)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.endswith("What was there is as the fabric file wants it.\n")
    assert "not compared: rules and filters" in done.stdout


def test_an_edited_device(state: Path) -> None:
    path = state / NODE / "evpn.json"
    path.write_text(path.read_text().replace('"RT:', '"RT:65000:666 RT:', 1))
    done = cloison("compare", DEMO, "--state", state)
    assert done.exit_code == 1
    assert "different" in done.stdout and "65000:666" in done.stdout
    assert done.stdout.endswith("\n1 difference.\n")
    assert "demo.yaml:" in done.stdout


def test_one_node_is_enough_and_the_answer_says_how_much_that_is(state: Path) -> None:
    for folder in state.iterdir():
        for path in folder.iterdir():
            if folder.name != NODE:
                path.unlink()
    done = cloison("compare", DEMO, "--state", state, "-o", "json")
    said = json.loads(done.stdout)
    assert (done.exit_code, said["schema"], said["rows"]) == (0, "cloison/state/1", [])
    assert said["compared"]["evpn route"]["seen"] == 1 < said["compared"]["evpn route"]["due"]
    assert said["diagnostics"] == [] and said["not_evaluated"] == []


def test_rows_for_scripts(state: Path) -> None:
    (state / NODE / "evpn.json").write_text('{"numPrefix": 0}')
    done = cloison("compare", DEMO, "--state", state, "-o", "jsonl")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 1
    assert {(r["node"], r["kind"], r["state"]) for r in rows} == {(NODE, "evpn route", "missing")}
    assert all(r["line"] and r["file"].endswith("evpn.json") for r in rows)


def test_a_folder_that_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / f"{NODE}.json").write_text("[1, 2]")
    done = cloison("compare", DEMO, "--state", tmp_path / "state")
    assert done.exit_code == 2
    assert "C879" in done.stderr and "none of the kinds that are known" in done.stderr


def test_names_from_devices_are_harmless(state: Path) -> None:
    path = state / NODE / "ip.json"
    document = json.loads(path.read_text())
    device = next(name for name in document if name.startswith("vrf"))
    for entries in document[device].values():
        entries[0]["vrfName"] = "x\x1b[31m\nred"
    path.write_text(json.dumps(document))
    done = cloison("compare", DEMO, "--state", state)
    assert done.exit_code == 1 and "\x1b" not in done.stdout and "\\x1b[31m\\nred" in done.stdout


@pytest.mark.parametrize("said", ["", "{}", "[]", "[", "\ufeff{}"])
def test_what_cannot_be_read_is_unknown(state: Path, said: str) -> None:
    """A device that answers nothing may have lost everything."""
    (state / NODE / "evpn.json").write_text(said)
    done = cloison("compare", DEMO, "--state", state)
    assert done.exit_code == 4
    assert done.stdout.endswith("\nunknown: 1 file of nodes could not be read\n")
    done = cloison("compare", DEMO, "--state", state, "-o", "json")
    assert json.loads(done.stdout)["unread"] == [str(state / NODE / "evpn.json")]


def test_files_about_other_things_are_harmless(state: Path) -> None:
    (state / NODE / "version.json").write_text('{"kernel": "6.1"}')
    (state / "notes.json").write_text("")
    assert cloison("compare", DEMO, "--state", state).exit_code == 0
