"""An edit of a YAML document as an edit of its text: what it does not touch stays as it stands.

Comments, quotes, order and indentation are kept everywhere but inside what is replaced or removed.

Rules that hold here:

1. The text that comes out is read again: the document says what the edit makes of its value, every
   other one of the file what it said. Where it does not, there is no text (`None`).
2. Nothing that holds a comment is written anew: there is no text then, either.
3. What comes in is written in the style of its surroundings: in flow style inside of that and
   beside items that have it, else in blocks.

Source: YAML 1.2.2; places are those of libyaml's node graph.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from fabric.diagnostics import InputError
from fabric.file.extend import Place, applied
from fabric.file.yaml.reader import Document, KeyEntry, Mark, read_yaml
from fabric.file.yaml.written_yaml import written_yaml

Way = tuple[str | int, ...]
DASH = re.compile(r"-[ \t]+\Z")
WIDE = 2**30


class UnwritableError(Exception):
    """No edit of the text says this and keeps the rest."""


@dataclass(frozen=True, slots=True)
class ValueEdit:
    """`action` (set, append, remove) with `value` at a place; the value is plain data."""

    at: Place
    action: str
    value: Any = None


def edited_text(text: str, place: tuple[int, int], edit: ValueEdit) -> str | None:
    r"""The text after an edit of the document, or the item of a list of objects, that begins at a
    line and column, from 0; None where rules 1 and 2 allow none.

    >>> text = "a:\n- 1 # one\n- 2\n# end\n"
    >>> edited_text(text, (0, 0), ValueEdit(("a",), "append", {"b": "c"}))
    'a:\n- 1 # one\n- 2\n- b: c\n# end\n'
    >>> edited_text(text, (0, 0), ValueEdit(("a", 1), "remove"))
    'a:\n- 1 # one\n# end\n'
    """
    end = "\r\n" if "\r\n" in text else "\n"
    if end != "\n":
        text = text.replace(end, "\n")
    try:
        before = read_yaml(text, name="")
        number, way = _found(before, place)
        whole, _ = applied(before[number].value, (*way, *edit.at), edit)  # type: ignore[arg-type]
        written = _TextNodes(text, before[number]).written((*way, *edit.at), edit)
        after = read_yaml(written, name="")
    except (UnwritableError, InputError, yaml.YAMLError, KeyError, IndexError, TypeError):
        return None
    wanted = [whole if at == number else one.value for at, one in enumerate(before)]
    if not _same([one.value for one in after], wanted):
        return None
    return written.replace("\n", end)


def _same(a: Any, b: Any) -> bool:
    """Equal, and of the same types: 1 is neither true nor 1.0."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and bool(a == b)


def _found(documents: list[Document], place: tuple[int, int]) -> tuple[int, Way]:
    """Which document begins there, or has an item that does, and where in it."""
    for number, document in enumerate(documents):
        if place == (document.mark.line, document.mark.column):
            return number, ()
    for number, document in enumerate(documents):
        way = _below(document.mark, place, ())
        if way is not None:
            return number, way
    raise UnwritableError


def _below(mark: Mark, place: tuple[int, int], way: Way) -> Way | None:
    """Items of lists of objects alone."""
    below = mark.below.get("items") if isinstance(mark.below, dict) else None
    items = below.mark.below if isinstance(below, KeyEntry) else None
    for number, item in enumerate(items if isinstance(items, list) else ()):
        here = (*way, "items", number)
        if place == (item.line, item.column):
            return here
        if (found := _below(item, place, here)) is not None:
            return found
    return None


