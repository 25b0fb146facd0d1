"""How proxies read paths, and the language of those that they let rules see."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.requests.seen_paths import (
    PathRefused,
    PathUnknown,
    normal_paths,
    possible_paths,
    readings,
    sure_paths,
)

PIECES = (
    *("/", "a", ".", "..", "%2e", "%2E.", "//", "?", ";x", "%2F", "%61", "b"),
    *("\\", "{", "^", "é", "%C3%a9", "%zz", "[", "~", "%7e"),
)
PATHS = st.lists(st.sampled_from(PIECES), max_size=7).map(lambda p: "/" + "".join(p))
ENVOY = [
    ("/a/b/../c", "/a/c"),
    ("/a/b/./c", "/a/b/c"),
    ("/a/b/../../../../c", "/c"),
    ("/a/..\\c", "/c"),
    ("/%c0%af", "/%c0%af"),
    ("/a/b/%2E%2E/c", "/a/c"),
    ("/a/b/%2E./c", "/a/c"),
    ("/a/b/%2E/c", "/a/b/c"),
    ("/../a/b", "/a/b"),
    ("/./a/b", "/a/b"),
    ("/xyz", "/xyz"),
    ("/x/y/z", "/x/y/z"),
    ("/A/B", "/A/B"),
    ("/a//../b", "/a/b"),
    ("/a/b//..//../c", "/a/b/c"),
    ("/a//..", "/a/"),
    ("/a/..", "/"),
]
"""Pairs of Envoy's own tests."""


@pytest.mark.parametrize(("path", "seen"), ENVOY)
def test_as_envoy_says(path: str, seen: str) -> None:
    assert readings(path, "normalised") == (seen,)


@given(PATHS)
@settings(max_examples=300)
def test_what_rules_see_is_what_any_reading_of_it_is(path: str) -> None:
    try:
        found = readings(path, "normalised")
    except (PathRefused, PathUnknown):
        return
    for one in found:
        assert one in possible_paths()
        again = readings(one, "normalised")
        assert one in again
        if again == (one,):
            assert one in SEEN, one


@given(PATHS)
@settings(max_examples=500)
def test_paths_are_sure_that_have_one_reading_which_is_how_they_are_sent(path: str) -> None:
    try:
        alone = readings(path, "normalised") == (path,)
    except (PathRefused, PathUnknown):
        alone = False
    assert (path in sure_paths()) == alone


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/café", {"/café", "/caf%C3%A9"}),
        ("/a{1}", {"/a{1}", "/a%7B1%7D"}),
        ("/<^", {"/<^", "/%3C^", "/%3C%5E"}),
        ("/a?é", {"/a?é"}),
    ],
)
def test_what_some_releases_escape_has_a_reading_for_each(path: str, seen: set[str]) -> None:
    assert set(readings(path, "normalised")) == seen


@given(PATHS)
@settings(max_examples=300)
def test_no_other_path_is_seen(path: str) -> None:
    """What the language leaves out no rule ever sees: it is read as something else, or refused."""
    if path not in SEEN:
        try:
            assert readings(path, "normalised") != (path,)
        except (PathRefused, PathUnknown):
            return


SEEN = normal_paths()


def test_as_sent_nothing_changes() -> None:
    assert readings("/a/../%2e//b", "as-sent") == ("/a/../%2e//b",)


@pytest.mark.parametrize("profile", ["as-sent", "normalised"])
def test_a_fragment_is_refused(profile: Any) -> None:
    with pytest.raises(PathRefused):
        readings("/a#b", profile)
    assert "*" in SEEN & sure_paths()


def test_which_paths_rules_never_see() -> None:
    odd = ["/a/../b", "/..", "/.", "/a/%2e", "/a/%2E./b", "/a//b", "//", "/a/..;x/b", "/a\\b"]
    odd += ["/a#b", "/a%2fb", "/a%5Cb", "a"]
    assert not [path for path in (*odd, "") if path in SEEN]
    plain = ["/", "/a", "/a/", "/a?b=/../", "/...", "/a/.b", "/%61", "/a;x", "/*"]
    assert [path for path in plain if path in SEEN] == plain
