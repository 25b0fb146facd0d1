"""`cloison reach FABRIC`, as people run it."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import cloison
from cloison.cli import main

TOPOLOGIES = Path(__file__).parents[4] / "topologies"
SMALL, DEMO = TOPOLOGIES / "small.yaml", TOPOLOGIES / "demo.yaml"


def reach(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["reach", *map(str, arguments)])


def rows(*arguments: str | Path) -> list[dict[str, Any]]:
    data = json.loads(reach(*arguments, "-o", "json").stdout)
    assert data["schema"] == "cloison/reach/1"
    found: list[dict[str, Any]] = data["rows"]
    return found


def test_who_could_have_reached_this() -> None:
    """Across Kubernetes, a leak and the node that kubelet probes come from."""
    found = rows(SMALL, "--to", "acme/catalog/api:8080/tcp")
    assert {row["source"] for row in found} == {
        *("acme/@node/host1", "acme/@node/host2", "acme/web/front", "globex/shop/store")
    }
    (leaked,) = [row for row in found if row["source"] == "globex/shop/store"]
    assert leaked["ports_list"] == [{"protocol": "tcp", "from": 8080, "to": 8080}]
    assert {(by["direction"], by["kind"]) for by in leaked["by"]} == {
        *(("egress", "leak"), ("ingress", "leak"), ("ingress", "NetworkPolicy"))
    }
    assert all(by["line"] for by in leaked["by"])
    assert {route["what"] for route in leaked["routes"]} == {"intent leak catalog"}
    assert [route["part"].rpartition(" ")[2] for route in leaked["routes"]] == ["there", "back"]


def test_zones_and_addresses() -> None:
    found = rows(DEMO, "--to", "203.0.113.66:6006")
    assert {row["source"] for row in found} == {"training/@node/host5", "zone2/office"}
    outside = rows(DEMO, "--from", "inference/edge/*", "--to", "zone2/*")
    assert {row["ports"] for row in outside} == {"443/tcp"}


def test_text_for_people() -> None:
    table = reach(SMALL, "--to", "acme/catalog/api:8080/tcp").stdout
    assert "leak catalog; ingress" in table
    assert "same VRF acme/main" in table
    assert "globex/shop/store  X X p X X . . p ." in reach(SMALL, "-o", "matrix").stdout
    assert '"globex/shop/store" -> "acme/catalog/api" [label="8080/tcp"];' in reach(
        SMALL, "-o", "dot"
    ).stdout  # fmt: skip
    for output in ("csv", "md", "yaml", "jsonl"):
        assert "globex/shop/store" in reach(SMALL, "-o", output).stdout


def test_everything_in_a_matrix_is_everything() -> None:
    """A cell says that everything passes where one row does, of all pods and all addresses."""
    for path, *ends in (
        (SMALL,),
        (DEMO, "--from", "shared/*"),
        (DEMO, "--from", "203.0.113.0/24", "--to", "inference/*"),
    ):
        cells: dict[tuple[str, str], list[bool]] = defaultdict(list)
        for row in rows(path, *ends):
            addresses = "source_addresses" in row or "destination_addresses" in row
            cells[row["source"], row["destination"]].append(
                row["ports"] == "any" and not row["partial"] and not addresses
            )
        _, *lines = reach(path, *ends, "-o", "matrix").stdout.splitlines()
        names = [line.split()[1] for line in lines if line.split()[0].isdigit() and "/" in line]
        said = {
            (source, target): letter
            for source, *letters in map(str.split, lines[len(names) + 1 :])
            for target, letter in zip(names, letters, strict=True)
        }
        assert {key for key, letter in said.items() if letter != "X"} == set(cells)
        for key, every in cells.items():
            assert said[key] in (".?" if all(every) else "p?"), key


def test_a_failure_takes_access_away() -> None:
    assert rows(SMALL, "--from", "globex/shop/store", "--to", "acme/*")
    assert not rows(
        SMALL, "--from", "globex/shop/store", "--to", "acme/*", "--down", "leaf1", "--down", "leaf2"
    )


def test_from_python() -> None:
    found = cloison.reach(SMALL, to="acme/catalog/db:5432/tcp")
    assert sorted(row["source"] for row in found) == ["acme/@node/host1", "acme/catalog/api"]
    assert "ports" in found.to_pandas().columns


@pytest.mark.parametrize(
    "arguments",
    [
        ("--to", "acme/catalog/apj"),
        ("--to", "acme/catalog/api:70000"),
        ("--from", "10.99.0.1"),
        ("--down", "leaf9"),
        ("--flows", "-"),
    ],
)
def test_wrong_arguments_are_2(arguments: tuple[str, ...]) -> None:
    result = reach(SMALL, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
