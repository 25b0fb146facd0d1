"""Names and patterns: whom a pattern selects is among those whose names begin as it does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from compiler.policy.domain import Unrouted
from fabric.values.inventory import Endpoint
from fabric.values.names import beginning, heads, selected, selected_in

SEGMENTS = st.sampled_from(["a", "ab", "b", "host1", "@node", "web", "one", "*"])
NAMES = st.lists(SEGMENTS.filter(lambda s: s != "*"), min_size=1, max_size=3).map("/".join)
GLOBS = st.sampled_from(["*", "a*", "?", "[1-2]", "host[1-9]"])
PATTERNS = st.lists(SEGMENTS | GLOBS, min_size=1, max_size=3).map("/".join)
MORE = st.lists(NAMES, max_size=2).map(tuple)


@given(st.lists(st.tuples(NAMES, MORE, MORE, MORE), max_size=6), st.lists(PATTERNS, max_size=3))
def test_whom_patterns_select_is_among_those_whose_names_begin_so(
    names: list[tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]], patterns: list[str]
) -> None:
    endpoints = [
        Endpoint(index, name, "pod", "t", 0, 1, 0, "h", (), aliases=aliases, runs=runs, also=also)
        for index, (name, aliases, runs, also) in enumerate(names)
    ]
    there = Unrouted("here", (), tuple(endpoints))
    among = beginning(patterns, heads(there))
    assert among == sorted({*among})
    for pattern in patterns:
        assert [*selected_in(there, pattern)] == [*selected(pattern, endpoints)]
        assert {e.index for e in selected(pattern, endpoints)} <= {*among}
