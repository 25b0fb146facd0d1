"""Rules that differ in their values alone are of one *shape*, and one of them is read for all.

A shape is what stands around the values of a rule, and of which kinds they are (`rule_words`).
Whether its rules may share what was read is tried and not believed: one of them is read by the
reader of all rules (`nvue_acl`), and then the same text with stand-ins for its values. Each
stand-in has to come back as the whole of one field (networks or ports of a side), in no other, and
everything else has to be equal, lines that are ignored too. What fails this is read rule by rule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_network

from compiler.imports.accounting import ConfigText, LineBook
from compiler.imports.device_facts import AccessEntry
from compiler.imports.nvue.nvue_acl import read_rule
from compiler.imports.nvue.nvue_tree import Branch, NvueFile, account_for_the_rest
from compiler.imports.nvue.shapes.rule_words import STAND_INS
from fabric.diagnostics import Diagnostics, InputError
from fabric.file.yaml.plain_yaml import UnusualTextError
from fabric.file.yaml.reader import documents

FIELDS = ("source", "destination", "sports", "dports")
MOST_VALUES = len(STAND_INS["4"])


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule as it is written: its number with what stands before it, and then in turn what stands
    between values, and a value with what stands before it. `sorts` are those of the values."""

    number: str
    between: tuple[str, ...]
    values: tuple[str, ...]
    sorts: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it, with the end of its last line."""
        body = "".join(a + b for a, b in zip(self.between, self.values, strict=False))
        return f"{self.number}{body}{self.between[-1]}\n"[1:]

    def with_stand_ins(self) -> RuleText:
        """The same around other values."""
        made = [
            value[: len(value) - len(written(value))] + STAND_INS[sort][n] if sort else value
            for n, (value, sort) in enumerate(zip(self.values, self.sorts, strict=True))
        ]
        return replace(self, values=tuple(made))


def written(value: str) -> str:
    """A value without what stands before it.

    >>> written("-ip: '::/0"), written("-port: {'443")
    ('::/0', '443')
    """
    return value.rpartition("'")[2].rpartition(" ")[2].rpartition("{")[2]


@dataclass(frozen=True, slots=True)
class RuleShape:
    """`entry` is that of one of its rules; `fields[n]` is the field (a place in `FIELDS`) of value
    n; of a shape without any the entry says it all. `lines` is how many a rule takes, `ignored`
    those of them (from 0) that change no fact, with why, and whether they hold a secret."""

    entry: AccessEntry
    fields: tuple[int, ...]
    lines: int
    ignored: tuple[tuple[int, str, bool], ...]


def shape_of(rule: RuleText, tracked: bool) -> RuleShape | None:
    """The shape of a rule; None where each of its rules has to be read by itself. Raises
    `UnusualTextError` where this one cannot be."""
    read = alone(rule, tracked)
    if not rule.values or len(rule.values) > MOST_VALUES:
        return None
    try:
        other = alone(rule.with_stand_ins(), tracked)
    except UnusualTextError:
        return None
    fields = []
    for n, (value, sort) in enumerate(zip(rule.values, rule.sorts, strict=True)):
        if not sort:
            return None
        mine, theirs = meant(written(value), sort), meant(STAND_INS[sort][n], sort)
        at = [f for f, name in enumerate(FIELDS) if getattr(other.entry, name) == theirs]
        if len(at) != 1 or getattr(read.entry, FIELDS[at[0]]) != mine:
            return None
        fields.append(at[0])
    if len({*fields}) < len(fields):
        return None
    same = replace(other.entry, **{FIELDS[f]: getattr(read.entry, FIELDS[f]) for f in fields})
    if same != read.entry or replace(other, entry=read.entry) != read:
        return None
    return replace(read, fields=tuple(fields))


def meant(value: str, sort: str) -> object:
    """What a field is that is one value of a sort and nothing else."""
    return ((int(value), int(value)),) if sort == "p" else (ip_network(value),)


def alone(rule: RuleText, tracked: bool) -> RuleShape:
    """A rule read by itself. Raises `UnusualTextError` where anything is wrong with it."""
    source = ConfigText("", rule.text)
    found = Diagnostics()
    try:
        trees = documents(source.text, "", found)
    except InputError:
        raise UnusualTextError from None
    if len(trees) != 1 or not isinstance(trees[0].value, dict) or len(trees[0].value) != 1:
        raise UnusualTextError
    book = LineBook(source)
    file = NvueFile(trees[0], book, found)
    ((number, branch),) = Branch.root(file).each()
    if number != written(rule.number):
        raise UnusualTextError
    entry = read_rule(0, branch, tracked)
    account_for_the_rest(book)
    if found.items or file.unknowns or book.leftover:
        raise UnusualTextError
    ignored = ((n.number - 1, n.reason, n.number in book.secret) for n in book.ignored)
    return RuleShape(entry, (), len(book.lines), tuple(ignored))
