"""What lints say about files of manifests, to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest
from goldens import LINTS, doubts, expected, inputs


@pytest.mark.parametrize("path", inputs(LINTS), ids=lambda p: p.stem)
def test_exact_text(path: Path) -> None:
    text = doubts(path)
    assert text == expected(path).read_text("utf-8")
    assert f"[C{path.stem[1:4]}]" in text
