"""Rule sets that are chosen to break a table: it is still exact, and within its budget."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from itertools import product
from typing import Any

import numpy as np
import pytest
from rule_sets import hostile_sets
from rule_worlds import force

from sim.classify import build
from sim.classify.axes.lists import distinct_lists
from sim.classify.columns import Columns
from sim.classify.engines.linear import scan
from sim.classify.ruleset import Ranges, Rule, RuleSet, single
from sim.classify.traces import trace


def hosts(src: Any, dst: Any) -> RuleSet:
    """Rules from one address to another each."""
    rules = RuleSet.of([one_pair(0, 0)]).take(np.zeros(len(src), np.int64))
    sides = (
        replace(lists, first=np.asarray(own).astype(np.uint32))
        for lists, own in ((rules.src4, src), (rules.dst4, dst))
    )
    return replace(rules, **dict(zip(("src4", "dst4"), sides, strict=True)))


def in_classes(rules: RuleSet, width: int) -> RuleSet:
    """Every other rule with a source port range, others with a destination port range."""
    i = np.arange(len(rules))
    first = (i // 2 % (65_536 // width) * width).astype(np.uint16)
    whole = np.zeros(len(i), np.uint16), np.full(len(i), 65_535, np.uint16)
    own, odd = (first, first + np.uint16(width - 1)), i % 2 == 1
    sport, dport = (
        Ranges(single(len(i)), *(np.where(which, a, b) for a, b in zip(own, whole, strict=True)))
        for which in (odd, ~odd)
    )
    return replace(rules, sport=sport, dport=dport)


def many_vnis(n: int) -> RuleSet:
    """A rule per VNI, and port classes that only all of them together tell apart."""
    some = np.zeros(n)
    return replace(in_classes(hosts(some, some), 200), vni=np.arange(n))


def crowded_pairs(n: int) -> RuleSet:
    """Prefix pairs of six rules each, which tell many port classes apart."""
    pair = np.arange(6 * n) // 6
    return in_classes(hosts(pair * 4_194_368 + 1, pair * 506_816 + 3), 500)


def metas(n: int) -> RuleSet:
    """Random sets of protocols, states and DSCP values."""
    rng = np.random.default_rng(n)
    return replace(
        hosts(rng.integers(0, 1 << 32, n), np.zeros(n)),
        protocol=rng.integers(0, 1 << 63, (n, 4)).astype(np.uint64),
        state=rng.integers(1, 16, n).astype(np.uint8),
        dscp=rng.integers(1, 1 << 63, n).astype(np.uint64),
    )


def two_per_block(n: int) -> RuleSet:
    """Two addresses in every /24 of either side."""
    i = np.arange(n)
    address = i // 2 * 256 + 10 + i % 2 * 100
    return hosts(address, address[np.random.default_rng(n).permutation(n)])


HOSTILE = {
    "ranges that all differ": (lambda: hostile_sets.ranges(600), 64 << 20),
    "copies under other addresses": (lambda: hostile_sets.copies("ipc", 3_000, 5), 64 << 20),
    "the same with little memory": (lambda: hostile_sets.copies("fw", 1_000, 5), 4 << 20),
    "no memory at all": (lambda: hostile_sets.ranges(100), 0),
    "many VNIs × port classes": (lambda: many_vnis(600), 8 << 20),
    "pairs of many rules": (lambda: crowded_pairs(300), 4 << 20),
    "protocols, states and DSCP": (lambda: metas(2_000), 16 << 20),
    "two addresses in each /24": (lambda: two_per_block(5_000), 7 << 20),
}


KEYS = {"state": np.arange(1000, dtype=np.uint8) % 4, "dscp": np.arange(1000, dtype=np.uint8) % 64}


@pytest.mark.slices(3)
@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_tables_stay_within_the_budget_and_exact(case: str) -> None:
    """Tables that explode grids and pair tables get another engine, and say why."""
    make, budget = HOSTILE[case]
    rules = make()
    classifier = build(rules, budget=budget)
    tables_only = sum(p.nbytes for p in classifier.plans if p.engine != "linear")
    assert tables_only <= max(budget, 2 << 20)
    assert all(plan.reason for plan in classifier.plans)
    for kind in ("uniform", "corner", "mixed", "random"):
        packets = replace(trace(rules, kind, 1000), **KEYS)
        assert (classifier.classify(packets) == scan(rules, packets)).all()


def all_zero(n: int) -> Columns:
    """Packets from 0.0.0.0 to 0.0.0.0."""
    return Columns(
        *np.zeros((2, n), np.uint32), *np.zeros((2, n), np.uint16), np.zeros(n, np.uint8)
    )


def test_an_empty_slot_is_no_rule(lanes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zeros in it would be a rule from 0.0.0.0 to 0.0.0.0 with the first rule's protocols."""
    force("hybrid", monkeypatch)
    first = one_pair(0x0A000001, 0x0A000001, protocols=(0,))
    asked = [one_pair(0, 0x09090909, dport=((7, 7),)), one_pair(0x09090909, 0, dport=((7, 7),))]
    for seed in range(12):
        rng = np.random.default_rng(seed)
        others = [
            one_pair(*rng.integers(1 << 32, size=2).tolist(), protocols=(k, 0)[: 1 + k % 2])
            for k in range(1, 60)
        ]
        rules = RuleSet.of([first, *others, *asked])
        assert (build(rules).classify(all_zero(64)) == -1).all()


def one_pair(src: int, dst: int, **others: Any) -> Rule:
    """A rule from one address to another one."""
    return Rule(src=(IPv4Network(src),), dst=(IPv4Network(dst),), **others)


@pytest.mark.parametrize("attempts", [8, 1])
def test_keys_that_were_chosen_to_collide(
    attempts: int, lanes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two keys that no displacement parts need another seed; without one, rules are searched."""
    force("hybrid", monkeypatch)
    monkeypatch.setattr("sim.classify.tuple_space.records.ATTEMPTS", attempts)
    pairs = (0x0A000002, 0x0B000001), (0xFECB60C4, 0xF57FAF9C)
    classifier = build(RuleSet.of([one_pair(*pair) for pair in pairs]))
    assert classifier.plans[0].engine == ("hybrid" if attempts > 1 else "linear")
    src, dst = np.array(pairs, np.uint32).T.copy()
    packets = replace(all_zero(2), src=src, dst=dst)
    assert classifier.classify(packets).tolist() == [0, 1]


@pytest.mark.parametrize("n_members", [1, 2, 3, 4])
def test_lists_over_few_members(n_members: int) -> None:
    """All lists of up to four members are told apart, however often they repeat them."""
    lists = [list(found) for n in range(5) for found in product(range(n_members), repeat=n)]
    off = np.cumsum([0, *map(len, lists)])
    items = np.array([item for found in lists for item in found], np.int64)
    assert distinct_lists(off, items, n_members).of.tolist() == list(range(len(lists)))


def test_lists_that_repeat_their_members() -> None:
    """Sums of what is in them, weighted by place, are equal: 1 + 7 = 3 + 5."""
    a, b = IPv4Network("10.0.0.0/8"), IPv4Network("11.0.0.0/8")
    p, q = (80, 80), (443, 443)
    build(RuleSet.of([Rule(src=(a, b, b, a)), Rule(src=(b, a, a, b))]))
    build(RuleSet.of([Rule(dport=(p, q, q, p)), Rule(dport=(q, p, p, q))]))
