"""Regular expressions as RE2 reads them: positions that hold characters, and what follows.

Rules that hold here:

1. An expression matches the whole text, as those of Cilium's HTTP rules do, so that `^` at the
   beginning of an alternative and `$` at its end say nothing.
2. What is read is what RE2, Python and POSIX read alike, and POSIX classes in brackets. Classes
   behind a backslash (d, w, s) are ASCII, as in RE2. Anything else is `Unread`, never guessed:
   assertions, names and flags of groups, references, properties of Unicode, two repetitions in a
   row, a `{` that repeats nothing.
3. No more than `MOST` positions, after repetitions are written out; RE2 and Go refuse more than
   1,000 for a repetition, and for all those together that stand in each other.

Source: RE2 `doc/syntax.txt`, `parse.cc` (`RepetitionWalker`); Go `regexp/syntax` (`repeatIsValid`);
the construction of positions is Glushkov's (1961).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fabric.values.interval_sets import Intervals, subtract, union

MOST = 4000
MOST_TEXT = 1000
REPEATS = 1000
TOP = 0x10FFFF
ALL: Intervals = ((0, TOP),)
DIGITS: Intervals = ((48, 57),)
LETTERS: Intervals = ((65, 90), (97, 122))
WORD = union(DIGITS, LETTERS, ((95, 95),))
SPACE: Intervals = ((9, 10), (12, 13), (32, 32))
ESCAPED = {"d": DIGITS, "w": WORD, "s": SPACE}
CONTROLS = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
POSIX: dict[str, Intervals] = {
    "alnum": union(DIGITS, LETTERS), "alpha": LETTERS, "ascii": ((0, 127),),
    "blank": ((9, 9), (32, 32)), "cntrl": ((0, 31), (127, 127)), "digit": DIGITS,
    "graph": ((33, 126),), "lower": ((97, 122),), "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)), "space": ((9, 13), (32, 32)),
    "upper": ((65, 90),), "word": WORD, "xdigit": ((48, 57), (65, 70), (97, 102)),
}  # fmt: skip
SIGNS = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


class Unread(ValueError):  # noqa: N818
    """An expression that is not read here, with the reason."""


@dataclass(frozen=True, slots=True)
class RegexParts:
    """Positions `chars`, those that a text begins and ends with, and for each what may follow it;
    `empty`: it holds the empty text. Sets of positions are bits of integers."""

    chars: tuple[Intervals, ...]
    first: int
    last: int
    follow: tuple[int, ...]
    empty: bool

    def matches(self, text: str) -> bool:
        """Whether it holds a text; the time is that of text times positions."""
        at, begin = 0, True
        for sign in text:
            code = ord(sign)
            reach = self.first if begin else self.after(at)
            at, begin = self.among(reach, code), False
            if not at:
                return False
        return bool(at & self.last) or (begin and self.empty)

    def after(self, at: int) -> int:
        """What may follow any of some positions."""
        out = 0
        while at:
            low = at & -at
            out |= self.follow[low.bit_length() - 1]
            at ^= low
        return out

    def among(self, reach: int, code: int) -> int:
        """Those of some positions that hold a character."""
        out = 0
        while reach:
            low = reach & -reach
            if any(a <= code <= b for a, b in self.chars[low.bit_length() - 1]):
                out |= low
            reach ^= low
        return out


def read_regex(text: str) -> RegexParts:
    """The parts of an expression; raises `Unread`.

    >>> [read_regex("/v[0-9]+(/.*)?").matches(text) for text in ("/v1", "/v12/x", "/v", "/v1x")]
    [True, True, False, False]
    >>> read_regex("a(?=b)")
    Traceback (most recent call last):
    compiler.requests.regex_parts.Unread: (? other than (?: stands in it
    """
    if len(text) > MOST_TEXT:
        raise Unread(f"it has {len(text):,} characters, {MOST_TEXT:,} at most")
    reader = _RegexReader(text)
    found = reader.alternatives()
    if reader.at < len(text):
        raise Unread("a ) closes nothing")
    return reader.parts(found)


def literal(text: str) -> RegexParts:
    """The parts of the language of one text."""
    reader = _RegexReader("")
    return reader.parts(reader.chain([reader.sign(((ord(c), ord(c)),)) for c in text]))


@dataclass(frozen=True, slots=True)
class _RegexPiece:
    """A part of an expression: its first and last positions, and whether it holds nothing."""

    first: int
    last: int
    empty: bool


NOTHING = _RegexPiece(0, 0, True)


class _RegexReader:
    """A recursive descent; every position is written once per repetition (rule 3)."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth, self.read = text, 0, 0, 0
        self.times_inside = 1
        self.chars: list[Intervals] = []
        self.follow: list[int] = []

    def parts(self, piece: _RegexPiece) -> RegexParts:
        """What was read, as parts."""
        found = tuple(self.chars), piece.first, piece.last, tuple(self.follow), piece.empty
        return RegexParts(*found)

    def sign(self, chars: Intervals) -> _RegexPiece:
        """A position of its own."""
        if len(self.chars) >= MOST:
            raise Unread(f"it has more than {MOST:,} positions")
        self.chars.append(chars)
        self.follow.append(0)
        bit = 1 << (len(self.chars) - 1)
        return _RegexPiece(bit, bit, False)

    def chain(self, pieces: Iterable[_RegexPiece]) -> _RegexPiece:
        """One behind the other."""
        out = NOTHING
        for piece in pieces:
            self.link(out.last, piece.first)
            first = out.first | piece.first if out.empty else out.first
            last = out.last | piece.last if piece.empty else piece.last
            out = _RegexPiece(first, last, out.empty and piece.empty)
        return out

    def link(self, last: int, first: int) -> None:
        """Let `first` follow each of `last`."""
        while last:
            low = last & -last
            self.follow[low.bit_length() - 1] |= first
            last ^= low

    def alternatives(self) -> _RegexPiece:
        """Everything up to a closing bracket."""
        self.depth += 1
        if self.depth > 50:
            raise Unread("its groups are nested too deeply")
        found = self.sequence()
        while self.peek() == "|":
            self.at += 1
            other = self.sequence()
            found = _RegexPiece(
                found.first | other.first, found.last | other.last, found.empty or other.empty
            )
        self.depth -= 1
        return found

    def sequence(self) -> _RegexPiece:
        """One alternative; rule 1."""
        pieces = []
        if self.depth == 1 and self.peek() == "^":
            self.at += 1
        while (sign := self.peek()) not in ("", "|", ")"):
            if (
                sign == "$"
                and self.depth == 1
                and self.text[self.at + 1 : self.at + 2] in ("", "|")
            ):
                self.at += 1
                break
            pieces.append(self.repeated())
        return self.chain(pieces)

    def repeated(self) -> _RegexPiece:
        """An atom with its repetition. The atom is read again for each time that it stands."""
        begin, beside = self.at, self.times_inside
        self.times_inside = 1
        piece = self.atom()
        end = self.at
        least, most = self.times()
        behind = self.at
        inside = self.times_inside * max(1, least if most is None else most)
        if inside > REPEATS:
            raise Unread(f"repetitions of it in each other are more than {REPEATS:,}")
        if least == most == 1:
            self.times_inside = max(beside, inside)
            return piece
        copies = [piece]
        while len(copies) < max(least, 1 if most is None else most):
            self.at = begin
            copies.append(self.atom())
            if self.at != end:
                raise Unread("a repetition of it is not read alike twice")
        self.at, self.times_inside = behind, max(beside, inside)
        if most is None:
            self.link(copies[-1].last, copies[-1].first)
        if most == 0:
            return NOTHING
        out = [
            _RegexPiece(c.first, c.last, c.empty or number >= least)
            for number, c in enumerate(copies)
        ]
        return self.chain(out)

    def times(self) -> tuple[int, int | None]:
        """How often the atom before it stands; lazy ones hold the same texts."""
        found: tuple[int, int | None] = 1, 1
        sign = self.peek()
        if sign and sign in "*+?":
            self.at += 1
            found = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        elif sign == "{":
            found = self.braces()
        else:
            return found
        if self.peek() == "?":
            self.at += 1
        if (again := self.peek()) and again in "*+?{":
            raise Unread("two repetitions stand in a row")
        return found

    def braces(self) -> tuple[int, int | None]:
        """`{n}`, `{n,}` and `{n,m}`."""
        inside, close, _ = self.text[self.at + 1 :].partition("}")
        least, comma, most = inside.partition(",")
        known = close and least.isascii() and least.isdigit() and len(least) < 5
        if not known or (most and not (most.isascii() and most.isdigit() and len(most) < 5)):
            raise Unread("a { in it repeats nothing")
        bounds = int(least), (int(most) if most else None) if comma else int(least)
        if max(b for b in bounds if b is not None) > REPEATS or (
            bounds[1] is not None and bounds[1] < bounds[0]
        ):
            raise Unread(f"no repetition is {{{inside}}}")
        self.at += len(inside) + 2
        return bounds

    def atom(self) -> _RegexPiece:
        """A character, a class or a group."""
        self.read += 1
        if self.read > 2 * MOST:
            raise Unread(f"it has more than {MOST:,} positions")
        sign = self.take()
        if sign == "(":
            if self.peek() == "?":
                if self.text[self.at : self.at + 2] != "?:":
                    raise Unread("(? other than (?: stands in it")
                self.at += 2
            found = self.alternatives()
            if self.take() != ")":
                raise Unread("a ( is not closed")
            return found
        if sign == "[":
            return self.sign(self.bracket())
        if sign == ".":
            return self.sign(subtract(ALL, ((10, 10),)))
        if sign == "\\":
            return self.sign(self.escape())
        if sign in "^$":
            raise Unread(f"{sign} stands inside it")
        if sign in "*+?{":
            raise Unread(f"{sign} repeats nothing")
        return self.sign(((ord(sign), ord(sign)),))

    def escape(self) -> Intervals:
        """What stands behind a backslash."""
        sign = self.take()
        if sign.lower() in ESCAPED:
            found = ESCAPED[sign.lower()]
            return found if sign.islower() else subtract(ALL, found)
        if sign in CONTROLS:
            return ((CONTROLS[sign], CONTROLS[sign]),)
        if sign not in SIGNS or not sign:
            raise Unread(f"\\{sign} stands in it")
        return ((ord(sign), ord(sign)),)

    def bracket(self) -> Intervals:
        """A class of characters, behind its opening bracket."""
        negated = self.peek() == "^"
        self.at += negated
        found: list[Intervals] = []
        while self.peek() != "]" or not found:
            if self.text.startswith("[:", self.at):
                found.append(self.posix())
                continue
            if self.text[self.at : self.at + 2] in ("[.", "[="):
                raise Unread(f"{self.text[self.at : self.at + 2]} stands in a class of it")
            low = self.member()
            if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self.member()
                if low[0][0] != low[-1][1] or high[0][0] != high[-1][1] or high < low:
                    raise Unread("a class of it has a range from nothing to nothing")
                low = ((low[0][0], high[0][0]),)
            found.append(low)
        self.at += 1
        chars = union(*found)
        return subtract(ALL, chars) if negated else chars

    def member(self) -> Intervals:
        """A character of a class."""
        sign = self.take()
        return self.escape() if sign == "\\" else ((ord(sign), ord(sign)),)

    def posix(self) -> Intervals:
        """`[:alpha:]`, and `[:^alpha:]` for all others."""
        name, close, _ = self.text[self.at + 2 :].partition(":]")
        if not close or name.removeprefix("^") not in POSIX:
            raise Unread("no class is called so: [:" + name[:20])
        self.at += len(name) + 4
        found = POSIX[name.removeprefix("^")]
        return subtract(ALL, found) if name.startswith("^") else found

    def peek(self) -> str:
        """The next character, or nothing."""
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        """The next character; raises where there is none."""
        sign = self.peek()
        if not sign:
            raise Unread("it ends too early")
        self.at += 1
        return sign
