"""The form of certificates: what each check takes, and that look-alikes are none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.checker.document.form import (
    SHA256,
    Check,
    items,
    matching,
    number,
    one_of,
    prefix,
    record,
    row,
    text,
    text_or_null,
)

PAIR = row(number(0, 9), number(0, 9))
NAMED = record(a=number(0, 9), b=text)


def wrong(check: Check, value: Any) -> list[str]:
    return list(check(value, "x"))


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (number(1, 3), [1, 2, 3], [0, 4, -1, True, False, 1.0, 2.5, "1", None, [1]]),
        (number(0, 1), [0, 1], [True, False, 0.0]),
        (one_of(4, 6), [4, 6], [5, 4.0, "4", True, None]),
        (one_of(True, False), [True, False], [1, 0, "true", None]),
        (one_of("open", "closed"), ["open", "closed"], ["Open", "", None, ["open"]]),
        (text, ["", "x"], [1, None, ["x"]]),
        (text_or_null, ["", None], [1, [None]]),
        (matching(SHA256, "SHA-256"), ["0" * 64], ["0" * 63, "0" * 64 + "\n", "A" * 64, 0]),
        (prefix, ["10.0.0.0/8", "::/0"], ["10.0.0.1/8", "10.0.0.0", "::0/0", "x", 10]),
        (items(number(0, 9)), [[], [1, 2]], [[10], [1, True], (1,), {}, None]),
        (PAIR, [[1, 2]], [[1], [1, 2, 3], [1, True], (1, 2), None]),
        (NAMED, [{"a": 1, "b": ""}], [{"a": 1}, {"a": 1, "b": "", "c": 1}, {"a": True, "b": ""}]),
    ],
)
def test_what_a_check_takes(check: Check, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if wrong(check, value)] == []
    assert [value for value in bad if not wrong(check, value)] == []


@given(st.lists(st.integers(0, 12), max_size=5))
def test_the_first_item_that_is_wrong_is_told(found: list[int]) -> None:
    first = next((place for place, value in enumerate(found) if value > 9), None)
    told = wrong(items(number(0, 9)), found)
    assert [line.partition(":")[0] for line in told] == ([] if first is None else [f"x[{first}]"])
