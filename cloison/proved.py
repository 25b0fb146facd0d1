"""`Proved`: the verdict on isolation for all packets, as tables and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloison.isolation import heatmap, matrix_table
from cloison.report import expectation, findings_table
from cloison.table import Table, escape
from sim.prove import Proof

if TYPE_CHECKING:
    from cloison.plot import Drawing


@dataclass(frozen=True, slots=True, repr=False)
class Proved:
    """A proof that prints, renders and draws itself."""

    proof: Proof

    @property
    def holds(self) -> bool:
        """Whether isolation and every expectation hold."""
        return self.proof.holds

    @property
    def matrix(self) -> Table:
        """Every cell: open on which ports and why, or closed by which layers."""
        return matrix_table(self.proof)

    @property
    def expectations(self) -> Table:
        """Every `expect:` line, also under the failures that break it."""
        outcomes = (*self.proof.outcomes, *self.proof.under_failure)
        return Table(tuple(expectation(o) for o in outcomes), "Expectations")

    @property
    def findings(self) -> Table:
        """What is wrong, each with a packet and the line to look at."""
        return findings_table(self.proof)

    def plot(self) -> Drawing:
        """The isolation matrix as a heat map."""
        return heatmap(self.proof)

    def __repr__(self) -> str:
        return f"{self.proof.network.spec.name}: {self}"

    def __str__(self) -> str:
        return "holds" if self.holds else f"{len(self.proof.findings)} findings"

    def _repr_html_(self) -> str:
        name = escape(self.proof.network.spec.name)
        parts = [self.matrix, *([self.findings] if len(self.findings) else [])]
        return f"<h4>{name}: {self}</h4>" + "".join(part._repr_html_() for part in parts)
