"""YAML (and so JSON) with the place of every key and value.

libyaml turns text into events; a stack machine here turns events into plain Python values and,
beside them, marks. There is no intermediate node tree and no recursion, so hostile input costs no
more than its limits.

Rules that hold here:

1. Scalars follow the YAML 1.2 core schema (`fabric.file.yaml.scalars`). Keys are always text.
2. Duplicate keys are errors. Tags other than the core schema's are errors: nothing executes.
3. Merge keys (`<<: *base`) work as they do for Kubernetes' own YAML readers; explicit keys win.
4. Limits hold after aliases are expanded: depth, and how many nodes aliases may add.
5. Messages quote nothing out of a Secret (`fabric.io.secrets`).

Sources: YAML 1.2.2; libyaml's event stream; PyYAML's C binding of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from fabric.diagnostics import Diagnostic, Diagnostics, InputError, Span
from fabric.file.yaml.scalars import resolve
from fabric.io.decoded_text import read_text
from fabric.io.secrets import Secrets

MAX_DEPTH = 200
MAX_ALIASED_NODES = 1_000_000
TOO_DEEP = f"nested more than {MAX_DEPTH} deep"
CORE = "tag:yaml.org,2002:"
ILLEGAL = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
PAIR = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)
"""One character beyond U+FFFF, as JSON escapes it."""
ALIAS_HINT = 'quote text that starts with "*"'
UNQUOTED = {
    "C105": "an alias that stands for nothing; the line is part of a secret",
    "C106": "a tag that is not supported; the line is part of a secret",
    "C110": "a duplicate key; the line is part of a secret",
}
HINTS = {
    "while scanning an alias": ALIAS_HINT,
    "mapping values are not allowed": 'quote text that holds ": "; else check the indentation',
    "found character that cannot start any token": "indent with spaces, and quote text that "
    "starts with @, ` or %",
    "did not find expected key": "check the indentation and the quotes",
}


class Mark(NamedTuple):
    """Where a value starts (from 0), and the marks of what it holds."""

    line: int
    column: int
    below: dict[str, KeyEntry] | list[Mark] | None = None


class KeyEntry(NamedTuple):
    """Where a key stands, and its value."""

    line: int
    column: int
    mark: Mark


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its value and where everything in it stands in `file`."""

    value: Any
    mark: Mark
    file: str

    def span(self, path: tuple[str | int, ...] = ()) -> Span:
        """The place of the value at `path`, or of its nearest ancestor that exists."""
        mark = self.mark
        for step in path:
            below = descend(mark, step)
            if below is None:
                break
            mark = below.mark if isinstance(below, KeyEntry) else below
        return Span(self.file, mark.line + 1, mark.column + 1)

    def key_span(self, path: tuple[str | int, ...]) -> Span:
        """The place of the key that ends `path`, or what `span` gives where there is none."""
        mark = self.mark
        place: Mark | KeyEntry = mark
        for step in path:
            below = descend(mark, step)
            if below is None:
                break
            place, mark = below, below.mark if isinstance(below, KeyEntry) else below
        return Span(self.file, place.line + 1, place.column + 1)


def descend(mark: Mark, step: str | int) -> Mark | KeyEntry | None:
    """One step down a path; None where it leads nowhere."""
    below: Any = mark.below
    found: Mark | KeyEntry | None = None
    if isinstance(below, dict) and isinstance(step, str):
        found = below.get(step)
    elif isinstance(below, list) and isinstance(step, int) and 0 <= step < len(below):
        found = below[step]
    return found


def read_yaml(source: Path | str, name: str | None = None) -> list[Document]:
    """Every non-empty document of a file, of "-" (stdin), or of text when `name` is given.

    >>> document, = read_yaml("a: [1, x]", name="t.yaml")
    >>> document.value, str(document.span(("a", 1)))
    ({'a': [1, 'x']}, 't.yaml:1:8')
    """
    if name is not None:
        text, file = str(source), name
    else:
        text, file = read_text(source)
    found = Diagnostics()
    out = documents(text, file, found)
    found.check()
    return out


def documents(text: str, file: str, found: Diagnostics) -> list[Document]:
    """Parse `text`. Duplicate keys are added to `found` (the first of them counts); what leaves
    nothing to go on with, such as a syntax error, raises `InputError`."""
    illegal = ILLEGAL.search(text)
    if illegal:
        line = text.count("\n", 0, illegal.start()) + 1
        span = Span(file, line, illegal.start() - text.rfind("\n", 0, illegal.start()))
        message = f"character U+{ord(illegal.group()):04X} is not allowed in YAML"
        raise InputError(Diagnostic("C103", message, span, "is this a binary file?"))
    if PAIR.search(text):
        text = PAIR.sub(one_escape, text)
    composer = Composer(text, file, found)
    events = yaml.CSafeLoader(text)
    try:
        while events.check_event():
            composer.handle(events.get_event())
    except yaml.MarkedYAMLError as error:
        found.items.append(too_deep(text, error, file) or syntax_error(error, file))
        found.check()
    finally:
        events.dispose()
    return composer.done


