"""What `cloison diff` says: who gains or loses access, by what was edited, with a packet and the
lines behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cloison.render.formats import lined
from cloison.render.whole import WholeAnswer
from cloison.views.caveats.diagnosed import diagnosed
from cloison.views.caveats.unknowns import as_rows, in_short, way_on
from cloison.views.caveats.unknowns import sentences as unevaluated
from cloison.views.changes.changed import (
    EditGroup,
    addresses,
    end_row,
    grouped,
    line,
    plain,
    sentences,
)
from fabric.kubernetes.unmodelled.unevaluated import accepted, pending
from fabric.values.door_names import HOST_PORT, SERVICE
from sim.blocks.port_sets import rows as port_rows
from sim.diff.diff import Change, Diff
from sim.diff.service_leads import DoorChange
from sim.why.blame import Cause

if TYPE_CHECKING:
    from cloison.views.changes.approved import ApprovalVerdict

SCHEMA = "cloison/diff/2"


def rows(found: Diff) -> list[dict[str, Any]]:
    """One row per change, in the order of its group."""
    return [
        {
            "group": group.number,
            "change": change.kind,
            "source": plain(found, change.row.source.name),
            "destination": plain(found, change.row.target.name),
            "ports": found.ports(change),
            "because": plain(found, str(change.edit)),
            "ports_list": port_rows(found.sides.space, change.ports),
            "families": [f"IPv{version}" for version in change.row.versions],
            "pairs": change.row.pairs,
            "source_part": end_row(found, change.row.source),
            "destination_part": end_row(found, change.row.target),
            "nodes": change.row.hosts or None,
            "packet": change.packet(),
            "was": cause(change.old.culprit),
            "is": cause(change.new.culprit),
            **({"conditions": list(change.conditions)} if change.conditions else {}),
        }
        for group in grouped(found)
        for change in group.changes
    ]


def cause(of: Cause) -> dict[str, Any]:
    """A cause as data."""
    return {
        "what": of.title,
        "part": of.part,
        "line": None if of.span is None else str(of.span),
    }


def document(found: Diff, given: ApprovalVerdict | None = None) -> dict[str, Any]:
    """`cloison/diff/2`; `approved` where it was judged against approvals."""
    return {
        "schema": SCHEMA,
        "verdict": said(found) if given is None else given.verdict,
        **({} if given is None else {"approved": given.row()}),
        "same": found.same and found.decided,
        "rest": "unchanged" if found.decided else "unknown",
        "not_evaluated": as_rows(found.not_evaluated),
        "diagnostics": diagnosed(
            *(side.reach.network for side in (found.sides.old, found.sides.new))
        ),
        "groups": [group_row(found, group) for group in grouped(found)],
        "rows": rows(found),
        "peers": [
            {
                "change": p.kind,
                "name": plain(found, p.name),
                "old": p.old,
                "new": p.new,
                "detail": p.detail or None,
            }
            for p in found.presences
        ],
        "services": [door_row(found, "service", s) for s in found.services],
        "host_ports": [door_row(found, "workload", h) for h in found.host_ports],
        "findings": [
            {"change": change, "code": d.code, "message": d.message, "line": line(d.span)}
            for change, listed in (("new", found.found), ("gone", found.gone))
            for d in listed
        ],
    }


def answer(found: Diff, given: ApprovalVerdict | None = None) -> WholeAnswer:
    """All of it, for every format."""
    return WholeAnswer(
        lambda: document(found, given),
        lambda: lined(*report(found, given)),
        lambda: markdown(found, given),
    )


def door_row(found: Diff, key: str, door: DoorChange) -> dict[str, Any]:
    """A Service, or the host ports of a workload, as data; `key` is what its name is of."""
    return {
        "change": door.kind,
        key: plain(found, door.name),
        "old": list(door.old),
        "new": list(door.new),
        "line": line(door.span),
    }


def group_row(found: Diff, group: EditGroup) -> dict[str, Any]:
    """A group as data."""
    edit = group.edit
    return {
        "group": group.number,
        "title": plain(found, edit.title),
        "what": edit.what,
        "detail": edit.detail or None,
        "old": line(edit.old),
        "new": line(edit.new),
        **{kind: sum(c.kind == kind for c in group.changes) for kind in ("gained", "lost")},
    }


def report(found: Diff, given: ApprovalVerdict | None = None) -> Iterator[Any]:
    """For people: what changed, by what was edited, and that the rest did not."""
    from rich.table import Table as Grid
    from rich.text import Text

    from cloison.render.formats import hanging, visible

    for group in grouped(found):
        yield Text(visible(heading(found, group)), style="bold")
        for kind, words in sentences(found, group.changes):
            yield hanging(visible(words), STYLES.get(kind, ""))
        grid = Grid.grid(padding=(0, 1))
        for label, words in details(found, group.changes):
            grid.add_row(f"  {label}", Text(visible(words), overflow="fold"))
        yield grid
        yield ""
    for words in notes(found):
        yield Text(visible(words))
    if any(True for _ in notes(found)):
        yield ""
    for words in left_out(found):
        yield visible(words)
    holds = found.same and found.decided
    yield Text(verdict(found), style="bold green" if holds else "bold")
    if given is not None:
        yield ""
        yield from (Text(visible(words)) for words in given.lines())


STYLES = {"gained": "yellow", "lost": "red"}


def heading(found: Diff, group: EditGroup) -> str:
    """What was edited, and where."""
    edit = group.edit
    places = [str(span) for span in dict.fromkeys((edit.old, edit.new)) if span is not None]
    return plain(found, str(edit)) + (f" ({' -> '.join(places)})" if places else "")


def details(found: Diff, alike: Sequence[Change]) -> Iterator[tuple[str, str]]:
    """The packet of the first, and what decides about it in both worlds."""
    change, pairs = alike[0], sum(c.row.pairs for c in alike)
    several = f"; one of {pairs:,} pairs" if pairs > 1 else ""
    yield "packet", change.packet() + several
    if only := asked(alike):
        yield "only", only
    for label, of in (("was", change.old.culprit), ("is", change.new.culprit)):
        where = f" ({of.span})" if of.span else ""
        yield label, f"{plain(found, of.title)}{where}: {plain(found, of.part)}"


def asked(alike: Sequence[Change]) -> str:
    """What must hold besides before packets of some changes pass, those of one change together."""
    found = dict.fromkeys(" and ".join(c.conditions) for c in alike if c.conditions)
    some = " for some" if any(not c.conditions for c in alike) else ""
    return f"if {'; if '.join(found)}{some}" if found else ""


def notes(found: Diff) -> Iterator[str]:
    """Who came, went or has other members, and findings of one world."""
    concerned = {end.name for c in found.changes for end in (c.row.source, c.row.target)}
    for title, kind in (("Only in the old", "removed"), ("Only in the new", "new")):
        names = [plain(found, p.name) for p in found.presences if p.kind == kind]
        if names:
            yield f"{title}: {', '.join(names)}"
    for p in found.presences:
        access = ", same access" if found.decided and p.name not in concerned else ""
        name, what = plain(found, p.name), "node" if "@node/" in p.name else "pod"
        difference = abs(p.new - p.old)
        several = what if difference == 1 else f"{what}s"
        match p.kind:
            case "scaled":
                more = "more" if p.new > p.old else "fewer"
                yield f"{name} has {difference:,} {more} {several}{access}"
            case "replaced":
                yield f"{name} has other {what}s{access}"
            case "moved":
                yield f"{name} moved from {p.detail}{access}"
    for kind, doors in ((SERVICE, found.services), (HOST_PORT, found.host_ports)):
        for door in doors:
            yield f"{kind} {plain(found, door.name)} {led(door)} ({door.span})"
    for title, listed in (("New finding", found.found), ("Finding gone", found.gone)):
        for d in listed:
            yield f"{title}: {d.code} {d.message}{f' ({d.span})' if d.span else ''}"


def led(door: DoorChange) -> str:
    """Where a door leads, and led."""
    old, new = ("; ".join(ways) or "nowhere else" for ways in (door.old, door.new))
    if door.kind == "edited":
        return f"leads elsewhere: {new}; was {old}"
    return f"is new: {new}" if door.kind == "new" else f"is removed: {old}"


def verdict(found: Diff) -> str:
    """The last line."""
    end = f"{accepted(found.not_evaluated)}."
    why = f"unknown: {in_short(found.not_evaluated)}"
    if found.same:
        return (
            f"No packet fares differently{end}"
            if found.decided
            else f"Whether packets fare differently is {why}{end}"
        )
    rest = f"Everything else is unchanged{end}" if found.decided else f"The rest is {why}{end}"
    counts = [
        f"{sum(c.kind == kind for c in found.changes)} {kind}"
        for kind in ("gained", "lost", "unsteady", "steady")
        if any(c.kind == kind for c in found.changes)
    ]
    return f"{', '.join(counts)}. {rest}" if counts else rest


def markdown(found: Diff, given: ApprovalVerdict | None = None) -> Iterator[str]:
    """For a comment on a pull request."""
    from cloison.render.formats import md_cell

    for group in grouped(found):
        yield f"**{md_cell(heading(found, group))}**"
        yield ""
        yield "| change | source | destination | ports | packet | was | is |"
        yield "|---|---|---|---|---|---|---|"
        for change in group.changes:
            yield from _markdown_row(found, change)
        yield ""
    for words in notes(found):
        yield f"- {md_cell(words)}"
    if any(True for _ in notes(found)):
        yield ""
    for words in left_out(found):
        yield f"- {md_cell(words)}"
    if any(True for _ in left_out(found)):
        yield ""
    yield verdict(found)
    if given is not None:
        yield ""
        yield from (f"- {md_cell(words)}" for words in given.lines())


def left_out(found: Diff) -> Iterator[str]:
    """What is not evaluated in either world, and how to go on without."""
    yield from unevaluated(found.not_evaluated)
    if pending(found.not_evaluated):
        yield way_on(found.not_evaluated)


def said(found: Diff) -> str:
    """holds, fails or unknown: whether the worlds are alike."""
    if not found.same:
        return "fails"
    return "holds" if found.decided else "unknown"


def _markdown_row(found: Diff, change: Change) -> Iterable[str]:
    from cloison.render.formats import md_cell

    source, target = (addresses(found, end) for end in (change.row.source, change.row.target))
    causes = (plain(found, str(of.culprit)) for of in (change.old, change.new))
    only = f"only {asked([change])}" if change.conditions else ""
    cells = [
        *map(md_cell, (change.kind, source, target, found.ports(change))),
        " ".join(filter(None, (f"`{change.packet()}`", only and md_cell(only)))),
        *map(md_cell, causes),
    ]
    yield f"| {' | '.join(cells)} |"
