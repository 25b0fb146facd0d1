"""`Proved`: the verdict on isolation for all packets, as tables and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloison.render.formats import lined
from cloison.render.table import Table, escape
from cloison.views.caveats.diagnosed import doubtful, warnings_table
from cloison.views.caveats.unknowns import COLUMNS, as_rows
from cloison.views.isolation.isolation_matrix import heatmap, matrix_table
from cloison.views.reports.report import expectations, findings_table, in_words
from cloison.views.verification import verified
from fabric.diagnostics import Diagnostic, UndecidedError
from sim.proof.prove import Proof

if TYPE_CHECKING:
    from cloison.render.plot import Drawing


@dataclass(frozen=True, slots=True, repr=False)
class Proved:
    """A proof that prints, renders and draws itself."""

    proof: Proof

    @property
    def verdict(self) -> str:
        """holds, fails or unknown."""
        return self.proof.verdict

    @property
    def not_evaluated(self) -> Table:
        """What was read and may decide otherwise; `accepted` marks what the user let pass."""
        rows = tuple(as_rows(self.proof.not_evaluated))
        return Table(rows, "Not evaluated", COLUMNS)

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
        return Table(tuple(expectations(self.proof)), "Expectations")

    @property
    def findings(self) -> Table:
        """What is wrong, each with a packet and the line to look at."""
        return findings_table(self.proof)

    @property
    def warnings(self) -> Table:
        """What is doubtful about the files, the manifests and what was built."""
        return warnings_table(self.proof.network)

    def document(self, by: str | None = None) -> dict[str, Any]:
        """`cloison/verification/1`, as `verify -o json` writes it; `by` as its `--by`."""
        return verified.document(self.proof, by=by)

    def text(self, by: str | None = None) -> str:
        """The answer for people, with the end of the last line."""
        return lined(*verified.report(self.proof, by))

    def write_certificate(self, path: str | Path) -> None:
        """Write the proof down, for others to check (`cloison verify --check-certificate`).
        Raises `InputError`, also where not everything that was asked was tried."""
        from cloison.views.verification.certificate_files import write_certificate

        if write_certificate(self.proof, Path(path), lambda words: None) is None:
            what = f"certificates say what becomes of {', '.join(self.proof.untried)}, not tried"
            raise UndecidedError(Diagnostic("C694", what, None, None, "unknown"))

    def __bool__(self) -> bool:
        """Whether it holds: what fails or is unknown is false."""
        return self.holds

    def plot(self) -> Drawing:
        """The isolation matrix as a heat map."""
        return heatmap(self.proof)

    def __repr__(self) -> str:
        return f"{self.proof.network.spec.name}: {self}{doubtful(self.proof.network)}"

    def __str__(self) -> str:
        return in_words(self.proof)

    def _repr_html_(self) -> str:
        name = escape(self.proof.network.spec.name)
        optional = (t for t in (self.findings, self.not_evaluated, self.warnings) if len(t))
        parts = [self.matrix, *optional]
        return f"<h4>{name}: {escape(str(self))}</h4>" + "".join(
            part._repr_html_() for part in parts
        )
