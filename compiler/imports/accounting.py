"""Line accounting: every line of a configuration changes a fact, or is listed with why it does not.

A reader says of each line that it uses it or ignores it; what it says nothing of is a bug
(`leftover`), which the tests hunt. Lines that hold a secret are listed without what stands there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from compiler.imports.device_facts import Device

SECRET = "(not shown: a secret)"
"""In the place of a line that holds one."""
LONGEST = 200
"""Characters of a line that are listed."""


@dataclass(frozen=True, slots=True)
class ConfigText:
    """A file of a device."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class IgnoredLine:
    """A line that changes no fact; `number` counts from 1."""

    file: str
    number: int
    text: str
    reason: str

    def row(self) -> dict[str, str | int]:
        """The line as data."""
        return {
            "line": f"{self.file}:{self.number}",
            "text": self.text,
            "reason": self.reason,
        }


@dataclass(slots=True)
class LineBook:
    """The lines of a file, from 1, and what became of each. `wholes` are first and last lines of
    parts of which every line is used that is not ignored."""

    source: ConfigText
    lines: list[str] = field(init=False)
    used: set[int] = field(init=False, default_factory=set)
    why: dict[int, str] = field(init=False, default_factory=dict)
    secret: set[int] = field(init=False, default_factory=set)
    wholes: list[tuple[int, int]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.lines = self.source.text.splitlines()

    def use(self, *numbers: int) -> None:
        """These lines change facts."""
        self.used.update(numbers)

    def whole(self, first: int, last: int) -> None:
        """All of these lines change facts, but for those that are ignored. Parts come in order, and
        no line is in two."""
        self.wholes.append((first, last))

    @property
    def outside(self) -> Iterator[int]:
        """The lines that are in no whole part."""
        begin = 1
        for first, last in (*self.wholes, (len(self.lines) + 1, 0)):
            yield from range(begin, first)
            begin = last + 1

    def ignore(self, number: int, reason: str, secret: bool = False) -> None:
        """This line changes none; the first reason counts."""
        self.why.setdefault(number, reason)
        if secret:
            self.secret.add(number)

    def blank(self, marks: Iterable[str]) -> None:
        """Lines without anything, or with a comment alone, which `marks` begin, are ignored."""
        starts = tuple(marks)
        for number in self.outside:
            text = self.lines[number - 1].strip()
            if not text:
                self.ignore(number, "blank")
            elif text.startswith(starts):
                self.ignore(number, "comment")

    @property
    def leftover(self) -> tuple[int, ...]:
        """Lines of which the reader said nothing."""
        known = self.used | self.why.keys()
        return tuple(n for n in self.outside if n not in known)

    @property
    def ignored(self) -> tuple[IgnoredLine, ...]:
        """What changes nothing, in order; a line that is used too is not."""
        return tuple(
            IgnoredLine(self.source.file, n, self._shown(n), self.why[n])
            for n in sorted(self.why)
            if n not in self.used and 1 <= n <= len(self.lines)
        )

    def _shown(self, number: int) -> str:
        if number in self.secret:
            return SECRET
        return self.lines[number - 1].strip()[:LONGEST]


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of a device: its facts, and what became of every line. `lines` is how many there
    are; `leftover` are numbers of lines that the reader forgot, which is a bug of its."""

    device: Device
    ignored: tuple[IgnoredLine, ...]
    lines: int
    leftover: tuple[int, ...] = ()
