"""JSON whose values know where they stand, for documents in which people look for a line.

RFC 8259 and no more: no comments, no key twice, neither NaN nor half of a character. Size and depth
are bounded, so hostile text costs no more than they allow.

>>> placed('{"a": [1,\\n 2]}').value["a"].value[1].at
(2, 2)
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

MOST, DEEPEST = 2**20, 32
"""Characters of a text, and brackets around a value."""
SPACE = re.compile(r"[ \t\n\r]*")
NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,300})(?:\.\d{1,300})?(?:[eE][-+]?\d{1,9})?", re.ASCII)
END = re.compile(r"[ \t\n\r,\]}]|\Z")
WORDS = {"true": True, "false": False, "null": None}
HALF = re.compile("[\ud800-\udfff]")


class NotJsonError(ValueError):
    """Text that is no JSON; `at` says where (line and column, from 1)."""

    def __init__(self, message: str, at: tuple[int, int]) -> None:
        self.at = at
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is written."""

    text: str


@dataclass(frozen=True, slots=True)
class PlacedValue:
    """`value` is text, a `Number`, a boolean, None, a list of these, or an object of them by key.
    `at` is its line and column; `keys` are those of an object's keys."""

    value: Any
    at: tuple[int, int]
    keys: dict[str, tuple[int, int]] | None = None


def placed(text: str) -> PlacedValue:
    """The value of a JSON text; raises `NotJsonError`."""
    if len(text) > MOST:
        raise NotJsonError(f"more than {MOST:,} characters", (1, 1))
    reader = _JsonScanner(text)
    value, end = reader.value(reader.behind_space(0), 0)
    if (rest := reader.behind_space(end)) < len(text):
        raise reader.error("something stands behind the value", rest)
    return value


class _JsonScanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def at(self, place: int) -> tuple[int, int]:
        line = bisect_right(self.starts, place)
        return line, place - self.starts[line - 1] + 1

    def error(self, message: str, place: int) -> NotJsonError:
        return NotJsonError(message, self.at(place))

    def behind_space(self, place: int) -> int:
        found = SPACE.match(self.text, place)
        return found.end() if found else place

    def value(self, place: int, depth: int) -> tuple[PlacedValue, int]:
        """The value that starts at a place, and where it ends."""
        if depth > DEEPEST:
            raise self.error(f"nested more than {DEEPEST} deep", place)
        match self.text[place : place + 1]:
            case "{":
                return self.mapping(place, depth)
            case "[":
                return self.sequence(place, depth)
            case '"':
                found, end = self.string(place)
                return PlacedValue(found, self.at(place)), end
        word = next((w for w in WORDS if self.text.startswith(w, place)), None)
        if word and END.match(self.text, place + len(word)):
            return PlacedValue(WORDS[word], self.at(place)), place + len(word)
        number = NUMBER.match(self.text, place)
        if number is None or not END.match(self.text, number.end()):
            raise self.error("a value is expected here", place)
        return PlacedValue(Number(number.group()), self.at(place)), number.end()

    def string(self, place: int) -> tuple[str, int]:
        try:
            found, end = scanstring(self.text, place + 1, True)
        except ValueError as error:
            raise self.error(f"not a text: {str(error).partition(':')[0]}", place) from None
        if HALF.search(found):
            raise self.error("the text holds half of a character", place)
        return found, end

    def sequence(self, place: int, depth: int) -> tuple[PlacedValue, int]:
        items: list[PlacedValue] = []
        at = self.behind_space(place + 1)
        while self.text[at : at + 1] != "]":
            if items:
                at = self.comma(at)
            item, at = self.value(at, depth + 1)
            items.append(item)
            at = self.behind_space(at)
        return PlacedValue(items, self.at(place)), at + 1

    def mapping(self, place: int, depth: int) -> tuple[PlacedValue, int]:
        values: dict[str, PlacedValue] = {}
        keys: dict[str, tuple[int, int]] = {}
        at = self.behind_space(place + 1)
        while self.text[at : at + 1] != "}":
            if values:
                at = self.comma(at)
            if self.text[at : at + 1] != '"':
                raise self.error("a key in quotes is expected here", at)
            start, (key, at) = at, self.string(at)
            if key in values:
                raise self.error("a key stands twice", start)
            at = self.behind_space(at)
            if self.text[at : at + 1] != ":":
                raise self.error("a colon is expected here", at)
            values[key], at = self.value(self.behind_space(at + 1), depth + 1)
            keys[key] = self.at(start)
            at = self.behind_space(at)
        return PlacedValue(values, self.at(place), keys), at + 1

    def comma(self, at: int) -> int:
        if self.text[at : at + 1] != ",":
            raise self.error("a comma or the end is expected here", at)
        return self.behind_space(at + 1)
