"""Values are drawn by whoever asks, and each of them once."""

from __future__ import annotations

from fabric.plan.ledger import Ledger


def test_no_value_is_drawn_twice_whatever_offers_it() -> None:
    """Pools that overlap are several sources of one kind of value."""
    ledger = Ledger("VNI", {"pinned": 3}, {"locked": 4}, {5: "somebody"})
    pool = [3, 4, 5, 1, 2]
    asked = [("a", "one"), ("b", "other"), ("a", "other"), ("pinned", "one"), ("locked", "other")]
    assert [ledger.draw(key, source, pool) for key, source in asked] == [1, 2, 1, 3, 4]
    assert ledger.draw("c", "one", pool) is None
    assert ledger.locked == {"locked": 4, "a": 1, "b": 2}
