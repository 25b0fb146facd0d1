"""The classifier beside rte_acl on every rule set, and how its cost grows to a million rules.

`python bench/bench_classifier.py [SET…]` writes `bench/results/classifier.json` and `growth.svg`,
and from these `classifier.md` and `docs/benchmark.md`. Everything takes half an hour, most of it
rte_acl's builds of 100,000 rules; with names of sets, only these are measured and nothing is
written. `RULES [DIR…]` instead are a file of rules and traces of yours, as `cloison bench` takes
them. Give rte_acl huge pages first, as it is much faster with them: `sysctl vm.nr_hugepages=800`.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import benchmark_page
import click
from growth_plot import draw
from peers import results as report
from peers.contest import Contest, contest
from rule_sets.catalogue import SETS, RuleSource, source
from rule_sets.gates import judge, rows

from cloison.render.files import write_text
from cloison.render.formats import json_text
from fabric.diagnostics import InputError
from sim.classify.classbench import read_rules
from sim.classify.columns import Columns
from sim.classify.ruleset import RuleSet
from sim.classify.timing.machine import machine
from sim.classify.timing.trace_files import traces_for
from sim.classify.traces import KINDS, trace

RESULTS = Path(__file__).parent / "results"
PACKETS, FEW_PACKETS = 300_000, 50_000
LARGE = 200_000
"""Rules: of larger sets only how they grow is measured."""


def main(names: Sequence[str]) -> None:
    """Measure, judge, write."""
    if names and Path(names[0]).is_file():
        differ([*yours(Path(names[0]), [Path(name) for name in names[1:]])])
    on = machine() | {"command": shlex.join(["python", *sys.argv]), "packets": PACKETS}
    sources = {name: source(name) for name in names or SETS}
    contests = [one(name, found) for name, found in sources.items()]
    verdicts = judge(contests)
    if not names:
        write(contests, report.document(contests, on) | {"gates": rows(verdicts)})
    failed = [verdict.gate.what for verdict in verdicts if verdict.met is False]
    measured = sum(verdict.met is not None for verdict in verdicts)
    click.echo(f"{len(failed)} of {measured} gates measured not met: {'; '.join(failed) or 'none'}")
    differ(contests)


def differ(contests: Sequence[Contest]) -> None:
    """Leave, in anger where answers differ."""
    different = sum(found.mismatches for found in contests)
    sys.exit(f"{different} answers differ" if different else 0)


def yours(path: Path, folders: Sequence[Path]) -> Iterator[Contest]:
    """Contests on a file of rules: on traces in folders, else on drawn ones."""
    rules = read_rules(path)
    for version, traces in traces_for(path, rules, folders, PACKETS).items():
        yield told(f"{path.name} IPv{version}", rules, traces)


def write(contests: Sequence[Contest], found: report.Row) -> None:
    """Results, and what the documentation quotes of them."""
    write_text(RESULTS / "classifier.json", json_text(found) + "\n")
    draw(report.speeds(contests), report.builds(contests), RESULTS / "growth.svg")
    benchmark_page.main()


def one(name: str, found: RuleSource) -> Contest:
    """The contest on one set."""
    rules, n = found.make(), FEW_PACKETS if found.kind == "hostile" else PACKETS
    kinds = KINDS if rules.rows <= LARGE else ("uniform", "zipf", "random")
    return told(name, rules, {kind: trace(rules, kind, n, found.version) for kind in kinds})


def told(name: str, rules: RuleSet, traces: Mapping[str, Columns]) -> Contest:
    """A contest, told as soon as it is over."""
    result = contest(name, rules, traces)
    for row in report.speeds([result]):
        click.echo(
            f"{name:15} {row['trace']:8} {row['engine']:14} {row['mpps']:7} Mpps"
            f" rte_acl {row['rival_mpps']} × {row['ratio']}/{row['ratio_median']}"
            f" differ {row['mismatches']}"
        )
    if result.skipped:
        click.echo(f"{name:15} {result.skipped}")
    return result


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (ValueError, InputError) as unknown:
        sys.exit(str(unknown))