def one_escape(pair: re.Match[str]) -> str:
    r"""The escape of YAML for a pair of JSON's.

    >>> PAIR.sub(one_escape, r"\ud83d\ude00 and \\ud83d\ude00")
    '\\U0001f600 and \\\\ud83d\\ude00'
    """
    high, low = int(pair[2], 16), int(pair[3], 16)
    return f"{pair[1]}\\U{0x10000 + ((high & 0x3FF) << 10 | low & 0x3FF):08x}"


def too_deep(text: str, error: yaml.MarkedYAMLError, file: str) -> Diagnostic | None:
    """C108 for a nesting that libyaml itself gave up on, where our own limit was passed.

    From 0.2.6 on libyaml looks ahead and refuses 1,000 levels before it hands out the event of the
    first; what stands before that place is read again, so that every version names the same one.
    """
    mark = error.problem_mark
    if mark is None or "nesting depth" not in (error.problem or ""):
        return None
    try:
        documents(text[: mark.index], file, Diagnostics())
    except InputError as again:
        found = next((d for d in again.diagnostics if d.code == "C108"), None)
        if found is not None:
            return found
    return Diagnostic("C108", TOO_DEEP, Span(file, mark.line + 1, mark.column + 1))


def syntax_error(error: yaml.MarkedYAMLError, file: str) -> Diagnostic:
    """What libyaml says, with a hint for the mistakes that people make."""
    words = ": ".join(filter(None, (error.context, error.problem)))
    mark = error.problem_mark or error.context_mark
    span = Span(file, mark.line + 1, mark.column + 1) if mark else Span(file, 1)
    hint = next((hint for phrase, hint in HINTS.items() if phrase in words), None)
    return Diagnostic("C104", f"not valid YAML: {words}", span, hint)


class Open:
    """A collection under construction; `key` waits for its value. Sizes count nodes."""

    __slots__ = ("anchor", "below", "column", "depth", "key", "line", "merges", "size", "value")

    def __init__(self, event: Any) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        self.value: Any = {} if mapping else []
        self.below: Any = {} if mapping else []
        self.line, self.column = event.start_mark.line, event.start_mark.column
        self.anchor: str | None = event.anchor
        self.key: tuple[str, int, int] | None = None
        self.merges: list[tuple[Any, Mark]] = []
        self.size = self.depth = 1

    @property
    def wants_key(self) -> bool:
        """Whether the next event is a key of this mapping."""
        return self.key is None and isinstance(self.value, dict)


