"""What may be taken for the same path or host."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.requests.regex_parts import Unread
from compiler.requests.seen_paths import normal
from compiler.requests.spellings import detours, host_spellings, other_paths, path_spellings


@pytest.mark.parametrize(
    "path",
    ["/admin", "/%61dmin", "/a%64%6din", "/admin?x=1", "/admin;x", "/%41dmin".replace("41", "61")],
)
def test_spellings_of_a_path(path: str) -> None:
    assert path in path_spellings("/admin")


@pytest.mark.parametrize(
    "path", ["/Admin", "/%41dmin", "/admi", "/admin/", "/x/../admin", "/%2561dmin"]
)
def test_others(path: str) -> None:
    assert path not in path_spellings("/admin")


@given(st.text("abc/.-", min_size=1, max_size=4), st.data())
@settings(max_examples=60, deadline=None)
def test_every_sign_may_be_escaped(text: str, data: st.DataObject) -> None:
    import re

    escaped = data.draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    signs = (f"%{ord(c):02X}" if e and c != "/" else c for c, e in zip(text, escaped, strict=True))
    assert "/" + "".join(signs) in path_spellings("/" + re.escape(text))


@given(
    st.integers(1, 4), st.lists(st.sampled_from(("..", "%2e.", "%2E%2e")), min_size=4, max_size=4)
)
@settings(max_examples=30, deadline=None)
def test_detours_end_where_the_path_does(ups: int, dots: list[str]) -> None:
    path = "/a" * ups + "".join(f"/{d}" for d in dots[:ups]) + "/admin"
    assert normal(path, False) == "/admin"
    assert any(path in way for way in detours("/admin"))
    assert path in other_paths()


@pytest.mark.parametrize(
    ("text", "path", "same"),
    [
        ("/café", "/caf%C3%A9", True),
        ("/café", "/caf%c3%a9", True),
        ("/café", "/caf%C3%A8", False),
        ("/caf.", "/caf%C3%A9", True),
        ("/caf.", "/caf%E6%BC%A2", True),
        ("/caf[à-ü]", "/caf%C3%A9", True),
        ("/caf[à-ü]", "/caf%E6%BC%A2", False),
    ],
)
def test_signs_beyond_ascii_are_escaped_in_utf_8(text: str, path: str, same: bool) -> None:
    assert (path in path_spellings(text)) is same


def test_many_signs_beyond_ascii_are_not_read() -> None:
    with pytest.raises(Unread, match="beyond ASCII"):
        path_spellings("/[^é]")


def test_servers_that_strip_parameters_do_so_in_each_segment() -> None:
    same = ("/a;x/b", "/a/;x/b", "/a;x/.;y/b;z?q", "/a/b")
    assert all(path in path_spellings("/a/b", True) for path in same)
    assert [path in path_spellings("/a/b") for path in same] == [False, False, False, True]
    assert "/a;x/b" in path_spellings("/[^x]+b", True)
    assert "/a;x/c" not in path_spellings("/a/b", True)


def test_double_slashes_and_dots_vanish() -> None:
    for path in ("//admin", "/./admin", "/%2e//admin"):
        assert any(path in way for way in detours("/admin"))
    assert not any("/a/admin" in way for way in detours("/admin"))
    assert "/a/b?x=/../" not in other_paths()


def test_hosts() -> None:
    found = host_spellings(r"a\.io")
    hosts = ("a.io", "A.Io", "a.io.", "a.io:8080", "A.IO.:1")
    assert [host in found for host in (*hosts, "b.io", "xa.io", "a.io:x")] == [True] * 5 + [
        False
    ] * 3
