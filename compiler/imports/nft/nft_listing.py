"""The reader of nftables: what `nft list ruleset` prints, also with `-j`, and what `nft -f` takes.

Facts are chains as lists (`compiler.imports.nft.chain_lists`), how base chains are hooked, and what
sets hold. What rules do with a packet `compiler.imports.nft.verdict` says, and `compare` whether
they are the compiled ones; between devices they are not followed, which is told.
"""

from __future__ import annotations

import re
from typing import Any

from compiler.imports.accounting import LONGEST, ConfigText, IgnoredLine, LineBook, Reading
from compiler.imports.device_facts import Device, NotKnown
from compiler.imports.nft.chain_lists import access_lists, bindings, list_name
from compiler.imports.nft.commands import Building, NftCommand
from compiler.imports.nft.known_lines import KnownLines
from compiler.imports.nft.nft_json import commands, is_json
from compiler.imports.nft.nft_text import TextReading
from compiler.imports.nft.rule_set import NftChain, NftRuleSet
from compiler.imports.nft.said import elements_said, short
from fabric.diagnostics import Diagnostics, Span

BEGINS = re.compile(
    r"^(#!.*\bnft\b|flush ruleset|(add )?table ((ip|ip6|inet|arp|bridge|netdev) )?[\w.-]+( \{|$))",
    re.MULTILINE,
)
NOT_FOLLOWED = "what a rule set of nftables does between devices is not followed"
TAKES_BACK = "takes back what stood before"


def claims(head: str) -> bool:
    """Whether a file begins like a rule set."""
    return is_json(head) or BEGINS.search(head) is not None


def read(
    name: str,
    texts: tuple[ConfigText, ...],
    found: Diagnostics,
    kept: dict[object, Any] | None = None,
) -> Reading | None:
    """The rule set of these files, carried out one after the other."""
    known = {} if kept is None else kept
    lines_known: KnownLines = known.setdefault(KnownLines, KnownLines())
    building = Building(found, lines_known)
    listed: list[NftCommand] = []
    ignored: list[IgnoredLine] = []
    lines, leftover = 0, list[int]()
    for source in texts:
        book = LineBook(source)
        if is_json(source.text):
            listed += commands(source.file, source.text, found)
            book.use(*range(1, len(book.lines) + 1))
        else:
            here, beside = account(source, book, found, lines_known)
            listed += here
            ignored += beside
        ignored += book.ignored
        leftover += book.leftover
        lines += len(book.lines)
    rules = building.carry_out(listed)
    told = building.told
    told.ignored += [(c.span, f"{c.verb} {c.kind}", TAKES_BACK) for c in listed if takes_back(c)]
    ignored += [IgnoredLine(s.file, s.line, text[:LONGEST], why) for s, text, why in told.ignored]
    ignored.sort(key=lambda line: (line.file, line.number))
    unknowns = [NotKnown("nftables", "acl", "", "", NOT_FOLLOWED, None)]
    for span, where, what in told.unknown:
        unknowns.append(NotKnown(where, "acl", "", "", f"{where}: {short(what)}", span))
    device = Device(
        name=name,
        format="nftables",
        span=Span(texts[0].file, 1),
        acls=access_lists(rules, lines_known),
        bindings=bindings(rules),
        unknowns=tuple(unknowns),
        sayings=tuple(sayings(rules, lines_known)),
    )
    return Reading(device, tuple(ignored), lines, tuple(leftover))


def takes_back(command: NftCommand) -> bool:
    """Whether a command removes something."""
    return command.verb in ("flush", "delete", "destroy")


def account(
    source: ConfigText, book: LineBook, found: Diagnostics, known: KnownLines
) -> tuple[list[NftCommand], list[IgnoredLine]]:
    """The commands of a text, what became of its lines, and comments beside what is read."""
    text = TextReading(source.file, source.text, found, known)
    listed = list(text.commands())
    book.blank("#")
    for number, why in text.silent.items():
        book.ignore(number, why)
    book.use(*(text.lines - text.silent.keys()))
    beside = [(number, words) for number, words in text.comments if number in text.lines]
    return listed, [IgnoredLine(source.file, n, words[:LONGEST], "comment") for n, words in beside]


def sayings(rules: NftRuleSet, known: KnownLines) -> list[tuple[str, str]]:
    """How chains are hooked, and what sets hold."""
    out = []
    for table in rules.tables.values():
        name = f"{table.family} {table.name}"
        if table.dormant is not False:
            out.append((f"table {name}", "dormant" if table.dormant else "perhaps dormant"))
        out += [
            (list_name(table, chain), hooked(chain))
            for chain in table.chains.values()
            if chain.hook
        ]
        for held in table.sets.values():
            told = ", ".join(f"{k} {v}".strip() for k, v in elements_said(held, known).items())
            kinds = " . ".join(held.kinds) + (f" : {held.maps_to}" if held.maps_to else "")
            out.append(
                (f"{name} @{held.name}", f"{kinds}{held.unsure and ', ' + held.unsure}: {told}")
            )
    return out


def hooked(chain: NftChain) -> str:
    """How a base chain is hooked."""
    devices = "" if not chain.devices else f" of {', '.join(chain.devices)}"
    return f"{chain.kind} {chain.hook}{devices} priority {chain.priority} policy {chain.policy}"