class _TextNodes:
    """The nodes of one document of a text, with where they stand."""

    def __init__(self, text: str, document: Document) -> None:
        self.text, self.value = text, document.value
        self.lines = [0]
        for line in text.split("\n"):
            self.lines.append(self.lines[-1] + len(line) + 1)
        begins = self.lines[document.mark.line] + document.mark.column
        nodes = filter(None, yaml.compose_all(text, Loader=yaml.CSafeLoader))
        found = (node for node in nodes if self.at(node.start_mark) == begins)
        self.root: Any = next(found, None)

    def written(self, at: Place, edit: ValueEdit) -> str:
        """The text after an edit."""
        *before, step = at
        way, there = [self.root], self.value
        for place in before:
            way.append(_child(way[-1], place))
            there = there[place]
        if edit.action == "append":
            return self.appended([*way, _child(way[-1], step)], [edit.value])
        if edit.action == "remove":
            return self.removed(way, step)
        try:
            node = _child(way[-1], step)
        except KeyError:
            return self.added(way, str(step), edit.value)
        old, new = there[step], edit.value
        both = isinstance(old, list) and isinstance(new, list)
        if both and 0 < len(old) < len(new) and new[: len(old)] == old:
            return self.appended([*way, node], new[len(old) :])
        return self.replaced(way, step, edit.value)

    def at(self, mark: Any) -> int:
        """An offset."""
        return int(self.lines[mark.line] + mark.column)

    def end(self, node: Any, least: int = 0) -> int:
        """Behind the last character of what a node says. Raises `UnwritableError` for an alias."""
        start = self.at(node.start_mark)
        if start < least:
            raise UnwritableError
        if not isinstance(node, yaml.CollectionNode) or node.flow_style:
            stop = self.at(node.end_mark)
            return start + len(self.text[start:stop].rstrip())
        last: Any = node.value[-1]
        return self.end(last[1] if isinstance(last, tuple) else last, start)

    def spans(self, parent: Any) -> list[tuple[int, int]]:
        """Where each item, or key with its value, begins and ends."""
        pairs = [item if isinstance(item, tuple) else (item, item) for item in parent.value]
        return [(self.at(a.start_mark), self.end(b, self.at(a.start_mark))) for a, b in pairs]

    def line_end(self, at: int) -> int:
        """The end of the line, with a comment that stands there."""
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found

    def appended(self, way: list[Any], values: list[Any]) -> str:
        """More items of the last node."""
        node = way[-1]
        if not isinstance(node, yaml.SequenceNode):
            raise UnwritableError
        if _flow(way):
            return self.inserted(node, ", ".join(map(_flat, values)))
        flat = all(_is_flat(item) and not _scalar(item) for item in node.value)
        items = "\n".join(f"- {_flat(value)}" for value in values) if flat else _block(values)
        return self.below(self.end(node), items, node.start_mark.column)

    def added(self, way: list[Any], key: str, value: Any) -> str:
        """One more key of the last node."""
        node = way[-1]
        if not isinstance(node, yaml.MappingNode) or not node.value:
            raise UnwritableError
        if _flow(way):
            return self.inserted(node, _flat({key: value})[1:-1])
        return self.below(self.end(node), _block({key: value}), node.start_mark.column)

    def inserted(self, node: Any, text: str) -> str:
        """Text in front of the bracket that closes a collection in flow style."""
        close = self.end(node) - 1
        before = self.text[:close].rstrip()
        gap = self.text[len(before) : close]
        if "#" in self.text[self.at(node.start_mark) : close]:
            raise UnwritableError
        comma = "" if not node.value else ", " if before[-1] != "," else " "
        return f"{before}{comma}{text}{gap}{self.text[close:]}"

    def below(self, at: int, text: str, column: int) -> str:
        """Text on lines of its own behind the line of an offset."""
        stop = self.line_end(at)
        return f"{self.text[:stop]}\n{_indented(text, column)}{self.text[stop:]}"

    def removed(self, way: list[Any], step: Any) -> str:
        """Without an item, or a key with its value."""
        parent = way[-1]
        number = _number(parent, step)
        spans = self.spans(parent)
        if len(spans) == 1:
            empty: Any = {} if isinstance(parent, yaml.MappingNode) else []
            return self.emptied(way, empty)
        start, stop = spans[number]
        self.plain(start, stop)
        if _flow(way):
            cut = (spans[number - 1][1], stop) if number else (start, spans[1][0])
            self.plain(*cut)
            return self.text[: cut[0]] + self.text[cut[1] :]
        if isinstance(parent, yaml.SequenceNode):
            start = self.dash(start)
        line = self.text.rfind("\n", 0, start) + 1
        if self.text[line:start].strip():
            following = spans[number + 1][0]
            self.plain(start, following)
            return self.text[:start] + self.text[following:]
        return self.text[:line] + self.text[self.line_end(stop) + 1 :]

    def plain(self, start: int, stop: int) -> None:
        """Nothing, unless a comment may stand there (rule 2)."""
        if "#" in self.text[start:stop]:
            raise UnwritableError

    def dash(self, start: int) -> int:
        """Where the dash of an item stands."""
        line = self.text.rfind("\n", 0, start) + 1
        found = DASH.search(self.text, line, start)
        if found is None:
            raise UnwritableError
        return found.start()

    def emptied(self, way: list[Any], value: Any) -> str:
        """The last node, with nothing in it."""
        node = way[-1]
        start, stop = self.at(node.start_mark), self.end(node)
        self.plain(start, stop)
        if not _flow(way) and len(way) > 1 and isinstance(way[-2], yaml.MappingNode):
            start = len(self.text[:start].rstrip())
            return f"{self.text[:start]} {_flat(value)}{self.text[stop:]}"
        return self.text[:start] + _flat(value) + self.text[stop:]

    def replaced(self, way: list[Any], step: Any, value: Any) -> str:
        """Another value at a place."""
        parent = way[-1]
        node = _child(parent, step)
        key, stop = self.spans(parent)[_number(parent, step)]
        start = self.at(node.start_mark)
        self.plain(start, stop)
        if _flow(way) or _is_flat(value) or (_is_flat(node) and not _scalar(node)):
            if not _is_flat(node) or self.text[start - 1] == ":":
                start = len(self.text[:start].rstrip())
                return f"{self.text[:start]} {_flat(value)}{self.text[stop:]}"
            return f"{self.text[:start]}{_flat(value)}{self.text[stop:]}"
        whole: Any = {str(step): value}
        if isinstance(parent, yaml.SequenceNode):
            key, whole = self.dash(start), [value]
        column = key - self.text.rfind("\n", 0, key) - 1
        return self.text[:key] + _indented(_block(whole), column).lstrip() + self.text[stop:]


def _child(node: Any, step: str | int) -> Any:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return value
        raise KeyError(step)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return node.value[step]
    raise UnwritableError


def _number(parent: Any, step: str | int) -> int:
    if isinstance(parent, yaml.MappingNode):
        return next(at for at, (key, _) in enumerate(parent.value) if key.value == step)
    return int(step)


def _scalar(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode)


def _is_flat(value: Any) -> bool:
    """Whether a node, or a value, stands on one line in flow style."""
    if isinstance(value, yaml.Node):
        return _scalar(value) or bool(getattr(value, "flow_style", False))
    return not isinstance(value, (list, Mapping)) or not value


def _flow(way: list[Any]) -> bool:
    return any(bool(getattr(node, "flow_style", False)) for node in way)


def _flat(value: Any) -> str:
    text = written_yaml(value, default_flow_style=True, width=WIDE, allow_unicode=True)
    return text.removesuffix("...\n").rstrip("\n")


def _block(value: Any) -> str:
    text = written_yaml(value, default_flow_style=False, width=WIDE, allow_unicode=True)
    return text.rstrip("\n")


def _indented(text: str, column: int) -> str:
    return "\n".join(f"{' ' * column}{line}" if line else line for line in text.split("\n"))
