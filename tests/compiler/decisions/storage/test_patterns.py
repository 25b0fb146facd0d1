"""Wildcards, names of resources and actions, ranges of addresses."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.decisions.storage.patterns import (
    fits_action,
    fits_name,
    fits_text,
    network,
    within,
)

SMALL = st.text("ab:*?", max_size=8)


@given(SMALL, st.text("ab:", max_size=8))
def test_wildcards_are_what_an_expression_says(pattern: str, text: str) -> None:
    said = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    assert fits_text(pattern, text) == bool(re.fullmatch(said, text, re.DOTALL))


def test_a_pattern_of_many_stars_costs_little() -> None:
    assert not fits_text("*a" * 500 + "b", "a" * 2000)


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/k", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/k:with:colons", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", False),
        ("arn:aws:s3:::B/*", "arn:aws:s3:::b/k", False),
        ("arn:aws:s3:*", "arn:aws:s3:::b", False),
        ("*", "arn:aws:s3:::b", True),
        ("arn:*:s3:::b", "arn:aws:s3:::b", True),
    ],
)
def test_names_of_resources(pattern: str, name: str, fits: bool) -> None:
    assert fits_name(pattern, name) is fits


def test_actions() -> None:
    assert fits_action("S3:get*", "s3:GetObject") and fits_action("*:GetObject", "s3:GetObject")
    assert not fits_action("s3*", "s3:GetObject") and fits_action("*", "s3:GetObject")


@pytest.mark.parametrize("text", ["", "10.0.0.0/33", "::/129", "10.0.0", "10.0.0.1 ", "a", "1"])
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(ValueError):
        network(text)


def test_ranges_have_host_bits_and_one_version() -> None:
    assert within("10.1.2.3/8", "10.200.0.1") and not within("0.0.0.0/0", "::1")
    assert within("::/0", "::1") and within("10.0.0.1", "10.0.0.1")
