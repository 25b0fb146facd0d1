"""`Simulated`: the report of a simulation, as `cloison simulate` tells it and as Python has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cloison.render.formats import lined
from cloison.views.reports import report
from cloison.views.reports.cluster_report import connections
from cloison.views.reports.cluster_report import report as of_manifests
from cloison.views.reports.report_text import report as of_fabric
from fabric.building.cluster import is_cluster


@dataclass(frozen=True, slots=True, repr=False)
class Simulated(report.Simulation):
    """A simulation that tells of itself."""

    def document(self) -> dict[str, Any]:
        """`cloison/simulation/1`, as `simulate -o json` writes it."""
        data = report.document(self)
        if not is_cluster(self.world.network):
            return data
        return {**data, "connectivity": connections(self)}

    def text(self) -> str:
        """The answer for people, with the end of the last line."""
        told = of_manifests(self) if is_cluster(self.world.network) else of_fabric(self)
        return lined(*told)
