"""Workflow commands of GitHub Actions: a line per annotation, beside the line that it is about.

    ::error file=net/fabric.yaml,line=7,col=3,title=C310 error::no host is called "hots1"

Who prints `::` at the beginning of a line, or `##[` anywhere in another one, commands the runner:
everything that may come from an input is escaped as actions/toolkit does it (`%`, CR, LF; in
properties `:` and `,` as well), and stands behind a command, where the runner looks for no other.
"""

from __future__ import annotations

from cloison.render.ci.annotation import Annotation, Report
from cloison.render.ci.limits import PER_LEVEL, cut, more

DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
PROPERTY = {**DATA, ":": "%3A", ",": "%2C"}


def written(report: Report, link: str) -> str:
    """Lines for stdout; one at least."""
    lines = []
    for level in ("error", "warning"):
        kept, left = cut([a for a in report.annotations if a.level == level], PER_LEVEL)
        lines += [_line(one) for one in kept]
        if left:
            lines.append(command(level, more(left, link), title=report.name))
    what = f"{report.subject}: {report.verdict}"
    return "".join(f"{line}\n" for line in [*lines, command("notice", what, title=report.name)])


def _line(one: Annotation) -> str:
    where = {}
    if one.here:
        where = {"file": one.here.name, "line": str(one.here.line), "col": str(one.here.column)}
    also = "".join(f"\n{what}: {place.shown}" for what, place in one.also)
    return command(one.level, one.text + also, **where, title=one.title)


def command(name: str, data: str, **properties: str) -> str:
    """One command.

    >>> command("error", "a\\n::debug::b", title="x:y,z")
    '::error title=x%3Ay%2Cz::a%0A::debug::b'
    """
    given = ",".join(f"{key}={_escaped(text, PROPERTY)}" for key, text in properties.items())
    return f"::{name} {given}::{_escaped(data, DATA)}"


def _escaped(text: str, by: dict[str, str]) -> str:
    return "".join(by.get(character, character) for character in text)
