"""The datapath per packet on one core: full path, counters, flow table; against memory bounds."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from bounds import best, bounds

from cloison.views.world import World
from sim.blocks.blocks import build_blocks
from sim.packets.headers import Packets
from sim.pipeline.conntrack import FlowTable
from sim.pipeline.datapath import Datapath
from sim.pipeline.replay import decide
from sim.pipeline.tables import tables
from sim.pipeline.traffic import random_flows

PACKETS = 1 << 20
ROUNDS = 7


def main(fabric: Path) -> None:
    """Print nanoseconds and Mpps per stage."""
    world = World.of(fabric)
    blocks = build_blocks(world.program)
    datapath = Datapath(tables(blocks), threads=1)
    drawn = random_flows(blocks, PACKETS, permitted=0.25, datapath=datapath)
    packets = Packets.concat(list(drawn))
    n = len(packets)
    verdicts = datapath.decide(packets)
    flows = FlowTable(capacity=n)
    decide(datapath, packets, flows)
    found = best(
        ROUNDS,
        **bounds(n),
        decide=lambda: datapath.decide(packets),
        counters=lambda: datapath.tally(packets, verdicts),
        underlay=lambda: datapath.walk(packets, verdicts),
        **{
            "with known flows": lambda: decide(datapath, packets, flows),
            "whole pipeline": lambda: datapath.decide_and_count(packets),
        },
    )
    click.echo(f"{fabric}: {n:,} distinct flows, {verdicts.delivered.mean():.0%} delivered, 1 core")
    for name, seconds in found.items():
        bound = found["12 gathers"] / seconds
        line = (
            f"{seconds / n * 1e9:8.1f} ns {n / seconds / 1e6:8.1f} Mpps {bound:6.2f} of the bound"
        )
        click.echo(f"{name:16}{line}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "topologies/demo.yaml"))
