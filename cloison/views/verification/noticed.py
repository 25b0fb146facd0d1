"""What `cloison coverage` says: which lines of the input some expectation would notice.

LCOV has a record per file, and a line per line of it that something begins at: 1 where it is
covered. What changes nothing is left out there, as it is in the share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cloison.render.formats import lined
from cloison.render.table import Table, escape
from cloison.views.caveats.diagnosed import diagnosed
from cloison.views.caveats.unknowns import as_rows, brief, notes
from cloison.views.reports.report_text import section
from fabric.diagnostics import Span
from fabric.io.visible import visible
from sim.diff.noticed.notice import Coverage, NoticedLine
from sim.diff.noticed.used import Used
from sim.proof.expectations.expect import Claim
from sim.worlds.world import World

SCHEMA = "cloison/coverage/1"
FEW = 5
ASSUMED = "expectations are asked as things are, not under the failures that they name"


@dataclass(frozen=True, slots=True, repr=False)
class Covered:
    """Which lines of a world's input some expectation would notice: `found`, as it prints and
    renders itself."""

    world: World
    found: Coverage

    @property
    def share(self) -> float:
        """How many of the lines that count are covered, from 0 to 1."""
        return self.found.share

    @property
    def lines(self) -> Table:
        """A row per line of the input: whether it is covered, who notices, and what would."""
        told = notes(self.world.network.not_evaluated)
        every = tuple(row(self.found, line) for line in self.found.lines)
        return Table(every, "Lines of the input", ("what", "line", "covered", "offer"), told)

    def document(self) -> dict[str, Any]:
        """`cloison/coverage/1`, as `coverage -o json` writes it."""
        return document(self.world, self.found)

    def text(self) -> str:
        """The answer for people, with the end of the last line."""
        return lined(*report(self.world, self.found))

    def lcov(self) -> str:
        """An LCOV tracefile, for editors and CI."""
        return lcov(self.found)

    def __bool__(self) -> bool:
        """A share is neither true nor false."""
        raise TypeError(f"compare .share, which is {self.share:.2f}: it is not true or false")

    def __repr__(self) -> str:
        return in_sentence(self.world, self.found) + brief(self.world.network.not_evaluated)

    def __str__(self) -> str:
        return self.text().rstrip("\n")

    def _repr_html_(self) -> str:
        return f"{self.lines._repr_html_()}<p>{escape(repr(self))}</p>"


def document(world: World, found: Coverage) -> dict[str, Any]:
    """`cloison/coverage/1`."""
    return {
        "schema": SCHEMA,
        "name": world.network.spec.name,
        "share": round(found.share, 4),
        "covered": sum(map(found.covers, found.counted)),
        "counted": len(found.counted),
        "lines": [row(found, line) for line in found.lines],
        "silent": [claim_row(claim) for claim in found.silent],
        "unnamed": list(found.unnamed),
        "used": used_row(found.used),
        "assumed": ASSUMED,
        "not_evaluated": as_rows(world.network.not_evaluated),
        "diagnostics": diagnosed(world.network),
    }


def used_row(found: Used | None) -> dict[str, Any] | None:
    """What flows, and the packets of expectations, met; null where no flows are given."""
    if found is None:
        return None
    entries, flows, asked, either = found.counts
    return {
        "packets": found.by_flows.packets,
        "entries": {"all": entries, "flows": flows, "expectations": asked, "either": either},
        "unmet_entries": list(found.unmet_entries()),
        "unmet_endpoints": list(found.unmet_endpoints()),
        "unmet_reasons": list(found.unmet_reasons()),
        "reasons": {"flows": found.by_flows.reasons, "expectations": found.by_expectations.reasons},
    }


def row(every: Coverage, found: NoticedLine) -> dict[str, Any]:
    """One line of the input; `changes_nothing` is null where nobody looked, `met` where no flows
    are given."""
    looked = found.looked or found.covered
    return {
        "what": found.subject.title,
        "line": at(found.subject.span),
        "covered": found.covered,
        "met": None if every.used is None else every.met(found),
        "noticed": {change: claim and claim_row(claim) for change, claim in found.by.items()},
        "refused": {change: str(why.code) for change, why in found.refused.items()},
        "changes_nothing": found.changes_nothing if looked else None,
        "offer": found.offer or None,
    }


def claim_row(claim: Claim) -> dict[str, Any]:
    """An expectation, and where it stands."""
    return {"expect": str(claim), "line": at(claim.span)}


def at(span: Span | None) -> str | None:
    """Where something stands."""
    return None if span is None else str(span)


def report(world: World, found: Coverage) -> Iterator[Any]:
    """The same for people: how much of each file, then what nobody notices."""
    yield from section(Table(tuple(_files(found)), "Covered"))
    open_ = tuple(
        {"what": line.subject.title, "line": at(line.subject.span), "write": line.offer}
        for line in found.counted
        if not found.covers(line)
    )
    columns = ("what", "line", *(["write"] if any(row["write"] for row in open_) else []))
    title = "Nobody notices" if found.used is None else "Nobody notices, and no flow meets"
    yield from section(Table(open_, title, columns))
    yield from used_lines(found.used)
    idle = sum(line.changes_nothing for line in found.lines)
    if idle:
        yield f"Changes nothing, taken out or widened: {idle:,} (-o json names them)."
    if found.silent:
        count = f"{len(found.silent):,} expectation{'s' * (len(found.silent) != 1)}"
        yield f"Fails or is unknown, and notices nothing: {count}."
    if found.unnamed:
        count = f"{len(found.unnamed):,} endpoint{'s' * (len(found.unnamed) != 1)}"
        yield f"No expectation is about {count}, such as {found.unnamed[0]}."
    yield f"Assumed: {ASSUMED}."
    yield f"{in_sentence(world, found)}."


def in_sentence(world: World, found: Coverage) -> str:
    """How much is covered."""
    covered = sum(map(found.covers, found.counted))
    return (
        f"{world.network.spec.name}: {covered:,} of {len(found.counted):,} lines are covered "
        f"({found.share:.0%})"
    )


def used_lines(found: Used | None) -> Iterator[str]:
    """What neither flows nor packets of expectations met, in few words."""
    if found is None:
        return
    entries, flows, asked, either = found.counts
    yield (
        f"Of {entries:,} entries {flows:,} are met by flows and {asked:,} by packets of which "
        f"expectations speak; {entries - either:,} by neither."
    )
    for head, names in (
        ("Entries that nothing meets", found.unmet_entries()),
        ("Endpoints that nothing meets", found.unmet_endpoints()),
        ("Reasons for which nothing is dropped", found.unmet_reasons()),
    ):
        every = list(dict.fromkeys(names))
        more = f" and {len(every) - FEW:,} more (-o json)" if len(every) > FEW else ""
        if every:
            yield f"{head}: {', '.join(every[:FEW])}{more}."
    yield "Lines that flows meet count as covered; whether somebody would notice is another matter."
    yield ""


def _files(found: Coverage) -> Iterator[dict[str, Any]]:
    files: dict[str, list[bool]] = {}
    for line in found.counted:
        files.setdefault(line.subject.file, []).append(found.covers(line))
    for file, covered in sorted(files.items()):
        share = f"{sum(covered) / len(covered):.0%}"
        yield {"file": file, "lines": len(covered), "covered": sum(covered), "share": share}


def lcov(found: Coverage) -> str:
    """The tracefile; a line of the input is covered where all that begins at it is."""
    files: dict[str, dict[int, bool]] = {}
    for line in found.counted:
        span = line.subject.span
        if span is not None:
            of = files.setdefault(str(span.file), {})
            of[span.line] = of.get(span.line, True) and found.covers(line)
    out = []
    for file, lines in sorted(files.items()):
        hit = sum(lines.values())
        out += ["TN:", f"SF:{visible(file)}"]
        out += [f"DA:{number},{int(covered)}" for number, covered in sorted(lines.items())]
        out += [f"LF:{len(lines)}", f"LH:{hit}", "end_of_record"]
    return "".join(f"{line}\n" for line in out)
