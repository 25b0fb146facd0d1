"""A contest: one rule set, several traces, and everyone who classifies them, in one process.

cloison builds from the rules alone and answers on columns; rte_acl gets the same rules as rows, and
the same packets as records. The best of its scalar, SSE and AVX2 algorithms counts; AVX-512 is told
beside it. Physical bounds run in the same rounds. Ids are compared with rte_acl over the whole
trace, and with a linear scan on a sample.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fabric.diagnostics import CapacityError, MachineError
from sim.classify import build
from sim.classify.columns import Columns
from sim.classify.contest.rounds import ROUNDS, Ratio, Timing, best, measure, ratio
from sim.classify.contest.rte_acl import RteAcl
from sim.classify.linear import scan
from sim.classify.ruleset import RuleSet

RIVALS = ("scalar", "sse", "avx2")
SAMPLE_WORK = 100_000_000
"""Rules times packets of the sample that is compared with a linear scan."""
MOST_ROWS = 400_000
"""Rows that rte_acl is asked to build: more take it minutes and gigabytes."""


class Classifies(Protocol):
    """What takes part: `sim.classify.Classifier`, or anything like it."""

    @property
    def plans(self) -> Any: ...
    def classify(
        self, columns: Columns, *, out: NDArray[np.int32] | None = None
    ) -> NDArray[np.int32]: ...


@dataclass(frozen=True, slots=True)
class Built:
    """What a table took: `seconds` to build, `nbytes` to keep. `engines` hold its parts (rte_acl:
    its algorithms on this host), `reasons` say why."""

    seconds: float
    nbytes: int
    engines: tuple[str, ...]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heat:
    """One trace: seconds per run of everyone, and how often answers differed.

    `against` is the ratio to the best rte_acl algorithm, `of_bound` the fraction of the bound of
    twelve gathers; `mismatches` is None where there was nobody to compare with.
    """

    trace: str
    packets: int
    timings: Mapping[str, Timing]
    against: Ratio | None
    of_bound: float
    mismatches: int | None
    sampled: int
    sample_mismatches: int

    def mpps(self, name: str) -> float:
        """Million packets per second by the least seconds."""
        return self.packets / self.timings[name].least / 1e6


@dataclass(frozen=True, slots=True)
class Contest:
    """All heats of one rule set. `skipped` says why rte_acl takes no part."""

    name: str
    rules: int
    rows: int
    ours: Built
    rival: Built | None
    huge_pages: bool | None
    skipped: str | None
    heats: tuple[Heat, ...] = field(default=())

    @property
    def mismatches(self) -> int:
        """Of all heats, against anyone."""
        return sum((heat.mismatches or 0) + heat.sample_mismatches for heat in self.heats)


def contest(
    name: str,
    rules: RuleSet,
    traces: Mapping[str, Columns],
    *,
    rounds: int = ROUNDS,
    most_rows: int = MOST_ROWS,
    builder: Callable[[RuleSet], Classifies] = build,
) -> Contest:
    """Build once, then every trace; a rule set is 32-bit or 128-bit by its first trace."""
    versions = {columns.version for columns in traces.values()}
    with ExitStack() as stack:
        classifier, ours = _built(rules, builder)
        rival, skipped = None, None
        try:
            rival = stack.enter_context(_rival(rules, versions, most_rows))
        except (MachineError, CapacityError) as error:
            skipped = f"rte_acl skipped: {error}"
        heats = [
            _heat(trace, rules, columns, classifier, rival, rounds)
            for trace, columns in traces.items()
        ]
        built = None if rival is None else Built(rival.seconds, rival.bytes, rival.algorithms())
        return Contest(
            name,
            len(rules),
            rules.rows,
            ours,
            built,
            None if rival is None else rival.huge,
            skipped,
            tuple(heats),
        )


def _built(rules: RuleSet, builder: Callable[[RuleSet], Classifies]) -> tuple[Classifies, Built]:
    """The best of three builds while that is quick: the first one compiles kernels."""
    seconds: list[float] = []
    while len(seconds) < 3 and (len(seconds) < 2 or sum(seconds) < 2):
        begin = time.perf_counter()
        classifier = builder(rules)
        seconds.append(time.perf_counter() - begin)
    plans = classifier.plans
    return classifier, Built(
        min(seconds),
        sum(plan.nbytes for plan in plans),
        tuple(plan.engine for plan in plans),
        tuple(f"{plan.name}: {plan.reason}" for plan in plans),
    )


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
    n = len(columns)
    found = np.empty(n, np.int32)
    contenders: dict[str, Callable[[], object]] = {
        "cloison": lambda: classifier.classify(columns, out=found),
        **bounds(columns),
    }
    mismatches = None
    if rival is not None:
        classifier.classify(columns, out=found)
        packets = rival.prepare(columns)
        mismatches = 0
        for algorithm in rival.algorithms():
            answers = rival.classify(packets, algorithm)
            mismatches += int((answers != found).sum())
            contenders[algorithm] = partial(_run, rival, algorithm, packets)
    timings = measure(contenders, rounds)
    rivals = {name: timings[name] for name in RIVALS if name in timings}
    sample = columns.take(slice(0, max(1, min(n, SAMPLE_WORK // max(1, len(rules))))))
    return Heat(
        trace,
        n,
        timings,
        ratio(best(rivals), timings["cloison"]) if rivals else None,
        timings["gather12"].least / timings["cloison"].least,
        mismatches,
        len(sample),
        int((scan(rules, sample) != found[: len(sample)]).sum()),
    )


def _run(rival: RteAcl, algorithm: str, packets: Any) -> None:
    rival.select(algorithm)
    rival.run(packets)


def bounds(columns: Columns) -> dict[str, Callable[[], object]]:
    """The bounds on these columns, ready to run: `stream` and `gather12`."""
    from sim.kernels.match.bounds import TABLE_SIZE, gather12, stream

    table, out = np.arange(TABLE_SIZE, dtype=np.uint32), np.empty(len(columns), np.int32)
    five = (columns.src, columns.dst, columns.sport, columns.dport, columns.protocol)
    return {
        "stream": lambda: stream(*five, out),
        "gather12": lambda: gather12(table, *five, out),
    }
