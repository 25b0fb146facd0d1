"""`Explained`: why a flow is allowed or denied, as a table of steps and as a picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cloison.render.table import Table, escape
from cloison.views.caveats.diagnosed import diagnosed
from cloison.views.caveats.unknowns import sentences
from sim.packets.reasons import Reason
from sim.why.explain import Explanation, Step

if TYPE_CHECKING:
    from cloison.render.plot import Drawing


SCHEMA = "cloison/explanation/1"


@dataclass(frozen=True, slots=True, repr=False)
class Explained:
    """An explanation that prints, renders and draws itself."""

    explanation: Explanation

    @property
    def verdict(self) -> str:
        """allow, deny, depends (on which way ECMP goes) or unknown."""
        return self.explanation.verdict

    def __bool__(self) -> bool:
        """An answer of more than two kinds is neither true nor false."""
        raise TypeError(f"compare .verdict, which is {self.verdict}: it is not true or false")

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
        """Names of the nodes that the packet is to pass, from VTEP to VTEP."""
        network, trace = self.explanation.network, self.explanation.hashed.trace
        names = [node.name for node in network.fabric.nodes]
        if trace.underlay:
            return (*(names[hop.node] for hop in trace.underlay), names[trace.underlay[-1].to])
        return () if trace.entry is None else (names[trace.entry],)

    @property
    def stops(self) -> Step | None:
        """The step that ends the packet, or hands it to somebody else; None when it arrives."""
        found, trace = self.explanation, self.explanation.hashed.trace
        reason, steps = trace.reason, self.explanation.hashed.steps
        if reason is Reason.DELIVERED:
            endpoints = found.network.endpoints
            got = endpoints[trace.target] if trace.target is not None else None
            if got is None or found.target not in {e.name for e in endpoints} - {got.name}:
                return None
            text = f"its address leads to {got.name}"
            return Step(self.path[-1], "endpoint", "not the one that is meant", text)
        return next((s for s in steps if s.result in ("deny", reason.label)), None)

    def plot(self, *, tenant: str | None = None) -> Drawing:
        """The Clos with the packet's path, and where and why it stops."""
        from cloison.render.plot import Stop
        from cloison.views.network.drawn import drawn

        step, stop = self.stops, None
        if step is not None:
            why = f"stops at {step.where}: {step.what}, {step.result}"
            blame = self.blame if self.explanation.blame.culprit.title != step.because else ""
            stop = Stop(step.where, (why, step.because, step.line or "", blame))
        title = self.explanation.summary()
        network = self.explanation.network
        found = drawn(network, tenant=tenant, path=self.path, title=title, stop=stop)
        return replace(found, verdict=self.verdict)

    def document(self) -> dict[str, Any]:
        """`cloison/explanation/1`, as `explain -o json` writes it."""
        found = self.explanation
        return {"schema": SCHEMA, **found.document(), "diagnostics": diagnosed(found.network)}

    def text(self) -> str:
        """The answer for people, with the end of the last line."""
        from cloison.render.formats import lined
        from cloison.views.packets.explained_text import report

        return lined(*report(self.explanation))

    def __repr__(self) -> str:
        return self.explanation.summary()

    def __str__(self) -> str:
        return self.text().removesuffix("\n")

    def _repr_html_(self) -> str:
        left_out = "".join(
            f"<p>{escape(line)}</p>" for line in sentences(self.explanation.touched_by)
        )
        return f"{self.steps._repr_html_()}<p>{escape(self.blame)}</p>{left_out}"
