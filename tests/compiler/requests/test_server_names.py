"""Names by patterns, as Cilium's `matchpattern` has them."""

from __future__ import annotations

import pytest

from compiler.requests.server_names import name_regex, server_matches


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("A.io.", ("a.io", "A.io", "a.io."), ("b.a.io", "axio", "a.iox")),
        ("*.a.io", ("b.a.io",), ("a.io", "c.b.a.io", "b-a.io")),
        ("**.a.io", ("b.a.io", "c.b.a.io"), ("a.io", ".a.io")),
        ("b*.io", ("b.io", "bc.io"), ("b.c.io",)),
        ("b**.io", ("b.io", "bc.io"), ("b.c.io",)),
        ("*", ("a", "a.b.c"), ("", "a..b")),
        ("**", ("a", "a.b.c"), ("",)),
    ],
)
def test_patterns(pattern: str, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    assert [server_matches([pattern], name) for name in good] == [True] * len(good)
    assert [server_matches([pattern], name) for name in bad] == [False] * len(bad)


def test_what_is_no_pattern_is_unknown() -> None:
    assert name_regex("a b") is None
    assert server_matches(["a b"], "a") is None
    assert server_matches(["a b", "a"], "a") is True
