"""Laws of numbering: elements share a class exactly when they are equal, in the order that is said;
hash tables and radix sort number like sorting does."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flag_tables import is_partition, tables
from hypothesis import given
from hypothesis import strategies as st

from sim.blocks.numbering import (
    SMALL,
    combine,
    distinct,
    partition,
    same_bytes,
    same_rows,
    same_sets,
)
from sim.classify.axes.lists import distinct_rows, members, merge_columns, numbered

ROOT = Path(__file__).parents[3]
VALUES = st.sampled_from([0, 1, 2, 2**31, 2**32, 2**32 + 1, 2**62])
ROWS = st.integers(1, 4).flatmap(lambda n: st.lists(st.tuples(*[VALUES] * n), min_size=1))


@given(tables())
def test_columns_that_agree_are_one_class(rows: Any) -> None:
    of, sample = partition(rows)
    is_partition(of, sample, lambda i, j: bool((rows[:, i] == rows[:, j]).all()))


@given(tables(), st.data())
def test_what_was_apart_stays_apart(rows: Any, data: st.DataObject) -> None:
    width = rows.shape[1]
    drawn = data.draw(st.lists(st.integers(0, 2), min_size=width, max_size=width))
    _, coarse = np.unique(drawn, return_inverse=True)
    of, sample = partition(rows, coarse.astype(np.int32))
    is_partition(
        of,
        sample,
        lambda i, j: bool(coarse[i] == coarse[j] and (rows[:, i] == rows[:, j]).all()),
    )


def test_columns_of_one_flag_each_are_apart() -> None:
    """The highest bit of a word is worth the same in every word, whatever it is multiplied with."""
    of, sample = partition(np.eye(300, dtype=np.bool_))
    assert len(set(of.tolist())) == len(sample) == 300


def test_columns_that_no_sum_tells_apart_are_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.blocks.numbering.weights", lambda n: iter([np.ones(n, np.uint64)] * 2))
    rows = np.eye(200, dtype=np.bool_)[:, [0, 64, 0, 128]]
    of, sample = partition(rows)
    is_partition(of, sample, lambda i, j: bool((rows[:, i] == rows[:, j]).all()))
    of, sample = partition(np.array([[True, False]]), np.array([0, 128], np.int32))
    assert (of[0] != of[1], len(sample)) == (True, 2)


@given(st.lists(st.integers(0, 2**40), min_size=1))
def test_values_are_numbered_in_their_order(values: list[int]) -> None:
    of, sample = distinct(np.array(values))
    known, number = np.unique(values, return_inverse=True)
    assert of.tolist() == number.tolist()
    assert [values[i] for i in sample] == known.tolist()


@given(st.data(), st.integers(1, 4), st.sampled_from([2, 9, 2**20, 2**33]))
def test_positions_that_agree_everywhere_are_one(data: st.DataObject, many: int, top: int) -> None:
    n = data.draw(st.integers(1, 8))
    number = st.integers(0, 3).map(lambda x: x * (top // 4))
    columns = [
        np.array(data.draw(st.lists(number, min_size=n, max_size=n)), np.int64) for _ in range(many)
    ]
    of, sample = combine(columns)
    is_partition(of, sample, lambda i, j: all(c[i] == c[j] for c in columns))
    assert SMALL < 2**20


@given(ROWS)
def test_rows_are_numbered_in_their_order(rows: list[tuple[int, ...]]) -> None:
    of, sample = same_rows([np.array(column) for column in zip(*rows, strict=True)])
    known = sorted(set(rows))
    assert of.tolist() == [known.index(row) for row in rows]
    assert sample.tolist() == [rows.index(row) for row in known]


@given(tables())
def test_sets_are_numbered_in_the_order_of_their_bytes(flags: Any) -> None:
    rows = flags.T
    of, sample = same_sets(rows)
    packed = [np.packbits(row).tobytes() for row in rows]
    known = sorted(set(packed))
    assert of.tolist() == [known.index(row) for row in packed]
    assert sample.tolist() == [packed.index(row) for row in known]


@given(ROWS)
def test_rows_are_numbered_in_the_order_of_their_bytes(rows: list[tuple[int, ...]]) -> None:
    of, sample = same_bytes(np.array(rows))
    said = [np.array(row).tobytes() for row in rows]
    known = sorted(set(said))
    assert of.tolist() == [known.index(row) for row in said]
    assert sample.tolist() == [said.index(row) for row in known]


def test_rows_of_nothing_are_alike() -> None:
    of, sample = same_bytes(np.zeros((3, 0)))
    assert (of.tolist(), sample.tolist()) == ([0, 0, 0], [0])


def test_nothing_has_no_classes() -> None:
    none = np.zeros((0, 3), np.bool_)
    rows = same_rows([np.zeros(0, np.int64)] * 2), same_bytes(none), same_sets(none)
    for of, sample in (*rows, distinct(np.zeros(0))):
        assert (len(of), len(sample)) == (0, 0)


@given(ROWS)
def test_kernels_number_alike(rows: list[tuple[int, ...]]) -> None:
    """By appearance, or by value: the same classes."""
    columns = [np.array(column, np.int64) for column in zip(*rows, strict=True)]
    by_value, sorted_too = distinct(columns[0]), members(columns[0].astype(np.uint64))
    assert sorted_too[1].tolist() == by_value.of.tolist()
    assert sorted_too[0].tolist() == columns[0][by_value.sample].tolist()
    for mine, theirs in (
        (numbered(columns[0]), by_value),
        (distinct_rows(columns), same_rows(columns)),
    ):
        assert sorted(mine.sample.tolist()) == mine.sample.tolist() == sorted(theirs.sample)
        renamed = theirs.of[mine.sample]
        assert renamed[mine.of].tolist() == theirs.of.tolist()


@given(tables())
def test_kernels_merge_the_same_columns(flags: Any) -> None:
    mine, theirs = merge_columns(flags), partition(flags)
    assert len(mine.sample) == len(theirs.sample)
    assert theirs.of[mine.sample][mine.of].tolist() == theirs.of.tolist()


def numbers_otherwise(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        words = {word.arg for word in node.keywords}
        return node.func.attr == "unique" and bool(words & {"axis", "return_inverse"})
    return isinstance(node, ast.Attribute) and ast.unparse(node) == "np.void"


def test_nobody_numbers_otherwise() -> None:
    """`np.unique` along an axis or with its inverse is another numbering, the first ten times
    slower; so are rows viewed as one value each. The checker may: it is the second opinion, and
    a numbering that it shared with the proof would hide from both what that numbering gets wrong.
    `fabric` stands below it, and numbers nodes, of which there are thousands; so do readers of
    configurations, which number the texts of rules.
    """
    exempt = (
        *(ROOT / "sim" / name for name in ("blocks/numbering.py", "checker")),
        ROOT / "fabric",
        ROOT / "compiler" / "imports" / "nvue" / "shapes",
    )
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in ("cloison", "sim", "compiler", "fabric")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if numbers_otherwise(node) and not any(path.is_relative_to(place) for place in exempt)
    }
    assert found == set()
