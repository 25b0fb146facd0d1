"""Single points of failure as tables, text and JSON."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cloison.render.table import Table, escape
from cloison.views.caveats.diagnosed import diagnosed
from cloison.views.caveats.unknowns import as_rows, brief, notes
from cloison.views.network.emptied import words
from fabric.file.expect.held_under import KINDS

if TYPE_CHECKING:
    from fabric.building.network import Network
    from sim.proof.availability.spof import Lost, Spof

COLUMNS = (
    "without",
    "source",
    "destination",
    "pairs",
    "first_source",
    "first_destination",
    "ports",
)


@dataclass(frozen=True, slots=True, repr=False)
class SinglePoints:
    """What single failures take away, and from whom: `spof` as it prints and renders itself."""

    found: Spof

    @property
    def verdict(self) -> str:
        """holds (nobody else loses anything), fails or unknown."""
        return verdict(self.found)

    @property
    def points(self) -> tuple[str, ...]:
        """Nodes, cables and risk groups without which somebody else loses access."""
        return self.found.points

    @property
    def lost(self) -> Table:
        """A row per failure and pair of tenants or zones that loses something."""
        told = notes(self.found.network.not_evaluated)
        return replace(lost_table(self.found), notes=told, verdict=self.verdict)

    @property
    def services(self) -> Table:
        """A row per Service of which no pod is left without one node or risk group."""
        return Table(tuple(service_rows(self.found)), "Services that go with one failure")

    def document(self) -> dict[str, Any]:
        """`cloison/spof/1`, as `spof -o json` writes it."""
        return document(self.found)

    def text(self) -> str:
        """The answer for people, with the end of the last line."""
        return text(self.found)

    def __bool__(self) -> bool:
        """An answer of more than two kinds is neither true nor false."""
        raise TypeError(f"compare .verdict, which is {self.verdict}: it is not true or false")

    def __repr__(self) -> str:
        network = self.found.network
        left_out = brief(network.not_evaluated)
        return f"{network.spec.name}: {self.verdict}{left_out}. {sentence(self.found)}"

    def __str__(self) -> str:
        return self.text().rstrip("\n")

    def _repr_html_(self) -> str:
        parts = [self.lost, *([self.services] if self.found.emptied else [])]
        tables = "".join(part._repr_html_() for part in parts)
        return f"{tables}<p>{escape(sentence(self.found))}</p>"


def rows(found: Spof) -> list[dict[str, Any]]:
    """One row per failure and pair of tenants or zones that loses something."""
    return [_row(found.network, lost) for lost in found.lost]


def _row(network: Network, lost: Lost) -> dict[str, Any]:
    first = [network.endpoints[end].name for end in (lost.src, lost.dst)]
    return {
        "without": lost.failure,
        "kind": KINDS[lost.kind].each,
        "source": lost.source,
        "destination": lost.target,
        "pairs": lost.pairs,
        "first_source": first[0],
        "first_destination": first[1],
        "families": f"IPv{lost.version}",
        "ports": lost.ports,
    }


def lost_table(found: Spof) -> Table:
    """The rows as a table."""
    more = ", cable or risk group" if found.network.fabric.risk_groups else " or cable"
    return Table(tuple(rows(found)), f"Lost without one node{more}", COLUMNS)


def service_rows(found: Spof) -> list[dict[str, Any]]:
    """One row per Service that goes with one node or risk group."""
    return [
        {
            "without": one.failure,
            "kind": KINDS[one.kind].each,
            "service": one.service,
            "pods": one.pods,
        }
        for one in found.emptied
    ]


def of_services(found: Spof) -> str | None:
    """Which Services go with one failure, in words."""
    if not found.emptied:
        return None
    return f"No pod is left of {words((one.service, one.failure) for one in found.emptied)}."


def verdict(found: Spof) -> str:
    """What `document` and the exit code say."""
    from fabric.kubernetes.unmodelled.unevaluated import pending

    if found.lost:
        return "fails"
    unsure = pending(found.network.not_evaluated) or nobody(found)
    return "unknown" if unsure else "holds"


def nobody(found: Spof) -> str:
    """Why there was nobody who could lose anything, if so."""
    from sim.wording.verdicts import empty

    return next(empty(found.network, 1), "")


def text(found: Spof) -> str:
    """The answer for people."""
    from cloison.render.formats import lined, table, titled, visible
    from cloison.views.caveats.cited import otherwise
    from cloison.views.caveats.unknowns import below

    part, of_pods = lost_table(found), of_services(found)
    shown = [lined(*titled(part.title, table(part.rows, part.columns)))] if part.rows else []
    shown.append(below(found.network.not_evaluated))
    shown += [lined(visible(of_pods))] if of_pods else []
    return "".join([*shown, *map(lined, otherwise(found.network)), f"{sentence(found)}\n"])


def sentence(found: Spof) -> str:
    """The last line."""
    points = found.points
    if not points and (why := nobody(found)):
        return f"Whether a single failure takes access from anybody is unknown: {why}."
    if not points:
        return f"No single failure takes access from anybody else; {found.tried:,} tried."
    some = ", ".join(points[:6]) + (f" and {len(points) - 6:,} more" if len(points) > 6 else "")
    word = "Single point of failure" if len(points) == 1 else "Single points of failure"
    return f"{word}: {some}; {found.tried:,} failures tried."


def document(found: Spof) -> dict[str, Any]:
    """`cloison/spof/1`."""
    return {
        "schema": "cloison/spof/1",
        "verdict": verdict(found),
        "down": list(found.network.fabric.down),
        "drained": list(found.network.fabric.draining),
        "tried": found.tried,
        "points": list(found.points),
        "rows": rows(found),
        "services": service_rows(found),
        "not_evaluated": as_rows(found.network.not_evaluated),
        "diagnostics": diagnosed(found.network),
    }
