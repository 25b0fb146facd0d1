"""The large fabric end to end: build, compile, prove, replay 10 million distinct flows.

Goal: 60 s and 4 GiB on two cores. Flows are made, replayed and forgotten batch by batch. Measured
beside it: the datapath against twelve bare look-ups per packet, and the proof against what it would
take the same datapath to try every pair on every interesting port.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from bounds import best, bounds

from fabric.building.build import build
from fabric.building.load import load_fabric
from sim.blocks.blocks import build_blocks
from sim.pipeline.datapath import Datapath
from sim.pipeline.replay import replay
from sim.pipeline.tables import tables
from sim.pipeline.traffic import n_pairs, random_flows
from sim.proof.prove import prove
from sim.worlds.world import World

FLOWS = 10_000_000


@contextmanager
def stage(name: str) -> Iterator[dict[str, float]]:
    """Print wall and CPU seconds of a block and the memory high-water mark after it."""
    wall, cpu = time.perf_counter(), time.process_time()
    spent: dict[str, float] = {}
    yield spent
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    spent["cpu"] = cpu
    click.echo(f"{name:24}{wall:8.2f} s wall {cpu:8.2f} s CPU {used:6.2f} GiB")


def main(path: Path) -> None:
    """Run it all."""
    with stage("total"):
        with stage("load"):
            spec = load_fabric(path)
        with stage("build and converge"):
            network = build(spec)
        with stage("compile"):
            program = World(network).program
        with stage("blocks"):
            blocks = build_blocks(program)
        with stage("prove") as proving:
            proof = prove(World.compiled(program, blocks))
        with stage("make and replay flows"):
            datapath = Datapath(tables(blocks))
            flows = random_flows(blocks, FLOWS, permitted=0.25, datapath=datapath)
            report = replay(World.compiled(program, blocks), flows)
    share = report.delivered / report.packets
    rate = report.packets_per_second / 1e6
    click.echo(f"{report.packets:,} flows, {share:.0%} delivered, {rate:.1f} Mpps on 2 threads")
    click.echo(f"{program.n_entries:,} entries; isolation {'holds' if proof.holds else 'FAILS'}")
    bare = best(3, **{k: v for k, v in bounds(1 << 20).items() if k == "12 gathers"})["12 gathers"]
    share = bare / (1 << 20) * report.packets / (report.seconds * report.threads)
    click.echo(f"datapath and counters: {share:.3f} of the bound (12 gathers per packet and core)")
    pairs = n_pairs(blocks)
    tried = pairs / report.packets_per_second
    click.echo(
        f"prove: {tried / proving['cpu']:,.0f} times faster than replaying all "
        f"{pairs:,} pairs × interesting ports ({tried:,.0f} s)"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "topologies/large.yaml"))
