"""`Explained`: why a flow is allowed or denied, as a table of steps and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloison.table import Table, escape
from cloison.unknowns import sentences
from sim.explain import Explanation

if TYPE_CHECKING:
    from cloison.plot import Drawing


@dataclass(frozen=True, slots=True, repr=False)
class Explained:
    """An explanation that prints, renders and draws itself."""

    explanation: Explanation

    @property
    def verdict(self) -> str:
        """allow, deny, or depends (on which way ECMP goes)."""
        return self.explanation.verdict

    @property
    def blame(self) -> str:
        """The line behind the verdict."""
        return str(self.explanation.blame.culprit)

    @property
    def steps(self) -> Table:
        """What happens to the packet, hop by hop."""
        return Table(tuple(self.explanation.rows()), self.explanation.summary())

    @property
    def path(self) -> tuple[str, ...]:
        """Names of the nodes that the packet passes, from VTEP to VTEP."""
        names = [node.name for node in self.explanation.network.fabric.nodes]
        chosen = next(c.trace for c in self.explanation.choices if c.hashed)
        hops = [names[hop.node] for hop in chosen.underlay]
        return (*hops, names[chosen.underlay[-1].to]) if hops else ()

    def plot(self) -> Drawing:
        """The Clos with the packet's path in red."""
        from cloison.plot import draw_fabric

        explanation = self.explanation
        return draw_fabric(explanation.network.fabric, title=explanation.summary(), path=self.path)

    def __repr__(self) -> str:
        return self.explanation.summary()

    def __str__(self) -> str:
        from cloison.explained_text import report
        from cloison.render import printed

        return printed(*report(self.explanation))

    def _repr_html_(self) -> str:
        left_out = "".join(
            f"<p>{escape(line)}</p>" for line in sentences(self.explanation.touched_by)
        )
        return f"{self.steps._repr_html_()}<p>{escape(self.blame)}</p>{left_out}"
