"""How proxies read paths, and the language of those that they let rules see."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.requests.seen_paths import PathRefused, PathUnknown, normal_paths, readings

PIECES = ("/", "a", ".", "..", "%2e", "%2E.", "//", "?", ";x", "%2F", "%61", "b")
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
        again = readings(one, "normalised")
        assert one in again
        if again == (one,):
            assert one in SEEN, one


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
    assert readings("/a/../%2e//b#c", "as-sent") == ("/a/../%2e//b#c",)
    assert "*" in SEEN


def test_which_paths_rules_never_see() -> None:
    odd = ["/a/../b", "/..", "/.", "/a/%2e", "/a/%2E./b", "/a//b", "//", "/a/..;x/b", "/a\\b"]
    odd += ["/a#b", "/a%2fb", "/a%5Cb", "a"]
    assert not [path for path in (*odd, "") if path in SEEN]
    plain = ["/", "/a", "/a/", "/a?b=/../", "/...", "/a/.b", "/%61", "/a;x", "/*"]
    assert [path for path in plain if path in SEEN] == plain
