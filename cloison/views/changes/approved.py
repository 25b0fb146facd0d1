"""A comparison against what was approved of it: what is beyond that, and what is left of it.

Rules that hold here:

1. Exactly what was approved, or less, is accepted; one packet more is not.
2. What is unknown in a comparison stays unknown: nobody can approve what nobody has seen. So does
   all of a comparison of worlds that permit under conditions of which no header tells: regions do
   not say them, and one who approved what a peer may do with mutual TLS did not approve the rest.
3. Findings of a world are no changes, and no approval lets them pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloison.loading.approvals import Approval, box_text, region_row
from cloison.views.changes.changed import plain
from cloison.views.changes.differences import led
from compiler.policy.ir import Condition
from compiler.program.program import conditions_of
from fabric.diagnostics import Diagnostic, UndecidedError
from sim.diff.access_regions import AccessRegion, beyond, regions
from sim.diff.diff import Diff
from sim.wording.verdicts import Verdict

GONE = ("new", "removed")
NOT = "Not approved: "


@dataclass(frozen=True, slots=True)
class ApprovalVerdict:
    """`beyond` and `other` are differences that nobody approved, `unspent` approved ones that are
    not there, `over` approvals whose time has passed."""

    beyond: tuple[AccessRegion, ...]
    other: tuple[str, ...]
    unspent: tuple[AccessRegion, ...]
    unspent_other: tuple[str, ...]
    over: tuple[Approval, ...]
    decided: bool

    @property
    def accepted(self) -> bool:
        """Whether nothing is beyond what was approved."""
        return not (self.beyond or self.other)

    @property
    def verdict(self) -> Verdict:
        """holds, fails or unknown; rules 1 and 2."""
        if not self.accepted:
            return "fails"
        return "holds" if self.decided else "unknown"

    def row(self) -> dict[str, Any]:
        """As data."""
        return {
            "verdict": self.verdict,
            "beyond": [region_row(r) for r in self.beyond],
            "other": list(self.other),
            "unspent": [region_row(r) for r in self.unspent],
            "unspent_other": list(self.unspent_other),
            "expired": [str(a) for a in self.over],
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        for region in self.beyond:
            yield f"{NOT}{sentence(region)}"
        yield from (f"{NOT}{text}" for text in self.other)
        yield from (f"Approved, and not in this change: {sentence(r)}" for r in self.unspent)
        yield from (f"Approved, and not in this change: {text}" for text in self.unspent_other)
        yield from (f"No longer approved: {one}" for one in self.over)
        match self.verdict:
            case "fails":
                yield "More than what was approved."
            case "unknown":
                yield "What is known was approved; the rest is unknown."
            case _:
                yield "Nothing but what was approved."


def others(found: Diff) -> list[str]:
    """Differences that are no access, in words that say all of what they are."""
    out = [f"{p.kind} peer {plain(found, p.name)}" for p in found.presences if p.kind in GONE]
    for kind, doors in (("Service", found.services), ("host port", found.host_ports)):
        out += [f"{kind} {plain(found, door.name)} {led(door)}" for door in doors]
    for change, listed in (("new", found.found), ("gone", found.gone)):
        out += [f"{change} finding {d.code} {d.message}" for d in listed]
    return sorted(out)


def judged(found: Diff, approvals: Iterable[Approval], at: datetime) -> ApprovalVerdict:
    """A comparison against approvals at a moment."""
    every = [*approvals]
    valid = [one for one in every if not one.is_over(at)]
    access, words = regions(found.sides), others(found)
    given = [region for one in valid for region in one.access]
    said = [text for one in valid for text in one.other]
    unsaid = bool(conditional(found) and found.changes)
    return ApprovalVerdict(
        tuple(beyond(access, given)),
        tuple(text for text in words if text not in said),
        tuple(beyond(given, access)),
        tuple(text for text in said if text not in words),
        tuple(one for one in every if one.is_over(at)),
        found.decided and not unsaid,
    )


def conditional(found: Diff) -> list[Condition]:
    """Conditions of permits in either world."""
    programs = (side.reach.program for side in (found.sides.old, found.sides.new))
    return sorted({condition for program in programs for condition in conditions_of(program)})


def approve(found: Diff, reason: str, by: str, expires: datetime) -> Approval:
    """An approval of all of a comparison; `UndecidedError` C898 where that is not known."""
    if not found.decided:
        why = "; ".join(found.undecided)
        what = f"what changes is unknown, and cannot be approved: {why}"
        raise UndecidedError(Diagnostic("C898", what, severity="unknown"))
    if asked := conditional(found):
        what = f"permits ask for what no header shows: {', '.join(map(str, asked))}"
        hint = "who gets access under which condition is not written in approvals"
        raise UndecidedError(Diagnostic("C898", what, None, hint, "unknown"))
    return Approval(reason, by, expires, tuple(regions(found.sides)), tuple(others(found)))


def sentence(region: AccessRegion) -> str:
    """A region in a line."""
    row = region_row(region)
    ends = (_named(row[key]) for key in ("from", "to"))
    own = " (its own node)" if region.own else ""
    ports = ", ".join(box_text(box) for box in region.ports)
    return f"{region.kind} IPv{region.version}: {' -> '.join(ends)} on {ports}{own}"


def _named(rows: Sequence[dict[str, Any]]) -> str:
    return ", ".join(f"{r['name']} in {r['vrf']} ({', '.join(r['addresses'])})" for r in rows)
