"""Services of which no pod is left under a failure, in words."""

from __future__ import annotations

from collections.abc import Iterable

NAMED = 6


def words(gone: Iterable[tuple[str, str]]) -> str:
    """From (Service, failure); the first few, and how many more there are.

    >>> words([("acme/shop/web", "dpu1")])
    'Service acme/shop/web without dpu1'
    """
    every = [f"Service {name} without {failure}" for name, failure in gone]
    left = len(every) - NAMED
    return ", ".join(every[:NAMED]) + (
        f" and {left:,} more (-o json names them)" if left > 0 else ""
    )
