"""Blocks and engines paint alike: of the rules that hold a cell, the first is what stays."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.policy.stages import DROPPED
from sim.blocks.tabulate import Merged, Patterns
from sim.kernels.match.paint import Boxes, paint_rules


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 6), st.integers(1, 8), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_the_first_rule_that_holds_a_cell_is_tables(
    rules: int, cells: int, ports: int, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    rows, columns = (chance.random((rules, n)) < 0.5 for n in (cells, ports))
    merged = [
        Merged(number, np.arange(held.shape[1], dtype=np.int32), held)
        for number, held in enumerate((rows, columns))
    ]
    blocks = Patterns().tabulated("vrf", *merged).order
    for i in range(cells):
        for j in range(ports):
            holding = [r for r in range(rules) if rows[r, i] and columns[r, j]]
            assert blocks[i, j] == min(holding, default=rules)
    assert painted_by_kernel(rows, columns).tolist() == blocks.tolist()


def test_equal_tables_that_do_otherwise_are_chains_of_their_own() -> None:
    """One rule for one of two cells, as a permit and as a denial."""
    patterns = Patterns()
    cells, ports = np.array([[True, False]]), np.array([[True]])
    merged = [
        Merged(number, np.arange(held.shape[1], dtype=np.int32), held)
        for number, held in enumerate((cells, ports))
    ]
    table = patterns.tabulated("vrf", *merged)
    for goes, denied in (([1, DROPPED], [-1, 0]), ([DROPPED, 1], [0, -1])):
        found = patterns.chained("vrf", [(table, 0, np.array(goes, np.int8))])
        assert found.stage[found.values[:, 0]].tolist() == denied


def test_what_a_stage_ended_is_denied_by_none_that_comes_later() -> None:
    """A rule of the first of two stages ends the evaluation of one of two cells."""
    cells, ports, nothing = np.array([[True, False]]), np.array([[True]]), np.zeros((0, 1), bool)
    patterns, of = Patterns(), np.zeros(1, np.int32)
    held = Merged(0, np.arange(2, dtype=np.int32), cells), Merged(1, of, ports)
    some = patterns.tabulated("vrf", *held)
    rest = patterns.tabulated(
        "vrf", Merged(2, np.zeros(2, np.int32), nothing), Merged(3, of, nothing)
    )
    ends, denies = np.array([2, 1], np.int8), np.array([DROPPED], np.int8)
    found = patterns.chained("vrf", [(some, 0, ends), (rest, 1, denies)])
    at = found.values[found.rows, 0]
    assert found.stage[at].tolist() == [-1, 1]
    assert found.matched[at].tolist() == [[0, -1], [1, 0]]


def painted_by_kernel(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Each cell that a rule holds is a box of its own, of the one column that there is."""
    (rules, cells), ports = rows.shape, columns.shape[1]
    _, at = np.nonzero(rows)
    off = np.concatenate([[0], np.cumsum(rows.sum(axis=1))]).astype(np.int64)
    src = Boxes(off, at.astype(np.int64), at.astype(np.int64) + 1)
    one = np.arange(rules + 1)
    dst = Boxes(one, np.zeros(rules, np.int64), np.ones(rules, np.int64))
    _, held = np.nonzero(columns)
    held_off = np.concatenate([[0], np.cumsum(columns.sum(axis=1))]).astype(np.int64)
    x = np.arange(cells, dtype=np.int32)[:, None]
    out = np.full(cells * ports, rules, np.int32)
    seen = np.full(cells, -1, np.int64)
    paint_rules(
        src, dst, x, np.arange(rules), held_off, held.astype(np.int64), ports,
        np.arange(rules), seen, out,
    )  # fmt: skip
    return out.reshape(cells, ports)
