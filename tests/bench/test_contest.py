"""Contests compare everyone's answers, and tell who took no part."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from peers import contest as contests
from peers import results as report
from peers.contest import Contest, contest
from rule_sets.catalogue import generate
from rule_sets.gates import worse
from rule_sets.ratios import Ratio, best, ratio

from fabric.diagnostics import MachineError
from sim.classify.columns import Columns
from sim.classify.engines.linear import scan
from sim.classify.engines.plan import TablePlan
from sim.classify.ruleset import Rule, RuleSet
from sim.classify.timing.machine import machine
from sim.classify.timing.rounds import Timing
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
        if out is None:
            return found
        out[:] = found
        return out


def no_dpdk(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object, **__: object) -> None:
        raise MachineError("libdpdk is not installed")

    monkeypatch.setattr(contests, "RteAcl", absent)


def run(name: str, wrong: int = 0, **options: int) -> Contest:
    rules = generate(name)
    traces = {"uniform": trace(rules, "uniform", N), "random": trace(rules, "random", N)}
    return contest(
        name, rules, traces, rounds=2, builder=lambda rules: Slow(rules, wrong), **options
    )


@pytest.mark.oracle("rte_acl")
def test_everyone_is_timed_and_answers_agree() -> None:
    found = run("policy-1k")
    assert [heat.trace for heat in found.traces] == ["uniform", "random"]
    assert found.mismatches == 0
    if found.skipped is None:
        assert {"cloison", "stream", "gather12", "sse", "large sse"} <= set(found.traces[0].timings)
        assert found.traces[0].against is not None
        assert found.traces[0].against.least < 1
        assert found.traces[0].mismatches == 0


def test_wrong_answers_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    no_dpdk(monkeypatch)
    found = run("policy-1k", wrong=7)
    assert found.mismatches == 14
    assert [heat.sample_mismatches for heat in found.traces] == [7, 7]


def test_without_rte_acl_the_rest_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    no_dpdk(monkeypatch)
    found = run("acl-1k")
    assert found.skipped == "rte_acl skipped: libdpdk is not installed"
    assert found.traces[0].against is None
    assert report.notes([found]) == ["acl-1k: rte_acl skipped: libdpdk is not installed"]
    assert report.speeds([found])[0]["rival_mpps"] is None


def test_too_many_rows_are_not_built() -> None:
    found = run("policy-1k", most_rows=100)
    assert found.skipped == "rte_acl skipped: 751 rows, more than the 100 it is asked to build"


def test_what_rte_acl_cannot_hold_is_told() -> None:
    rules = RuleSet.of([Rule(state=1)])
    packets = replace(trace(rules, "uniform", 100), state=np.zeros(100, np.uint8))
    found = contest("stateful", rules, {"own": packets}, rounds=1, builder=Slow)
    assert found.skipped == "rte_acl skipped: rules look at state, for which rows have no field"
    assert found.mismatches == 0


def test_the_best_of_several_algorithms_counts() -> None:
    two = {"sse": Timing(4, 9), "avx2": Timing(5, 6)}
    assert best(two) == Timing(4, 6)
    assert ratio(best(two), Timing(2, 2)) == Ratio(2, 3)
    assert worse(ratio(best(two), Timing(2, 2))) == 2


def test_the_document_is_json_and_has_it_all() -> None:
    found = contest(
        "mine",
        RuleSet.of([Rule(dport=((80, 80),)), Rule()]),
        {"t": trace(RuleSet.of([Rule()]), "random", 100)},
        rounds=1,
        builder=Slow,
    )
    document = json.loads(json.dumps(report.document([found], machine())))
    assert document["schema"] == "cloison/contest/2"
    assert document["sets"][0]["traces"][0]["timings"]["cloison"]["least"] > 0
    assert {"processor", "load", "dpdk"} <= set(document["machine"])
    assert set(report.SPEEDS) <= set(document["speeds"][0])
    assert set(report.BUILDS) <= set(document["builds"][0])
