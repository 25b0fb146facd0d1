"""`show routes --underlay --paths`: what comes over each session, and why it is not used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fabric_files import vrf, write_fabric

from cloison.cli import main

LOOP = "--down", "leaf3--spine2"
"""spine2 gets to dpu3 by leaf4 alone, which has leaf1's AS number."""


@pytest.fixture
def fabric(tmp_path: Path) -> Path:
    site = {"spines": 2, "leaves": 4, "hosts_per_pair": 1, "borders": 0}
    live = {"a": ["n/p@host1", "n/q@host2"]}
    pins = {"asn": {"leaf1": 65101, "leaf4": 65101}}
    tenants = {"a": vrf("10.0.0.0/24")}
    return write_fabric(tmp_path, tenants, live, sites={"s": site}, pins=pins)


def shown(*arguments: str | Path) -> Any:
    done = CliRunner().invoke(main, ["show", "routes", *map(str, arguments), "-o", "json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def about(document: Any, node: str, owner: str) -> list[dict[str, Any]]:
    return [r for r in document["rows"] if (r["node"], r["owner"]) == (node, owner)]


def test_one_of_two_paths_is_lost_to_an_as_loop(fabric: Path) -> None:
    (route,) = about(shown(fabric, "--underlay", *LOOP), "leaf1", "dpu2")
    assert (route["via"], route["missed"]) == (["spine1"], {"as_loop": 1})
    found = shown(fabric, "--underlay", "--paths", "--node", "leaf1", *LOOP)
    assert found["schema"] == "cloison/underlay-paths/1"
    paths = {row["peer"]: row for row in about(found, "leaf1", "dpu2")}
    lost = paths["spine2"]
    assert (lost["used"], lost["missed"], lost["fate"]) == (False, True, "as_loop")
    assert lost["why"] == "AS loop: 65101 is this node's own, and that of leaf4"
    assert lost["nodes"] == ["spine2", "leaf4", "dpu2"]
    assert (lost["as_path"][1], lost["link"]) == (65101, "leaf1--spine2")
    assert (paths["spine1"]["used"], paths["spine1"]["why"]) == (True, None)
    assert paths["dpu1"]["fate"] == "not_announced"
    (whole,) = about(shown(fabric, "--underlay"), "leaf1", "dpu2")
    assert (whole["via"], whole["missed"]) == (["spine1", "spine2"], {})


def test_people_read_the_same(fabric: Path) -> None:
    run = CliRunner().invoke
    said = run(main, ["show", "routes", str(fabric), "--underlay", "--node", "leaf1", *LOOP])
    assert "as_loop=1" in said.stdout
    more = ["show", "routes", str(fabric), "--underlay", "--paths", "--node", "leaf1", *LOOP]
    assert "AS loop: 65101 is this node's own, and that of leaf4" in run(main, more).stdout
    wrong = run(main, ["show", "routes", str(fabric), "--paths"])
    assert wrong.exit_code == 2 and "--paths goes with --underlay" in wrong.stderr


def test_explain_names_the_path_that_is_not_there(fabric: Path) -> None:
    ends = ("a/n/p", "a/n/q:80/tcp")
    once = ["explain", str(fabric), *ends, *LOOP, "--down", "dpu1--leaf2"]
    said = CliRunner().invoke(main, [*once, "-o", "json"])
    (choice,) = json.loads(said.stdout)["choices"]
    (step,) = [s for s in choice["steps"] if s["what"] == "underlay"]
    assert "one of 2 paths" in step["because"]
    reason = "leaf1 does not use spine2: AS loop: 65101 is this node's own, and that of leaf4"
    assert reason in step["because"]
    whole = CliRunner().invoke(main, ["explain", str(fabric), *ends, "-o", "json"])
    assert "does not use" not in whole.stdout
    assert reason in " ".join(CliRunner().invoke(main, once).stdout.split())
