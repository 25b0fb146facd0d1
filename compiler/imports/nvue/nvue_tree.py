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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from compiler.imports.accounting import LineBook
from compiler.imports.device_facts import About, AccessEntry, NotKnown
from fabric.diagnostics import Diagnostics, Span
from fabric.file.yaml.plain_yaml import Cut, UnusualTextError
from fabric.file.yaml.reader import Document, KeyEntry, Mark

ON = frozenset(("on", "true", "yes", "enabled", "up"))
OFF = frozenset(("off", "false", "no", "disabled", "down"))
USUAL = "says what holds without it"
UNHEARD = "not known to this reader: what it decides is unknown"


@dataclass(slots=True)
class NvueFile:
    """What is read of one file: its tree, its lines, and what came up on the way. `entries` are
    those of access lists whose rules were cut out of the tree."""

    document: Document
    book: LineBook
    found: Diagnostics
    unknowns: list[NotKnown] = field(default_factory=list)
    entries: dict[Cut, Sequence[AccessEntry]] = field(default_factory=dict)
    sayings: list[tuple[str, str]] = field(default_factory=list)

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


class Branch:
    """`value` at `path`. A branch that does not exist has None and reads as nothing; its place is
    that of what is nearest above it. `place` is where the key stands, or at the root the value,
    `mark` where the value does."""

    __slots__ = ("above", "file", "mark", "place", "step", "taken", "value")

    def __init__(
        self,
        file: NvueFile,
        value: Any,
        place: Mark | KeyEntry,
        mark: Mark,
        above: Branch | None = None,
        step: str | int = "",
    ) -> None:
        self.file, self.value, self.place, self.mark = file, value, place, mark
        self.above, self.step = above, step
        self.taken: set[str] | None = None

    @staticmethod
    def root(file: NvueFile) -> Branch:
        """The whole tree of a file."""
        return Branch(file, file.document.value, file.document.mark, file.document.mark)

    def again(self, value: Any) -> Branch:
        """The same place with another value, and nothing taken."""
        return Branch(self.file, value, self.place, self.mark, self.above, self.step)

    @property
    def span(self) -> Span:
        """Where the key stands, or at the root the value."""
        return Span(self.file.document.file, self.place.line + 1, self.place.column + 1)

    @property
    def value_span(self) -> Span:
        """Where the value stands."""
        return Span(self.file.document.file, self.mark.line + 1, self.mark.column + 1)

    @property
    def name(self) -> str:
        """The path as `nv` writes it, without the root."""
        steps, here = list[str](), self
        while here.above is not None:
            if isinstance(here.step, str):
                steps.append(here.step)
            here = here.above
        return " ".join(reversed(steps))

    def __bool__(self) -> bool:
        """Whether anything stands here."""
        return self.value is not None

    def use(self) -> None:
        """The lines of key and scalar change a fact."""
        self.file.book.use(self.place.line + 1)
        if self.above is not None and not isinstance(self.value, dict | list):
            self.file.book.use(self.mark.line + 1)

    def read(self) -> None:
        """The leaf changes a fact, whatever it says."""
        if self:
            self.use()

    def at(self, key: str) -> Branch:
        """A key below that is there, looked at and not taken."""
        entry = self.mark.below[key]  # type: ignore[index, call-overload]
        return Branch(self.file, self.value[key], entry, entry.mark, self, key)

    def item(self, number: int) -> Branch:
        """An item of a list."""
        mark: Mark = self.mark.below[number]  # type: ignore[index, assignment]
        return Branch(self.file, self.value[number], mark, mark, self, number)

    def __getitem__(self, key: str) -> Branch:
        """A key below, taken: its line is used if it is there."""
        value, first = self.value, self.taken is None
        if self.taken is None:
            self.taken = {key}
        else:
            self.taken.add(key)
        if isinstance(value, dict) and key in value:
            branch = self.at(key)
            if branch.value is None:
                branch.value = {}
                branch.use()
            elif isinstance(branch.value, dict | list | Cut):
                self.file.book.use(branch.place.line + 1)
            return branch
        if first and value is not None and not isinstance(value, dict):
            self.wrong("a mapping")
        return Branch(self.file, None, self.place, self.mark, self, key)

    def has(self, key: str) -> bool:
        """Whether a key stands below; it is not taken by that."""
        return isinstance(self.value, dict) and key in self.value

    def each(self) -> Iterator[tuple[str, Branch]]:
        """Every key below that nobody took, taken in order of the file. A scalar is a key
        without anything below, and a list has its scalars as keys."""
        if isinstance(self.value, dict):
            for key in list(self.value):
                if self.taken is None or key not in self.taken:
                    yield key, self[key]
        elif isinstance(self.value, list):
            for number, item in enumerate(self.value):
                below = self.item(number)
                below.use()
                if isinstance(item, dict | list) or item is None:
                    self.wrong("a list of names")
                else:
                    yield said(item), below.again({})
        elif self.value is not None:
            self.use()
            yield said(self.value), self.again({})

    def keys_below(self) -> list[str]:
        """The names that stand below alone, with nothing below them, looked at and not taken."""
        if isinstance(self.value, dict):
            return [said(key) if below in (None, {}) else "" for key, below in self.value.items()]
        return [] if self.value is None or isinstance(self.value, list) else [said(self.value)]

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
        self.file.found.error(
            "C831", message, self.value_span, "write it as `nv config show` prints it"
        )

    def repeats(self, reason: str) -> None:
        """The leaf says what is known without it."""
        for place in (self.place, self.mark):
            self.file.book.ignore(place.line + 1, reason)

    def ignore(self, reason: str, secret: bool = False) -> None:
        """Everything that stands here changes no fact."""
        for line in lines_below(self):
            self.file.book.ignore(line, reason, secret)

    def skip(self, key: str, reason: str) -> None:
        """Nothing of a key below changes a fact."""
        if self.has(key):
            self.taken = {key} if self.taken is None else self.taken | {key}
            self.at(key).ignore(reason)

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
            if self.taken is not None and key in self.taken:
                continue
            below = self.at(key)
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
    waiting: list[Mark | KeyEntry] = [branch.place, branch.mark]
    while waiting:
        place = waiting.pop()
        yield place.line + 1
        if isinstance(place, KeyEntry):
            waiting.append(place.mark)
        elif isinstance(place.below, dict):
            waiting += place.below.values()
        elif place.below is not None:
            waiting += place.below


def account_for_the_rest(book: LineBook) -> None:
    """Comments and blank lines; a line that goes on with the one before fares as that does. Raises
    `UnusualTextError` for one behind a part that was accounted for as a whole."""
    book.blank("#")
    before, last = 0, 0
    for number in book.outside:
        before = before if number == last + 1 else -1
        line, last = book.lines[number - 1].strip(), number
        if not line:
            continue
        if number not in book.used and number not in book.why:
            if before == -1:
                raise UnusualTextError
            if before in book.used:
                book.use(number)
            elif before in book.why:
                book.ignore(number, book.why[before], before in book.secret)
            elif line in ("---", "...") or line.startswith("%"):
                book.ignore(number, "separates documents")
        before = number
