"""Gates of the benchmark's page judge by the worst cell."""

from __future__ import annotations

from dataclasses import replace

from peers.contest import Contest, Heat
from rule_sets.gates import GATES, VERDICTS, judge, rows
from rule_sets.ratios import Ratio

from sim.classify.timing.rounds import Timing
from sim.classify.timing.timed import Built

N = 3000


def heat(kind: str, times: float) -> Heat:
    return Heat(kind, N, {"cloison": Timing(1, 1)}, 0.5, N, 0, Ratio(times, times + 1), None, 0)


def test_gates_are_judged_by_their_worst_cell() -> None:
    ours = Built(0.05, 1000 * 100, ("keyed",))
    heats = (heat("uniform", 5), heat("zipf", 3), heat("random", 1))
    policy = Contest("policy-1k", 50, 1000, ours, heats, None, None, False, None)
    other = replace(policy, name="dash-1k", traces=(heat("mixed", 1.3),), rows=100_000)
    verdicts = {verdict.gate.what: verdict for verdict in judge([policy, other])}
    assert len(verdicts) == len(GATES)
    speed = verdicts["policy-1k: times rte_acl"]
    assert (speed.found, speed.where, speed.met, speed.pushed) == (3, "policy-1k zipf", True, False)
    assert verdicts["random headers, any set: times rte_acl"].met is False
    assert verdicts["sets not used while tuning, any trace: times rte_acl"].found == 1.3
    assert verdicts["policy-1k, policy-6k: fraction of twelve gathers"].met is True
    assert verdicts["build about 1k rows, s"].pushed is False
    assert verdicts["build about 100k rows, s"].pushed is True
    assert verdicts["policy tables: bytes per row"].found == 100
    assert verdicts["fw-10k: times rte_acl"].met is None
    assert all(row.keys() == VERDICTS.keys() for row in rows([*verdicts.values()]))
