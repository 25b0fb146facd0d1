"""CPU seconds of short commands, as a user pays them; the bound is Python that imports click."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

COMMANDS = {
    "python -c 'import click'": [sys.executable, "-c", "import click"],
    "cloison --help": ["--help"],
    "cloison replay --help": ["replay", "--help"],
    "cloison schema": ["schema"],
    "cloison check": ["check", "topologies/demo.yaml"],
    "cloison show topology": ["show", "topology", "topologies/demo.yaml"],
}
ROUNDS = 5


def cpu(command: list[str]) -> float:
    """User and system seconds of one run."""
    env = {**os.environ, "CLOISON_CACHE": "off"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=env) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise click.ClickException(f"{' '.join(command)} exits {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print the least of several runs."""
    cloison = str(Path(sys.executable).parent / "cloison")
    for name, arguments in COMMANDS.items():
        command = arguments if arguments[0] == sys.executable else [cloison, *arguments]
        click.echo(f"{name:28}{min(cpu(command) for _ in range(ROUNDS)):6.2f} s of CPU")


if __name__ == "__main__":
    main()
