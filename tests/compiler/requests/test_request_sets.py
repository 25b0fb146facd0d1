"""Sets of requests: differences, and a shortest request, against requests tried one by one."""

from __future__ import annotations

import pytest
from any_requests import REQUESTS, RULES, naive
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.requests import request_sets
from compiler.requests.http_rules import HeaderAsk, HttpRequest, HttpRule
from compiler.requests.languages import TooLarge
from compiler.requests.request_sets import Box, common, left, meet, rule_box, shortest, whole

SEVERAL = st.lists(RULES, min_size=1, max_size=3)


def inside(box: Box, request: HttpRequest) -> bool:
    return all(request.value(axis) in language for axis, language in box.items())


@given(RULES, REQUESTS)
@settings(max_examples=200, deadline=None)
def test_a_box_holds_what_its_rule_holds(rule: HttpRule, request: HttpRequest) -> None:
    assert inside(rule_box(rule), request) == naive(rule, request)


@given(SEVERAL, SEVERAL, REQUESTS)
@settings(max_examples=120, deadline=None)
def test_differences(asked: list[HttpRule], given: list[HttpRule], request: HttpRequest) -> None:
    rest = left(map(rule_box, asked), map(rule_box, given))
    wanted = any(naive(r, request) for r in asked) and not any(naive(r, request) for r in given)
    assert any(inside(box, request) for box in rest) == wanted
    shown = shortest(rest)
    assert (shown is not None) == bool(rest)
    if shown is not None:
        assert any(naive(rule, shown) for rule in asked)
        assert not any(naive(rule, shown) for rule in given)


@given(SEVERAL, SEVERAL, REQUESTS)
@settings(max_examples=80, deadline=None)
def test_intersections(one: list[HttpRule], other: list[HttpRule], request: HttpRequest) -> None:
    both = common([tuple(map(rule_box, one)), tuple(map(rule_box, other))])
    wanted = any(naive(r, request) for r in one) and any(naive(r, request) for r in other)
    assert any(inside(box, request) for box in both) == wanted


@pytest.mark.parametrize(
    ("asked", "given", "wanted"),
    [
        (HttpRule(), HttpRule("GET", "/a/.*"), "GET /"),
        (HttpRule("GET", "/a/.*"), HttpRule("GET", "/a/[0-9]*"), "GET /a/a"),
        (HttpRule("GET", "/.*"), HttpRule("GET", "/[^?]*"), "GET /?"),
        (HttpRule("GET", "/"), HttpRule("GET", "/", r"a\.io"), "GET /"),
        (HttpRule("GET|POST", "/a"), HttpRule("GET"), "POST /a"),
        (HttpRule("", "/a"), HttpRule("[A-Z]+"), "a /a"),
    ],
)
def test_the_shortest(asked: HttpRule, given: HttpRule, wanted: str) -> None:
    found = shortest(left([rule_box(asked)], [rule_box(given)]))
    assert str(found) == wanted


def test_a_header_may_be_missing() -> None:
    rule = HttpRule("GET", "/", "", (HeaderAsk("X-A", "1"),))
    found = shortest(left([rule_box(HttpRule("GET", "/"))], [rule_box(rule)]))
    assert found == HttpRequest("GET", "/", "")
    present = HttpRule("GET", "/", "", (HeaderAsk("X-A"),))
    shown = shortest(left([rule_box(present)], [rule_box(rule)]))
    assert shown is not None
    assert shown.headers == (("x-a", ""),)


def test_what_no_request_has_is_in_no_set() -> None:
    assert meet(rule_box(HttpRule("", "[^/].*")), {"path": whole("path") - whole("path")}) is None
    assert shortest([rule_box(HttpRule("G T"))]) is None
    assert shortest([rule_box(HttpRule("", "x.*"))]) is None
    found = shortest([rule_box(HttpRule("OPTIONS", r"\*"))])
    assert str(found) == "OPTIONS *"


def test_more_parts_than_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_sets, "MOST", 3)
    rules = [HttpRule(f"M{n}", f"/{n}", f"h{n}") for n in range(4)]
    with pytest.raises(TooLarge):
        left([{}], map(rule_box, rules))
