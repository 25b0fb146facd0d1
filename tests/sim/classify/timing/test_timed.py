"""What is timed is compared with a linear scan, in rounds that leave the process as it was."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

import numpy as np
import pytest
from rule_sets.catalogue import generate

from sim.classify.columns import Columns
from sim.classify.engines.linear import scan
from sim.classify.engines.plan import TablePlan
from sim.classify.ruleset import Rule, RuleSet
from sim.classify.timing import results as report
from sim.classify.timing.machine import machine
from sim.classify.timing.rounds import alone, measure
from sim.classify.timing.timed import bounds, timed
from sim.classify.traces import trace

N = 3000


@dataclass
class Slow:
    """A classifier that tries every rule; `wrong` of its answers are not the rules'."""

    rules: RuleSet
    wrong: int = 0
    plans: tuple[TablePlan, ...] = (TablePlan("all", "linear", "for a test", 100, 0.0),)

    def classify(self, columns: Columns, *, out: np.ndarray | None = None) -> np.ndarray:
        found = scan(self.rules, columns)
        found[: self.wrong] += 1
        assert out is not None
        out[:] = found
        return found


@pytest.mark.parametrize("wrong", [0, 7])
def test_wrong_answers_are_counted(wrong: int) -> None:
    rules = generate("policy-1k")
    traces = {kind: trace(rules, kind, N) for kind in ("uniform", "random")}
    found = timed("mine", rules, traces, rounds=1, builder=lambda own: Slow(own, wrong))
    assert [one.sample_mismatches for one in found.traces] == [wrong, wrong]
    assert [one.sampled for one in found.traces] == [N, N]
    assert found.mismatches == 2 * wrong
    assert [row["mismatches"] for row in report.speeds([found])] == [wrong, wrong]


def test_the_document_is_json_and_has_it_all() -> None:
    rules = RuleSet.of([Rule(dport=((80, 80),)), Rule()])
    found = timed("mine", rules, {"t": trace(rules, "random", 100)}, rounds=1)
    document = json.loads(json.dumps(report.document([found], machine())))
    (one,) = document["sets"][0]["traces"]
    assert {"cloison", "stream", "gather12"} == set(one["timings"])
    assert all(0 < timing["least"] <= timing["median"] for timing in one["timings"].values())
    assert {"processor", "load", "numba"} <= set(document["machine"])
    assert set(report.SPEEDS) <= set(document["speeds"][0])
    assert set(report.BUILDS) <= set(document["builds"][0])
    (row,) = document["speeds"]
    least = {name: timing["least"] for name, timing in one["timings"].items()}
    assert row["of_bound"] == round(least["gather12"] / least["cloison"], 2)


def test_rounds_leave_the_process_as_it_was() -> None:
    before = os.sched_getaffinity(0), os.sched_getscheduler(0)
    with alone():
        assert len(os.sched_getaffinity(0)) == 1
    with pytest.raises(ZeroDivisionError), alone():
        _ = 1 / 0
    assert (os.sched_getaffinity(0), os.sched_getscheduler(0)) == before


def test_rounds_are_interleaved_and_short_runs_repeated() -> None:
    calls: list[str] = []
    found = measure({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3)
    order = [name for name, after in zip(calls, [*calls[1:], "-"], strict=True) if name != after]
    assert order == ["a", "b"] * 4
    assert len(calls) > 1000
    assert all(0 < timing.least <= timing.median for timing in found.values())


@pytest.mark.parametrize("version", [4, 6])
def test_bounds_run_on_either_ip_version(version: int) -> None:
    rules = RuleSet.of([Rule()])
    for run_once in bounds(trace(rules, "random", 100, version)).values():
        run_once()
