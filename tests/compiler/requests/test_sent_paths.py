"""What may be sent that rules see as a path of a language."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.requests.languages import of_regex, of_text
from compiler.requests.seen_paths import PathRefused, PathUnknown, readings
from compiler.requests.sent_paths import sent_as

SIGNS = ("a", "b", "%61", "%62", "{", "%7B", "%7b", "é", "%C3%A9", "漢", "|", "/", "%41", "~")
PATHS = st.lists(st.sampled_from(SIGNS), max_size=5).map(
    lambda p: "/" + re.sub("/+", "", "".join(p))
)


@given(PATHS, st.sampled_from(("/a.*", "/[^a]*", "/.", "/caf.", "/(%7B|b)+", "/[a-z]*%E6.*")))
@settings(max_examples=200, deadline=None)
def test_whatever_has_a_reading_in_a_language_may_be_sent_for_it(path: str, text: str) -> None:
    try:
        found = readings(path, "normalised")
    except (PathRefused, PathUnknown):
        return
    seen = of_regex(text)
    if any(one in seen for one in found):
        assert path in sent_as(seen)


@pytest.mark.parametrize(
    ("path", "seen", "may"),
    [
        ("/%61", "/a", True),
        ("/a", "/%61", False),
        ("/é", "/%C3%A9", True),
        ("/é", "/%C3", False),
        ("/{", "/%7B", True),
        ("/{", "/%7b", False),
        ("/b", "/a", False),
        ("/%2F", "//", False),
    ],
)
def test_one_path(path: str, seen: str, may: bool) -> None:
    assert (path in sent_as(of_text(seen))) is may
