"""Diagnostics for people: the place, the line it is in, a caret under the column, the hint.

    topologies/demo.yaml:41:16: error[C310]: no host is called "hots1"
       41 |     hosts: [hots1, host2]
          |             ^
       hint: did you mean "host1"?

Lines come from a stranger's file: control characters are shown as escapes, long lines are cut
around the caret. Nothing is shown of Secrets (`fabric.io.secrets`), of hidden files, and of files
that are not read at all (`fabric.io.reading`). Colour is added only on a terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from cloison.render.formats import visible
from fabric.diagnostics import Diagnostic, InputError, Span
from fabric.io.reading import read_bytes, trees_around
from fabric.io.secrets import Secrets

WIDTH = 92
BEFORE = 60
RED, YELLOW, CYAN, BOLD, DIM, RESET = (f"\x1b[{n}m" for n in (31, 33, 36, 1, 2, 0))
SEVERITIES = ("error", "finding", "unknown", "warning")
ALIKE = ("unknown",)
"""Words without a plural."""
Sources = Mapping[str, str]


def render(
    diagnostics: Sequence[Diagnostic], sources: Sources | None = None, *, colour: bool = False
) -> str:
    """All diagnostics with excerpts; `sources` holds the text of what is no file (stdin)."""
    lines = Excerpts(sources or {})
    return "\n".join(one(diagnostic, lines, colour) for diagnostic in diagnostics)


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """How many there are.

    >>> summary([Diagnostic("C301", "x"), Diagnostic("C302", "y", severity="warning")])
    '1 error, 1 warning'
    """
    counts = Counter(d.severity for d in diagnostics)
    ends = {s: "s" * (counts[s] != 1 and s not in ALIKE) for s in SEVERITIES}
    words = (f"{counts[s]} {s}{ends[s]}" for s in SEVERITIES if counts[s])
    return ", ".join(words) or "no errors"


class Excerpts:
    """Lines of files, each file read once; none where a file cannot be read any more."""

    def __init__(self, sources: Sources) -> None:
        shown = {name: "" if hidden(Path(name)) else text for name, text in sources.items()}
        self.files = {name: Secrets(text) for name, text in shown.items()}

    def line(self, span: Span) -> str | None:
        """The line that a span is in, unless it is nobody's business."""
        if span.file not in self.files:
            self.files[span.file] = Secrets(text_of(Path(span.file)))
        found = self.files[span.file]
        shown = 0 < span.line <= len(found.lines) and span.line not in found
        return found.lines[span.line - 1].removesuffix("\r") if shown else None


def text_of(path: Path) -> str:
    """What stands in a file that may be quoted; nothing of others."""
    try:
        return "" if hidden(path) else read_bytes(path).decode("utf-8-sig", "replace")
    except InputError:
        return ""


def hidden(path: Path) -> bool:
    """Whether a file, or a directory on the way to it from its tree's root, begins with a dot."""
    try:
        inside = trees_around(path).inside(path)
    except (OSError, RuntimeError, ValueError):
        return False  # nothing is read there
    return any(part.startswith(".") for part in inside.parts)


def one(diagnostic: Diagnostic, lines: Excerpts, colour: bool) -> str:
    """One diagnostic, without a newline at its end."""
    span, severity = diagnostic.span, diagnostic.severity
    shade = YELLOW if severity in ("warning", "unknown") else RED
    head = paint(f"{severity}[{diagnostic.code}]", shade + BOLD, colour)
    where = f"{paint(visible(str(span)), BOLD, colour)}: " if span else ""
    out = [f"{where}{head}: {visible(diagnostic.message)}"]
    line = lines.line(span) if span else None
    if span and line is not None and line.strip():
        out += excerpt(line, span, shade, colour)
    if diagnostic.hint:
        out.append(f"   {paint('hint', CYAN, colour)}: {visible(diagnostic.hint)}")
    return "\n".join(out)


def excerpt(line: str, span: Span, shade: str, colour: bool) -> list[str]:
    """The line with its number, and a caret under the column."""
    start = max(0, span.column - BEFORE) if len(line) > WIDTH else 0
    shown = visible(line[start : start + WIDTH].replace("\t", " ").replace("\n", " "))
    before = visible(line[start : span.column - 1].replace("\t", " "))
    left, right = "…" if start else "", "…" if start + WIDTH < len(line) else ""
    number = f"{span.line:>5} | "
    caret = " " * (len(left) + len(before)) + paint("^", shade + BOLD, colour)
    bar = paint(" " * 5 + " | ", DIM, colour)
    return [f"{paint(number, DIM, colour)}{left}{shown}{right}", f"{bar}{caret}"]


def paint(text: str, codes: str, colour: bool) -> str:
    """Text in colour, where colour is wanted."""
    return f"{codes}{text}{RESET}" if colour else text
