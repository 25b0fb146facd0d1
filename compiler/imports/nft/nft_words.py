"""Words of a rule set in text: what stands between spaces and punctuation, with its place.

Rules that hold here:

1. A line ends a rule, as a semicolon does, but for one that a backslash ends.
2. `define NAME = …` gives a name to words, `$NAME` stands for them; `undefine` forgets it.
3. A file that names others (`include`) is not followed, and one whose definitions grow beyond
   `MOST_WORDS` is refused.

Source: nft(8), INPUT FILE FORMATS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from compiler.imports.nft.known_lines import CutLine, KnownLines
from fabric.diagnostics import Diagnostic, InputError, Span

MOST_WORDS = 4_000_000
WORD = re.compile(
    r"(?P<space>[ \t\r]+|\\[ \t\r]*\n)|(?P<line>\n)|(?P<comment>\#[^\n]*)"
    r'|(?P<string>"[^"\n]*")|(?P<mark>==|!=|<=|>=|<<|>>|[{}();,=!<>&|^])'
    r"|(?P<word>[^\s{}();,=!<>&|^\"\#\\]+)"
)
END = "\n"
OTHER_ENDS = re.compile("\r(?!\n)|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
"""What ends lines for some programs and not for nft: nobody knows which reading is meant."""


class Word(NamedTuple):
    """A word as it is written (a string without its quotes) and where it begins."""

    text: str
    line: int
    column: int
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a file in columns, as `Tokens` reads them (a string begins with a quotation
    mark), the lines that have words, and comments: `(line, text)`. `source` are its lines, where
    each means what it says by itself."""

    texts: list[str]
    lines: list[int]
    columns: list[int]
    said: set[int]
    comments: list[tuple[int, str]]
    source: tuple[str, ...] = ()

    @staticmethod
    def of(
        found: Iterable[Word], said: set[int], comments: Iterable[tuple[int, str]] = ()
    ) -> Words:
        """Columns of words."""
        rows = list(found)
        return Words(
            [f'"{word.text}' if word.quoted else word.text for word in rows],
            [word.line for word in rows],
            [word.column for word in rows],
            said,
            list(comments),
        )

    def __len__(self) -> int:
        return len(self.texts)

    def word(self, at: int) -> Word:
        """One of them."""
        text = self.texts[at]
        quoted = text[:1] == '"'
        return Word(text[quoted:], self.lines[at], self.columns[at], quoted)


def words(file: str, text: str, known: KnownLines | None = None) -> Words:
    """Cut a text, and put in what its definitions stand for; `InputError` where it is none."""
    if (other := OTHER_ENDS.search(text)) is not None:
        before = text[: other.start()]
        place = Span(file, before.count(END) + 1, len(before) - before.rfind(END))
        raise InputError(Diagnostic("C836", "nftables: this ends a line for some programs", place))
    if "\\" in text or any(word in text for word in ("define", "include", "$")):
        comments: list[tuple[int, str]] = []
        found = list(cut(file, text, 1, comments))
        said = {word.line for word in found if word.text != END}
        return Words.of(put_in(file, found), said, comments)
    return by_line(file, text, known or KnownLines())


def by_line(file: str, text: str, known: KnownLines) -> Words:
    """A text in which every line means what it says by itself."""
    lines = text.split(END)
    out = Words([], [], [], set(), [], tuple(lines))
    for number, line in enumerate(lines, 1):
        here = known.cut.get(line) or known.keep(known.cut, line, _line(file, line, number))
        out.texts.extend(here.texts)
        out.columns.extend(here.columns)
        count = len(here.texts)
        if number < len(lines):
            out.texts.append(END)
            out.columns.append(len(line) + 1)
            count += 1
        out.lines.extend([number] * count)
        if here.texts:
            out.said.add(number)
        if here.comment is not None:
            out.comments.append((number, here.comment))
    return out


def _line(file: str, line: str, number: int) -> CutLine:
    comments: list[tuple[int, str]] = []
    found = Words.of(cut(file, line, number, comments), set())
    comment = comments[0][1] if comments else None
    return CutLine(tuple(found.texts), tuple(found.columns), comment)


def cut(file: str, text: str, line: int, comments: list[tuple[int, str]]) -> Iterator[Word]:
    """The words of a text, and its comments."""
    at, start = 0, 0
    while at < len(text):
        found = WORD.match(text, at)
        if found is None:
            place = Span(file, line, at - start + 1)
            raise InputError(Diagnostic("C836", "nftables: this character stands nowhere", place))
        kind, piece = found.lastgroup, found.group()
        if kind == "comment":
            comments.append((line, piece))
        elif kind == "string":
            yield Word(piece[1:-1], line, at - start + 1, True)
        elif kind != "space":
            yield Word(piece, line, at - start + 1)
        at = found.end()
        if kind == "line" or (kind == "space" and "\n" in piece):
            line, start = line + 1, at


def put_in(file: str, found: list[Word]) -> list[Word]:
    """Words with what definitions stand for, and without the definitions (rules 2 and 3)."""
    names: dict[str, list[Word]] = {}
    out: list[Word] = []
    at = 0
    while at < len(found):
        word = found[at]
        if word.text in ("define", "redefine", "undefine") and _begins(found, at):
            at = _define(file, found, at, names)
            continue
        if word.text == "include" and _begins(found, at) and not word.quoted:
            _refuse(
                file, word, "other files are not followed", "give the file that nft list prints"
            )
        out.extend(_meant(file, word, names))
        if len(out) > MOST_WORDS:
            _refuse(file, word, f"definitions stand for more than {MOST_WORDS:,} words")
        at += 1
    return out


def _begins(found: list[Word], at: int) -> bool:
    return at == 0 or found[at - 1].text in (END, ";", "{", "}")


def _meant(file: str, word: Word, names: dict[str, list[Word]]) -> list[Word]:
    if not word.text.startswith("$") or word.quoted:
        return [word]
    if word.text[1:] not in names:
        _refuse(file, word, f'nothing is defined as "{word.text[1:]}"')
    return [Word(w.text, word.line, word.column, w.quoted) for w in names[word.text[1:]]]


def _define(file: str, found: list[Word], at: int, names: dict[str, list[Word]]) -> int:
    """Take a definition; where it ends."""
    verb, end = found[at], at + 1
    depth = 0
    while end < len(found) and (depth or found[end].text not in (END, ";")):
        depth += {"{": 1, "}": -1}.get("" if found[end].quoted else found[end].text, 0)
        end += 1
    body = [word for word in found[at + 1 : end] if word.text != END]
    if verb.text == "undefine" and len(body) == 1:
        names.pop(body[0].text, None)
    elif verb.text != "undefine" and len(body) > 2 and body[1].text == "=":
        names[body[0].text] = [w for word in body[2:] for w in _meant(file, word, names)]
        if len(names[body[0].text]) > MOST_WORDS // 4:
            _refuse(file, verb, f"definitions stand for more than {MOST_WORDS:,} words")
    else:
        _refuse(file, verb, "this defines nothing")
    return end


def _refuse(file: str, word: Word, message: str, hint: str | None = None) -> None:
    place = Span(file, word.line, word.column)
    raise InputError(Diagnostic("C836", f"nftables: {message}", place, hint))
