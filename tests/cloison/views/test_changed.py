"""Changes as sentences: many ranges of addresses are not all named, in data they are."""

from __future__ import annotations

from typing import Any

import pytest

from cloison.views import changed
from sim.diff.merged import RowEnd


@pytest.fixture(autouse=True)
def _as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changed, "plain", lambda _, text: text)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "0.0.0.1/32"),
        (5, "0.0.0.1/32, 0.0.0.3/32, 0.0.0.5/32, 0.0.0.7/32, 0.0.0.9/32"),
        (6, "0.0.0.1/32, 0.0.0.3/32, 0.0.0.5/32, 0.0.0.7/32 and 2 more ranges"),
    ],
)
def test_the_first_ranges_stand_for_the_rest(count: int, said: str) -> None:
    none: Any = None
    end = RowEnd("zone2/inet", (), tuple((4, a, a) for a in range(1, 2 * count, 2)), whole=False)
    assert changed.addresses(none, end) == f"zone2/inet ({said})"
    assert len(changed.end_row(none, end)["addresses"]) == count
