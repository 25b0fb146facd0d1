"""A row of `reach` is unknown when what is not evaluated touches either of its ends."""

from __future__ import annotations

import pytest

from cloison.views.access.doubts import Doubts

DOUBTS = Doubts((), frozenset({"ns/one", "ns/two"}))


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("ns/one", "ns/two", "unknown"),
        ("ns/one", "ns/three", "unknown"),
        ("ns/three", "ns/one", "unknown"),
        ("ns/one", "ns/one", "unknown"),
        ("ns/three", "ns/four", "computed"),
    ],
)
def test_either_end(source: str, target: str, expected: str) -> None:
    assert DOUBTS.of(source, target) == expected
    assert DOUBTS.marked(source, target, {"a": 1}) == {"a": 1, "verdict": expected}
