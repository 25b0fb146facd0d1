"""Expressions against Python's matcher where both read them, refused where they differ."""

from __future__ import annotations

import re
import time

import pytest
from any_requests import EXPRESSIONS, TEXTS
from hypothesis import given, settings

from compiler.requests.regex_parts import MOST, Unread, literal, read_regex

REFUSED = (
    "a**",
    "a*+",
    "a{2}{3}",
    "(?i)a",
    "(?P<n>a)",
    "a(?=b)",
    "a(?!b)",
    "(?<=a)b",
    r"a\b",
    r"\Aa",
    r"a\z",
    r"(a)\1",
    r"\pL",
    r"\p{Greek}",
    r"\Qa",
    r"\C",
    r"\x41",
    "a{,2}",
    "a{",
    "a{1001}",
    "(/[a-z]{0,40}){0,40}",
    "(a{33}){31}",
    "(a{2}|b{501}c){2}",
    "((a{0,30})*){34}",
    "a{3,2}",
    "[a",
    "(a",
    "a)",
    "[z-a]",
    r"[\d-z]",
    "[[.a.]]",
    "[[=a=]]",
    "[[:none:]]",
    "^^a",
    "a^b",
    "a$b",
    "(^a)",
    "(a$)b",
    "*a",
    "+",
    "?",
    "\\",
)


@pytest.mark.parametrize("text", REFUSED)
def test_what_engines_read_otherwise_is_not_read(text: str) -> None:
    with pytest.raises(Unread):
        read_regex(text)


@given(EXPRESSIONS, TEXTS)
@settings(max_examples=400, deadline=None)
def test_it_matches_what_python_matches(text: str, given: str) -> None:
    assert read_regex(text).matches(given) == bool(re.fullmatch(text, given, re.ASCII))


@pytest.mark.parametrize(
    ("text", "good", "bad"),
    [
        ("[[:alpha:]_]+", ("aZ_",), ("a1", "")),
        ("[[:^digit:]]", ("a", "é"), ("1",)),
        (r"\d\w\s", ("1a ",), ("٣a ", "1é ", "1a\x0b")),
        ("^/a|/b$", ("/a", "/b"), ("/ax", "x/b")),
        ("a.c", ("abc", "a\u2028c"), ("a\nc", "ac")),
        ("[]a]", ("]", "a"), ("b",)),
        ("[^]a]", ("b",), ("]", "a")),
        ("a??b", ("b", "ab"), ("aab",)),
        ("", ("",), ("a",)),
        ("a}]", ("a}]",), ("a",)),
    ],
)
def test_what_re2_reads(text: str, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    found = read_regex(text)
    assert all(map(found.matches, good))
    assert not any(map(found.matches, bad))


@pytest.mark.parametrize(
    "text",
    [
        "((((a{1000}){1000}){1000}){1000})",
        "((((((()*){1000}){1000}){1000})*){1000})",
        "a" * 1001,
        "(" * 60 + ")" * 60,
        "((a{0,1000}){0,1000}){0}",
    ],
)
def test_large_ones_end_soon(text: str) -> None:
    before = time.process_time()
    with pytest.raises(Unread):
        read_regex(text)
    assert time.process_time() - before < 10
    assert len(read_regex("(a{31}){32}" * 4).chars) < MOST


def test_a_text_matches_itself_alone() -> None:
    found = literal("a.b*")
    assert [found.matches(t) for t in ("a.b*", "axb*", "a.b", "")] == [True, False, False, False]


@pytest.mark.parametrize("text", ["(a{31}){32}", "(a{2}|b{500}){2}", "(a{30}){3}(b{30}){3}"])
def test_repetitions_in_each_other_that_re2_takes(text: str) -> None:
    read_regex(text)
