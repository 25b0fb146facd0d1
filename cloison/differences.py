"""What `cloison diff` says: who gains or loses access, with a packet and the lines behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table as Grid
from rich.text import Text

from cloison.render import md_cell, visible
from sim.blame import Cause
from sim.diff import Change, Diff
from sim.l4 import rows as port_rows

SCHEMA = "cloison/diff/1"
WORDS = {
    "gained": "gains",
    "lost": "loses",
    "unsteady": "reaches only sometimes",
    "steady": "reaches always, no longer only sometimes",
}
STYLES = {"gained": "bold yellow", "lost": "bold red"}


def rows(found: Diff) -> list[dict[str, Any]]:
    """One row per change."""
    return [
        {
            "change": change.kind,
            "source": change.source,
            "destination": change.target,
            "ports": found.ports(change),
            "ports_list": port_rows(found.sides.space, change.ports),
            "families": [f"IPv{version}" for version in families(change)],
            "pairs": len(change.pairs),
            "packet": change.packet(),
            "was": cause(change.old.culprit),
            "is": cause(change.new.culprit),
        }
        for change in found.changes
    ]


def families(change: Change) -> list[int]:
    """IP versions concerned."""
    return sorted({version for _, _, version in change.pairs})


def cause(of: Cause) -> dict[str, Any]:
    """A cause as data."""
    return {
        "what": of.title,
        "part": of.part,
        "line": None if of.span is None else str(of.span),
    }


def document(found: Diff) -> dict[str, Any]:
    """`cloison/diff/1`."""
    return {
        "schema": SCHEMA,
        "same": found.same,
        "rows": rows(found),
        "only_old": list(found.only_old),
        "only_new": list(found.only_new),
    }


def report(found: Diff) -> Iterator[Any]:
    """For people: what changed, those for one reason together, and that the rest did not."""
    for alike in by_reason(found):
        for change in alike:
            head = f"{change.source} {WORDS[change.kind]} {change.target} on {found.ports(change)}"
            yield Text(visible(head), style=STYLES.get(change.kind, "bold"))
        grid = Grid.grid(padding=(0, 1))
        for label, words in details(alike):
            grid.add_row(f"  {label}", Text(visible(words), overflow="fold"))
        yield grid
        yield ""
    yield from lives(found)
    yield verdict(found)


def by_reason(found: Diff) -> list[list[Change]]:
    """Changes of one kind with the same lines behind them, in the order of the first of each."""
    groups: dict[tuple[object, ...], list[Change]] = {}
    for change in found.changes:
        was, now = change.old.culprit, change.new.culprit
        reason = change.kind, was.title, was.span, now.title, now.span
        groups.setdefault(reason, []).append(change)
    return list(groups.values())


def details(alike: Sequence[Change]) -> Iterator[tuple[str, str]]:
    """The packet of the first, and what decides about it in both worlds."""
    change, pairs = alike[0], sum(len(c.pairs) for c in alike)
    several = f"; one of {pairs:,} pairs" if pairs > 1 else ""
    yield "packet", change.packet() + several
    yield "was", str(change.old.culprit)
    yield "is", str(change.new.culprit)


def lives(found: Diff) -> Iterator[Any]:
    """Endpoints without a counterpart: their access is nobody's gain or loss."""
    for title, names in (("Only in the old", found.only_old), ("Only in the new", found.only_new)):
        if names:
            yield Text(visible(f"{title}: {', '.join(names)}"))
            yield ""


def verdict(found: Diff) -> Text:
    """The last line."""
    if found.same:
        return Text("No packet fares differently.", style="bold green")
    counts = [
        f"{sum(c.kind == kind for c in found.changes)} {kind}"
        for kind in WORDS
        if any(c.kind == kind for c in found.changes)
    ]
    changed = f"{', '.join(counts)}. " if counts else ""
    return Text(f"{changed}Everything else is unchanged.", style="bold")


def markdown(found: Diff) -> Iterator[str]:
    """For a comment on a pull request."""
    if found.changes:
        yield "| change | source | destination | ports | packet | was | is |"
        yield "|---|---|---|---|---|---|---|"
    for change in found.changes:
        cells = [
            *map(md_cell, (change.kind, change.source, change.target, found.ports(change))),
            f"`{change.packet()}`",
            *(md_cell(str(of.culprit)) for of in (change.old, change.new)),
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""
    for line in lives(found):
        yield md_cell(str(line))
    yield str(verdict(found))
