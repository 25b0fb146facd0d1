"""`show tables --engine`: the very tables of a replay, every byte, for people and for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from cloison.cli import main
from cloison.views.dumps.engines import engine_rows
from cloison.views.world import World
from sim.packets.headers import Flow, Packets
from sim.pipeline.datapath import Datapath

TOPOLOGIES = Path(__file__).parents[4] / "topologies"
SMALL = TOPOLOGIES / "small.yaml"


def engines(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(
        main, ["show", "tables", str(SMALL), "--engine", *arguments]
    )


@pytest.mark.parametrize("name", ["small", "demo"])
def test_it_is_what_the_datapath_reads(name: str) -> None:
    world = World.read([TOPOLOGIES / f"{name}.yaml"])
    rows = engine_rows(world)
    tables = Datapath.of(world).tables
    assert sum(row["bytes"] for row in rows) == sum(array.nbytes for array in tables)
    assert sum(row["holds"] for row in rows if row["table"] == "blocks") == len(tables.cell_off)
    holds = {row["table"]: row["holds"] for row in rows}
    assert holds["decisions"] == len(tables.dec_reason)
    assert holds["endpoints"] == len(world.network.endpoints)
    assert holds["ports"] == world.blocks.l4.size
    prefixes = ((e.vrf, p) for e in world.network.endpoints for p in e.prefixes)
    owned = {(vrf, p) for vrf, p in prefixes if p.num_addresses == 1}
    assert holds["addresses"] >= len(owned)


def test_what_it_lists_decides() -> None:
    """Other decisions in the listed table are other verdicts of a replay."""
    world = World.read([SMALL])
    pods = [e for e in world.network.endpoints if e.kind == "pod"]
    flows = [
        Flow(a.vrf, 4, int(a.prefixes[0][0]), int(b.prefixes[0][0]), 6, 40000, 8080)
        for a in pods
        for b in pods
        if a is not b and a.vrf == b.vrf
    ]
    path = Datapath.of(world, threads=1)
    assert path.decide(Packets.of(flows)).delivered.any()
    denied = path.tables._replace(dec_reason=np.full_like(path.tables.dec_reason, 9))
    assert not Datapath(denied, threads=1).decide(Packets.of(flows)).delivered.any()


def test_for_scripts_and_for_people() -> None:
    data = json.loads(engines("-o", "json").stdout)
    assert (data["schema"], data["node"]) == ("cloison/engines/2", None)
    assert all(row["engine"] and row["bytes"] > 0 and row["holds"] > 0 for row in data["rows"])
    lines = engines().stdout.splitlines()
    assert lines[0] == "What decides"
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("blocks ") for line in lines) == 2


def test_of_a_node_there_are_its_own_blocks() -> None:
    data = json.loads(engines("--node", "dpu3", "-o", "json").stdout)
    assert data["node"] == "dpu3"
    world = World.read([SMALL])
    node = next(n.index for n in world.network.fabric.nodes if n.name == "dpu3")
    here = [e for e in world.network.endpoints if e.vtep == node]
    mine = {int(b) for e in here for b in world.blocks.ep_block[:, e.index]}
    blocks = [row for row in data["rows"] if row["table"] == "blocks"]
    assert sum(row["holds"] for row in blocks) == len(mine)
    assert {row["vrf"] for row in blocks} == {world.network.vrfs[e.vrf].name for e in here}
    wrong = engines("--node", "leaf1")
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert "C305" in wrong.stderr
