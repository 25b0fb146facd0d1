"""What modules make of a value that does not change, made when somebody first asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

V = TypeVar("V")
T = TypeVar("T")


class Memo:
    """No part of the value: another one that is made of it (`replace`, `pickle`) has nothing yet.

    >>> memo = Memo()
    >>> memo.of([1, 2], len), memo.of([1, 2], sum)
    (2, 3)
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[Callable[[Any], Any], Any] = {}

    def of(self, value: V, make: Callable[[V], T]) -> T:
        """What a module makes of the value that this belongs to."""
        if make not in self._known:
            self._known[make] = make(value)
        made: T = self._known[make]
        return made

    def keep(self, make: Callable[[Any], T], made: T) -> None:
        """Have `of` say this, which was made in another way and is the same."""
        self._known[make] = made

    def __reduce__(self) -> tuple[type[Memo], tuple[()]]:
        return Memo, ()
