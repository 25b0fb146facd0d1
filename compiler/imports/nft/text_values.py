"""Values and expressions of rules in text, as libnftables-json(5) has them.

Source: nft(8), EXPRESSIONS; what nft 1.0.6 prints as JSON for the same text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, NoReturn

from compiler.imports.nft.known_lines import KnownElements, KnownLines
from compiler.imports.nft.nft_words import END, Word, Words

PAYLOADS = frozenset((
    "ip", "ip6", "tcp", "udp", "sctp", "dccp", "udplite", "icmp", "icmpv6", "igmp", "ah", "esp",
    "comp", "th", "ether", "vlan", "arp",
))  # fmt: skip
META = frozenset((
    "iif", "oif", "iifname", "oifname", "iiftype", "oiftype", "mark", "skuid", "skgid", "nftrace",
    "rtclassid", "ibrname", "obrname", "pkttype", "cpu", "iifgroup", "oifgroup", "cgroup",
    "l4proto", "nfproto", "protocol", "length", "priority", "iifkind", "oifkind",
))  # fmt: skip
DEVICES = ("iif", "oif", "iifname", "oifname")
OPERATORS = {"and": "&", "or": "|", "xor": "^", "&": "&", "|": "|", "^": "^"}
NUMBER = re.compile(r"\d+|0[xX][0-9a-fA-F]+")
VERDICTS = ("accept", "drop", "return", "continue", "queue")


class NotReadError(ValueError):
    """A word where none like it can stand."""

    def __init__(self, word: Word | None, message: str) -> None:
        super().__init__(message)
        self.word = word


class Tokens:
    """Words that are read from left to right."""

    def __init__(self, words: Words, known: KnownLines | None = None) -> None:
        self.words, self.at = words, 0
        self.texts = words.texts
        self.known = known if words.source else None

    def peek(self, ahead: int = 0) -> str:
        """The next word, empty at the end; a string never looks like punctuation."""
        place = self.at + ahead
        return self.texts[place] if place < len(self.texts) else ""

    def take(self) -> Word:
        """The next word, which is then behind."""
        if self.at >= len(self.texts):
            self.fail("the text ends here")
        self.at += 1
        return self.words.word(self.at - 1)

    def accept(self, *texts: str) -> bool:
        """Take the next word if it is one of these."""
        if self.peek() in texts and self.peek():
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> Word:
        """Take this word."""
        if self.peek() != text:
            self.fail(f'"{text}" is missing')
        return self.take()

    def fail(self, message: str) -> NoReturn:
        """Nothing can be made of the next word."""
        place = min(self.at, len(self.texts) - 1)
        raise NotReadError(self.words.word(place) if self.texts else None, message)

    def line(self) -> str | None:
        """The line that begins with the next word, where what it means is kept."""
        lines, at = self.words.lines, self.at
        if self.known is None or at >= len(lines) or (at and lines[at - 1] == lines[at]):
            return None
        return self.words.source[lines[at] - 1]

    def ends(self, begun: int) -> bool:
        """Whether what comes next is the end of the line on which a word stands."""
        return self.peek() == END and self.words.lines[self.at] == self.words.lines[begun]

    def lines(self) -> None:
        """Pass over ends of lines."""
        while self.peek() == END:
            self.at += 1


def plain(word: Word, names: bool = False) -> Any:
    """One word as a value; with `names` it is a name whatever it looks like.

    >>> plain(Word("10.0.0.0/8", 1, 1)), plain(Word("80-90", 1, 1)), plain(Word("ssh", 1, 1))
    ({'prefix': {'addr': '10.0.0.0', 'len': 8}}, {'range': [80, 90]}, 'ssh')
    """
    text = word.text
    if names or word.quoted:
        return text
    low, dash, high = text.partition("-")
    if dash and _like_value(low) and _like_value(high):
        return {"range": [_scalar(low), _scalar(high)]}
    address, slash, length = text.partition("/")
    if slash and length.isdecimal() and _like_value(address):
        return {"prefix": {"addr": address, "len": int(length[:4])}}
    return _scalar(text)


def _scalar(text: str) -> int | str:
    if not NUMBER.fullmatch(text) or len(text) > 40:
        return text
    return int(text, 16) if text[:2].lower() == "0x" else int(text)


@lru_cache(2**16)
def _like_value(text: str) -> bool:
    if NUMBER.fullmatch(text):
        return True
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def value(tokens: Tokens, names: bool = False) -> Any:
    """A value, a list with commas, a range with spaces, what operators join, or braces."""
    if tokens.peek() == "{":
        return {"set": braces(tokens, names)}
    first = _single(tokens, names)
    if tokens.peek() == ",":
        out = [first]
        while tokens.accept(","):
            out.append(_single(tokens, names))
        first = out
    if tokens.accept("/"):
        return {"flags": [first, value(tokens)]}
    if tokens.peek() in ("|", "^"):
        operator = tokens.take().text
        return {operator: [first, value(tokens)]}
    return first


def _single(tokens: Tokens, names: bool) -> Any:
    """One value, or a concatenation of some."""
    parts = [_atom(tokens, names)]
    while tokens.peek() == ".":
        tokens.take()
        parts.append(_atom(tokens, names))
    return parts[0] if len(parts) == 1 else {"concat": parts}


def _atom(tokens: Tokens, names: bool) -> Any:
    if tokens.accept("("):
        inner = value(tokens, names)
        tokens.expect(")")
        return inner
    if tokens.peek() in ("", END, ";", "{", "}", ")", ",", "=", "==", "!="):
        tokens.fail("a value is missing")
    first = plain(tokens.take(), names)
    if tokens.peek() == "-":
        tokens.take()
        return {"range": [first, plain(tokens.take())]}
    return first


def braces(tokens: Tokens, names: bool = False) -> list[Any]:
    """Elements in braces: keys, or pairs of a key and what it maps to."""
    tokens.expect("{")
    out: list[Any] = []
    tokens.lines()
    line, begun, before = _known(tokens, names, out), tokens.at, len(out)
    while tokens.peek() != "}":
        if tokens.peek() == "{":
            out += braces(tokens, names)
        else:
            out.append(_element(tokens, names))
        tokens.lines()
        if not tokens.accept(","):
            break
        if line is not None and tokens.ends(begun):
            _keep(tokens, names, line, KnownElements(out[before:], tokens.at - begun))
        if tokens.peek() == END:
            tokens.lines()
            line, begun, before = _known(tokens, names, out), tokens.at, len(out)
    tokens.expect("}")
    return out


def _known(tokens: Tokens, names: bool, out: list[Any]) -> str | None:
    """Pass over lines of elements that are known, which are put out; the line that comes next."""
    while (line := tokens.line()) is not None and tokens.known is not None:
        found = tokens.known.elements.get((names, line))
        if found is None:
            return line
        out += found.elements
        tokens.at += found.words
        tokens.lines()
    return None


def _keep(tokens: Tokens, names: bool, line: str, found: KnownElements) -> None:
    if tokens.known is not None:
        tokens.known.keep(tokens.known.elements, (names, line), found)
        for element in found.elements:
            pair = isinstance(element, list) and len(element) == 2
            tokens.known.share(element[0] if pair else element)


def _element(tokens: Tokens, names: bool) -> Any:
    key = "*" if tokens.accept("*") else _single(tokens, names)
    own: dict[str, Any] = {}
    while tokens.peek() not in (",", "}", ":", END, ""):
        word = tokens.take().text
        if word in ("timeout", "expires", "comment"):
            own[word] = tokens.take().text
        elif word == "counter":
            _counted(tokens)
            own[word] = None
        else:
            tokens.at -= 1
            tokens.fail("no element goes on like this")
    if own:
        key = {"elem": {"val": key, **own}}
    if not tokens.accept(":"):
        return key
    tokens.lines()
    return [key, verdict(tokens) or _single(tokens, False)]


def _counted(tokens: Tokens) -> None:
    while tokens.peek() in ("packets", "bytes"):
        tokens.take()
        tokens.take()


def verdict(tokens: Tokens) -> dict[str, Any] | None:
    """A verdict, None when the next word is none."""
    if tokens.peek() in VERDICTS:
        return {tokens.take().text: None}
    if tokens.peek() in ("jump", "goto"):
        kind = tokens.take().text
        return {kind: {"target": tokens.take().text}}
    return None


def expression(tokens: Tokens) -> Any:
    """What is asked: fields of packets, joined with dots, with masks."""
    parts = [_masked(tokens)]
    while tokens.peek() == ".":
        tokens.take()
        parts.append(_masked(tokens))
    return parts[0] if len(parts) == 1 else {"concat": parts}


def _masked(tokens: Tokens) -> Any:
    found = _field(tokens)
    while tokens.peek() in OPERATORS:
        operator = OPERATORS[tokens.take().text]
        found = {operator: [found, _single(tokens, False)]}
    return found


def _field(tokens: Tokens) -> Any:
    word = tokens.peek()
    if word in PAYLOADS:
        tokens.take()
        if word == "tcp" and tokens.peek() == "option":
            return {"tcp option": {"name": f"{tokens.take().text} {tokens.take().text}"}}
        return {"payload": {"protocol": word, "field": tokens.take().text}}
    if word == "meta":
        tokens.take()
        return {"meta": {"key": tokens.take().text}}
    if word in META:
        return {"meta": {"key": tokens.take().text}}
    if word == "ct":
        return _connection(tokens)
    if word == "fib":
        return _fib(tokens)
    if not (word.startswith("@") and tokens.peek(1) == ","):
        tokens.fail("no match begins like this")
    base = tokens.take().text[1:]
    numbers = []
    while tokens.accept(","):
        numbers.append(plain(tokens.take()))
    offset, length = [*numbers, None, None][:2]
    return {"payload": {"base": base, "offset": offset, "len": length}}


def _connection(tokens: Tokens) -> Any:
    tokens.take()
    out: dict[str, Any] = {}
    if tokens.peek() in ("original", "reply"):
        out["dir"] = tokens.take().text
    words = [tokens.take().text]
    if words[0] in ("ip", "ip6"):
        words.append(tokens.take().text)
    return {"ct": {"key": " ".join(words), **out}}


def _fib(tokens: Tokens) -> Any:
    tokens.take()
    flags = [tokens.take().text]
    while tokens.peek() == ".":
        tokens.take()
        flags.append(tokens.take().text)
    return {"fib": {"result": tokens.take().text, "flags": flags}}


def devices(asked: Any) -> bool:
    """Whether an expression asks for a device, whose name may look like anything."""
    key = asked.get("meta") if isinstance(asked, dict) else None
    return isinstance(key, dict) and key.get("key") in DEVICES
