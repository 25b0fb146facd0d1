"""What of a fabric file is in force when: its periods, and what begins and ends at each bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloison.render.table import Table
from fabric.file.in_force import TimedEntry, alike, covered, timed_entries
from fabric.file.spec import FabricSpec
from fabric.io.visible import lines

SCHEMA = "cloison/timeline/1"
COLUMNS = ("from", "until", "begins", "ends", "in_force")


def timeline(spec: FabricSpec) -> list[dict[str, Any]]:
    """A row per period of the time that the file speaks of, in order: what begins with it, what
    has ended where it begins, and everything with a window that is in force in it, each with its
    line."""
    entries = timed_entries(spec)
    every = sorted((p for some in alike([spec]) for p in some), key=lambda p: p.moment)
    return [
        {
            **period.row(),
            "begins": [_row(e) for e in entries if e.window.first == period.first is not None],
            "ends": [_row(e) for e in entries if e.window.end == period.first is not None],
            "in_force": [_row(e) for e in entries if e.window.holds(period.moment)],
        }
        for period in every
    ]


def _row(entry: TimedEntry) -> dict[str, Any]:
    return {"what": entry.title, "line": entry.span and str(entry.span), **entry.window.row()}


def document(spec: FabricSpec) -> dict[str, Any]:
    """`cloison/timeline/1`."""
    return {
        "schema": SCHEMA,
        "name": spec.name,
        "covers": covered(spec).row(),
        "rows": timeline(spec),
    }


def table(spec: FabricSpec) -> Table:
    """The same for people; an entry stands with its line where it begins or ends."""

    def told(rows: Sequence[dict[str, Any]], places: bool) -> str:
        return lines(*(f"{r['what']} {r['line']}" if places else r["what"] for r in rows))

    rows = tuple(
        {
            "from": row["from"] or "",
            "until": row["until"] or "",
            "begins": told(row["begins"], True),
            "ends": told(row["ends"], True),
            "in_force": told(row["in_force"], False),
        }
        for row in timeline(spec)
    )
    return Table(rows, f"Timeline of {spec.name}", COLUMNS)
