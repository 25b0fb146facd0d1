"""An underlay of which the next hops are found when somebody asks for them.

How far nodes are from each other says which routes they choose and whom they reach, and that is all
that those ask who try failures, a thousand of them. The next hops are far more numbers than that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from fabric.control.underlay import I16, I32, Session, Underlay

NextHops = tuple[I32, I32, I32]
"""`hop_off`, `hop_node` and `hop_link` of an underlay."""
NAMES = ("hop_off", "hop_node", "hop_link")


class LaterUnderlay(Underlay):
    """The next hops are what `hops` says, once. Whoever unpickles or copies one has them."""

    __slots__ = ("hops",)
    hops: Callable[[], NextHops]

    @classmethod
    def beside(
        cls,
        known: Underlay,
        length: I16,
        parent: I16,
        sessions: tuple[Session, ...],
        hops: Callable[[], NextHops],
    ) -> LaterUnderlay:
        """That of the same nodes with other paths."""
        made = object.__new__(cls)
        there = {"length": length, "parent": parent, "sessions": sessions, "hops": hops}
        same = {f.name for f in fields(Underlay)} - {*NAMES, *there}
        for name, value in (there | {name: getattr(known, name) for name in same}).items():
            object.__setattr__(made, name, value)
        return made

    def __getattr__(self, name: str) -> Any:
        """A field that is not known yet."""
        if name not in NAMES:
            raise AttributeError(name)
        for field, found in zip(NAMES, self.hops(), strict=True):
            object.__setattr__(self, field, found)
        return object.__getattribute__(self, name)
