"""A contest: one rule set, several traces, and rte_acl beside us in the same rounds.

cloison builds from the rules alone and answers on columns; rte_acl gets the same rules as rows, and
the same packets as records. The best of all its algorithms counts, of a table without a bound of
its size (many small tries) and of one with a large bound (few large ones); what AVX-512 changes is
told beside it. Ids are compared with rte_acl over the whole trace, every algorithm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
from rule_sets.ratios import Ratio, best, ratio

from fabric.diagnostics import CapacityError, MachineError
from peers.rte_acl import RteAcl
from sim.classify import build
from sim.classify.columns import Columns
from sim.classify.ruleset import RuleSet
from sim.classify.timing.rounds import ROUNDS
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

AVX512 = "avx512"
MOST_ROWS = 400_000
"""Rows that rte_acl is asked to build: more take it minutes and gigabytes."""
LARGE_SIZE, LARGE_ROWS = 1 << 30, 20_000
"""Bytes that a second table may have, and up to how many rows there is one: more take minutes."""
LARGE = "large "
"""What algorithms on that table are called, before their names."""


@dataclass(frozen=True, slots=True)
class Heat(TimedTrace):
    """One trace. `against` is the ratio to the best rte_acl algorithm, `narrow` to the best without
    AVX-512, `mismatches` how often its answers differed; all are None where it took no part."""

    against: Ratio | None
    narrow: Ratio | None
    mismatches: int | None


@dataclass(frozen=True, slots=True)
class Contest(TimedRules):
    """All heats of one rule set; `rival` is what rte_acl's table took, `large` the one that may be
    large, where it was built. `skipped` says why rte_acl takes no part."""

    traces: tuple[Heat, ...]
    rival: Built | None
    large: Built | None
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
        rivals: dict[str, RteAcl] = {}
        skipped = None
        try:
            for prefix, size in _sizes(rules, versions, most_rows).items():
                rivals[prefix] = stack.enter_context(RteAcl(rules, min(versions), max_size=size))
        except (MachineError, CapacityError) as error:
            skipped = f"rte_acl skipped: {error}" if not rivals else None
        heats = [
            _heat(trace, rules, columns, classifier, rivals, rounds)
            for trace, columns in traces.items()
        ]
        table, large = (_built(rivals.get(prefix)) for prefix in ("", LARGE))
        huge = rivals[""].huge if rivals else None
        sizes = len(rules), rules.rows
        return Contest(name, *sizes, ours, tuple(heats), table, large, huge, skipped)


def _sizes(rules: RuleSet, versions: set[int], most_rows: int) -> dict[str, int]:
    """`max_size` of each table that rte_acl is asked for, by what its algorithms are called."""
    if len(versions) != 1:
        raise CapacityError("one table of it holds one IP version")
    if rules.rows > most_rows:
        raise CapacityError(
            f"{rules.rows:,} rows, more than the {most_rows:,} it is asked to build"
        )
    return {"": 0, LARGE: LARGE_SIZE} if rules.rows <= LARGE_ROWS else {"": 0}


def _built(rival: RteAcl | None) -> Built | None:
    return None if rival is None else Built(rival.seconds, rival.bytes, rival.algorithms())


def _heat(
    trace: str,
    rules: RuleSet,
    columns: Columns,
    classifier: Classifies,
    rivals: Mapping[str, RteAcl],
    rounds: int,
) -> Heat:
    others: dict[str, Callable[[], object]] = {}
    mismatches = 0
    if rivals:
        found = np.empty(len(columns), np.int32)
        classifier.classify(columns, out=found)
    for prefix, rival in rivals.items():
        packets = rival.prepare(columns)
        for algorithm in rival.algorithms():
            answers = rival.classify(packets, algorithm)
            mismatches += int((answers != found).sum())
            others[prefix + algorithm] = partial(_run, rival, algorithm, packets)
    one = time_trace(trace, rules, columns, classifier, rounds, others)
    ours = {field.name: getattr(one, field.name) for field in fields(one)}
    return Heat(
        **ours,
        against=_against(one, others),
        narrow=_against(one, [name for name in others if AVX512 not in name]),
        mismatches=mismatches if rivals else None,
    )


def _against(one: TimedTrace, names: Iterable[str]) -> Ratio | None:
    rivals = {name: one.timings[name] for name in names}
    return ratio(best(rivals), one.timings[OURS]) if rivals else None


def _run(rival: RteAcl, algorithm: str, packets: Any) -> None:
    rival.select(algorithm)
    rival.run(packets)
