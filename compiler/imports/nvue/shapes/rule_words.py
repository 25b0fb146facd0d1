"""What rules are made of, as numbers: the values that differ from rule to rule, and all else.

A *value* is an address, a network or a port where one is expected: behind `-ip:` or `-port:`, as a
scalar or as the first key below. Two values of one *kind* (IPv4 or IPv6, quoted or not, behind the
same text) are the same to everybody who reads the text around them. Whatever looks otherwise than
expected (bits behind the mask, zeros in front, words) is no value but a part of that text.
"""

from __future__ import annotations

import re
from array import array
from functools import lru_cache
from ipaddress import ip_network

from compiler.imports.device_facts import Networks
from fabric.values.ports import MAX_PORT

AHEAD = r"ip: '?|port: \{'"
"""What mostly stands before a value, tried first: a quarter of the time."""
BEFORE = r"(?:ip|port):(?:\n +| \{?)'?"
PARTS = re.compile(r"(-(?:ip|port):(?: \{?|\n +)|\n +)('?)(.*)", re.S)
IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?")
IPV6 = re.compile(r"[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:/[0-9]{1,3})?")
BARE6 = re.compile(r"[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,7}/[0-9]{1,3}")
PORT = re.compile(r"0|[1-9][0-9]{0,4}")
NUMBER = re.compile(r"[0-9]{1,5}")
RULE = 0
"""The kind of a rule's number, which begins a rule."""
STAND_INS = {
    "4": [(f"203.0.113.{n}/32") for n in range(1, 9)],
    "6": [(f"2001:db8:5e::{n}/128") for n in range(1, 9)],
    "p": [str(40_000 + n) for n in range(1, 9)],
}
"""ValueNumbers that stand in for others where a text is tried."""


@lru_cache(64)
def pieces(indent: int, quoted: bool) -> re.Pattern[str]:
    """What parts the text of rules whose numbers stand so deep: values, and numbers of rules."""
    quote = "'" if quoted else ""
    return re.compile(rf"([-\n](?:{AHEAD}| {{{indent}}}{quote}|{BEFORE})[0-9a-f.:/]+(?<!:))")


class TextNumbers(dict[str, int]):
    """Numbers of texts, in the order in which they are first asked for; `order` has the texts."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []

    def __missing__(self, text: str) -> int:
        """A text that was not there."""
        self[text] = number = len(self)
        self.order.append(text)
        return number


class ValueNumbers(TextNumbers):
    """Numbers of values as they are written, with the text before them. `kinds[n]` is the kind of
    value n; `worth[n]` the port, the number of the rule, or a place in `networks`; `sorts[k]` is 4,
    6 or p of a kind, and empty where its values are one text each."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds = array("q")
        self.worth = array("q")
        self.networks: list[Networks] = []
        self.known: dict[tuple[str, ...], int] = {("rule",): RULE}
        self.sorts: list[str] = ["rule"]

    def __missing__(self, text: str) -> int:
        """A value that was not there."""
        kind, worth = self.judged(text)
        self.kinds.append(kind)
        self.worth.append(worth)
        return super().__missing__(text)

    def judged(self, text: str) -> tuple[int, int]:
        """Kind and worth of a value; of what is none a kind of its own."""
        found = PARTS.fullmatch(text)
        if found is None:
            return self.kind(text, ""), 0
        before, quote, value = found.groups()
        if before[0] == "\n":
            return (RULE, int(value)) if NUMBER.fullmatch(value) else (self.kind(text, ""), 0)
        if before.startswith("-port"):
            if PORT.fullmatch(value) and int(value) <= MAX_PORT:
                return self.kind(before + quote, "p"), int(value)
            return self.kind(text, ""), 0
        sort = "4" if IPV4.fullmatch(value) else "6"
        if sort == "4" or (IPV6 if quote else BARE6).fullmatch(value):
            try:
                self.networks.append((ip_network(value),))
            except ValueError:
                return self.kind(text, ""), 0
            return self.kind(before + quote, sort), len(self.networks) - 1
        return self.kind(text, ""), 0

    def kind(self, text: str, sort: str) -> int:
        """The kind of values of a sort (4, 6, p; empty: this text alone) behind a text."""
        number = self.known.setdefault((text, sort), len(self.known))
        if number == len(self.sorts):
            self.sorts.append(sort)
        return number
