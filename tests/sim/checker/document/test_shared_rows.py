"""Ranges that maps have in common are read once, and nothing else is read otherwise for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabric.io.strict_json import decoded, distinct
from sim.checker.document.shared_rows import compact, numbered, parsed

ROW = [0, 9, 1, [-1, 2], [0, 1]]
OTHER = ["0", "ff", 2, [], []]
MAPS = [[ROW, OTHER], [OTHER], [ROW]]


def text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def test_rows_that_are_written_alike_are_one_list() -> None:
    found = parsed(text({"a": [1], "maps": MAPS, "sources": []}))
    assert found == {"a": [1], "maps": MAPS, "sources": []}
    assert found["maps"][0][0] is found["maps"][2][0]
    assert found["maps"][0][1] is found["maps"][1][0]
    rows, of = numbered(found["maps"])
    assert rows == [ROW, OTHER]
    assert [numbers.tolist() for numbers in of] == [[0, 1], [1], [0]]


LEAVES = st.sampled_from(["]]]]", '"maps":[[[', "]],[", "]]],[[", 'x"', "\\", 0, True, None, 1.5])
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["maps", 'a"maps', "b"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(
    VALUES | st.builds(lambda a, b: {"b": a, "maps": [[[b, [1]]], [[a, [2], [3]]]]}, VALUES, VALUES)
)
def test_every_text_means_what_it_means(value: Any) -> None:
    for written in (text(value), json.dumps(value)):
        assert parsed(written) == value


@given(st.text('[]",:maps01{} ', max_size=12), st.integers(0, 60), st.integers(0, 6))
def test_what_is_no_json_is_none(more: str, at: int, gone: int) -> None:
    whole = text({"maps": MAPS, "b": {"maps": MAPS}})
    broken = whole[:at] + more + whole[at + gone :]
    try:
        true = decoded(broken, distinct)
    except ValueError:
        with pytest.raises(ValueError):
            parsed(broken)
    else:
        assert text(parsed(broken)) == text(true)


def test_maps_that_stand_elsewhere_are_not_the_maps() -> None:
    for value in ({"x": {"maps": MAPS}}, {"x": {"maps": MAPS}, "maps": [[[1, [2], [3]]]]}):
        assert parsed(text(value)) == value


@given(
    st.dictionaries(st.sampled_from(["maps", "b", "a"]), st.just([[ROW, [1]], []]) | st.just([]))
)
def test_the_text_is_that_of_json(value: dict[str, Any]) -> None:
    whole = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    assert b"".join(compact(value)) == whole
