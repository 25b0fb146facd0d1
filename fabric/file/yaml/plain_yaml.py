"""YAML that is written plainly, read by lines: the same tree and places as the strict `reader` has.

What programs print is mostly mappings in mappings, a key in each line. For such text the machinery
of YAML is not needed, and a line costs a twentieth. Rules that hold here:

1. A line is blank, a comment, or spaces, a key, a colon, and nothing, `{}` or one scalar of a few
   safe letters; the root may be a list of such mappings. Printable ASCII alone, no backslashes.
2. Whatever else stands there, and whatever is wrong (a key twice, an indentation that fits to
   none), is `UnusualTextError`: whoever asks then asks `reader`, which knows what it
   is. So nothing is read here that is not read there, with the same marks.
3. What is below keys at one place of the tree may be cut out (`Cut`): the lines behind the key that
   are deeper than it. Only their first line is looked at, which has to be a number as a key; what
   they say is for whoever wanted them.

Sources: YAML 1.2.2 §7.3.3, §8.2; where libyaml puts the mark of a value that is empty.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fabric.file.yaml.reader import Document, KeyEntry, Mark
from fabric.file.yaml.scalars import resolve

SAFE = r"A-Za-z0-9_./+@=,()~^$;*-"
WORD = rf"(?:[{SAFE}]|:(?=[{SAFE}:]))"
LINE = re.compile(
    r"(- | *)"
    r"(?:(?:([A-Za-z0-9_](?:[A-Za-z0-9_./+@~-]|:(?=[A-Za-z0-9_./+@~:-])){0,200})|'([^'\n]{0,200})'):"
    rf"(?: (?:(\{{\}})|([A-Za-z0-9_/^]{WORD}*(?: {WORD}+)*)|'([^'\n]*)'|\"([^\"\n]*)\"))?"
    r" *"
    r"|#[^\n]*)?\n"
)
"""Rule 1: how deep, the key (plain or quoted), the value (empty mapping, plain or quoted)."""
PLAIN = bytes((10, *(n for n in range(32, 127) if n != ord("\\"))))
NUMBERED = re.compile(r"\n( +)('?)[0-9]{1,5}\2:")
DEEPEST = 50


class UnusualTextError(Exception):
    """What is not read here."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Lines that were cut out: `text[start:end]`, which begins with the end of the line before.
    `line` is the first of them, from 0; each of their keys stands `indent` deep, and is `quoted`
    or not."""

    start: int
    end: int
    line: int
    indent: int
    quoted: bool


def plain_document(
    text: str, file: str, cut: Sequence[str | None] = ()
) -> tuple[Document, list[Cut]]:
    """The document of a text, with a `Cut` in place of what stands below keys at the place `cut`
    (None: any key). Raises `UnusualTextError`.

    >>> found, _ = plain_document("a:\\n  b: 1\\n  c: {}\\n", "t.yaml")
    >>> found.value, str(found.span(("a", "b")))
    ({'a': {'b': 1, 'c': {}}}, 't.yaml:2:6')
    """
    if not text.isascii() or text.encode().translate(None, PLAIN):
        raise UnusualTextError
    return Outline(text if text.endswith("\n") else text + "\n", file, tuple(cut)).read()


class Outline:
    """A text as it is read. Parallel lists have the mappings that are open: how deep their keys
    stand, the key that each is below, what is in them, and the places of that."""

    def __init__(self, text: str, file: str, cut: tuple[str | None, ...]) -> None:
        self.text, self.file, self.cut = text, file, cut
        self.depths: list[int] = []
        self.names: list[str] = []
        self.values: list[dict[str, Any]] = []
        self.places: list[dict[str, KeyEntry]] = []
        self.cuts: list[Cut] = []
        self.items: list[Any] | None = None
        self.marks: list[Mark] = []
        self.begun = 0

    def read(self) -> tuple[Document, list[Cut]]:
        """The document, and what was cut out."""
        text, match = self.text, LINE.match
        at, line, end = 0, 0, len(self.text)
        waiting: tuple[str, int] | None = None
        depth, value, place = -1, dict[str, Any](), dict[str, KeyEntry]()
        while at < end:
            found = match(text, at)
            if found is None:
                raise UnusualTextError
            lead, plain, quoted, empty, scalar, one, two = found.groups()
            at = found.end()
            key = quoted if plain is None else plain
            if key is None:
                if lead == "- ":
                    raise UnusualTextError
                line += 1
                continue
            here = len(lead)
            if lead == "- ":
                self.item(line)
                depth, value, place = 2, self.values[0], self.places[0]
            elif here > depth:
                self.open(waiting, here, line)
                depth, value, place = here, self.values[-1], self.places[-1]
            elif here < depth:
                self.close(here)
                depth, value, place = here, self.values[-1], self.places[-1]
            if key in value or key == "<<":
                raise UnusualTextError
            waiting = None
            column = found.end(2) if quoted is None else found.end(3) + 1
            if scalar is not None:
                value[key] = resolved(scalar)
                place[key] = KeyEntry(line, here, Mark(line, column + 2 - found.start()))
            elif empty is not None:
                value[key] = {}
                place[key] = KeyEntry(line, here, Mark(line, column + 2 - found.start(), {}))
            elif one is not None or two is not None:
                value[key] = two if one is None else one
                place[key] = KeyEntry(line, here, Mark(line, column + 2 - found.start()))
            else:
                value[key] = None
                place[key] = KeyEntry(line, here, Mark(line, column + 1 - found.start()))
                waiting = key, here
                if self.cut and key == self.cut[-1] and self.wanted():
                    made = self.cut_out(at - 1, line, here)
                    if made is not None:
                        value[key] = made
                        place[key] = KeyEntry(line, here, Mark(made.line, made.indent))
                        line += text.count("\n", made.start, made.end)
                        at, waiting = made.end + 1, None
            line += 1
        return self.document(), self.cuts

    def item(self, line: int) -> None:
        """The next mapping of a list at the root."""
        if self.items is None:
            if self.values:
                raise UnusualTextError
            self.items, self.begun = [], line
        self.depths, self.names = [2], [""]
        self.values, self.places = [{}], [{}]
        self.items.append(self.values[0])
        self.marks.append(Mark(line, 2, self.places[0]))

    def open(self, waiting: tuple[str, int] | None, depth: int, line: int) -> None:
        """A mapping below the key that waits for its value, or that at the root."""
        if len(self.depths) >= DEEPEST:
            raise UnusualTextError
        value, place = dict[str, Any](), dict[str, KeyEntry]()
        if self.depths:
            if waiting is None:
                raise UnusualTextError
            key = waiting[0]
            before = self.places[-1][key]
            self.values[-1][key] = value
            self.places[-1][key] = KeyEntry(before.line, before.column, Mark(line, depth, place))
        elif depth or self.items is not None:
            raise UnusualTextError
        else:
            self.begun = line
        self.depths.append(depth)
        self.names.append(waiting[0] if waiting else "")
        self.values.append(value)
        self.places.append(place)

    def close(self, depth: int) -> None:
        """Back to the mapping whose keys stand so deep."""
        while self.depths and self.depths[-1] > depth:
            for stack in (self.depths, self.names, self.values, self.places):
                stack.pop()
        if not self.depths or self.depths[-1] != depth:
            raise UnusualTextError

    def wanted(self) -> bool:
        """Whether the keys that are open are those of the place of cuts."""
        above = self.cut[:-1]
        return len(self.names) == len(above) + 1 and all(
            want is None or want == name for want, name in zip(above, self.names[1:], strict=True)
        )

    def cut_out(self, start: int, line: int, depth: int) -> Cut | None:
        """The lines behind a line that ends at `start`, as far as they are deeper."""
        first = NUMBERED.match(self.text, start)
        if first is None or len(first[1]) <= depth:
            return None
        after = shallower(depth).search(self.text, start)
        end = after.start() if after else len(self.text) - 1
        made = Cut(start, end, line + 1, len(first[1]), bool(first[2]))
        self.cuts.append(made)
        return made

    def document(self) -> Document:
        """What was read. Raises `UnusualTextError` where nothing was."""
        if self.items is not None:
            return Document(self.items, Mark(self.begun, 0, self.marks), self.file)
        if not self.values:
            raise UnusualTextError
        return Document(self.values[0], Mark(self.begun, 0, self.places[0]), self.file)


def resolved(text: str) -> Any:
    """The value of a plain scalar."""
    try:
        return resolve(text)
    except ValueError:
        raise UnusualTextError from None


@lru_cache(DEEPEST)
def shallower(depth: int) -> re.Pattern[str]:
    """The end of a line before one that stands no deeper than a depth."""
    return re.compile(rf"\n {{0,{depth}}}[^ \n]")
