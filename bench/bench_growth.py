"""How cost grows: worlds that double four times along one axis, regular and irregular ones.

    python bench/bench_growth.py [AXIS…] [--odd] [--sizes 5]

Each world is built in a process of its own, which says after each stage how many CPU seconds it
took and how much memory the process had at most. The power is that of the two last doublings: 1 is
linear. What is above 1.15, takes more than a tenth of a second at the end, and is not bounded by a
limit that is checked before (docs/limits.md), is a fault; such powers are marked. Of irregular
worlds the last column says how many times as long as the regular world of that size they took.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click
from growing_worlds import AXES, SIZES, growing, write

MOST, LEAST = 1.15, 0.1
"""The power from which on a stage is marked, and the seconds that it must take for that."""
STAGES = """
import resource, sys, time
from pathlib import Path
import numpy as np
from compiler.targets.profiles import DASH_400G
from compiler.targets.usage import usage
from fabric.building.build import build, rebuild
from fabric.building.load import load_fabric
from sim.blocks.blocks import build_blocks
from sim.diff.diff import diff
from sim.proof.prove import prove
from sim.reach.access import access
from sim.reach.asked_reach import asked_reach
from sim.worlds.world import World

clock = time.process_time
last = clock()
def lap(name):
    global last
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(name, clock() - last, most, sep="\\t", flush=True)
    last = clock()
lap("import")
spec = load_fabric(Path(sys.argv[1])); lap("load")
network = build(spec, lock=False, down=sys.argv[2:]); lap("build")
world = World(network)
world.program; lap("compile")
world.blocks; lap("blocks")
usage(world.program, DASH_400G); lap("usage")
prove(world); lap("proof")
found = asked_reach(world, None, None)
every = np.ones(len(network.endpoints), np.bool_)
rows = access(found, every, every); lap("reach")
program = world.program
policy = program.policy
fewer = type(policy)(policy.rules[:-1], policy.selections, policy.stages)
other = World(network, fewer)
other.blocks; last = clock()
diff(world, other); lap("diff")
gone = sys.argv[2:]
dpus = (n.name for n in network.fabric.nodes if n.role.value == "dpu")
rebuild(network, down=[*gone, next(name for name in dpus if name not in gone)]); lap("failure")
"""
Measured = Mapping[str, tuple[float, float]]


def measure(axis: str, size: int, odd: bool) -> Measured:
    """CPU seconds and the most MiB by stage."""
    with tempfile.TemporaryDirectory() as folder:
        world = growing(axis, size, odd)
        command = [sys.executable, "-c", STAGES, str(write(world, Path(folder))), *world.down]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (line.split("\t") for line in done.stdout.splitlines())
    found = {name: (float(seconds), float(most)) for name, seconds, most in lines}
    if done.returncode:
        click.echo(f"{axis} × {size}: {done.stderr.splitlines()[-1:]}", err=True)
    return found


def power(values: list[float]) -> float:
    """The power of the size with which a value grew over the two last doublings."""
    doublings = min(2, len(values) - 1)
    small, large = values[-1 - doublings], values[-1]
    return math.log2(max(large, 1e-6) / max(small, 1e-6)) / doublings


def report(axis: str, sizes: tuple[int, ...], odd: bool, beside: Measured) -> Measured:
    """A table of an axis; the stages of its largest world."""
    columns = [measure(axis, size, odd) for size in sizes]
    kind = "irregular" if odd else "regular"
    heads = "".join(f"{f'× {size}':>9}" for size in sizes)
    click.echo(f"{axis + ', ' + kind:24}{heads}{'power':>8}{'MiB':>9}{'power':>8}")
    for stage in columns[0]:
        if stage == "import" or not all(stage in column for column in columns):
            continue
        seconds = [column[stage][0] for column in columns]
        bare = columns[0]["import"][1]
        most = [max(1.0, column[stage][1] - bare) for column in columns]
        times, memory = power(seconds), power(most)
        mark = " *" if times > MOST and seconds[-1] > LEAST else ""
        ratio = f"  {seconds[-1] / beside[stage][0]:.1f} ×" if stage in beside else ""
        cells = "".join(f"{s:9.2f}" for s in seconds)
        click.echo(f"  {stage:22}{cells}{times:8.2f}{most[-1]:9.0f}{memory:8.2f}{mark}{ratio}")
    return columns[-1]


@click.command()
@click.argument("axes", nargs=-1, type=click.Choice(AXES))
@click.option("--odd/--even", "odd", default=None, help="Irregular or regular worlds alone.")
@click.option("--sizes", default=len(SIZES), show_default=True, help="How many doublings, and one.")
def main(axes: tuple[str, ...], odd: bool | None, sizes: int) -> None:
    """Print a table for each axis."""
    click.echo(f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores")
    for axis in axes or AXES:
        last: Measured = {}
        for kind in (False, True) if odd is None else (odd,):
            last = report(axis, SIZES[:sizes], kind, last)


if __name__ == "__main__":
    sys.exit(main())
