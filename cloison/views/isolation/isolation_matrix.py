"""The isolation matrix for people: tenant × tenant × zone, in words, rows and colours.

An open cell says on which ports and because of what; a closed one which layers keep it closed:
`route`, `policy`, or `both`. Tenants that are alike share a row (`cloison.views.isolation.alike`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cloison.render.table import Table
from cloison.views.caveats.unknowns import in_short
from cloison.views.isolation.alike import classes, label
from compiler.policy.ir import Origin
from compiler.policy.origin_kinds import Listed, OriginKind
from fabric.io.visible import lines
from fabric.kubernetes.unmodelled.unevaluated import accepted
from sim.proof.isolation.matrix import Cell
from sim.proof.prove import Proof

if TYPE_CHECKING:
    from cloison.render.plot import Drawing

MAX_COLUMNS = 7
MAX_PORTS = 60


def matrix_table(proof: Proof) -> Table:
    """Every cell of the isolation matrix."""
    rows = tuple(
        {
            "source": cell.src,
            "destination": cell.dst,
            "open": cell.open,
            "ports": proof.reach.space.text(cell.ports) if cell.open else "",
            "open_pairs": cell.open_pairs,
            "pairs": cell.pairs,
            "because": [reason(origin) for origin in cell.causes] if cell.open else [],
            "protected_by": list(cell.layers),
        }
        for cell in proof.matrix.cells
    )
    return Table(rows, "Isolation matrix")


def state(cell: Cell) -> str:
    """A cell in one word: what is open, or which layers keep it closed."""
    if cell.src == cell.dst:
        return "·"
    if cell.open:
        return "open"
    return "both" if len(cell.layers) == 2 else "".join(cell.layers) or "closed"


def groups_alike(proof: Proof) -> list[list[str]]:
    """Tenants and zones by class."""
    cells = proof.matrix.cells
    seen = {(cell.src, cell.dst): (state(cell), cell.ports.tobytes()) for cell in cells}
    return classes(proof.matrix.groups, lambda src, dst: seen[src, dst])


def grid_table(proof: Proof) -> Table:
    """Tenant × tenant × zone in words; tenants that are alike once."""
    kinds = groups_alike(proof)
    columns = {"source": "from \\ to"} | {members[0]: label(members) for members in kinds}
    rows = [
        {"source": label(a)} | {b[0]: state(proof.matrix.cell(*ends(a, b))) for b in kinds}
        for a in kinds
    ]
    title = "Isolation matrix (closed by: route, policy, both)"
    return Table(tuple(rows) if len(kinds) <= MAX_COLUMNS else (), title, columns)


def ends(a: Sequence[str], b: Sequence[str]) -> tuple[str, str]:
    """Members that stand for a cell between two classes; inside one class two different ones."""
    return a[0], b[1] if a is b and len(b) > 1 else b[0]


def open_table(proof: Proof) -> Table:
    """What is open between tenants and zones, on which ports, because of what."""
    space = proof.reach.space
    kinds = groups_alike(proof)
    rows = []
    for a in kinds:
        for b in kinds:
            cell = proof.matrix.cell(*ends(a, b))
            if cell.open and cell.src != cell.dst:
                rows.append(
                    {
                        "source": label(a),
                        "destination": label(b),
                        "ports": shorten(space.text(cell.ports)),
                        "because": lines(*because(cell.causes)),
                    }
                )
    return Table(tuple(rows), "Open between tenants and zones")


def because(causes: Iterable[Origin]) -> Iterator[str]:
    """Origins by kind: names of intents and zone rules, the number of NetworkPolicies."""
    by_kind: dict[OriginKind, set[str]] = {}
    for origin in causes:
        if origin.kind.listed is not Listed.NEVER:
            by_kind.setdefault(origin.kind, set()).add(origin.name.split()[-1])
    several = len(by_kind) > 1
    for kind, names in sorted(by_kind.items()):
        if several and kind.listed is Listed.ALONE:
            continue
        if kind.listed is Listed.COUNTED:
            yield f"{len(names)} {kind if len(names) == 1 else kind.many}"
        else:
            yield f"{kind} {', '.join(sorted(names))}"


def reason(origin: Origin) -> dict[str, Any]:
    """An origin as data."""
    return {
        "kind": origin.kind,
        "name": origin.name,
        "rule": origin.rule,
        "line": None if origin.span is None else str(origin.span),
    }


def shorten(text: str, most: int = MAX_PORTS) -> str:
    """A list in one cell, its tail counted.

    >>> shorten("80/tcp, 443/tcp, 53/udp", 16)
    '80/tcp, 443/tcp, 1 more'
    """
    if len(text) <= most:
        return text
    items = text.split(", ")
    kept: list[str] = []
    while items and len(", ".join([*kept, items[0]])) <= most:
        kept.append(items.pop(0))
    return ", ".join([*kept, f"{len(items)} more"]) if items else ", ".join(kept)


def heatmap(proof: Proof) -> Drawing:
    """The isolation matrix as a picture; tenants that are alike once."""
    from cloison.render.plot import draw_matrix

    space, kinds = proof.reach.space, groups_alike(proof)
    cells = {}
    for a in kinds:
        for b in kinds:
            cell = proof.matrix.cell(*ends(a, b))
            word = "self" if cell.src == cell.dst else state(cell)
            ports = shorten(space.text(cell.ports), 24) if word == "open" else ""
            cells[label(a), label(b)] = (word, ports)
    unknown = f" (unknown: {in_short(proof.pending)})" if proof.pending else ""
    without = accepted(proof.not_evaluated)
    found = draw_matrix(cells, title=f"Isolation of {proof.network.spec.name}{unknown}{without}")
    return replace(found, verdict="unknown" if proof.pending else "computed")
