"""`Compiled`: what every enforcement point holds, how full that makes it, and the dumps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cloison.render.table import Table
from cloison.views.caveats.unknowns import brief, notes
from compiler.program.document import document
from compiler.program.dpu import enforcement_points, tables_of
from compiler.program.program import Program
from compiler.targets.catalogue import dumper
from compiler.targets.profiles import Profile
from compiler.targets.usage import Usage, usage
from fabric.diagnostics import Diagnostic, InputError, did_you_mean
from fabric.wiring.topology import Role


@dataclass(frozen=True, slots=True, repr=False)
class Compiled:
    """A program for a target."""

    program: Program
    target: Profile

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the enforcement points."""
        return tuple(points(self.program))

    @property
    def fits(self) -> bool:
        """Whether every table of every node fits the target."""
        return all(row.fits for row in usage(self.program, self.target))

    @property
    def tables(self) -> Table:
        """How full every table of every node is."""
        rows = tuple(
            {
                "node": row.node,
                "table": row.table,
                "used": row.used,
                "capacity": row.capacity,
                "fill": row.fill,
                "source": row.source,
            }
            for row in usage(self.program, self.target)
        )
        left_out = notes(self.program.network.not_evaluated)
        return Table(rows, f"Fill of {self.target.title}", notes=left_out)

    def entries(self, node: str) -> Table:
        """Every entry of one node in evaluation order, defaults last in their group."""
        rows = entry_rows(self.program, enforcing(self.program, node))
        return Table(tuple(rows), f"Entries of {node}")

    def dump(self, node: str, backend: str = "text") -> str:
        """The file of one node in a format of `compile`; formats that configure routes have files
        of leaves and spines, too."""
        written = dumper(backend, self.program)
        more = written.nodes(self.program)
        return written.render(self.program, enforcing(self.program, node, more))

    def __repr__(self) -> str:
        left_out = brief(self.program.network.not_evaluated)
        return f"{len(self.nodes)} enforcement points, {self.program.n_entries} entries{left_out}"

    def _repr_html_(self) -> str:
        return self.tables._repr_html_()


def entry_rows(program: Program, node: int) -> list[dict[str, Any]]:
    """Every entry of one enforcement point, in evaluation order."""
    return [
        {"group": g["id"], "stage": g["stage"], "direction": g["direction"], **entry}
        for g in document(program, tables_of(program, node))["groups"]
        for entry in (*g["entries"], g["default"])
    ]


def usage_rows(found: Iterable[Usage]) -> list[dict[str, Any]]:
    """One row per DPU and table."""
    return [
        {
            "node": row.node,
            "table": row.table,
            "used": row.used,
            "capacity": "unknown" if row.capacity is None else row.capacity,
            "fill": "" if row.fill is None else f"{row.fill:.1%}",
            "source": row.source,
        }
        for row in found
    ]


def points(program: Program, more: Iterable[int] = ()) -> dict[str, int]:
    """Enforcement points, and `more` nodes: index by name."""
    nodes = program.network.fabric.nodes
    return {nodes[i].name: i for i in (*enforcement_points(program), *more)}


def enforcing(program: Program, node: str, more: Iterable[int] = ()) -> int:
    """The index of an enforcement point, or of one of `more` nodes; `InputError` when the node is
    none."""
    known = points(program, more)
    if node not in known:
        hosts = {n.name for n in program.network.fabric.nodes if n.role is Role.HOST}
        hint = did_you_mean(node, known) or f"known: {', '.join(known)}"
        if node in hosts:
            hint = f"{program.network.fabric.vtep_of(node).name} enforces for it"
        raise InputError(Diagnostic("C305", f'"{node}" enforces nothing', hint=hint))
    return known[node]
