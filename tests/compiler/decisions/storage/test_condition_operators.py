"""Conditions of statements: every operator, on keys that are there and that are not."""

from __future__ import annotations

import pytest

from compiler.decisions.storage.condition_operators import (
    OPERATORS,
    Truth,
    asked,
    boolean,
    date,
    holds,
    number,
)

CASES: list[tuple[str, list[str], list[str], Truth]] = [
    ("StringEquals", ["a", "b"], ["b"], True),
    ("StringEquals", ["a"], ["A"], False),
    ("StringNotEquals", ["a", "b"], ["b"], False),
    ("StringNotEquals", ["a", "b"], ["c"], True),
    ("StringEqualsIgnoreCase", ["a"], ["A"], True),
    ("StringNotEqualsIgnoreCase", ["a"], ["A"], False),
    ("StringLike", ["a*:?"], ["abc:d"], True),
    ("StringNotLike", ["a*"], ["b"], True),
    ("NumericEquals", ["10"], ["1e1"], True),
    ("NumericNotEquals", ["10"], ["11"], True),
    ("NumericLessThan", ["10"], ["9"], True),
    ("NumericLessThan", ["10"], ["10"], False),
    ("NumericLessThanEquals", ["10"], ["10"], True),
    ("NumericGreaterThan", ["10"], ["11"], True),
    ("NumericGreaterThan", ["10"], ["10"], False),
    ("NumericGreaterThanEquals", ["10"], ["10"], True),
    ("DateLessThan", ["2027-01-01T00:00:00Z"], ["2026-12-31T23:59:59Z"], True),
    ("DateLessThan", ["2027-01-01T00:00:00Z"], ["2027-01-01T00:00:00Z"], False),
    ("DateGreaterThanEquals", ["2027-01-01"], ["2027-01-01T00:00:00Z"], True),
    ("DateEquals", ["0"], ["1970-01-01T00:00:00Z"], True),
    ("DateNotEquals", ["0"], ["1970-01-01T00:00:01Z"], True),
    ("Bool", ["true"], ["True"], True),
    ("Bool", ["false"], ["true"], False),
    ("IpAddress", ["10.0.0.0/8", "::1"], ["10.9.9.9"], True),
    ("IpAddress", ["10.0.0.0/8"], ["::1"], False),
    ("NotIpAddress", ["10.0.0.0/8"], ["::1"], True),
    ("NotIpAddress", ["10.0.0.0/8", "::1"], ["10.0.0.1"], False),
    ("ArnLike", ["arn:aws:s3:::b*"], ["arn:aws:s3:::bc"], True),
    ("ArnNotLike", ["arn:aws:s3:::b*"], ["arn:aws:s3:::bc"], False),
    ("Null", ["true"], [], True),
    ("Null", ["true"], ["x"], False),
    ("Null", ["false"], ["x"], True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], True),
    ("ForAllValues:StringEquals", ["a"], ["a", "c"], False),
    ("ForAnyValue:StringEquals", ["a"], ["c", "a"], True),
    ("ForAnyValue:StringNotEquals", ["a"], ["a", "c"], True),
    ("ForAllValues:StringNotEquals", ["a"], ["a", "c"], False),
    ("StringEquals", ["a"], ["c", "a"], True),
    ("StringNotEquals", ["a"], ["c", "a"], False),
    ("StringEqualsIfExists", ["a"], ["b"], False),
    # what is none of its kind fits nothing; whether the opposite holds, gateways differ
    ("NumericEquals", ["1"], ["x"], False),
    ("NumericNotEquals", ["1"], ["x"], None),
    ("NotIpAddress", ["10.0.0.0/8"], ["nobody"], None),
    ("StringEquals", [], ["x"], False),
    ("StringNotEquals", [], ["x"], None),
]


@pytest.mark.parametrize(("op", "wanted", "given", "truth"), CASES)
def test_values(op: str, wanted: list[str], given: list[str], truth: Truth) -> None:
    assert holds(asked(op), tuple(wanted), tuple(given)) is truth


@pytest.mark.parametrize("name", OPERATORS)
def test_keys_that_are_missing(name: str) -> None:
    opposite = "Not" in name
    assert holds(asked(name), ("1",), ()) is opposite
    assert holds(asked(f"{name}IfExists"), ("1",), ()) is True
    assert holds(asked(f"ForAllValues:{name}"), ("1",), ()) is True
    assert holds(asked(f"ForAnyValue:{name}"), ("1",), ()) is False


@pytest.mark.parametrize(
    "text", ["", "stringEquals", "NullIfExists", "ForAnyValue:Null", "All:StringEquals",
             "ForAnyValue::StringEquals", "IfExists", "StringEqualsIfExistsIfExists"]
)  # fmt: skip
def test_what_is_no_operator(text: str) -> None:
    with pytest.raises(ValueError):
        asked(text)


@pytest.mark.parametrize("text", ["", "nan", "1_0", "inf", "1e99999", "0x1", "١"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError):
        number(text)


@pytest.mark.parametrize(
    "text", ["", "2027", "2027-02-30", "2027-01-01T00:00:00+02:00", "2027-01-01T25:00Z",
             "9" * 15, "2027-01-01\n", "tomorrow"]
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    if text == "2027":
        assert date(text).year == 1970
        return
    with pytest.raises(ValueError):
        date(text)
    with pytest.raises(ValueError):
        boolean(text)
