"""How cost grows: the large fabric with 1, 2, 4 and 8 pods, its tenants in proportion.

A tenant keeps its size, so pods and tenants double together. The last column says with which power
of the size a stage grew between the two largest: 1 is linear.
"""

from __future__ import annotations

import math
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from fabric.building.build import build
from fabric.building.load import load_fabric
from sim.blocks.blocks import build_blocks
from sim.packets.headers import Packets
from sim.pipeline.datapath import Datapath
from sim.pipeline.tables import tables
from sim.pipeline.traffic import random_flows
from sim.proof.prove import prove
from sim.worlds.world import World

PODS = (1, 2, 4, 8)
FLOWS = 1 << 20
LARGE = Path(__file__).parent.parent / "topologies" / "large.yaml"


def smaller(text: str, pods: int) -> str:
    """The fabric with fewer pods and tenants, without expectations: they name tenants."""
    tenants = round(100 * pods / PODS[-1])
    text = text[: text.index("\nexpect:")].replace("t{001..100}", f"t{{001..{tenants:03}}}")
    return re.sub(r"pods: \d+", f"pods: {pods}", text, count=1)


@contextmanager
def timed(into: dict[str, float], name: str) -> Iterator[None]:
    """CPU seconds of a block."""
    start = time.process_time()
    yield
    into[name] = time.process_time() - start


def measure(path: Path) -> dict[str, float]:
    """Sizes, and CPU seconds per stage."""
    found: dict[str, float] = {}
    seconds: dict[str, float] = {}
    with timed(seconds, "build and converge"):
        network = build(load_fabric(path), lock=False)
    with timed(seconds, "compile"):
        program = World(network).program
    with timed(seconds, "blocks"):
        blocks = build_blocks(program)
    with timed(seconds, "prove"):
        prove(World.compiled(program, blocks))
    datapath = Datapath(tables(blocks), threads=1)
    packets = Packets.concat(list(random_flows(blocks, FLOWS, permitted=0.25, datapath=datapath)))
    datapath.count(packets, datapath.decide(packets))
    with timed(seconds, f"replay {FLOWS >> 20} Mi flows"):
        datapath.count(packets, datapath.decide(packets))
    found["VTEPs"] = len({e.vtep for e in network.endpoints})
    found["endpoints"] = len(network.endpoints)
    found["entries"] = program.n_entries
    return found | seconds


def main() -> None:
    """Print one column per size."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(LARGE.parent / "manifests" / "large", Path(folder) / "manifests" / "large")
        path, columns = Path(folder) / "growth.yaml", []
        for pods in PODS:
            path.write_text(smaller(LARGE.read_text(), pods))
            columns.append(measure(path))
            click.echo(f"{pods} of {PODS[-1]} pods done", err=True)
    for name in columns[0]:
        values = [column[name] for column in columns]
        shape = "10,.0f" if values[-1] == int(values[-1]) else "10.2f"
        power = math.log2(values[-1] / values[-2])
        cells = "".join(f"{value:{shape}}" for value in values)
        click.echo(f"{name:20}{cells}   ~ size^{power:.1f}")


if __name__ == "__main__":
    sys.exit(main())
