"""Whether a change may be rolled out in any order, as tables, text and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloison.render.formats import lined, table, titled, visible
from cloison.render.table import Table, escape
from cloison.views.caveats.diagnosed import diagnosed
from cloison.views.caveats.unknowns import as_rows, below, notes

if TYPE_CHECKING:
    from sim.diff.rollout.safety import RolloutSafety
    from sim.diff.rollout.transients import Transient
    from sim.wording.verdicts import Verdict

COLUMNS = ("new_at", "old_at", "what", "source", "destination", "packet", "because")
MOST_TOLD = 100
"""Transients of which the packet and its reasons are told."""
MOST_SHOWN = 12
IN_FLIGHT = (
    "Devices announce or take over other routes: what is announced while some have the new version "
    "and others not is not followed."
)
IN_PART = "An order that is safe but for routes on their way"
NAMED = 8
"""Devices of a step that a line names."""
SAID = {
    "gained": "gets through, in neither version",
    "lost": "does not get through, in both versions it does",
}


@dataclass(frozen=True, slots=True, repr=False)
class RolledOut:
    """Whether devices may take a change in any order: `found`, as it prints and renders itself."""

    found: RolloutSafety

    @property
    def verdict(self) -> Verdict:
        """holds (every order is safe), fails or unknown."""
        return self.found.verdict

    @property
    def transients(self) -> Table:
        """A row per set of devices that must not be apart, with a packet; the first of many."""
        more = len(self.found.found) - MOST_TOLD
        told = (f"{more:,} more sets of devices must not be apart",) if more > 0 else ()
        beside = (*told, *notes(self.found.not_evaluated))
        return Table(tuple(rows(self.found)), "Must not be apart", COLUMNS, beside, self.verdict)

    @property
    def steps(self) -> tuple[tuple[str, ...], ...]:
        """Devices by step, in any order within one: safe where the verdict is holds or `ordered`.
        None where devices wait for each other in a circle."""
        return tuple(map(tuple, steps(self.found)))

    @property
    def ordered(self) -> bool:
        """Whether, where not every order is safe, one in steps is known to be."""
        return self.found.ordered

    def document(self) -> dict[str, Any]:
        """`cloison/rollout/1`, as `rollout -o json` writes it."""
        return document(self.found)

    def text(self) -> str:
        """The answer for people, with the end of the last line."""
        return text(self.found)

    def __bool__(self) -> bool:
        """An answer of more than two kinds is neither true nor false."""
        raise TypeError(f"compare .verdict, which is {self.verdict}: it is not true or false")

    def __repr__(self) -> str:
        return f"{self.found.new.network.spec.name}: {self.verdict}. {self._said()}"

    def __str__(self) -> str:
        return self.text().rstrip("\n")

    def _said(self) -> str:
        return " ".join(map(str.strip, sentences(self.found)))

    def _repr_html_(self) -> str:
        lines = "".join(f"<p>{escape(line)}</p>" for line in sentences(self.found))
        return self.transients._repr_html_() + lines


def rows(found: RolloutSafety, most: int = MOST_TOLD) -> list[dict[str, Any]]:
    """One row per set of devices that must not be apart."""
    return [_row(found, transient) for transient in found.found[:most]]


def _row(found: RolloutSafety, transient: Transient) -> dict[str, Any]:
    from sim.packets.notation import show
    from sim.why.blame import blame

    ends = transient.world.network.endpoints
    culprit = blame(transient.world, transient.trace(), transient.dst).culprit
    return {
        "new_at": [found.name(node) for node in transient.newer],
        "old_at": [found.name(node) for node in transient.older],
        "kind": transient.kind,
        "what": SAID[transient.kind],
        "source": ends[transient.src].name,
        "destination": ends[transient.dst].name,
        "pairs": transient.pairs,
        "packet": show(transient.flow),
        "because": culprit.title,
        "part": culprit.part,
        "line": None if culprit.span is None else str(culprit.span),
    }


def steps(found: RolloutSafety) -> list[list[str]]:
    """Names of devices by step."""
    return [[found.name(node) for node in step] for step in found.order.steps]


def text(found: RolloutSafety) -> str:
    """The answer for people."""
    shown = titled("Must not be apart", table(rows(found, MOST_SHOWN), COLUMNS))
    said = [lined(*shown)] if found.found else []
    told = [*sentences(found), *(f"Assumed: {words}." for words in found.assumed)]
    return "".join([*said, below(found.not_evaluated), *(lined(visible(line)) for line in told)])


def sentences(found: RolloutSafety) -> Iterator[str]:
    """What the answer is, line by line."""
    count, tried = len(found.devices), f"{found.tried:,} mixtures of versions tried"
    if not count and not found.in_flight:
        yield "No device changes: there is nothing to roll out."
        return
    devices = "1 device changes" if count == 1 else f"{count:,} devices change"
    if found.verdict == "holds":
        yield f"Every order is safe: {devices}, {tried}."
        return
    if found.in_flight:
        yield IN_FLIGHT
    if not found.found:
        yield f"Whether every order is safe is unknown: {devices}, {tried}."
        return
    yield f"Not every order is safe: {devices}, {tried}."
    more = len(found.found) - MOST_SHOWN
    if more > 0:
        yield f"{more:,} more sets of devices must not be apart; -o json lists them."
    yield from _order(found)


def _order(found: RolloutSafety) -> Iterator[str]:
    if found.order.tied:
        for devices in found.order.tied:
            names = _listed([found.name(node) for node in devices])
            safe = "safe" if found.exact else "known to be safe"
            yield f"No order is {safe}: {names} wait for each other."
        yield helping(found)
        return
    barriers = found.order.barriers
    few = "" if found.exact else ", maybe more than are needed"
    words = IN_PART if found.in_flight else "An order that is safe"
    waits = f"{barriers} barrier{'' if barriers == 1 else 's'}{few}"
    yield f"{words}, with {waits}; within a step any order:"
    for number, step in enumerate(steps(found), 1):
        yield f"  {number}. {_listed(step)}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def helping(found: RolloutSafety) -> str:
    """What version in between would help where no order is safe."""
    if not found.rerouted:
        return (
            "A version in between helps that permits at each device what both versions permit "
            "there: every order from the old one to it is safe, and from it to the new one."
        )
    return (
        "A version in between may help, with the routes and permits of both: ask about the way "
        "to it and the way from it."
    )


def document(found: RolloutSafety) -> dict[str, Any]:
    """`cloison/rollout/1`."""
    return {
        "schema": "cloison/rollout/1",
        "verdict": found.verdict,
        "devices": list(found.devices),
        "tried": found.tried,
        "transients": rows(found),
        "transients_total": len(found.found),
        "steps": steps(found),
        "fewest": found.exact and bool(found.order.steps),
        "tied": [[found.name(node) for node in group] for group in found.order.tied],
        "routes_change": found.in_flight,
        "assumed": list(found.assumed),
        "not_evaluated": as_rows(found.not_evaluated),
        "diagnostics": diagnosed(found.new.network),
    }
