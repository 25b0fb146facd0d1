"""`OneLine`: a value too large to be printed says what it is and how large.

Whole, a network is megabytes of text, in a notebook's cell as in the message of a failing law; and
a dataclass that holds its own rows as class variables is printed by some within itself for ever."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol


class Printer(Protocol):
    """Of IPython's printers, and of those that were made after them."""

    def text(self, text: str, /) -> None: ...


class OneLine(ABC):
    """Dataclasses that are one take `repr=False`, and say `_said`."""

    __slots__ = ()

    @abstractmethod
    def _said(self) -> str:
        """What it is, without its class."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._said()}>"

    def _repr_pretty_(self, printer: Printer, cycle: bool, /) -> None:
        printer.text(repr(self))
