"""Commands of a rule set as `nft -j list ruleset` prints them, or as `nft -j -f` takes them.

Rules that hold here:

1. Every object of the list is one command, with the line and column at which it begins: nft prints
   all of them on one line.
2. A key that stands twice, what is no object of one kind, and what is nested too deep are errors.

nft 1.0.6 prints neither the devices of an ingress chain nor which flags a table has; what is left
out so is told as not known (`commands`).
Source: libnftables-json(5), GLOBAL STRUCTURE, COMMAND OBJECTS.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from compiler.imports.nft.commands import NftCommand
from fabric.diagnostics import Diagnostics, Span
from fabric.io.strict_json import distinct

SPACE = re.compile(r"[ \t\r\n]*")
END = re.compile(r"\s*\}\s*")
LIST = re.compile(r'\s*\{\s*"nftables"\s*:\s*\[')
VERBS = frozenset(("add", "create", "insert", "delete", "destroy", "flush", "replace", "rename"))


def is_json(head: str) -> bool:
    """Whether a file that begins so is JSON of nft."""
    return LIST.match(head) is not None


def commands(file: str, text: str, found: Diagnostics) -> Iterator[NftCommand]:
    """The commands of a file; what is wrong goes to `found`."""
    begun = LIST.match(text)
    if begun is None:
        found.error("C836", "nftables: this is no JSON of nft", Span(file, 1), HINT)
        return
    places, at = LinePlaces(file, text), begun.end()
    reader = json.JSONDecoder(object_pairs_hook=distinct)
    while True:
        at = _behind(text, at)
        if text.startswith("]", at):
            break
        try:
            value, end = reader.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            why = "nested too deep" if isinstance(error, RecursionError) else str(error)
            where = error.pos if isinstance(error, json.JSONDecodeError) else at
            found.error("C836", f"nftables: {why.split(':')[0]}", places.span(where), HINT)
            return
        yield from _command(value, places.span(at), found)
        at = _behind(text, end)
        if text.startswith(",", at):
            at += 1
        elif not text.startswith("]", at):
            found.error("C836", "nftables: the list does not end", places.span(at), HINT)
            return
    if END.fullmatch(text, at + 1) is None:
        found.error("C836", "nftables: something stands behind the list", places.span(at), HINT)


HINT = "write it with nft -j list ruleset"


def from_document(document: Any, span: Span, found: Diagnostics) -> Iterator[NftCommand]:
    """The commands of JSON that somebody else has read; all of them stand at one place."""
    listed = document.get("nftables") if isinstance(document, dict) else None
    for value in listed if isinstance(listed, list) else [None]:
        yield from _command(value, span, found)


def _behind(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    return at if found is None else found.end()


def _command(value: Any, span: Span, found: Diagnostics) -> Iterator[NftCommand]:
    """An object of the list: a command with its object, or an object alone, which is added."""
    if isinstance(value, dict) and len(value) == 1:
        (kind, body), *_ = value.items()
        verb = "add"
        if kind in VERBS and isinstance(body, dict) and len(body) == 1:
            verb = kind
            (kind, body), *_ = body.items()
        if verb == "flush" and kind == "ruleset":
            body = body or {}
        if isinstance(body, dict):
            yield NftCommand(verb, kind, body, span)
            return
    found.error("C836", "nftables: this is no object of a rule set", span, HINT)


class LinePlaces:
    """Lines and columns of a text by offset."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def span(self, at: int) -> Span:
        """Where an offset is."""
        line = bisect_right(self.starts, at)
        return Span(self.file, line, at - self.starts[line - 1] + 1)
