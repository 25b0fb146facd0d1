"""An answer as Markdown: a comment on a change, or the summary of a job. Text of inputs is no
markup (`md_cell`): no mention, link, reference or HTML comes of it."""

from __future__ import annotations

from collections.abc import Iterator

from cloison.render.ci.annotation import Report
from cloison.render.ci.limits import bounded
from cloison.render.formats import md_cell

HEAD = "| verdict | rule | where | what |\n|---|---|---|---|"


def written(report: Report, link: str) -> str:
    """At most as much as a comment holds."""
    return f"{bounded([*lines(report)], link)}\n"


def lines(report: Report) -> Iterator[str]:
    """A heading, what there is to say, what holds."""
    yield f"**{report.name}** {md_cell(report.subject)}: **{report.verdict}**"
    if report.annotations:
        yield from ("", *HEAD.split("\n"))
    for one in report.annotations:
        where = f"{one.here.name}:{one.here.line}" if one.here else ""
        cells = (one.said, one.rule, where, f"{one.title}: {one.text}")
        yield f"| {' | '.join(map(md_cell, cells))} |"
    if report.passed:
        yield from ("", f"{len(report.passed):,} more hold.")
