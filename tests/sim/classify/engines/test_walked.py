"""How many rules a packet meets in its cell's list: counted one by one, and what that chooses."""

from __future__ import annotations

from ipaddress import IPv4Address

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from walked_rules import NETS, RULES

from sim.classify.choose import unkeyed
from sim.classify.engines.cells import records_of
from sim.classify.engines.plan import BUDGET
from sim.classify.engines.walked import SAMPLE, SEED, walked
from sim.classify.ruleset import Rule, RuleSet
from sim.classify.traces import trace


def naive(rules: RuleSet, some: list[Rule], kind: str) -> float:
    """Packet by packet, rule by rule."""
    packets, times, met = trace(rules, kind, SAMPLE, seed=SEED), records_of(rules), 0
    for i in range(SAMPLE):
        for number, rule in enumerate(some):
            ends = (int(packets.src[i]), rule.src), (int(packets.dst[i]), rule.dst)
            inside = all(any(IPv4Address(ip) in net for net in nets) for ip, nets in ends)
            met += int(times[number]) * inside
            ports = (int(packets.sport[i]), rule.sport), (int(packets.dport[i]), rule.dport)
            fits = all(any(a <= port <= b for a, b in ranges) for port, ranges in ports)
            known = rule.protocols is None or int(packets.protocol[i]) in rule.protocols
            if inside and fits and known:
                break
    return met / SAMPLE


@settings(max_examples=25)
@given(st.lists(RULES, min_size=1, max_size=12))
def test_rules_are_met_until_one_holds(some: list[Rule]) -> None:
    rules = RuleSet.of(some)
    mean = np.mean([naive(rules, some, kind) for kind in ("uniform", "random")])
    assert np.isclose(walked(rules, records_of(rules)), mean)


def test_long_lists_are_not_chosen_because_they_are_small() -> None:
    """Many rules for half of all addresses, which few packets fit: a list of all of them."""
    rng = np.random.default_rng(1)
    some = [
        Rule(
            src=(NETS[1 + i % 2],),
            dst=(NETS[1 + i // 2 % 2],),
            sport=((int(a), int(a) + 5),),
            dport=((int(b), int(b)),),
        )
        for i, (a, b) in enumerate(rng.integers(0, 60000, (2000, 2)))
    ]
    rules = RuleSet.of(some)
    assert walked(rules, records_of(rules)) > 100
    assert unkeyed(rules, np.arange(len(some)), BUDGET, "rules")[1].engine == "hybrid"
