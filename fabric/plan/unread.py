"""A plan of which nothing is known, as of a network that was read from devices.

Whoever needs one of its numbers hears that nobody said it, in place of an answer.
"""

from __future__ import annotations

from typing import Any, NoReturn, SupportsIndex

from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.plan.addressing import Plan


def unread(what: str) -> UndecidedError:
    """What to raise where something is asked that a network does not say."""
    message = f"nothing says what {what} this network has"
    hint = "Network.bare takes a plan"
    return UndecidedError(Diagnostic("C859", message, None, hint, "unknown"))


class UnreadTuple(tuple[Any, ...]):
    """Empty; asked for a member, or for all of them, it raises `UndecidedError`."""

    what: str

    def __new__(cls, what: str) -> UnreadTuple:
        self = super().__new__(cls)
        self.what = what
        return self

    def __getitem__(self, key: SupportsIndex | slice) -> NoReturn:
        raise unread(self.what)

    def __iter__(self) -> NoReturn:
        raise unread(self.what)


class UnreadDict(dict[Any, Any]):
    """Likewise."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def __missing__(self, key: object) -> NoReturn:
        raise unread(self.what)

    def __iter__(self) -> NoReturn:
        raise unread(self.what)

    def get(self, key: object, default: object = None) -> NoReturn:
        raise unread(self.what)


def unread_plan() -> Plan:
    """The plan of a network that says none of its numbers."""
    return Plan(
        UnreadTuple("ASNs"),
        UnreadTuple("loopbacks"),
        UnreadTuple("router MACs"),
        UnreadDict("route distinguishers"),
        UnreadDict("router MACs"),
        UnreadTuple("route targets"),
        {},
        {},
    )
