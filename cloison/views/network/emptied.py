"""Services of which no pod is left under a failure, in words."""

from __future__ import annotations

from collections.abc import Iterable

from fabric.values.door_names import SERVICE, DoorName, door_in

NAMED = 6


def words(gone: Iterable[tuple[str, str]]) -> str:
    """From (Service, failure); the first few, and how many more there are.

    >>> words([("acme/shop/web", "dpu1")])
    'Service acme/shop/web without dpu1'
    >>> words([("acme/shop/front[Ingress]", "dpu1")])
    'Ingress acme/shop/front without dpu1'
    """
    doors = ((door_in(name) or DoorName(SERVICE, name), failure) for name, failure in gone)
    every = [f"{door.kind} {door.name} without {failure}" for door, failure in doors]
    left = len(every) - NAMED
    return ", ".join(every[:NAMED]) + (
        f" and {left:,} more (-o json names them)" if left > 0 else ""
    )
