"""Lines of `expect:` as text to put into a fabric file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cloison.render.formats import visible
from cloison.render.table import Table, escape
from sim.proof.expectations.current_lines import CurrentLine, CurrentLines, crosses

MOST_UNSAID = 40
"""Remarks about what no line says; of more their number is told."""
TITLES = {
    "tenants": "who meets nobody of whom: tenants and zones",
    "parts": "inside of tenants, and between those that meet",
    "workloads": "who meets whom; only: on these ports and no others",
    "apart": "what one tenant does not reach of another one",
}


@dataclass(frozen=True, slots=True, repr=False)
class LinesToKeep:
    """Lines of `expect:` that hold now: `found`, as it prints and renders itself."""

    found: CurrentLines

    @property
    def lines(self) -> Table:
        """A row per line: the word it begins with, what it says, and what it is about."""
        rows = ({"kind": of.kind, "line": of.text, "about": of.about} for of in self.found.lines)
        return Table(tuple(rows), "Lines that hold now", notes=self.unsaid)

    @property
    def unsaid(self) -> tuple[str, ...]:
        """What no line says, and why."""
        return self.found.unsaid

    def text(self) -> str:
        """The lines to read and to put into a fabric file, as `expect` prints them."""
        return text(self.found)

    def __bool__(self) -> bool:
        """Whether there is any line."""
        return bool(self.found.lines)

    def __repr__(self) -> str:
        return f"{len(self.found.lines):,} lines hold now; {len(self.unsaid):,} remarks"

    def __str__(self) -> str:
        return self.text().rstrip("\n")

    def _repr_html_(self) -> str:
        return "".join(("<pre>", *(f"{escape(line)}\n" for line in written(self.found)), "</pre>"))


def text(found: CurrentLines) -> str:
    """The lines under their headings, and as comments what no line says."""
    return "".join(f"{line}\n" for line in written(found))


def written(found: CurrentLines) -> Iterator[str]:
    """Every line of the text."""
    yield "expect:"
    partly = [said for said in found.unsaid if " -> " in said and crosses(said)]
    if found.crossing or partly:
        yield "  # read these first: tenants that meet"
        yield from entries(found.crossing)
        yield from remarks(partly)
    for about, title in TITLES.items():
        mine = [one for one in found.lines if one.about == about and one not in found.crossing]
        if mine:
            yield f"  # {title}"
            yield from entries(mine)
    if others := [said for said in found.unsaid if said not in partly]:
        yield "  # what no line says"
        yield from remarks(others)


def remarks(unsaid: Sequence[str]) -> Iterator[str]:
    """What no line says, as comments."""
    yield from (f"  # {visible(said)}" for said in unsaid[:MOST_UNSAID])
    if len(unsaid) > MOST_UNSAID:
        yield f"  # and {len(unsaid) - MOST_UNSAID:,} more"


def entries(lines: Sequence[CurrentLine]) -> Iterator[str]:
    """Lines as entries of the list."""
    yield from (f"  - {line}" for line in lines)
