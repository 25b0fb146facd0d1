"""`show tables --engine`: every stage with its engine, for people and for scripts."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from cloison.cli import main
from cloison.views.engines import summarised
from sim.classify import Plan

SMALL = Path(__file__).parents[3] / "topologies" / "small.yaml"
EXPECTED = """\
zone0 0 0 0 none none
override 0 0 0 none none
zone2 0 0 0 none none
isolation 3 7 14 IPv4 keyed
isolation 3 7 14 IPv6 keyed
workload 3 9 20 IPv4 keyed
workload 3 9 20 IPv6 keyed
"""
KEYS = ("stage", "groups", "rules", "rows", "table", "engine")


def engines(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(
        main, ["show", "tables", str(SMALL), "--engine", *arguments]
    )


def test_every_stage_of_the_fullest_node() -> None:
    data = json.loads(engines("-o", "json").stdout)
    rows = data["rows"]
    assert (data["schema"], data["node"]) == ("cloison/engines/1", "dpu1")
    assert "".join(f"{' '.join(str(row[key]) for key in KEYS)}\n" for row in rows) == EXPECTED
    assert all(row["why"] and {"bytes", "build_ms"} <= row.keys() for row in rows)
    assert all((row["bytes"] > 0) == (row["engine"] != "none") for row in rows)


def test_people_see_all_but_the_reason_in_a_table_of_80_columns() -> None:
    lines = engines().stdout.splitlines()
    assert lines[0] == "Engines of dpu1"
    assert max(map(len, lines)) <= 80
    shown = "".join(f"{' '.join(line.split()[:6])}\n" for line in lines[3:10])
    assert shown == EXPECTED
    assert sum(line.startswith(("isolation IPv", "workload IPv")) for line in lines) == 4


def test_of_another_node() -> None:
    assert json.loads(engines("--node", "dpu3", "-o", "json").stdout)["node"] == "dpu3"
    wrong = engines("--node", "leaf1")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "C305" in wrong.stderr


def test_blocks_with_one_engine_are_one_line() -> None:
    plans = [
        Plan("IPv4", "keyed", "2 of 5 blocks are grids", 100, 0.1),
        Plan("IPv4 block 3", "hybrid", "small", 10, 0.5),
        Plan("IPv4 block 7", "cells", "alone", 20, 0.25),
        Plan("IPv4 block 9", "hybrid", "large", 30, 0.25),
        Plan("IPv6", "dense", "fits", 5, 0.1),
    ]
    assert summarised(plans) == [
        plans[0],
        plans[2],
        Plan("IPv4, 2 blocks", "hybrid", "large", 40, 0.75),
        plans[4],
    ]
