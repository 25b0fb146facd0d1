"""Sets of texts: their algebra against texts that are tried one by one."""

from __future__ import annotations

import re
from itertools import product

import pytest
from any_requests import EXPRESSIONS, TEXTS
from hypothesis import given, settings

from compiler.requests.languages import TooLarge, alphabet_of, of_regex
from compiler.requests.regex_parts import ALL
from fabric.values.interval_sets import union


def python(text: str, given: str) -> bool:
    return re.fullmatch(text, given, re.ASCII) is not None


@given(EXPRESSIONS, EXPRESSIONS, TEXTS)
@settings(max_examples=150, deadline=None)
def test_algebra(one: str, other: str, text: str) -> None:
    a, b = of_regex(one), of_regex(other)
    mine, theirs = python(one, text), python(other, text)
    assert (text in a) == mine
    assert (text in (a & b)) == (mine and theirs)
    assert (text in (a - b)) == (mine and not theirs)
    assert (text in (a | b)) == (mine or theirs)


@given(EXPRESSIONS, EXPRESSIONS)
@settings(max_examples=100, deadline=None)
def test_the_shortest_is_in_it_and_nothing_shorter_is(one: str, other: str) -> None:
    left = of_regex(one) - of_regex(other)
    text = left.shortest()
    assert (text is not None) == bool(left)
    fewer = min(4, len(text) if text is not None else 4)
    for size in range(fewer):
        for signs in product("ab/.-1Z_", repeat=size):
            tried = "".join(signs)
            assert not (python(one, tried) and not python(other, tried)), tried
    if text is not None:
        assert python(one, text)
        assert not python(other, text)


def test_signs_that_nobody_names() -> None:
    left = of_regex("[^a-z]x") - of_regex("[ -~]x")
    assert left.shortest() == "éx"
    assert (of_regex("[é-ü]+") - of_regex("[^ü]+")).shortest() == "ü"
    assert not (of_regex("[α-ω]") & of_regex("[ -~]*"))


def test_it_is_the_same_text_each_time() -> None:
    found = {(of_regex("/[0-9a-z]{3}.*") - of_regex("/aaa.*")).shortest() for _ in range(3)}
    assert found == {"/aab"}


@pytest.mark.parametrize("text", [".*a.{20}", "[一-龥]+", "(a|b)*a(a|b){16}"])
def test_beyond_the_bound_nothing_is_said(text: str) -> None:
    with pytest.raises(TooLarge):
        of_regex(text)


def test_products_are_bounded() -> None:
    with pytest.raises(TooLarge):
        _ = of_regex(".*a.{8}") & of_regex(".*b.{8}")


@given(EXPRESSIONS)
def test_classes_of_signs_part_all_of_them(text: str) -> None:
    from compiler.requests.regex_parts import read_regex

    sets = read_regex(text).chars
    classes = alphabet_of(sets)
    assert union(*classes) == ALL
    assert sum(b - a + 1 for one in classes for a, b in one) == ALL[0][1] + 1
