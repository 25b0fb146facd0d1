"""The rules of many access lists of many devices, each shape of them read once.

A file's rules are parted into what stands around values and the values, both are numbered, and
rules with the same numbers around their values, and values of the same kinds, have one shape
(`rule_shapes`). What is kept between devices is what stands around values, the values and the
shapes, each once; of a rule a column of seven numbers is left.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.imports.accounting import LineBook
from compiler.imports.device_facts import AccessEntry
from compiler.imports.nvue.nvue_acl import MOST_RULES
from compiler.imports.nvue.shapes.entry_columns import (
    LINE,
    NONE,
    NUMBER,
    SHAPE,
    SOURCE,
    EntryColumns,
)
from compiler.imports.nvue.shapes.rule_shapes import RuleShape, RuleText, alone, shape_of
from compiler.imports.nvue.shapes.rule_words import RULE, TextNumbers, ValueNumbers, pieces
from fabric.file.yaml.plain_yaml import Cut, UnusualTextError

MOST = 2**20
"""TextNumbers, values or shapes that a pool has when it is given up for a new one."""
FEW = 200
ONE_IN = 8
"""A file with more new shapes than this, and than one in so many rules, is read rule by rule: that
they are tried would cost more than sharing saves."""
Ints = NDArray[np.int64]


@dataclass(slots=True)
class Parted:
    """Rules of one file, parted. `around` are numbers of the texts between values, one more than
    there are `values`; rule r has the values from `starts[r]` (its number) up to the next one's."""

    around: Ints
    values: Ints
    starts: Ints
    kinds: Ints
    worth: Ints


