"""The first hour on a site of 2,000 DPUs: every command of docs/first-hour.md, and where time goes.

    python bench/bench_first_hour.py [DPUS]

Prints CPU seconds and memory of each command, the phases of the longest ones, and what was found:
the four faults that the site has. Beside it: reading the same bytes as JSON or YAML by a library.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import yaml
from cluster_servers import FAULTS
from three_clusters import digest, write

PAGE = Path(__file__).parents[1] / "docs" / "first-hour.md"
MINUTES, LINES = 10, 20
"""What the first hour may take from nothing to a true finding."""
BLOCK = re.compile(r"^```(sh|yaml)\n(.*?)^```", re.M | re.S)


def main(dpus: int) -> None:
    """All of it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write(place, dpus, FAULTS)
        click.echo(f"{dpus:,} DPUs, site {digest(dpus, FAULTS)}")
        click.echo(f"{'reading the same bytes':40} {read_all(place):8.1f} s CPU")
        total, by_hand, start = 0.0, 0, time.monotonic()
        for kind, text in BLOCK.findall(PAGE.read_text()):
            if kind == "yaml":
                with (place / "site.yaml").open("a") as file:
                    file.write(text)
                by_hand += sum(bool(line.strip()) for line in text.splitlines())
                continue
            for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
                total += timed(part.partition("\n")[0], place)
        wall = time.monotonic() - start
        click.echo(f"{'all commands':40} {total:8.1f} s CPU, {wall:.0f} s of {MINUTES * 60}")
        click.echo(f"{'lines written by hand':40} {by_hand:8} of {LINES}")


def read_all(place: Path) -> float:
    """CPU seconds that libraries take for configurations and dumps."""
    start = time.process_time()
    for path in (place / "configs").iterdir():
        yaml.load(path.read_text(), yaml.CSafeLoader)
    for path in place.glob("clusters/*/dump.json"):
        json.loads(path.read_text())
    return time.process_time() - start


def timed(command: str, place: Path) -> float:
    """CPU seconds of a command, which is printed with what it found; phases of it are told."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = command.split()
    run = [Path(sys.executable).parent / "cloison", *words[1:], "--verbose"]
    there = {**os.environ, "COLUMNS": "160", "XDG_CACHE_HOME": str(place / "cache")}
    done = subprocess.run(run, cwd=place, capture_output=True, text=True, env=there)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    click.echo(
        f"{command:40} {spent:8.1f} s CPU, exit {done.returncode}, {after.ru_maxrss >> 10:,} MiB"
    )
    phases = [line for line in done.stderr.splitlines() if re.match(r"\s+[0-9.]+ s  ", line)]
    for line in sorted(phases, key=lambda line: -float(line.split()[0]))[:4]:
        click.echo(f"    {line.strip()}")
    for line in done.stdout.splitlines():
        if re.search(r"finding\[|^Finding|FAILS", line):
            click.echo(f"    {line[:140]}")
    return spent


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
