"""What a review found: a row per finding, with lines and packet, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cloison.render.formats import FORMATS, visible, written
from cloison.views.devices.imported import by_reason, not_known, unknowns
from compiler.imports.config_folder import Imported
from compiler.imports.review.review_finding import ReviewFinding

SCHEMA = "cloison/review/1"


def verdict(found: Sequence[ReviewFinding]) -> str:
    """fails where something is wrong as it stands."""
    return "fails" if any(f.severity == "finding" for f in found) else "computed"


def answer(imported: Imported, found: Sequence[ReviewFinding], output: str) -> str:
    """Everything, in a format."""
    shape = FORMATS[output]
    if shape.told == "text":
        return "".join(f"{line}\n" for line in text(imported, found))
    meta = {
        "verdict": verdict(found),
        "devices": [device.name for device in imported.devices],
        "lines": {"all": imported.lines, "ignored": dict(by_reason(imported))},
        "not_known": [not_known(device, one) for device, one in unknowns(imported)],
    }
    rows = [finding.row() for finding in found]
    if shape.cells != "data":
        rows = [{**row, "lines": ", ".join(row["lines"])} for row in rows]
    return written(rows, schema=SCHEMA, output=output, title="Review", meta=meta)


def text(imported: Imported, found: Sequence[ReviewFinding]) -> Iterator[str]:
    """A paragraph per finding, what is wrong first."""
    for finding in found:
        yield visible(f"{finding.severity}[{finding.kind}] {finding.device}: {finding.what}")
        if finding.packet:
            yield visible(f"  packet    {finding.packet}")
        for line in finding.lines:
            yield visible(f"  line      {line}")
        if finding.many > len(finding.lines):
            yield f"  line      and {finding.many - len(finding.lines):,} more"
        yield visible(f"  rests on  {finding.rests_on}")
        yield ""
    for device, one in unknowns(imported):
        place = f" ({one.span})" if one.span else ""
        yield visible(f"Not known of {device.name}{place}: {one.what}.")
    counts = [
        f"{count:,} {word}{'s' if count != 1 else ''}"
        for word in ("finding", "doubt", "note")
        if (count := sum(f.severity == word for f in found))
    ]
    many = len(imported.devices)
    yield f"{many:,} device{'s' if many != 1 else ''}: {', '.join(counts) or 'nothing found'}"
