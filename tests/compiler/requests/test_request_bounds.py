"""What passes at most and at least, against single requests."""

from __future__ import annotations

from any_requests import REQUESTS, RULES
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.requests.asked_requests import (
    TERMINATED,
    QueryAsked,
    RequestAsked,
    ServerAsked,
    any_of,
)
from compiler.requests.http_rules import HttpRequest, HttpRule
from compiler.requests.request_bounds import at_least, at_most
from compiler.requests.request_sets import Boxes
from compiler.requests.request_verdicts import of_conditions

ASKED = st.one_of(
    st.lists(RULES, min_size=1, max_size=2).map(RequestAsked.of),
    st.just(ServerAsked.of(["h.io"])),
    st.just(QueryAsked.of(["*"])),
    st.just(TERMINATED),
    st.just("mutual authentication succeeds"),
)
PERMITS = st.lists(st.lists(ASKED, max_size=2).map(tuple), min_size=1, max_size=2).map(any_of)


def holds(boxes: Boxes, request: HttpRequest) -> bool:
    return any(all(request.value(a) in lang for a, lang in box.items()) for box in boxes)


@given(st.lists(PERMITS, min_size=1, max_size=2), REQUESTS, st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_passes_is_within_both(
    steps: list[tuple[str, ...]], request: HttpRequest, tls: bool
) -> None:
    """Whoever passes, in clear or inside TLS, is among those that pass at most; whoever is among
    those that pass at least passes in clear, and nothing else has to hold."""
    from dataclasses import replace

    sent = replace(request, tls=tls, host=request.host or "h.io")
    found = [of_conditions(one, sent, "as-sent") for one in steps]
    most = at_most([(one, "as-sent") for one in steps])
    if all(one.holds for one in found):
        assert holds(most.boxes, sent)
    clear = replace(sent, tls=False)
    for one in steps:
        if holds(at_least(one, "as-sent"), clear):
            said = of_conditions(one, clear, "as-sent")
            assert (said.holds, said.open) == (True, ())


@given(st.lists(RULES, min_size=1, max_size=2), REQUESTS)
@settings(max_examples=60, deadline=None)
def test_rules_see_normal_paths_alone(rules: list[HttpRule], request: HttpRequest) -> None:
    from dataclasses import replace

    one = (RequestAsked.of(rules),)
    odd = replace(request, path="/x/.." + request.path)
    assert not holds(at_most([(one, "normalised")]).boxes, odd)
    assert not holds(at_least(one, "normalised"), odd)


def test_what_is_not_read_is_more_at_most_and_nothing_at_least() -> None:
    asked = RequestAsked.of([HttpRule("GET", "/(?=a).*")])
    most = at_most([((asked,), "as-sent")])
    assert holds(most.boxes, HttpRequest("GET", "/b", ""))
    assert not holds(most.boxes, HttpRequest("PUT", "/b", ""))
    assert "is not read" in most.unread
    assert at_least((asked,), "as-sent") == ()


def test_a_connection_is_in_clear_or_in_tls_at_both_ends() -> None:
    """A server name at one end and a request at the other: nothing passes both."""
    get = RequestAsked.of([HttpRule("GET")])
    steps = [((ServerAsked.of(["h.io"]),), "as-sent"), ((get,), "as-sent")]
    assert at_most(steps).boxes == ()  # type: ignore[arg-type]
    ended = [steps[0], ((get, TERMINATED), "as-sent")]
    assert at_most(ended).boxes  # type: ignore[arg-type]
