"""Flows and what became of them: the same sums as the report, and a dictionary's."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import cloison
from fabric.building.network import Network
from sim.blocks.blocks import Blocks, build_blocks
from sim.packets.headers import Packets
from sim.packets.notation import show
from sim.packets.reasons import Reason
from sim.pipeline.datapath import Datapath, Verdicts
from sim.pipeline.flow_verdicts import FlowVerdicts
from sim.pipeline.replay import replay
from sim.pipeline.tables import tables
from sim.pipeline.traffic import random_flows
from sim.worlds.world import World

SMALL = Path(__file__).parents[3] / "topologies" / "small.yaml"


@pytest.fixture(scope="module")
def small() -> tuple[Network, Blocks]:
    world = cloison.build(SMALL)
    return world.network, build_blocks(world.program)


def batches(blocks: Blocks, network: Network) -> list[Packets]:
    """Flows of which each comes up to three times, in batches."""
    datapath = Datapath(tables(blocks))
    [*parts] = random_flows(blocks, 500, seed=3, permitted=0.3, datapath=datapath)
    whole = Packets.concat(parts)
    again = whole.take(np.random.default_rng(1).integers(0, len(whole), 1500))
    return [again[i : i + 400] for i in range(0, 1500, 400)]


def test_rows_are_what_a_dictionary_counts(small: tuple[Network, Blocks]) -> None:
    network, blocks = small
    seen: Counter[tuple[str, str, str]] = Counter()

    def naive(packets: Packets, verdicts: Verdicts) -> None:
        for i in range(len(packets)):
            vrf = network.vrfs[int(packets.vrf[i])].name
            reason = Reason(int(verdicts.reason[i])).label
            seen[show(packets.flow(i)), vrf, reason] += int(packets.count[i])

    found = FlowVerdicts(blocks)
    traffic = batches(blocks, network)
    report = replay(World.compiled(blocks.program, blocks), traffic, sink=found)
    replay(World.compiled(blocks.program, blocks), traffic, sink=naive)  # type: ignore[arg-type]
    rows = list(found.table(network))
    assert {(r["flow"], r["vrf"], r["verdict"]): r["packets"] for r in rows} == seen
    assert [r["packets"] for r in rows] == sorted((r["packets"] for r in rows), reverse=True)
    assert sum(r["bytes"] for r in rows) == report.bytes
    for reason, count in report.verdicts.items():
        assert sum(r["packets"] for r in rows if r["verdict"] == reason.label) == count
    assert all(
        (r["rule"] is not None) == getattr(Reason, r["verdict"].upper()).by_policy for r in rows
    )


def test_what_is_left_out_is_counted(small: tuple[Network, Blocks]) -> None:
    network, blocks = small
    found = FlowVerdicts(blocks, limit=10)
    report = replay(World.compiled(blocks.program, blocks), batches(blocks, network), sink=found)
    rows = list(found.table(network))
    assert len(rows) == 10
    assert sum(r["packets"] for r in rows) + found.left_out == report.packets


def test_nothing_came(small: tuple[Network, Blocks]) -> None:
    network, blocks = small
    found = FlowVerdicts(blocks)
    replay(World.compiled(blocks.program, blocks), [Packets.of([])], sink=found)
    assert list(found.table(network)) == []
