"""The demo as its first user sees it: with an empty kernel cache, and again; beside it, Python that
only imports the libraries which every run needs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

LIBRARIES = "import networkx, numba, numpy, pydantic, rich.table, yaml"


def simulate(cache: str, fabric: str) -> tuple[float, float]:
    """Wall and CPU seconds of one run."""
    cloison = str(Path(sys.executable).parent / "cloison")
    return timed([cloison, "simulate", "-q", fabric], cache)


def timed(command: list[str], cache: str) -> tuple[float, float]:
    """Wall and CPU seconds of a command."""
    start, before = time.perf_counter(), os.times()
    subprocess.run(
        command,
        env={**os.environ, "XDG_CACHE_HOME": cache, "CLOISON_CACHE": "off"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    after = os.times()
    cpu = (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
    return time.perf_counter() - start, cpu


def main(fabric: str) -> None:
    """Print the first and the best of three later runs."""
    with tempfile.TemporaryDirectory() as cache:
        first = simulate(cache, fabric)
        later, floor = (1e9, 1e9), (1e9, 1e9)
        for _ in range(3):
            later = min(later, simulate(cache, fabric))
            floor = min(floor, timed([sys.executable, "-c", LIBRARIES], cache))
    for name, (wall, cpu), goal in (
        ("first run, kernels compiled", first, "  (goal: 60)"),
        ("later runs", later, "  (goal: 5)"),
        ("importing the libraries", floor, ""),
    ):
        times = f"{wall:6.1f} s wall {cpu:6.1f} s CPU {cpu / floor[1]:6.1f} x"
        click.echo(f"{name:28}{times}{goal}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "topologies/demo.yaml")
