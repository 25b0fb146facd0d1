"""Lines of `expect:` as text to put into a fabric file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cloison.render.formats import visible
from sim.proof.current_lines import CurrentLine, CurrentLines, crosses

MOST_UNSAID = 40
"""Remarks about what no line says; of more their number is told."""
TITLES = {
    "tenants": "who meets nobody of whom: tenants and zones",
    "parts": "inside of tenants, and between those that meet",
    "workloads": "who meets whom; only: on these ports and no others",
    "apart": "what one tenant does not reach of another one",
}


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
