"""The benchmark's rule sets stay what they are, and hold what they promise."""

from __future__ import annotations

from dataclasses import fields
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from rule_sets import hostile_sets
from rule_sets.catalogue import SETS, generate, source

from sim.classify.expand import expanded
from sim.classify.ruleset import RuleSet

FROZEN = {
    "policy-1k": "c7c63ef3a9dbf512",
    "policy-6k": "3756ab7d2cc93ea6",
    "policy-50k": "3936b842ae83ec1d",
    "policy6-1k": "84147746e69c13ac",
    "sparse-50k": "4acb40ea52b10c86",
    "dash-1k": "22630c9857c00e40",
    "acl-1k": "9c2716d631939e56",
    "fw-1k": "1a318358f12b55b7",
    "ipc-1k": "ad5923fe9e293acb",
    "acl-10k": "95f484e331720524",
    "fw-10k": "35a9114f6f6cced7",
    "ipc-10k": "263297c3554c5f02",
    "unseen6-acl": "a7e0002a6d88bace",
    "fresh-policy-1k": "091d3d47bea3b6fc",
    "fresh-acl-1k": "e0c1a4d32bfa7509",
    "fresh-crossed-fw-1k": "e43c99e972843412",
    "fresh-crossed-wide-4k": "fb8b080f546c5737",
    "fresh-dash-16": "fec1538f4ce7aec8",
    "fresh-ranges": "9a7f6a946ed76388",
    "hostile-ranges": "75f311a064f81555",
}


def digest(rules: RuleSet) -> str:
    """Of every column, lists included."""
    found = sha256()

    def add(value: Any) -> None:
        if isinstance(value, np.ndarray):
            found.update(f"{value.dtype.str}{value.shape}".encode() + value.tobytes())
        else:
            for field in fields(value):
                add(getattr(value, field.name))

    add(rules)
    return found.hexdigest()[:16]


@pytest.mark.parametrize("name", FROZEN)
def test_sets_are_frozen(name: str) -> None:
    assert digest(generate(name)) == FROZEN[name]


@pytest.mark.parametrize(
    "name, rows",
    [("policy-1k", 1e3), ("policy-6k", 6e3), ("policy-50k", 5e4), ("policy-200k", 2e5)],
)
def test_policy_tables_have_about_as_many_rows_as_their_name_says(name: str, rows: float) -> None:
    assert 0.7 * rows < generate(name).rows < 1.3 * rows


@pytest.mark.parametrize("name", ["policy-1k", "policy6-1k", "dash-1k", "sparse-50k"])
def test_no_rule_is_empty_and_lists_stay_lists(name: str) -> None:
    rules, version = generate(name), SETS[name].version
    rows = expanded(rules, version)
    assert len(rows) == rules.rows > 5 * len(rules)
    assert len(np.unique(rows.rule)) == len(rules)


@pytest.mark.parametrize("family", ["acl", "fw", "ipc"])
def test_firewall_rules_are_distinct_and_none_is_hidden_by_order(family: str) -> None:
    rules = generate(f"{family}-1k")
    columns = [rules.src4.first, rules.src4.length, rules.dst4.first, rules.dst4.length]
    columns += [rules.sport.first, rules.sport.last, rules.dport.first, rules.dport.last]
    table = np.column_stack([*columns, rules.protocol]).astype(np.uint64)
    assert len(np.unique(table, axis=0)) == len(rules)
    wide = rules.src4.length.astype(int) + rules.dst4.length
    half = len(rules) // 2
    assert wide[:half].mean() > wide[half:].mean()


def test_hostile_ranges_cut_every_axis_into_hundreds_of_intervals() -> None:
    rules = generate("hostile-ranges")
    for side in (rules.sport, rules.dport):
        assert len(np.unique(np.concatenate([side.first, side.last]))) > 2000
    assert len(np.unique(rules.vni)) == 1


def test_copies_keep_prefix_lengths_and_multiply_addresses() -> None:
    rules, one = hostile_sets.copies("fw", 1000, 5), generate("fw-1k")
    assert len(rules) == 5 * len(one)
    assert (rules.src4.length == np.repeat(one.src4.length, 5)).all()
    few, many = (len(np.unique(r.src4.first)) for r in (one, rules))
    assert many > 4 * few


def test_unknown_sets_are_told() -> None:
    with pytest.raises(ValueError, match='did you mean "acl-10k"'):
        source("acl-10")
