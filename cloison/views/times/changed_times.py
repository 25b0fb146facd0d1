"""What `cloison diff` says of files with windows: what changes, and when.

Periods in which two files differ alike are told together; a window that moved differs in the time
between where it was and where it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.text import Text

from cloison.render.ci.annotation import Report
from cloison.render.formats import md_cell
from cloison.views.annotated import at_times, of_diff
from cloison.views.changes import differences
from fabric.diagnostics import Diagnostic
from fabric.values.window import Window
from sim.diff.diff import diff
from sim.wording.assumptions import AT_BOUNDS
from sim.worlds.world import World

SCHEMA = "cloison/diff-of-times/1"
WORST = ("fails", "unknown", "holds")


@dataclass(frozen=True, slots=True)
class ChangedPeriods:
    """What differs in some periods."""

    periods: tuple[Window, ...]
    verdict: str
    document: dict[str, Any]
    shown: tuple[Any, ...]
    lines: tuple[str, ...]
    report: Report

    @property
    def times(self) -> str:
        """The periods as words."""
        return ", ".join(map(str, self.periods))

    @property
    def key(self) -> str:
        """Equal where the same differs."""
        return json.dumps(self.document, sort_keys=True)


@dataclass(frozen=True, slots=True, repr=False)
class ChangedTimes:
    """What differs between two files when."""

    subject: str
    periods: tuple[ChangedPeriods, ...]
    warnings: tuple[Diagnostic, ...]

    @property
    def verdict(self) -> str:
        """Whether nothing differs at any time: holds, fails or unknown."""
        return verdict_of(self.periods)

    def document(self) -> dict[str, Any]:
        """`cloison/diff-of-times/1`, as `diff -o json` writes it."""
        return document(self.periods)

    def report(self) -> Iterator[Any]:
        """Everything to print."""
        return report(self.periods)

    def markdown(self) -> list[str]:
        """The same as Markdown."""
        return markdown(self.periods)

    def annotated(self) -> Report:
        """For CI."""
        return annotated(self.subject, self.periods)

    def __bool__(self) -> bool:
        return self.verdict != "holds"

    def __str__(self) -> str:
        return f"{self.subject}: {self.verdict} in {len(self.periods):,} sets of periods."

    __repr__ = __str__


def taken(
    worlds: Sequence[World], periods: tuple[Window, ...], subject: str, old: Path | None
) -> ChangedPeriods:
    """What is shown of the difference of two worlds."""
    found = diff(*worlds)
    document = differences.document(found)
    document["diagnostics"] = [d for d in document["diagnostics"] if d["code"] != "C217"]
    verdict = differences.said(found)
    if any(world.network.findings for world in worlds):
        verdict = "fails"
    return ChangedPeriods(
        periods,
        verdict,
        document | {"verdict": verdict},
        tuple(differences.report(found)),
        tuple(differences.markdown(found)),
        of_diff(found, worlds, subject, old),
    )


def merged(found: Sequence[ChangedPeriods]) -> list[ChangedPeriods]:
    """Those that differ alike as one, in order of the first period of each."""
    out: dict[str, ChangedPeriods] = {}
    for one in found:
        known = out.get(one.key)
        periods = (*known.periods, *one.periods) if known else one.periods
        out[one.key] = replace(known or one, periods=_joined(periods))
    return list(out.values())


def _joined(periods: Sequence[Window]) -> tuple[Window, ...]:
    """Periods in order, those that meet as one."""
    out: list[Window] = []
    for period in sorted(periods, key=lambda p: p.moment):
        if out and out[-1].end is not None and out[-1].end == period.first:
            out[-1] = Window(out[-1].first, period.end)
        else:
            out.append(period)
    return tuple(out)


def verdict_of(found: Sequence[ChangedPeriods]) -> str:
    """Whether nothing differs at any time."""
    return next(word for word in WORST if any(one.verdict == word for one in found))


def report(found: Sequence[ChangedPeriods]) -> Iterator[Any]:
    """Everything to print, by when it is so."""
    for one in found:
        yield Text(f"{one.times}:", style="bold")
        yield from one.shown
        yield ""
    yield f"Assumed: {AT_BOUNDS}."


def markdown(found: Sequence[ChangedPeriods]) -> list[str]:
    """The same as Markdown."""
    parts = ((f"**{md_cell(one.times)}**", "", *one.lines, "") for one in found)
    return [line for part in parts for line in part]


def document(found: Sequence[ChangedPeriods]) -> dict[str, Any]:
    """`cloison/diff-of-times/1`."""
    return {
        "schema": SCHEMA,
        "verdict": verdict_of(found),
        "same": all(one.document["same"] for one in found),
        "assumed": AT_BOUNDS,
        "periods": [
            {"times": [period.row() for period in one.periods], **one.document} for one in found
        ],
    }


def annotated(subject: str, found: Sequence[ChangedPeriods]) -> Report:
    """For CI: annotations of all periods, each with when it is true."""
    parts = [(one.times, one.report) for one in found]
    return at_times("diff", subject, verdict_of(found), parts)
