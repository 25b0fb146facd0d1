"""`python -m bench`: every script here, one after the other, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

HERE = Path(__file__).parent
ORDER = ("startup", "demo", "pcap", "replay", "stateful", "proof", "large", "growth")


def main() -> int:
    """The number of scripts that failed."""
    failed = 0
    for name in ORDER:
        click.secho(f"bench_{name}, load {os.getloadavg()[0]:.1f}", bold=True)
        done = subprocess.run([sys.executable, HERE / f"bench_{name}.py"], check=False)
        failed += done.returncode != 0
        click.echo()
    return failed


if __name__ == "__main__":
    sys.exit(main())
