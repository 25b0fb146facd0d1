"""What the classifier refuses before any kernel reads it (C740, C746)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rule_worlds import SHAPES, random_rules

from fabric.diagnostics import InputError
from sim.classify import build
from sim.classify.ruleset import Prefixes, Rule, RuleSet

RULES = random_rules(SHAPES["both versions"], 1)
WRONG_IDS: dict[str, Any] = {
    "too few": np.arange(3),
    "a list": [5] * len(RULES),
    "no integers": np.full(len(RULES), 0.5),
    "beyond 31 bits": np.arange(len(RULES)) << 33,
    "of other blocks": np.arange(len(RULES)) - 5,
}


def with_prefix(first: int, length: int) -> RuleSet:
    """The rules with their first IPv4 source prefix changed."""
    lists = RULES.src4
    changed = lists.first.copy(), lists.length.copy()
    changed[0][0], changed[1][0] = first, length
    return replace(RULES, src4=Prefixes(lists.off, *changed))


def wrong_rules() -> dict[str, RuleSet]:
    """Columns that no rule written as `Rule` has."""
    src4, src6, ports = RULES.src4, RULES.src6, RULES.dport
    off = src4.off.copy()
    off[1] = off[-1] + 7
    low = src6.lo.copy()
    low[src6.length < 128] |= np.uint64(1)
    return {
        "host bits": with_prefix(0x0A000001, 8),
        "200 bits": with_prefix(0, 200),
        "host bits of IPv6": replace(RULES, src6=replace(src6, lo=low)),
        "a range that ends": replace(RULES, dport=replace(ports, first=ports.last + np.uint16(1))),
        "offsets": replace(RULES, src4=replace(src4, off=off)),
        "column first": replace(RULES, src4=replace(src4, first=src4.first.astype(np.int64))),
        "column vni": replace(RULES, vni=RULES.vni.astype(float)),
        "column state": replace(RULES, state=RULES.state[1:]),
        "column protocol": replace(RULES, protocol=RULES.protocol[:, :2]),
        "direction 7": replace(RULES, direction=np.full(len(RULES), 7, np.int8)),
        "endpoint -9": replace(RULES, endpoint=np.full(len(RULES), -9)),
    }


@pytest.mark.parametrize("what", wrong_rules())
def test_columns_that_no_rules_have(what: str) -> None:
    rules = wrong_rules()[what]
    with pytest.raises(InputError, match="C746") as error:
        build(rules)
    assert what.removesuffix(" of IPv6") in str(error.value)
    with pytest.raises(InputError, match="C746"):
        build(RULES).update(1, rules, np.arange(len(rules)))


@pytest.mark.parametrize("what", WRONG_IDS)
def test_answers_that_are_none(what: str) -> None:
    with pytest.raises(InputError, match="ids"):
        build(RULES, ids=WRONG_IDS[what])


@pytest.mark.parametrize("budget", [-1, None, "1", float("nan")])
def test_budgets_are_bytes(budget: Any) -> None:
    with pytest.raises(InputError, match="budget"):
        build(RULES, budget=budget)


def test_good_rules_pass() -> None:
    for shape in SHAPES.values():
        assert build(random_rules(shape, 3)).plans
    assert not build(RuleSet.of([])).plans
    assert build(RuleSet.of([Rule()])).plans
