"""One request and the conditions of permits: visible, read, refused or unknown."""

from __future__ import annotations

import pytest
from any_requests import REQUESTS, RULES, naive
from hypothesis import given
from hypothesis import strategies as st

from compiler.requests.asked_requests import (
    TERMINATED,
    QueryAsked,
    RequestAsked,
    ServerAsked,
    any_of,
)
from compiler.requests.http_rules import HttpRequest, HttpRule
from compiler.requests.request_verdicts import of_conditions

GET = RequestAsked.of([HttpRule("GET", "/a/.*")])
CLEAR, INSIDE = (HttpRequest("GET", "/a/b", "h.io", tls=tls) for tls in (False, True))


@given(st.lists(st.lists(RULES, min_size=1, max_size=2), min_size=1, max_size=3), REQUESTS)
def test_any_rule_of_any_permit(permits: list[list[HttpRule]], request: HttpRequest) -> None:
    asked = any_of([(RequestAsked.of(rules),) for rules in permits])
    found = of_conditions(asked, request, "as-sent")
    assert found.holds is any(naive(rule, request) for rules in permits for rule in rules)
    if found.holds:
        assert all(naive(rule, request) for rule in found.rules)


@pytest.mark.parametrize(
    ("conditions", "request_", "holds", "why"),
    [
        ((GET,), CLEAR, True, "/a/b matches"),
        ((GET,), INSIDE, False, "not visible inside TLS"),
        ((GET, TERMINATED), INSIDE, True, "/a/b matches"),
        ((TERMINATED,), INSIDE, True, ""),
        ((ServerAsked.of(["h.io"]),), INSIDE, True, "server name h.io"),
        ((ServerAsked.of(["*.io"]),), INSIDE, True, "server name h.io"),
        ((ServerAsked.of(["x.io"]),), INSIDE, False, "server name h.io is none of those that pass"),
        ((ServerAsked.of(["h.io"]),), CLEAR, False, "no TLS, so no server name"),
        ((QueryAsked.of(["*"]),), CLEAR, False, "it is no DNS query"),
        (("mutual authentication succeeds",), CLEAR, True, ""),
        ((), CLEAR, True, ""),
        (any_of([(GET,), (ServerAsked.of(["h.io"]),)]), INSIDE, True, "server name h.io"),
        (any_of([(GET, "x"), (GET, TERMINATED)]), INSIDE, True, "/a/b matches"),
        (
            (RequestAsked.of([HttpRule("", "/(?=a).*")]),),
            CLEAR,
            None,
            'its path "/(?=a).*" is not read: (? other than (?: stands in it',
        ),
        (
            (RequestAsked.of([HttpRule("", "/(?=a).*"), HttpRule("GET")]),),
            CLEAR,
            True,
            "/a/b matches",
        ),
    ],
)
def test_who_sees_what(
    conditions: tuple[str, ...], request_: HttpRequest, holds: bool | None, why: str
) -> None:
    found = of_conditions(conditions, request_, "normalised")
    assert (found.holds, found.why) == (holds, why)


def test_termination_for_one_permit_shows_nothing_to_another() -> None:
    asked = any_of([(GET, "x"), ("y", TERMINATED)])
    assert of_conditions(asked, INSIDE, "normalised").open == (TERMINATED, "y")
    assert of_conditions((GET,), INSIDE, "normalised").holds is False


def test_what_remains_to_hold_is_told() -> None:
    assert of_conditions((GET, "x"), CLEAR, "normalised").open == ("x",)
    best = of_conditions(any_of([(GET, "x"), (GET,)]), CLEAR, "normalised")
    assert (best.holds, best.open) == (True, ())


@pytest.mark.parametrize(
    ("path", "profile", "holds"),
    [
        ("/a/../b", "normalised", False),
        ("/a/../b", "as-sent", True),
        ("/x/../a/b", "normalised", True),
        ("/a/%2e%2E/b", "normalised", False),
        ("/a/%2e%2E/b", "as-sent", True),
        ("//a//b", "normalised", True),
        ("//a//b", "as-sent", False),
        ("/a/%2Fb", "normalised", False),
        ("/a/b#c", "normalised", False),
        ("/a/%00", "normalised", False),
        ("/a/%zz", "normalised", None),
        ("/%61/b", "normalised", None),
        ("/a/..;x/a/b", "normalised", True),
        ("/a/b/..;x/../../c", "normalised", None),
        ("*", "normalised", False),
        ("/a/?/../x", "normalised", True),
        ("/a\\b", "normalised", True),
        ("/a\\b", "as-sent", False),
    ],
)
def test_paths(path: str, profile: str, holds: bool | None) -> None:
    found = of_conditions((GET,), HttpRequest("GET", path, ""), profile)  # type: ignore[arg-type]
    assert found.holds is holds
