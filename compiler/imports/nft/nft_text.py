"""Commands of a rule set in text, as `nft list ruleset` prints it, or as `nft -f` takes it.

Rules that hold here:

1. Blocks (`table inet t { … }`) and commands (`add rule inet t c …`) give the same.
2. What has no braces around it that end, and what begins no block or command, is an error with its
   place; inside a rule what is not read may do anything (`text_rules`).
3. The names of priorities stand for numbers: in bridges for others.

Source: nft(8), INPUT FILE FORMATS, TABLES, CHAINS, RULES, SETS, MAPS.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compiler.imports.nft.commands import FAMILIES, OBJECTS, NftCommand
from compiler.imports.nft.known_lines import KnownLines
from compiler.imports.nft.nft_words import END, Word, Words, words
from compiler.imports.nft.text_rules import rule_of_line
from compiler.imports.nft.text_values import NotReadError, Tokens, braces
from fabric.diagnostics import Diagnostics, InputError, Span

VERBS = ("add", "create", "insert", "delete", "destroy", "flush", "replace")
PRIORITIES = {
    "raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100,
}  # fmt: skip
BRIDGE_PRIORITIES = {"dstnat": -300, "filter": -200, "out": 100, "srcnat": 300}
SET_WORDS = ("type", "typeof", "flags", "timeout", "gc-interval", "elements", "size", "comment",
             "policy", "auto-merge", "counter")  # fmt: skip
HINT = "nft -c -f checks a file"


class TextReading:
    """A file in text. `silent` are lines whose words change nothing, `comments` those it has."""

    def __init__(
        self, file: str, text: str, found: Diagnostics, known: KnownLines | None = None
    ) -> None:
        self.file, self.found = file, found
        self.silent: dict[int, str] = {}
        self.lines: set[int] = set()
        self.comments: list[tuple[int, str]] = []
        self.tokens = Tokens(Words.of((), set()))
        try:
            cut = words(file, text, known)
            self.comments = cut.comments
            self.lines = cut.said
            self.tokens = Tokens(cut, known)
        except InputError as error:
            found.items.extend(error.diagnostics)

    def commands(self) -> Iterator[NftCommand]:
        """All commands in order; reading ends at the first mistake in what holds others."""
        try:
            while self.tokens.at < len(self.tokens.words):
                if not self.tokens.accept(END, ";"):
                    yield from self._command()
        except NotReadError as error:
            place = self._span(error.word) if error.word else Span(self.file, 1)
            self.found.error("C836", f"nftables: {error}", place, HINT)
        except RecursionError:
            self.found.error("C836", "nftables: nested too deep", Span(self.file, 1), HINT)

    def _span(self, word: Word) -> Span:
        return Span(self.file, word.line, word.column)

    def _command(self) -> Iterator[NftCommand]:
        tokens = self.tokens
        begun = tokens.take()
        verb, kind = "add", begun
        if begun.text in VERBS and not begun.quoted:
            verb, kind = begun.text, tokens.take()
        span = self._span(begun)
        if kind.text == "ruleset" and verb == "flush":
            family = {"family": tokens.take().text} if tokens.peek() in FAMILIES else {}
            yield NftCommand(verb, "ruleset", family, span)
        elif kind.text == "table":
            yield from self._table(verb, span)
        elif kind.text in ("chain", "set", "map", "rule", "element"):
            yield from self._inside(verb, kind.text, span)
        elif kind.text in OBJECTS or kind.text == "ct":
            self._object(kind)
        else:
            tokens.at -= 1
            tokens.fail("no command begins like this")

    def _family(self) -> str:
        return self.tokens.take().text if self.tokens.peek() in FAMILIES else "ip"

    def _table(self, verb: str, span: Span) -> Iterator[NftCommand]:
        tokens, family = self.tokens, self._family()
        name = tokens.take().text
        if verb in ("delete", "destroy", "flush") or tokens.peek() != "{":
            yield NftCommand(verb, "table", {"family": family, "name": name}, span)
            return
        tokens.take()
        yield NftCommand("add", "table", {"family": family, "name": name}, span)
        at = {"family": family, "table": name}
        while not tokens.accept("}"):
            if tokens.accept(END, ";"):
                continue
            word = tokens.take()
            here = self._span(word)
            if word.text == "flags":
                flags = self._flags()
                yield NftCommand(
                    "add", "table", {"family": family, "name": name, "flags": flags}, here
                )
            elif word.text == "comment":
                tokens.take()
                self.silent[word.line] = "names the table"
            elif word.text == "chain":
                yield from self._chain(at, tokens.take().text, here)
            elif word.text in ("set", "map"):
                yield self._set(word.text, at, tokens.take().text, here)
            elif word.text in OBJECTS or word.text == "ct":
                self._object(word)
            else:
                tokens.at -= 1
                tokens.fail("nothing of a table begins like this")

    def _inside(self, verb: str, kind: str, span: Span) -> Iterator[NftCommand]:
        """A command about a part of a table."""
        tokens = self.tokens
        at: dict[str, Any] = {"family": self._family(), "table": tokens.take().text}
        name = tokens.take().text
        if kind == "rule":
            if verb not in ("add", "create", "insert"):
                tokens.fail("a rule by its handle is not followed")
            while tokens.peek() in ("position", "index", "handle"):
                tokens.fail("a rule beside another by its number is not followed")
            yield self._rule(verb, at, name, span)
        elif verb in ("delete", "destroy", "flush"):
            if kind == "element":
                tokens.fail(f"elements that are gone ({verb}) are not followed")
            yield NftCommand(verb, kind, {**at, "name": name}, span)
        elif kind == "element":
            yield NftCommand("add", "element", {**at, "set": name, "elem": braces(tokens)}, span)
        elif kind == "chain":
            yield from self._chain(at, name, span)
        else:
            yield self._set(kind, at, name, span)

    def _chain(self, at: dict[str, Any], name: str, span: Span) -> Iterator[NftCommand]:
        tokens = self.tokens
        yield NftCommand("add", "chain", {**at, "name": name}, span)
        if not tokens.accept("{"):
            return
        while not tokens.accept("}"):
            if tokens.accept(END, ";"):
                continue
            text = tokens.peek()
            if not text:
                tokens.fail("the chain does not end")
            here = self._span(tokens.words.word(tokens.at))
            if text == "type" and tokens.peek(2) == "hook":
                yield NftCommand("add", "chain", {**at, "name": name, **self._hook(at, here)}, here)
            elif text == "policy" and tokens.peek(2) in (";", END, "}"):
                tokens.take()
                policy = {"policy": tokens.take().text, "policy_span": here}
                yield NftCommand("add", "chain", {**at, "name": name, **policy}, here)
            elif text == "flags" and tokens.peek(1) == "offload":
                tokens.at += 2
                self.silent[here.line] = "who forwards, not what"
            elif text == "comment":
                tokens.at += 2
                self.silent[here.line] = "names the chain"
            else:
                yield self._rule("add", at, name, here)

    def _rule(self, verb: str, at: dict[str, Any], chain: str, span: Span) -> NftCommand:
        first = self.tokens.at
        made = rule_of_line(self.tokens)
        if self.tokens.at == first:
            self.tokens.fail("a rule is missing")
        body = {**at, "chain": chain, "expr": made.statements}
        if made.comment is not None:
            body["comment"] = made.comment
        return NftCommand(verb, "rule", body, span, made if made.alone else None)

    def _hook(self, at: dict[str, Any], span: Span) -> dict[str, Any]:
        """`type filter hook forward device "eth0" priority filter + 5`."""
        tokens = self.tokens
        tokens.take()
        out: dict[str, Any] = {"type": tokens.take().text}
        tokens.take()
        out["hook"] = tokens.take().text
        if tokens.accept("device"):
            out["dev"] = [tokens.take().text]
        elif tokens.accept("devices"):
            tokens.expect("=")
            out["dev"] = braces(tokens, names=True)
        tokens.expect("priority")
        out["prio"] = self._priority(at["family"])
        return {**out, "policy_span": span}

    def _priority(self, family: str) -> int:
        tokens = self.tokens
        word = tokens.take().text
        names = BRIDGE_PRIORITIES if family == "bridge" else PRIORITIES
        number = names.get(word)
        if number is None:
            number = self._number(word)
        if tokens.peek() in ("+", "-"):
            sign = -1 if tokens.take().text == "-" else 1
            number += sign * self._number(tokens.take().text)
        return number

    def _number(self, word: str) -> int:
        digits = word.removeprefix("-")
        if not digits.isdecimal() or len(digits) > 12:
            self.tokens.at -= 1
            self.tokens.fail("a priority is a number or one of its names")
        return int(word)

    def _flags(self) -> list[str]:
        flags = [self.tokens.take().text]
        while self.tokens.accept(","):
            flags.append(self.tokens.take().text)
        return flags

    def _set(self, kind: str, at: dict[str, Any], name: str, span: Span) -> NftCommand:
        tokens = self.tokens
        body: dict[str, Any] = {**at, "name": name}
        tokens.expect("{")
        while not tokens.accept("}"):
            if tokens.accept(END, ";"):
                continue
            word = tokens.peek()
            if word not in SET_WORDS:
                tokens.fail(f"nothing of a {kind} begins like this")
            line = tokens.take().line
            if word == "elements":
                tokens.expect("=")
                body["elem"] = [*body.get("elem", []), *braces(tokens)]
            elif word == "flags":
                body["flags"] = self._flags()
            elif word in ("type", "typeof"):
                body.update(self._types(kind))
            elif word not in ("auto-merge", "counter"):
                body[word] = tokens.take().text
            if word in ("gc-interval", "size", "comment", "policy", "auto-merge", "counter"):
                self.silent[line] = "says how the set is kept"
        return NftCommand("add", kind, body, span)

    def _types(self, kind: str) -> dict[str, Any]:
        """`ipv4_addr . inet_service : verdict`; a `typeof` names expressions instead."""
        found: list[str] = []
        while self.tokens.peek() not in (";", END, "}", ""):
            found.append(self.tokens.take().text)
        key, colon, to = " ".join(found).partition(" : ")
        out: dict[str, Any] = {"type": [part.strip() for part in key.split(" . ")]}
        return {**out, "map": to or "verdict"} if colon or kind == "map" else out

    def _object(self, begun: Word) -> None:
        """A limit, counter, flow table or helper by name: passed over."""
        tokens = self.tokens
        while tokens.peek() not in ("{", ";", END, ""):
            tokens.take()
        depth = 0
        last = begun.line
        while tokens.peek() and (depth or tokens.peek() == "{"):
            depth += {"{": 1, "}": -1}.get(tokens.peek(), 0)
            last = tokens.take().line
            if depth == 0:
                break
        if depth:
            tokens.fail("this does not end")
        for line in range(begun.line, last + 1):
            self.silent.setdefault(line, f"a {begun.text} by name")
