"""An update of one VNI's rules changes that VNI's answers and nothing else, or is declined."""

from __future__ import annotations

from ipaddress import IPv6Network

import numpy as np
import pytest
from rule_worlds import SHAPES, boundary_packets, random_list, random_rules

from fabric.diagnostics import InputError
from sim.classify import build
from sim.classify import choose as tables
from sim.classify.engines.linear import scan
from sim.classify.ruleset import ANY, Rule, RuleSet


@pytest.mark.slices(2)
@pytest.mark.parametrize("shape", ["VNI", "all keys"])
def test_an_update_changes_one_vni(shape: str) -> None:
    """The changed VNI answers by its new rules, every other packet as before, again and again."""
    first = random_list(SHAPES[shape], 2)
    everyone = [rule for rule in first if rule.vni == ANY]
    rules = RuleSet.of(first)
    classifier = build(rules)
    packets = boundary_packets(rules, 4, 3000, 5)
    before, laid_out_anew = classifier.classify(packets), 0
    for turn in range(40):
        vni = 1 + turn % 5
        fresh = [rule for rule in random_list(SHAPES[shape], 100 + turn) if rule.vni == vni]
        whole = RuleSet.of(fresh + everyone)
        ids = np.arange(len(whole)) + 1000 * turn
        room = classifier.tables[4].layout.free_block  # type: ignore[attr-defined]
        assert classifier.update(vni, whole, ids)
        laid_out_anew += classifier.tables[4].layout.free_block < room  # type: ignore[attr-defined]
        after, mine = classifier.classify(packets), packets.vni == vni
        rows = scan(whole, packets.take(mine))
        assert (after[mine] == np.where(rows < 0, -1, ids[rows])).all()
        assert (after[~mine] == before[~mine]).all()
        before = after
    assert laid_out_anew


def test_an_update_that_needs_another_table_is_declined() -> None:
    """Unknown VNIs and endpoints change nothing."""
    rules = random_rules(SHAPES["all keys"], 2)
    classifier = build(rules)
    packets = boundary_packets(rules, 4, 500, 5)
    before = classifier.classify(packets)
    one = np.zeros(1, np.int64)
    assert not classifier.update(77, RuleSet.of([Rule(vni=77)]), one)
    assert not classifier.update(1, RuleSet.of([Rule(vni=1, endpoint=1000)]), one)
    assert (classifier.classify(packets) == before).all()


def test_an_update_of_both_versions() -> None:
    """IPv6 rules are updated too, as long as their prefixes had names before."""
    first = random_list(SHAPES["both versions"], 4)
    rules = RuleSet.of(first)
    classifier = build(rules)
    mine = [rule for rule in first if rule.vni in (ANY, 2)][1:]
    ids = np.arange(len(mine)) + 500
    assert classifier.update(2, RuleSet.of(mine), ids)
    for version in (4, 6):
        packets = boundary_packets(rules, version, 2000, 1)
        packets = packets.take(packets.vni == 2)
        rows = scan(RuleSet.of(mine), packets)
        assert (classifier.classify(packets) == np.where(rows < 0, -1, ids[rows])).all()
    strange = RuleSet.of([Rule(vni=2, src=(IPv6Network("2001:db8:dead::/48"),))])
    assert not classifier.update(2, strange, np.zeros(1, np.int64))


def test_an_update_with_other_arguments_is_refused() -> None:
    """Rules of another VNI, and ids that are too few, no integers, or say that nothing matched."""
    classifier = build(random_rules(SHAPES["VNI"], 2))
    one = RuleSet.of([Rule(vni=1)])
    for rules, ids in ((RuleSet.of([Rule(vni=2)]), [0]), (one, [0, 1]), (one, [0.5]), (one, [-1])):
        with pytest.raises(InputError, match="C746"):
            classifier.update(1, rules, np.array(ids))


def test_updates_of_a_table_with_blocks_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of other engines keep their numbers when everything is laid out anew."""
    monkeypatch.setattr(tables, "BLOCK_PLACES", 60)
    first = random_list(SHAPES["all keys"], 3)
    everyone = [rule for rule in first if rule.vni == ANY]
    rules = RuleSet.of(first)
    classifier = build(rules)
    assert classifier.tables[4].others  # type: ignore[attr-defined]
    packets = boundary_packets(rules, 4, 3000, 2)
    done = 0
    for turn in range(30):
        vni = 1 + turn % 5
        mine = [r for r in random_list(SHAPES["all keys"], 50 + turn) if r.vni == vni][:3]
        whole = RuleSet.of(mine + everyone)
        before = classifier.classify(packets)
        changed = classifier.update(vni, whole, np.arange(len(whole)))
        done += changed
        after, own = classifier.classify(packets), packets.vni == vni
        assert (after[~own] == before[~own]).all()
        expected = scan(whole, packets.take(own)) if changed else before[own]
        assert (after[own] == expected).all()
    assert done
