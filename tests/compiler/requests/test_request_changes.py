"""What a change of rules lets through, and what it does not let through any more."""

from __future__ import annotations

from pathlib import Path

import pytest
from any_requests import RULES, naive
from cilium_cases import labels
from hypothesis import given, settings
from hypothesis import strategies as st
from request_sites import http, site

import cloison
from compiler.requests.asked_requests import RequestAsked
from compiler.requests.http_rules import HttpRule
from compiler.requests.request_changes import changed_text, gained_and_lost
from fabric.diagnostics import UndecidedError

SEVERAL = st.lists(RULES, min_size=1, max_size=2)


@given(SEVERAL, SEVERAL)
@settings(max_examples=60, deadline=None)
def test_each_shows_itself(was: list[HttpRule], now: list[HttpRule]) -> None:
    found = gained_and_lost([RequestAsked.of(was)], [RequestAsked.of(now)], "as-sent")
    assert found is not None
    for request, here, there in ((found[0], now, was), (found[1], was, now)):
        if request is not None:
            assert any(naive(rule, request) for rule in here)
            assert not any(naive(rule, request) for rule in there)


def test_in_words() -> None:
    get, put, odd = (RequestAsked.of([HttpRule(m, "/a")]) for m in ("GET", "PUT", "(?i)x"))
    assert changed_text([get], [put]) == "PUT /a gets through now, and GET /a no more"
    assert (
        changed_text([get], [get]) == changed_text([get], [odd]) == changed_text(["x"], ["y"]) == ""
    )


def test_a_difference_names_the_requests(tmp_path: Path) -> None:
    paths = []
    for name, rule in (("old", {"path": "/a/.*"}), ("new", {"path": "/a.*"})):
        (tmp_path / name).mkdir()
        paths.append(site(tmp_path / name, http(rule)))
    with pytest.raises(UndecidedError, match="GET /a gets through now, and nothing is lost"):
        cloison.diff(*paths)
    with pytest.raises(UndecidedError, match="GET /a no more"):
        cloison.diff(*reversed(paths))


def test_other_readings_of_paths_are_no_equal_worlds(tmp_path: Path) -> None:
    paths = []
    for name, how in (("old", ""), ("new", "http_paths: as-sent,")):
        (tmp_path / name).mkdir()
        paths.append(site(tmp_path / name, http({"path": "/a/.*"}), how=how))
    with pytest.raises(UndecidedError, match="see paths as-sent, and saw them normalised"):
        cloison.diff(*paths)
    for name, how in (("old", ""), ("new", "http_paths: as-sent,")):
        paths.append(site(tmp_path / name, {"fromEndpoints": [labels(app="cart")]}, how=how))
    assert cloison.diff(*paths[2:]).verdict == "holds"
