"""What rules ask of requests, and how it is said."""

from __future__ import annotations

import pytest
from any_requests import REQUESTS, RULES, naive
from hypothesis import given, settings

from compiler.requests.asked_requests import EitherAsked, RequestAsked, ServerAsked, any_of
from compiler.requests.http_rules import HeaderAsk, HttpRequest, HttpRule, header_ask, header_line


@given(RULES, REQUESTS)
@settings(max_examples=300)
def test_a_rule_holds_what_python_says(rule: HttpRule, request: HttpRequest) -> None:
    assert rule.holds(request) is naive(rule, request)


def test_upper_and_lower_case_queries_and_ports_count() -> None:
    rule = HttpRule("GET", "/a", r"a\.io")
    held = [
        rule.holds(HttpRequest(method, path, host))
        for method, path, host in (
            ("GET", "/a", "a.io"),
            ("get", "/a", "a.io"),
            ("GET", "/a?x", "a.io"),
            ("GET", "/A", "a.io"),
            ("GET", "/a", "A.io"),
            ("GET", "/a", "a.io:80"),
            ("GET", "/a", "axio"),
            ("GET", "/ab", "a.io"),
        )
    ]
    assert held == [True] + [False] * 7


def test_headers() -> None:
    asked = HttpRule(headers=(HeaderAsk("X-A", "1"), HeaderAsk("x-b")))
    tried = (
        {"x-a": "1", "x-b": ""},
        {"x-a": "1"},
        {"x-a": "1 ", "x-b": "2"},
        {"x-a": "2", "x-b": "2"},
    )
    found = [asked.holds(HttpRequest("GET", "/", "", tuple(sorted(t.items())))) for t in tried]
    assert found == [True, False, False, False]
    assert (header_line("X-A:  b").name, header_line("X-A:  b").value) == ("X-A", " b")
    assert (header_line("X-A:b").name, header_line("X-A:b").value) == ("X-A:b", None)


def test_what_is_unknown_is_neither() -> None:
    secret = HttpRule(headers=(HeaderAsk("X-A", "1", known=False),))
    with_it = HttpRequest("GET", "/", "", (("x-a", "1"),))
    assert (secret.holds(with_it), secret.holds(HttpRequest("GET", "/", ""))) == (None, False)
    ahead = HttpRule("GET", "/(?=a).*")
    assert ahead.holds(HttpRequest("GET", "/a", "")) is None
    assert ahead.holds(HttpRequest("POST", "/a", "")) is False
    assert ahead.unread == 'its path "/(?=a).*" is not read: (? other than (?: stands in it'
    assert secret.unread == "what header X-A must hold is not known"
    assert header_line("host: a.io").known is False
    assert not HttpRule("GET", "/a").unread


@given(RULES, RULES)
def test_rules_that_ask_for_other_things_are_other_conditions(
    one: HttpRule, other: HttpRule
) -> None:
    """Also where the text, which keeps what headers must hold to itself, is the same."""
    a, b = RequestAsked.of([one]), RequestAsked.of([other])
    assert (a == b) is (one == other)
    assert (a != b) is (one != other)
    assert a == str(a)
    if one == other:
        assert hash(a) == hash(b)
    else:
        assert len({a, b}) == 2


def test_a_text_says_no_value_of_a_header() -> None:
    rule = HttpRule(headers=(HeaderAsk("X-Secret", "hunter2"),))
    request = HttpRequest("GET", "/", "a.io", (("x-secret", "hunter2"),))
    assert "hunter2" not in str(rule) + str(request) + RequestAsked.of([rule])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (HttpRule("/a"), HttpRule("", "/a")),
        (HttpRule("anything"), HttpRule()),
        (HttpRule("", "/a at b"), HttpRule("", "/a", "b")),
        (HttpRule("", "/a", "b with header c"), HttpRule("", "/a", "b", (HeaderAsk("c"),))),
        (HttpRule("GET /a"), HttpRule("GET", "/a")),
    ],
)
def test_two_texts_of_one_meaning_are_one(one: HttpRule, other: HttpRule) -> None:
    assert str(one) != str(other)


def test_any_of_several_permits() -> None:
    get, post = (RequestAsked.of([HttpRule(m, "/a")]) for m in ("GET", "POST"))
    assert any_of([(get,), (post,)]) == ("the request matches GET /a or POST /a",)
    name = ServerAsked.of(["a.io"])
    (either,) = any_of([(get,), (name, "x")])
    assert either == "(the TLS server name is a.io and x) or (the request matches GET /a)"
    assert isinstance(either, EitherAsked)
    other = RequestAsked.of([HttpRule("GET", "/a", "", (HeaderAsk("A", "1"),))])
    again = RequestAsked.of([HttpRule("GET", "/a", "", (HeaderAsk("A", "2"),))])
    assert any_of([(other,), (name,)]) != any_of([(again,), (name,)])
    assert any_of([(get,), ()]) == ()


@pytest.mark.parametrize("name", ["Host", ":authority"])
def test_nobody_knows_which_host_a_header_of_a_rule_means(name: str) -> None:
    rule = HttpRule("GET", "/x", "", (header_ask(name, "internal"),))
    assert rule.holds(HttpRequest("GET", "/x", "internal")) is None
    assert rule.holds(HttpRequest("PUT", "/x", "internal")) is False
    secret = HttpRule("GET", "/x", "", (header_ask("X-A", None, False),))
    assert secret.holds(HttpRequest("GET", "/x", "internal")) is False
