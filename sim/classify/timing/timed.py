"""One rule set, several traces: seconds per run, beside physical bounds in the same rounds.

Tables are built from the rules alone and never see a trace. A sample of the answers is compared
with a linear scan. Whoever else shall run in the same rounds comes as `others` (`bench/peers`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.classify import build
from sim.classify.columns import Columns
from sim.classify.engines.linear import scan
from sim.classify.ruleset import RuleSet
from sim.classify.timing.rounds import ROUNDS, Timing, measure

SAMPLE_WORK = 100_000_000
"""Rules times packets of the sample that is compared with a linear scan."""
OURS = "cloison"


class Classifies(Protocol):
    """What is timed: `sim.classify.Classifier`, or anything like it."""

    @property
    def plans(self) -> Any: ...
    def classify(
        self, columns: Columns, *, out: NDArray[np.int32] | None = None
    ) -> NDArray[np.int32]: ...


Builder = Callable[[RuleSet], Classifies]


@dataclass(frozen=True, slots=True)
class Built:
    """What a table took: `seconds` to build, `nbytes` to keep. `engines` hold its parts, `reasons`
    say why."""

    seconds: float
    nbytes: int
    engines: tuple[str, ...]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimedTrace:
    """Seconds per run of everyone on one trace. `of_bound` is the fraction of the bound of twelve
    gathers, `sample_mismatches` how many of the `sampled` answers are not the linear scan's."""

    trace: str
    packets: int
    timings: Mapping[str, Timing]
    of_bound: float
    sampled: int
    sample_mismatches: int

    def mpps(self, name: str) -> float:
        """Million packets per second by the least seconds."""
        return self.packets / self.timings[name].least / 1e6


@dataclass(frozen=True, slots=True)
class TimedRules:
    """All traces of one rule set."""

    name: str
    rules: int
    rows: int
    ours: Built
    traces: tuple[TimedTrace, ...]

    @property
    def mismatches(self) -> int:
        """Wrong answers in all samples."""
        return sum(one.sample_mismatches for one in self.traces)


def timed(
    name: str,
    rules: RuleSet,
    traces: Mapping[str, Columns],
    *,
    rounds: int = ROUNDS,
    builder: Builder = build,
) -> TimedRules:
    """Build once, then every trace."""
    classifier, ours = built(rules, builder)
    found = [
        time_trace(trace, rules, columns, classifier, rounds) for trace, columns in traces.items()
    ]
    return TimedRules(name, len(rules), rules.rows, ours, tuple(found))


def built(rules: RuleSet, builder: Builder) -> tuple[Classifies, Built]:
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


def time_trace(
    trace: str,
    rules: RuleSet,
    columns: Columns,
    classifier: Classifies,
    rounds: int,
    others: Mapping[str, Callable[[], object]] | None = None,
) -> TimedTrace:
    """Everyone in the same rounds, and a sample of our answers compared."""
    n = len(columns)
    found = np.empty(n, np.int32)
    contenders: dict[str, Callable[[], object]] = {
        OURS: lambda: classifier.classify(columns, out=found),
        **bounds(columns),
        **(others or {}),
    }
    timings = measure(contenders, rounds)
    sample = columns.take(slice(0, max(1, min(n, SAMPLE_WORK // max(1, len(rules))))))
    return TimedTrace(
        trace,
        n,
        timings,
        timings["gather12"].least / timings[OURS].least,
        len(sample),
        int((scan(rules, sample) != found[: len(sample)]).sum()),
    )


def bounds(columns: Columns) -> dict[str, Callable[[], object]]:
    """The bounds on these columns, ready to run: `stream` and `gather12`."""
    from sim.kernels.match.bounds import TABLE_SIZE, gather12, stream

    table, out = np.arange(TABLE_SIZE, dtype=np.uint32), np.empty(len(columns), np.int32)
    five = (columns.src, columns.dst, columns.sport, columns.dport, columns.protocol)
    return {
        "stream": lambda: stream(*five, out),
        "gather12": lambda: gather12(table, *five, out),
    }
