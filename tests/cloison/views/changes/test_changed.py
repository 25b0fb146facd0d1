"""Changes as sentences: many ranges of addresses are not all named, in data they are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cloison.views.changes import changed
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


def test_whoever_shares_a_sentence_has_the_same_rest_or_it_says_so() -> None:
    def outside(*addresses: int) -> RowEnd:
        return RowEnd("zone2/inet", (), tuple((4, a, a) for a in addresses), whole=False)

    def change(source: RowEnd, target: RowEnd) -> Any:
        row = SimpleNamespace(source=source, target=target, versions=(4,), partly=False, hosts="")
        return SimpleNamespace(kind="lost", row=row)

    one, other = outside(1, 3, 5, 7, 9, 11), outside(1, 3, 5, 7, 9, 13)
    a, b = RowEnd("a"), RowEnd("b")
    found: Any = SimpleNamespace(ports=lambda _: "80/tcp")
    named = "0.0.0.1/32, 0.0.0.3/32, 0.0.0.5/32, 0.0.0.7/32 and 2"
    first, others = f"{named} more ranges", f"{named} others for each"

    def said(*changes: Any) -> list[str]:
        return [words for _, words in changed.sentences(found, changes)]

    assert said(change(one, a), change(one, b)) == [f"zone2/inet ({first}) loses a, b on 80/tcp"]
    assert said(change(one, a), change(other, b)) == [f"zone2/inet ({others}) loses a, b on 80/tcp"]
    assert said(change(a, one), change(b, one)) == [f"a, b lose zone2/inet ({first}) on 80/tcp"]
    assert said(change(a, one), change(b, other)) == [f"a, b lose zone2/inet ({others}) on 80/tcp"]
