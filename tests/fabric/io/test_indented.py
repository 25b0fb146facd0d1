"""The quick writer of JSON against the one of the standard library."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fabric.io.indented import indented

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    PLAIN,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
)


@given(VALUES)
def test_it_writes_what_json_dumps_writes(value: Any) -> None:
    assert indented(value) == json.dumps(value, indent=1)


@given(VALUES)
def test_what_stands_deeper_fits_there(value: Any) -> None:
    assert json.dumps({"a": [value]}, indent=1) == f'{{\n "a": [\n  {indented(value, 2)}\n ]\n}}'
