"""Guess what was meant where the shape of a fabric file is wrong, so that checks can go on.

The file stays wrong: a guess only serves to report, in the same run, what else is wrong with it.
Slips that have one obvious reading are repaired (a misspelt key, a number for text, text for a
list); for everything else nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from fabric.diagnostics import Span
from fabric.file.extend import ReadableDocument
from fabric.file.schema import keys_at

Place = tuple[str | int, ...]


def repaired(value: Any, problems: Iterable[tuple[Place, ErrorDetails]]) -> Any:
    """A copy of a file's value in which the obvious slips are mended; nothing shared is changed."""
    for place, detail in problems:
        value = mended(value, place, place, detail)
    return value


NEEDED: Mapping[Place, Any] = {
    ("cloison",): 1,
    ("name",): "unnamed",
    ("sites",): {"site": {}},
}
"""What stands in for a key of the file that it cannot do without."""


def without(value: Any, places: Iterable[Place]) -> tuple[Any, set[str]]:
    """A copy of a value in which nothing stands at these places, and the names that went with it;
    where a key is missing, the mapping that misses it goes.

    Entries of lists become `GONE`, so that places keep their meaning; `Thinned` takes them out.

    >>> value, names = without({"a": [{"name": "x", "to": 1}, 2]}, [("a", 0, "to"), ("a", 1)])
    >>> value["a"][0], value["a"][1] is GONE, sorted(names)
    ({'name': 'x'}, True, ['to', 'x'])
    """
    names: set[str] = set()
    for place in sorted(places, key=lambda p: (len(p), [str(s).zfill(9) for s in p]), reverse=True):
        value = dropped(value, place, place, names)
    return value, names


def dropped(value: Any, rest: Sequence[Any], place: Place, names: set[str]) -> Any:
    """A copy in which what is at `rest` below `value` is gone."""
    if not rest:
        return value
    if place in NEEDED:
        return {**value, place[0]: NEEDED[place]} if isinstance(value, Mapping) else value
    if not there(value, rest[0]):
        return value
    copy: Any = dict(value) if isinstance(value, Mapping) else list(value)
    below = value[rest[0]]
    if len(rest) == 1 or (len(rest) == 2 and not there(below, rest[1])):
        named = [rest[0], below.get("name") if isinstance(below, Mapping) else None]
        names |= {name for name in named if isinstance(name, str)}
        if isinstance(copy, list):
            copy[rest[0]] = GONE
        else:
            del copy[rest[0]]
    else:
        if isinstance(below, Mapping) and isinstance(below.get("name"), str):
            names.add(below["name"])
        copy[rest[0]] = dropped(below, rest[1:], place, names)
    return copy


class Gone:
    """Where an entry of a list was."""


GONE = Gone()


class Thinned:
    """A document without what is `GONE` from `value`; what is left is found where it stands."""

    def __init__(self, base: ReadableDocument, value: Any) -> None:
        self.base, self.file = base, base.file
        self.kept: dict[Place, list[int]] = {}
        self.value = self._thin(value, ())

    def _thin(self, value: Any, place: Place) -> Any:
        if isinstance(value, Mapping):
            return {key: self._thin(below, (*place, key)) for key, below in value.items()}
        if not isinstance(value, list):
            return value
        kept = [i for i, below in enumerate(value) if below is not GONE]
        if len(kept) < len(value):
            self.kept[place] = kept
        return [self._thin(value[i], (*place, at)) for at, i in enumerate(kept)]

    def place(self, path: Place) -> Place:
        """Where a path of the thinned value leads in the whole one.

        >>> from types import SimpleNamespace
        >>> Thinned(SimpleNamespace(file="f"), {"a": [GONE, {"b": 1}]}).place(("a", 0, "b"))
        ('a', 1, 'b')
        """
        out: list[str | int] = []
        for at, step in enumerate(path):
            kept = self.kept.get(path[:at])
            inside = kept and isinstance(step, int) and step < len(kept)
            out.append(kept[int(step)] if kept and inside else step)
        return tuple(out)

    def span(self, path: Place = ()) -> Span:
        """Where a value stands in the file."""
        return self.base.span(self.place(path))

    def key_span(self, path: Place) -> Span:
        """Where a key stands in the file."""
        return self.base.key_span(self.place(path))


def there(value: Any, step: str | int) -> bool:
    """Whether a step of a path leads on from here."""
    if isinstance(value, Mapping):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def mended(value: Any, rest: Place, place: Place, detail: ErrorDetails) -> Any:
    """A copy with one problem at `place` mended, of which `rest` still lies below `value`."""
    if not rest:
        return guess(value, detail["type"])
    copy: Any
    if isinstance(value, Mapping) and rest[0] in value:
        copy = dict(value)
    elif isinstance(value, list) and isinstance(rest[0], int) and rest[0] < len(value):
        copy = list(value)
    else:
        return value
    if len(rest) == 1 and detail["type"] == "extra_forbidden":
        extra = copy.pop(rest[0])
        for key in get_close_matches(str(rest[0]), keys_at(place[:-1]), n=1):
            copy.setdefault(key, extra)
    else:
        copy[rest[0]] = mended(value[rest[0]], rest[1:], place, detail)
    return copy


def guess(value: Any, kind: str) -> Any:
    """What a value of the wrong type probably stands for.

    >>> guess(22, "string_type"), guess("a", "list_type"), guess("2", "int_type"), guess({}, "x")
    ('22', ['a'], 2, {})
    """
    match kind, value:
        case "string_type", int() | float():
            return str(value)
        case "list_type", str():
            return [value]
        case "int_type", str() if value.isdecimal() and len(value) < 20:
            return int(value)
        case "dict_type" | "model_type", None:
            return {}
        case _:
            return value
