"""`cloison bench`: the classifier beside what the machine could do, on rules of yours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloison.cli.shell.options import quiet_option, whole_option

if TYPE_CHECKING:
    from sim.classify.timing.timed import TimedRules

MOST_PACKETS = 100_000_000


@click.command()
@click.option(
    "--rules",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Rules, as ClassBench text.",
)
@click.option(
    "--columns",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A trace: one .npy file per column (repeatable); else drawn from the rules.",
)
@click.option(
    "--packets",
    type=click.IntRange(1, MOST_PACKETS),
    default=300_000,
    show_default=True,
    help="Packets per generated trace.",
)
@click.option(
    "--rounds", type=click.IntRange(1, 1000), default=9, show_default=True, help="Of each."
)
@whole_option(markdown=True)
@quiet_option
def command(
    rules: Path,
    folders: tuple[Path, ...],
    packets: int,
    rounds: int,
    output: str,
    quiet: bool,
) -> None:
    """Classify packets, beside what this machine could do at best.

    Interleaved rounds in one process, on one core; a sample of the answers is
    compared with trying every rule. The exit code is 1 when one differs.
    """
    from cloison.cli.shell.said_beside import announce_kernels
    from cloison.render.formats import progress
    from sim.classify.classbench import read_rules
    from sim.classify.timing.timed import timed
    from sim.classify.timing.trace_files import traces_for

    announce_kernels()
    with progress(quiet=quiet) as tell:
        tell(f"{rules.name}")
        read = read_rules(rules)
        traces = traces_for(rules, read, folders, packets)
        several = len(traces) > 1
        measured = [
            timed(f"{rules.name} IPv{v}" if several else rules.name, read, own, rounds=rounds)
            for v, own in traces.items()
        ]
    _show(measured, output)
    if any(found.mismatches for found in measured):
        raise SystemExit(1)


def _show(measured: list[TimedRules], output: str) -> None:
    from cloison.render.formats import lined, markdown, say, table, titled
    from cloison.render.whole import WholeAnswer, whole
    from sim.classify.timing import results as report
    from sim.classify.timing.machine import machine

    speeds = {key: name for key, name in report.SPEEDS.items() if key != "engine"}
    parts = (
        ("Speed", report.speeds(measured), speeds),
        ("Build and memory", report.builds(measured), report.BUILDS),
    )
    answer = WholeAnswer(
        lambda: report.document(measured, machine()),
        lambda: "".join(lined(*titled(title, table(rows, of)), "") for title, rows, of in parts),
        lambda: (f"## {title}\n\n{markdown(rows, of)}\n" for title, rows, of in parts),
    )
    say(whole(answer, output))