class Composer:
    """Turns the events of one stream into documents (`done`) and diagnostics (`found`)."""

    def __init__(self, text: str, file: str, found: Diagnostics) -> None:
        self.text, self.file, self.found = text, file, found
        self.done: list[Document] = []
        self.open: list[Open] = []
        self.anchors: dict[str, tuple[Any, Mark, int, int] | None] = {}
        self.aliased = 0
        self.handlers: dict[type[Any], Callable[[Any], None]] = {
            yaml.ScalarEvent: self.scalar,
            yaml.AliasEvent: self.alias,
            yaml.MappingStartEvent: self.start,
            yaml.SequenceStartEvent: self.start,
            yaml.MappingEndEvent: self.end,
            yaml.SequenceEndEvent: self.end,
            yaml.DocumentStartEvent: lambda event: self.anchors.clear(),
        }

    def handle(self, event: Any) -> None:
        """Take the next event."""
        handler = self.handlers.get(type(event))
        if handler:
            handler(event)

    def fail(self, code: str, message: str, event: Any, hint: str | None = None) -> None:
        """Note an error and give up on this stream."""
        self.note(code, message, event.start_mark.line, event.start_mark.column, hint)
        self.found.check()

    def note(self, code: str, message: str, line: int, column: int, hint: str | None) -> None:
        if code in UNQUOTED and line + 1 in Secrets(self.text):
            message, hint = UNQUOTED[code], None
        self.found.error(code, message, Span(self.file, line + 1, column + 1), hint)

    def scalar(self, event: Any) -> None:
        mark = event.start_mark
        if self.open and self.open[-1].wants_key:
            known = (None, "!", CORE + "str", CORE + "merge" if event.value == "<<" else "!")
            if event.tag not in known:
                self.fail("C106", f'tag "{event.tag}" of a key is not supported', event)
            self.open[-1].key = (event.value, mark.line, mark.column)
            if event.anchor:
                self.anchors[event.anchor] = (event.value, Mark(mark.line, mark.column), 1, 1)
            return
        self.add(self.value_of(event), Mark(mark.line, mark.column), 1, 1, event.anchor, event)

    def value_of(self, event: Any) -> Any:
        """A scalar's value by its tag, or by how it looks when it is plain."""
        tag = event.tag
        if tag is None and not event.implicit[0]:
            return event.value
        kind = tag.removeprefix(CORE) if tag else ""
        if kind in ("!", "str"):
            return event.value
        if kind not in ("", "null", "bool", "int", "float"):
            self.fail("C106", f'tag "{tag}" is not supported', event, "remove the tag")
        try:
            return resolve(event.value)
        except ValueError as error:
            self.fail("C107", f"{error} is too long", event, "quote it if it is text")

    def alias(self, event: Any) -> None:
        known = self.anchors.get(event.anchor)
        if known is None:
            inside = event.anchor in self.anchors
            what = "refers to itself" if inside else "has no anchor before it"
            self.fail("C105", f'alias "*{event.anchor}" {what}', event, ALIAS_HINT)
            return
        value, mark, size, depth = known
        self.aliased += size
        if self.aliased > MAX_ALIASED_NODES:
            what = f"aliases expand to more than {MAX_ALIASED_NODES} nodes"
            self.fail("C108", what, event, "write less with fewer anchors")
        if self.open and self.open[-1].wants_key:
            if not isinstance(value, str):
                self.fail("C109", "a key must be text", event)
            self.open[-1].key = (value, event.start_mark.line, event.start_mark.column)
            return
        self.add(value, mark, size, depth, None, event)

    def start(self, event: Any) -> None:
        if len(self.open) >= MAX_DEPTH:
            self.fail("C108", TOO_DEEP, event)
        if event.tag not in (None, "!", CORE + "map", CORE + "seq"):
            self.fail("C106", f'tag "{event.tag}" is not supported', event, "remove the tag")
        if self.open and self.open[-1].wants_key:
            hint = 'quote text that starts with "{" or "["'
            self.fail("C109", "a key must be text", event, hint)
        if event.anchor:
            self.anchors[event.anchor] = None
        self.open.append(Open(event))

    def end(self, event: Any) -> None:
        frame = self.open.pop()
        for value, mark in frame.merges:
            merge(frame, value, mark)
        mark = Mark(frame.line, frame.column, frame.below)
        self.add(frame.value, mark, frame.size, frame.depth, frame.anchor, event)

    def add(
        self, value: Any, mark: Mark, size: int, depth: int, anchor: str | None, event: Any
    ) -> None:
        """Put a finished value into the collection that is open, or make it a document."""
        if anchor:
            self.anchors[anchor] = (value, mark, size, depth)
        if not self.open:
            if value is not None:
                self.done.append(Document(value, mark, self.file))
            return
        frame = self.open[-1]
        frame.size += size
        frame.depth = max(frame.depth, depth + 1)
        if len(self.open) + depth > MAX_DEPTH:
            self.fail("C108", TOO_DEEP, event)
        if isinstance(frame.value, list):
            frame.value.append(value)
            frame.below.append(mark)
            return
        assert frame.key is not None
        (key, line, column), frame.key = frame.key, None
        if key == "<<" and mergeable(value):
            frame.merges.append((value, mark))
        elif key in frame.value:
            first = frame.below[key]
            hint = f"it stands already in line {first.line + 1}"
            self.note("C110", f'duplicate key "{key}"', line, column, hint)
        else:
            frame.value[key] = value
            frame.below[key] = KeyEntry(line, column, mark)


def mergeable(value: Any) -> bool:
    """Whether `<<` can merge it: a mapping, or a list of them."""
    return isinstance(value, dict) or (
        isinstance(value, list) and all(isinstance(item, dict) for item in value)
    )


def merge(frame: Open, value: Any, mark: Mark) -> None:
    """Add what `frame` does not have already; earlier mappings of a list win."""
    if isinstance(value, list) and isinstance(mark.below, list):
        for item, below in zip(value, mark.below, strict=True):
            merge(frame, item, below)
    elif isinstance(mark.below, dict):
        for key in value:
            if key not in frame.value:
                frame.value[key] = value[key]
                frame.below[key] = mark.below[key]
