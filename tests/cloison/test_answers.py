"""Goldens: what commands print for people, exactly, in 80 columns."""

from __future__ import annotations

from pathlib import Path

import pytest
from goldens import ANSWERS, answer, expected, inputs


@pytest.mark.slices(2)
@pytest.mark.parametrize("path", inputs(ANSWERS), ids=lambda p: p.stem)
def test_text_is_as_written(path: Path) -> None:
    found = answer(path)
    assert found == expected(path).read_text("utf-8")
    if not path.stem.endswith("-md"):
        result = found.partition("--- stderr")[0]  # diagnostics are one line each, for editors
        assert max(map(len, result.splitlines()), default=0) <= 80
