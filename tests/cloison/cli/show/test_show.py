"""`cloison show`: every view of a small fabric says what it must, for people and for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cloison.cli import main

SMALL = Path(__file__).parents[4] / "topologies" / "small.yaml"
VIEWS = {
    "topology": ("cloison/topology/1", {"node": "leaf1", "role": "leaf"}),
    "sessions": ("cloison/sessions/1", {"node": "dpu1", "peer": "leaf2", "state": "established"}),
    "routes": (
        "cloison/routes/1",
        {"node": "dpu1", "vrf": "acme/main", "reason": "import RT 65000:40001 (leak catalog)"},
    ),
    "tables": ("cloison/capacity/1", {"node": "dpu4", "table": "groups"}),
    "policy": ("cloison/policy/1", {"stage": "isolation", "ports": "8080/tcp"}),
}


def show(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["show", *arguments])


@pytest.mark.parametrize("view", VIEWS)
def test_rows_of_a_view(view: str) -> None:
    schema, wanted = VIEWS[view]
    result = show(view, str(SMALL), "-o", "json")
    data = json.loads(result.stdout)
    assert data["schema"] == schema
    assert any(wanted.items() <= row.items() for row in data["rows"])
    lines = show(view, str(SMALL), "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == data["rows"]
    table = show(view, str(SMALL)).stdout
    assert all(str(value).split()[0] in table for value in wanted.values())


def test_policy_is_listed_with_lines_to_look_at() -> None:
    text = " ".join(show("policy", str(SMALL), "--stage", "isolation").stdout.split())
    assert "isolation in 2: permit 8080/tcp vrf acme/main 100.64.0.0/24, fd64:1::/64 <-" in text
    assert "leak catalog" in text and "small.yaml:40:5" in text
    assert "workload" not in text


def test_what_failed_is_shown_down() -> None:
    rows = json.loads(show("sessions", str(SMALL), "--down", "leaf1", "-o", "json").stdout)["rows"]
    states = {row["state"] for row in rows if "leaf1" in (row["node"], row["peer"])}
    assert states == {"down"}
    reasons = {row["reason"] for row in rows if row["state"] == "down"}
    assert all(reasons)


@pytest.mark.parametrize(
    "arguments",
    [("policy", "--stage", "zone9"), ("sessions", "--down", "leaf9"), ("routes", "--vrf", "x/y"),
     ("routes", "--prefix", "10.0.0.0/99"), ("routes", "--node", "spine9"), ("nothing",)],
)  # fmt: skip
def test_wrong_arguments_are_2(arguments: tuple[str, ...]) -> None:
    result = show(arguments[0], str(SMALL), *arguments[1:])
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_the_underlay_has_every_loopback_at_every_node() -> None:
    rows = json.loads(show("routes", str(SMALL), "--underlay", "-o", "json").stdout)["rows"]
    speakers = {row["node"] for row in rows}
    assert len(rows) == len(speakers) * (len(speakers) - 1)
    lost = {(row["node"], row["owner"]) for row in rows if not row["reachable"]}
    assert lost == {("spine1", "spine2"), ("spine2", "spine1")}, "they share an AS number"
    assert all(bool(row["via"]) == bool(row["as_path"]) == row["reachable"] for row in rows)
    one = [row for row in rows if (row["node"], row["owner"]) == ("dpu1", "dpu3")]
    assert [row["via"] for row in one] == [["leaf1", "leaf2"]]
    cut = show("routes", str(SMALL), "--underlay", "--down", "dpu3", "--node", "dpu1")
    assert next(line for line in cut.stdout.splitlines() if "dpu3" in line).split()[-1] == "dpu3"
    assert show("routes", str(SMALL), "--underlay", "--evpn").exit_code == 2


def test_a_node_without_vrfs_is_told() -> None:
    result = show("routes", str(SMALL), "--node", "leaf1")
    assert "leaf1 is no VTEP here" in result.stderr
    assert "no VTEP" not in show("routes", str(SMALL), "--node", "dpu1").stderr
