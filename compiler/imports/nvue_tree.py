"""A place in the tree of an NVUE configuration, which accounts for every line that is read.

Rules that hold here:

1. Whoever takes a key with something below it uses its line; whoever reads a leaf uses that of the
   leaf, unless it only says what holds without it (`repeats`). What a reader does not take it
   ignores with a reason, or says that it is not known (`close`).
2. Keys that a reader knows to decide nothing about packets have a reason of their own. A key of
   which it knows nothing may decide anything: it is ignored, and the place where it stands is not
   known (`NotKnown`), so that answers about it are unknown.
3. `on`, `true`, `yes` and `enabled` are one value, which releases spell differently (5.16 writes
   `state: enabled` where others write `enable: on`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from compiler.imports.accounting import LineBook
from compiler.imports.device_facts import About, NotKnown
from fabric.diagnostics import Diagnostics, Span
from fabric.file.reader import Document

ON = frozenset(("on", "true", "yes", "enabled", "up"))
OFF = frozenset(("off", "false", "no", "disabled", "down"))
MOST_KEYS = 500_000
"""Keys of one file that are read: some fifty times what the largest switch has."""
USUAL = "says what holds without it"
UNHEARD = "not known to this reader: what it decides is unknown"
Steps = tuple[str | int, ...]


@dataclass(slots=True)
class NvueFile:
    """What is read of one file: its tree, its lines, and what came up on the way."""

    document: Document
    book: LineBook
    found: Diagnostics
    unknowns: list[NotKnown] = field(default_factory=list)
    seen: int = 0

    def not_known(
        self,
        kind: str,
        about: About,
        what: str,
        span: Span | None,
        vrf: str = "",
        interface: str = "",
    ) -> None:
        """Note what answers do not take into account."""
        self.unknowns.append(NotKnown(kind, about, vrf, interface, what, span))


@dataclass(frozen=True, slots=True)
class Branch:
    """`value` at `path`. A branch that does not exist has None and reads as nothing."""

    file: NvueFile
    path: Steps = ()
    value: Any = None
    taken: set[str] = field(default_factory=set, compare=False)

    @property
    def span(self) -> Span:
        """Where the key stands, or at the root the value."""
        if not self.path:
            return self.file.document.span(())
        if isinstance(self.path[-1], int):
            return self.file.document.span(self.path)
        return self.file.document.key_span(self.path)

    @property
    def name(self) -> str:
        """The path as `nv` writes it, without the root."""
        return " ".join(str(step) for step in self.path if not isinstance(step, int))

    def __bool__(self) -> bool:
        """Whether anything stands here."""
        return self.value is not None

    def use(self) -> None:
        """The lines of key and scalar change a fact."""
        self.file.book.use(self.span.line)
        if not isinstance(self.value, dict | list) and self.path:
            self.file.book.use(self.file.document.span(self.path).line)

    def read(self) -> None:
        """The leaf changes a fact, whatever it says."""
        if self:
            self.use()

    def __getitem__(self, key: str) -> Branch:
        """A key below, taken: its line is used if it is there."""
        first = not self.taken
        self.taken.add(key)
        value = self.value.get(key) if isinstance(self.value, dict) else None
        there = isinstance(self.value, dict) and key in self.value
        branch = Branch(self.file, (*self.path, key), {} if there and value is None else value)
        if there and (value is None or isinstance(value, dict | list)):
            branch.use()
        elif first and self.value is not None and not isinstance(self.value, dict):
            self.wrong("a mapping")
        return branch

    def has(self, key: str) -> bool:
        """Whether a key stands below; it is not taken by that."""
        return isinstance(self.value, dict) and key in self.value

    def each(self) -> Iterator[tuple[str, Branch]]:
        """Every key below that nobody took, taken in order of the file. A scalar is a key
        without anything below, and a list has its scalars as keys."""
        if isinstance(self.value, dict):
            for key in list(self.value):
                if key not in self.taken:
                    yield key, self[key]
        elif isinstance(self.value, list):
            for number, item in enumerate(self.value):
                below = Branch(self.file, (*self.path, number), item)
                below.use()
                if isinstance(item, dict | list) or item is None:
                    self.wrong("a list of names")
                else:
                    yield said(item), Branch(self.file, (*self.path, number), {})
        elif self.value is not None:
            self.use()
            yield said(self.value), Branch(self.file, self.path, {})

    def keys(self) -> list[str]:
        """The names that stand below, as `each` gives them."""
        return [key for key, _ in self.each()]

    def text(self) -> str | None:
        """A leaf as text; of a mapping with one key that holds nothing, the key."""
        if self.value is None:
            return None
        self.use()
        if self.value == {}:
            return None
        if isinstance(self.value, dict) and len(self.value) == 1:
            ((key, below),) = self.value.items()
            if below in (None, {}):
                self[key].use()
                return str(key)
        if isinstance(self.value, dict | list):
            self.wrong("one value")
            return None
        return said(self.value)

    def number(self, least: int, most: int) -> int | None:
        """A whole number, whether quoted or not."""
        found = self.text()
        if found is None:
            return None
        if not (found.isascii() and found.isdigit() and len(found) <= 12):
            self.wrong(f"a number from {least} to {most}")
            return None
        if not least <= int(found) <= most:
            self.wrong(f"a number from {least} to {most}")
            return None
        return int(found)

    def flag(self, default: bool) -> bool:
        """Whether this leaf is on."""
        if not isinstance(self.value, dict | list) and said(self.value).lower() in ON | OFF:
            found = said(self.value).lower() in ON
            if found is default:
                self.repeats(USUAL)
            else:
                self.use()
            return found
        if self.text() is not None:
            self.wrong("on or off")
        return default

    def enabled(self, default: bool) -> bool:
        """Whether the part of a configuration that stands here is on."""
        if self.has("enable"):
            return self["enable"].flag(default)
        if self.has("state") and not isinstance(self.value["state"], dict):
            return self["state"].flag(default)
        return default

    def wrong(self, what: str) -> None:
        """Note a value that cannot be read."""
        shown = "" if self.name.endswith("password") else f', not "{short(self.value)}"'
        message = f"{self.name}: must be {what}{shown}"
        span = self.file.document.span(self.path)
        self.file.found.error("C831", message, span, "write it as `nv config show` prints it")

    def repeats(self, reason: str) -> None:
        """The leaf says what is known without it."""
        for line in (self.span.line, self.file.document.span(self.path).line):
            self.file.book.ignore(line, reason)

    def ignore(self, reason: str, secret: bool = False) -> None:
        """Everything that stands here changes no fact."""
        for line in lines_below(self):
            self.file.book.ignore(line, reason, secret)

    def skip(self, key: str, reason: str) -> None:
        """Nothing of a key below changes a fact."""
        if self.has(key):
            self.taken.add(key)
            Branch(self.file, (*self.path, key), self.value[key]).ignore(reason)

    def close(
        self,
        reasons: Mapping[str, str],
        about: About = "forwarding",
        vrf: str = "",
        interface: str = "",
    ) -> None:
        """The keys that nobody took: ignored for their reasons, or not known (rule 2)."""
        if not isinstance(self.value, dict):
            return
        for key in self.value:
            if key in self.taken:
                continue
            below = Branch(self.file, (*self.path, key), self.value[key])
            secret = key in SECRETS
            if key in reasons:
                below.ignore(reasons[key], secret)
            else:
                below.ignore(UNHEARD, secret)
                what = f"`{below.name}` is not known to this reader"
                self.file.not_known("Key", about, what, below.span, vrf, interface)


SECRETS = frozenset(("password", "secret", "key", "hashed-password", "community-string"))


def all_for(keys: str, reason: str) -> dict[str, str]:
    """These keys, parted by spaces, with one reason why they change no fact."""
    return dict.fromkeys(keys.split(), reason)


def said(value: object) -> str:
    """A scalar as text, as the file has it.

    >>> said(True), said(65535), said(1.0), said("on")
    ('true', '65535', '1.0', 'on')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


def short(value: object) -> str:
    """A value for a message."""
    shown = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else ""
    return shown or said(value)[:60]


def lines_below(branch: Branch) -> Iterator[int]:
    """The lines of a key and of everything below it."""
    document = branch.file.document
    waiting: list[tuple[Steps, Any]] = [(branch.path, branch.value)]
    while waiting:
        path, value = waiting.pop()
        yield document.key_span(path).line
        yield document.span(path).line
        if isinstance(value, dict):
            waiting += [((*path, key), below) for key, below in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, n), below) for n, below in enumerate(value)]
