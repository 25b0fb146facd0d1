"""Lines of an FRR configuration, and the blocks that they stand in.

Rules that hold here:

1. A line belongs to the innermost block that knows it, as vtysh finds its node; blocks inside of
   that one are then over. Indentation says nothing.
2. `exit` and its like leave one block, `end` all. `!` and `#` begin comments.
3. Every line is used, or ignored with a reason. What no block knows is ignored and told as not
   known: it may change where routes go.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from compiler.imports.accounting import ConfigText, LineBook
from compiler.imports.device_facts import About, NotKnown
from fabric.diagnostics import Diagnostics, Span

LEAVES = frozenset(("exit", "exit-vrf", "exit-address-family", "exit-vni", "exit-vrf-policy"))
UNREAD = "not read here"
SECRETS = ("password", "key-string", "md5", "secret", "authentication")


@dataclass(frozen=True, slots=True)
class FrrLine:
    """A line: its words, and `no` if it takes something back."""

    words: tuple[str, ...]
    no: bool
    span: Span

    def begins(self, *words: str) -> bool:
        """Whether the first words are these."""
        return self.words[: len(words)] == words

    def after(self, word: str) -> str | None:
        """The word behind a word, None where it is the last or not there."""
        if word not in self.words[:-1]:
            return None
        return self.words[self.words.index(word) + 1]


class FrrBlock(ABC):
    """A block of lines."""

    @abstractmethod
    def take(self, line: FrrLine, file: FrrFile) -> bool:
        """Read a line; False where the block does not know it."""


@dataclass(slots=True)
class FrrFile:
    """A file while it is read."""

    book: LineBook
    found: Diagnostics
    blocks: list[FrrBlock] = field(default_factory=list)
    unknowns: list[NotKnown] = field(default_factory=list)

    def use(self, line: FrrLine) -> bool:
        """The line changes a fact."""
        self.book.use(line.span.line)
        return True

    def ignore(self, line: FrrLine, reason: str) -> bool:
        """The line changes none."""
        self.book.ignore(line.span.line, reason, any(w in SECRETS for w in line.words))
        return True

    def take_back(self, line: FrrLine, *spans: Span) -> bool:
        """The line takes back what others say, or nothing: neither changes a fact."""
        for span in spans:
            self.book.used.discard(span.line)
            self.book.ignore(span.line, "is taken back")
        return self.ignore(line, "takes something back" if spans else "takes nothing back")

    def replaces(self, line: FrrLine, *spans: Span) -> bool:
        """The line counts in place of others."""
        for span in spans:
            if span.file == self.book.source.file:
                self.book.used.discard(span.line)
                self.book.ignore(span.line, "a later line counts in its place")
        return self.use(line)

    def unknown(self, line: FrrLine, what: str, vrf: str = "", about: About = "routes") -> bool:
        """The line is not modelled, and may matter."""
        said = " ".join(("no", *line.words) if line.no else line.words)
        if any(word in SECRETS for word in line.words):
            said = line.words[0]
        self.unknowns.append(NotKnown(what, about, vrf, "", f"{what}: {said[:120]}", line.span))
        return self.ignore(line, what)

    def wrong(self, line: FrrLine, message: str) -> bool:
        """The line cannot be read."""
        hint = "vtysh -c 'show running-config' prints what is read"
        self.found.error("C838", message, line.span, hint)
        return self.use(line)

    def enter(self, line: FrrLine, block: FrrBlock) -> bool:
        """The line begins a block inside of the one that took it."""
        self.blocks.append(block)
        return self.use(line)


def read_lines(source: ConfigText, top: FrrBlock, found: Diagnostics) -> FrrFile:
    """All lines of a file."""
    file = FrrFile(LineBook(source), found)
    file.book.blank(("!", "#"))
    file.blocks.append(top)
    for number, text in enumerate(file.book.lines, 1):
        words = tuple(text.split())
        if not words or words[0][0] in "!#":
            continue
        no = words[0] == "no" and len(words) > 1
        column = len(text) - len(text.lstrip()) + 1
        line = FrrLine(words[1:] if no else words, no, Span(source.file, number, column))
        if words[0] in LEAVES or words == ("end",):
            del file.blocks[1 if words[0] == "end" else max(1, len(file.blocks) - 1) :]
            file.ignore(line, "ends a block")
        else:
            taken(file, line)
    return file


def taken(file: FrrFile, line: FrrLine) -> None:
    """Rule 1."""
    for depth in range(len(file.blocks), 0, -1):
        before = file.blocks[depth:]
        del file.blocks[depth:]
        if file.blocks[depth - 1].take(line, file):
            return
        file.blocks += before
    del file.blocks[1:]
    file.unknown(line, UNREAD)


class IgnoredBlock(FrrBlock):
    """A block of which nothing is read, up to a line that an outer block knows as its own."""

    def __init__(self, reason: str, outside: Callable[[FrrLine], bool]) -> None:
        self.reason, self.outside = reason, outside

    def take(self, line: FrrLine, file: FrrFile) -> bool:
        """Everything, but what begins another block."""
        return not self.outside(line) and file.ignore(line, self.reason)


def harmless(line: FrrLine, file: FrrFile, reasons: Mapping[str, str]) -> bool:
    """Ignore a line that begins with one of some words, the longest first."""
    for length in range(min(4, len(line.words)), 0, -1):
        reason = reasons.get(" ".join(line.words[:length]))
        if reason is not None:
            return file.ignore(line, reason)
    return False
