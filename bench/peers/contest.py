"""A contest: one rule set, several traces, and rte_acl beside us in the same rounds.

cloison builds from the rules alone and answers on columns; rte_acl gets the same rules as rows, and
the same packets as records. The best of its scalar, SSE and AVX2 algorithms counts; AVX-512 is told
beside it. Ids are compared with rte_acl over the whole trace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np

from fabric.diagnostics import CapacityError, MachineError
from peers.rte_acl import RteAcl
from sim.classify import build
from sim.classify.columns import Columns
from sim.classify.ruleset import RuleSet
from sim.classify.timing.rounds import ROUNDS, Ratio, best, ratio
from sim.classify.timing.timed import (
    OURS,
    Builder,
    Built,
    Classifies,
    TimedRules,
    TimedTrace,
    built,
    time_trace,
)

RIVALS = ("scalar", "sse", "avx2")
MOST_ROWS = 400_000
"""Rows that rte_acl is asked to build: more take it minutes and gigabytes."""


@dataclass(frozen=True, slots=True)
class Heat(TimedTrace):
    """One trace. `against` is the ratio to the best rte_acl algorithm, `mismatches` how often its
    answers differed; both are None where it took no part."""

    against: Ratio | None
    mismatches: int | None


@dataclass(frozen=True, slots=True)
class Contest(TimedRules):
    """All heats of one rule set; `rival` is what rte_acl's table took. `skipped` says why it takes
    no part."""

    traces: tuple[Heat, ...]
    rival: Built | None
    huge_pages: bool | None
    skipped: str | None

    @property
    def mismatches(self) -> int:
        """Of all heats, against anyone."""
        return sum((heat.mismatches or 0) + heat.sample_mismatches for heat in self.traces)


def contest(
    name: str,
    rules: RuleSet,
    traces: Mapping[str, Columns],
    *,
    rounds: int = ROUNDS,
    most_rows: int = MOST_ROWS,
    builder: Builder = build,
) -> Contest:
    """Build once, then every trace; a rule set is 32-bit or 128-bit by its first trace."""
    versions = {columns.version for columns in traces.values()}
    with ExitStack() as stack:
        classifier, ours = built(rules, builder)
        rival, skipped = None, None
        try:
            rival = stack.enter_context(_rival(rules, versions, most_rows))
        except (MachineError, CapacityError) as error:
            skipped = f"rte_acl skipped: {error}"
        heats = [
            _heat(trace, rules, columns, classifier, rival, rounds)
            for trace, columns in traces.items()
        ]
        table = None if rival is None else Built(rival.seconds, rival.bytes, rival.algorithms())
        huge = None if rival is None else rival.huge
        return Contest(name, len(rules), rules.rows, ours, tuple(heats), table, huge, skipped)


def _rival(rules: RuleSet, versions: set[int], most_rows: int) -> RteAcl:
    if len(versions) != 1:
        raise CapacityError("one table of it holds one IP version")
    if rules.rows > most_rows:
        raise CapacityError(
            f"{rules.rows:,} rows, more than the {most_rows:,} it is asked to build"
        )
    return RteAcl(rules, versions.pop())


def _heat(
    trace: str,
    rules: RuleSet,
    columns: Columns,
    classifier: Classifies,
    rival: RteAcl | None,
    rounds: int,
) -> Heat:
    others: dict[str, Callable[[], object]] = {}
    mismatches = None
    if rival is not None:
        found = np.empty(len(columns), np.int32)
        classifier.classify(columns, out=found)
        packets = rival.prepare(columns)
        mismatches = 0
        for algorithm in rival.algorithms():
            answers = rival.classify(packets, algorithm)
            mismatches += int((answers != found).sum())
            others[algorithm] = partial(_run, rival, algorithm, packets)
    one = time_trace(trace, rules, columns, classifier, rounds, others)
    rivals = {name: one.timings[name] for name in RIVALS if name in one.timings}
    against = ratio(best(rivals), one.timings[OURS]) if rivals else None
    ours = {field.name: getattr(one, field.name) for field in fields(one)}
    return Heat(**ours, against=against, mismatches=mismatches)


def _run(rival: RteAcl, algorithm: str, packets: Any) -> None:
    rival.select(algorithm)
    rival.run(packets)
