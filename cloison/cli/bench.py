"""`cloison bench`: the classifier beside DPDK's rte_acl, on rules of yours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloison.cli.options import output_option, quiet_option
from fabric.diagnostics import Diagnostic, InputError

if TYPE_CHECKING:
    from sim.classify.columns import Columns
    from sim.classify.contest.compare import Contest
    from sim.classify.ruleset import RuleSet

    Traces = dict[int, dict[str, Columns]]

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
    "--rounds", type=click.IntRange(1, 1000), default=9, show_default=True, help="Of everyone."
)
@output_option("table", "json", "md")
@quiet_option
def command(
    rules: Path,
    folders: tuple[Path, ...],
    packets: int,
    rounds: int,
    output: str,
    quiet: bool,
) -> None:
    """Classify packets, beside DPDK's rte_acl and the machine's bounds.

    Interleaved rounds in one process, on one core; every answer is compared.
    Needs gcc and libdpdk-dev for rte_acl, and says so where they are missing.
    The exit code is 1 when two answers differ.
    """
    from cloison.cli.simulate import announce_kernels
    from cloison.render.formats import progress

    announce_kernels()
    with progress(quiet=quiet) as tell:
        contests = list(_contests(rules, folders, packets, rounds, tell))
    _show(contests, output)
    if any(contest.mismatches for contest in contests):
        raise SystemExit(1)


def _contests(
    path: Path, folders: tuple[Path, ...], packets: int, rounds: int, tell: Any
) -> Iterator[Contest]:
    from sim.classify.classbench import read_rules
    from sim.classify.contest.compare import contest

    tell(f"{path.name}")
    rules = read_rules(path)
    traces = _traces(rules, folders, packets)
    _fit(path, rules, traces)
    for version, own in traces.items():
        name = f"{path.name} IPv{version}" if len(traces) > 1 else path.name
        yield contest(name, rules, own, rounds=rounds)


def _traces(rules: RuleSet, folders: tuple[Path, ...], packets: int) -> Traces:
    """By IP version those of the folders; without any, generated ones of each version that rules
    match."""
    from sim.classify.contest.traces import read

    if folders:
        names = [folder.name for folder in folders]
        short = [n if names.count(n) == 1 else str(f) for n, f in zip(names, folders, strict=True)]
        given = {name: read(folder) for name, folder in zip(short, folders, strict=True)}
        versions = sorted({columns.version for columns in given.values()})
        return {v: {name: c for name, c in given.items() if c.version == v} for v in versions}
    held = {4: len(rules.src4.length), 6: len(rules.src6.length)}
    return {v: _generated(rules, packets, v) for v, count in held.items() if count}


def _fit(path: Path, rules: RuleSet, traces: Traces) -> None:
    """Refuse rules and packets that have nothing to say to each other."""
    if not len(rules):
        raise InputError(Diagnostic("C743", f"{path} has no rules"))
    for version, own in traces.items():
        lists = rules.src4 if version == 4 else rules.src6
        if not len(lists.length):
            message = f"no rule of {path} is for the IPv{version} packets of {', '.join(own)}"
            raise InputError(Diagnostic("C744", message))


def _generated(rules: RuleSet, packets: int, version: int) -> dict[str, Columns]:
    from sim.classify.contest.traces import KINDS, trace

    return {kind: trace(rules, kind, packets, version) for kind in KINDS}


def _show(contests: list[Contest], output: str) -> None:
    from cloison.render.formats import json_text, markdown, show, table, titled
    from sim.classify.contest import results as report
    from sim.classify.contest.machine import machine

    if output == "json":
        click.echo(json_text(report.document(contests, machine())))
        return
    speeds = {key: name for key, name in report.SPEEDS.items() if key != "engine"}
    for title, rows, columns in (
        ("Speed", report.speeds(contests), speeds),
        ("Build and memory", report.builds(contests), report.BUILDS),
    ):
        if output == "md":
            click.echo(f"## {title}\n\n{markdown(rows, columns)}\n")
        else:
            show(*titled(title, table(rows, columns)), "")
    for note in report.notes(contests):
        click.echo(note)