class RulePool:
    """What is shared between devices that track connections or between those that do not."""

    def __init__(self, tracked: bool) -> None:
        self.tracked = tracked
        self.texts, self.values = TextNumbers(), ValueNumbers()
        self.shapes: list[RuleShape] = []
        self.entries: list[AccessEntry] = []
        self.lines = array("q")
        self.known: dict[tuple[int, ...], int] = {}
        self.left = 0

    @property
    def full(self) -> bool:
        """Whether a new pool should take over."""
        return max(len(self.texts), len(self.values), len(self.known)) > MOST

    def read(self, text: str, cuts: Sequence[Cut], book: LineBook) -> list[EntryColumns]:
        """The entries of lists whose rules were cut out of a file; what becomes of their lines goes
        into `book`. Raises `UnusualTextError` where anything is wrong with any of them."""
        if len({(cut.indent, cut.quoted) for cut in cuts}) > 1:
            raise UnusualTextError
        parted = self.parted(text, cuts)
        self.left = max(FEW, len(parted.starts) // ONE_IN)
        shapes = self.shaped(parted)
        table = np.full((7, len(shapes)), NONE, np.int32)
        table[NUMBER], table[SHAPE] = parted.worth[parted.starts], shapes
        if table[NUMBER].max(initial=0) >= MOST_RULES:
            raise UnusualTextError
        self.fill(table, parted, shapes)
        ends = np.cumsum(np.array(self.lines, np.int64)[shapes])
        return self.placed(table, ends, text, cuts, book)

    def parted(self, text: str, cuts: Sequence[Cut]) -> Parted:
        """The rules of several cuts, one behind the other."""
        part = pieces(cuts[0].indent, cuts[0].quoted)
        whole = "".join([text[cut.start : cut.end] for cut in cuts])
        parts = part.split(whole)
        many = len(parts) // 2
        around = np.fromiter(map(self.texts.__getitem__, parts[0::2]), np.int64, many + 1)
        values = np.fromiter(map(self.values.__getitem__, parts[1::2]), np.int64, many)
        kinds = np.array(self.values.kinds, np.int64)[values]
        worth = np.array(self.values.worth, np.int64)[values]
        if parts[0] or kinds[0] != RULE:
            raise UnusualTextError
        return Parted(around, values, np.flatnonzero(kinds == RULE), kinds, worth)

    def shaped(self, parted: Parted) -> Ints:
        """The shape of every rule."""
        starts = parted.starts
        many = np.diff(starts, append=len(parted.values)) - 1
        out = np.empty(len(starts), np.int64)
        for size in np.unique(many).tolist():
            rules = np.flatnonzero(many == size)
            at = starts[rules]
            columns = [parted.around[at + 1]]
            for n in range(1, size + 1):
                columns += [parted.kinds[at + n], parted.around[at + n + 1]]
            first, which = distinct(columns)
            shapes = [
                self.shape(tuple(int(column[k]) for column in columns), parted, int(at[k]), size)
                for k in first.tolist()
            ]
            mine = np.array(shapes, np.int64)[which]
            for k in np.flatnonzero(mine == NONE).tolist():
                mine[k] = self.by_itself(parted, int(at[k]), size)
            out[rules] = mine
        return out

    def shape(self, key: tuple[int, ...], parted: Parted, at: int, size: int) -> int:
        """The number of a shape, which is that of the rule that begins at a value; NONE where each
        rule has its own."""
        known = self.known.get(key)
        if known is None:
            made = shape_of(self.rule(parted, at, size), self.tracked)
            known = self.known[key] = NONE if made is None else self.add(made)
        return known

    def by_itself(self, parted: Parted, at: int, size: int) -> int:
        """The shape that a rule has alone, or with those that are written as it is."""
        key = (
            NONE,
            *parted.around[at + 1 : at + size + 2].tolist(),
            *parted.values[at + 1 : at + size + 1].tolist(),
        )
        known = self.known.get(key)
        if known is None:
            made = alone(self.rule(parted, at, size), self.tracked)
            known = self.known[key] = self.add(made)
        return known

    def add(self, shape: RuleShape) -> int:
        """The number of a new shape. Raises `UnusualTextError` for a file of many."""
        self.left -= 1
        if self.left < 0:
            raise UnusualTextError
        self.shapes.append(shape)
        self.entries.append(shape.entry)
        self.lines.append(shape.lines)
        return len(self.shapes) - 1

    def rule(self, parted: Parted, at: int, size: int) -> RuleText:
        """A rule as it is written."""
        texts, values = self.texts.order, self.values.order
        mine = parted.values[at : at + size + 1].tolist()
        return RuleText(
            values[mine[0]],
            tuple(texts[n] for n in parted.around[at + 1 : at + size + 2].tolist()),
            tuple(values[n] for n in mine[1:]),
            tuple(self.values.sorts[self.values.kinds[n]] for n in mine[1:]),
        )

    def fill(self, table: NDArray[np.int32], parted: Parted, shapes: Ints) -> None:
        """Networks and ports of rules whose shape leaves them open."""
        for number in np.unique(shapes).tolist():
            fields = self.shapes[number].fields
            if fields:
                rules = np.flatnonzero(shapes == number)
                for n, field in enumerate(fields, 1):
                    table[SOURCE + field, rules] = parted.worth[parted.starts[rules] + n]

    def placed(
        self,
        table: NDArray[np.int32],
        ends: Ints,
        text: str,
        cuts: Sequence[Cut],
        book: LineBook,
    ) -> list[EntryColumns]:
        """The entries of each cut in order of their numbers, each with its line."""
        out = []
        first = line = 0
        for cut in cuts:
            many = text.count("\n", cut.start, cut.end)
            after = int(np.searchsorted(ends, line + many, "right"))
            if after == first or ends[after - 1] != line + many:
                raise UnusualTextError
            mine = table[:, first:after].copy()
            mine[LINE, 0] = cut.line + 1
            mine[LINE, 1:] = ends[first : after - 1] - line + cut.line + 1
            book.whole(cut.line + 1, cut.line + many)
            self.ignore(mine, book)
            numbers = mine[NUMBER]
            if (np.diff(numbers) <= 0).any():
                mine = mine[:, np.argsort(numbers, kind="stable")]
                if (np.diff(mine[NUMBER]) == 0).any():
                    raise UnusualTextError
            out.append(
                EntryColumns(
                    book.source.file, cut.indent + 1, self.entries, self.values.networks, mine
                )
            )
            first, line = after, line + many
        return out

    def ignore(self, table: NDArray[np.int32], book: LineBook) -> None:
        """The lines of entries that change no fact."""
        for number in np.unique(table[SHAPE]).tolist():
            shape = self.shapes[number]
            if not shape.ignored:
                continue
            for first in table[LINE, table[SHAPE] == number].tolist():
                for line, reason, secret in shape.ignored:
                    book.ignore(first + line, reason, secret)


def distinct(columns: Sequence[Ints]) -> tuple[Ints, Ints]:
    """The places of one row of each kind, and the kind of every row; numbers are not negative."""
    code, size = np.zeros(len(columns[0]), np.int64), 1
    for column in columns:
        many = int(column.max(initial=0)) + 1
        if many > DENSE:
            there = np.zeros(many, np.int64)
            there[column] = 1
            column = (np.cumsum(there) - 1)[column]
            many = int(column.max(initial=0)) + 1
        if size * many >= 2**62:
            found, code = np.unique(code, return_inverse=True)
            size = len(found)
        code, size = code * many + column, size * many
    _, first, which = np.unique(code, return_index=True, return_inverse=True)
    return first, which


DENSE = 64
"""Numbers up to which a column is not numbered anew: what is gained would be lost again."""
