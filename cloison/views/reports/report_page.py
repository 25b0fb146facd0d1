"""What a report to hand on says, section by section, as data for a page.

The words are those of `simulate`, `verify`, `explain` and `diff`; lines are quoted as they stand in
the files. Rules that hold here:

1. Tenants that are alike are one row of the matrix, and each of its cells leads to a packet: one
   that passes where it is open, one that does not where it is closed.
2. Cells are opened for the first `OPENED`, open ones first; how many are left is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from cloison.render.diagnostics import Excerpts
from cloison.render.pages.html_page import inline, unstyled
from cloison.views.caveats.diagnosed import diagnosed
from cloison.views.caveats.unknowns import sentences, way_on
from cloison.views.changes import changed, differences
from cloison.views.dumps.headroom import headroom
from cloison.views.isolation.alike import label
from cloison.views.isolation.isolation_matrix import ends, groups_alike, state
from cloison.views.network.drawn import drawn
from cloison.views.packets.explained_text import report as explained
from cloison.views.reports import report, report_text
from compiler.policy.origin_kinds import Listed
from compiler.targets.profiles import Profile
from compiler.targets.usage import Usage
from fabric.diagnostics import InputError, Span, UndecidedError
from fabric.values.ports import WITH_PORTS, name_of
from fabric.wiring.topology import Role
from sim.diff.diff import Diff
from sim.proof.isolation.matrix import Cell
from sim.proof.pairs.reachability import Reach
from sim.proof.pairs.witness import reached
from sim.proof.prove import Proof
from sim.proof.routes.paths import owns_prefix
from sim.why.explain import Explanation
from sim.why.one_answer import explain
from sim.wording.assumptions import assumptions

ROWS, OPENED = 60, 80
PORT = "443/tcp"
"""Of packets that show what is closed."""
Diffed = Diff | UndecidedError | None


@dataclass(frozen=True, slots=True)
class Material:
    """What a report is made of: a proof, how full tables are, and maybe what differs from a world
    before, or why that is not known."""

    proof: Proof
    target: Profile
    usage: tuple[Usage, ...]
    before: str = ""
    diff: Diffed = None


def contents(of: Material) -> dict[str, Any]:
    """Everything that the page shows."""
    proof, lines = of.proof, Excerpts({})
    cells, grid, left = _cells(proof, lines)
    changes = _changes(of, lines)
    expected = _table("expectation-rows", "Expectations", list(_expectations(proof)))
    parts = [
        *(["Findings"] if proof.findings else []),
        *("Fabric", "Isolation"),
        *(["Expectations"] if expected["rows"] else []),
        *(["Changes"] if changes else []),
        *("Tables", "What this rests on"),
    ]
    network = proof.network
    doubts = [
        {"code": row["code"], "what": row["message"], "line": row["line"] or ""}
        for row in diagnosed(network)
    ]
    return {
        "name": network.spec.name,
        "verdict": proof.verdict,
        "sentence": str(report_text.verdict(proof)),
        "unknown": [
            *(sentences(proof.pending)),
            *([way_on(proof.pending)] if proof.pending else []),
            *proof.unknown_because,
        ],
        "parts": parts,
        "findings": [_finding(number, one, lines) for number, one in enumerate(proof.findings, 1)],
        "sizes": _table("size-rows", "Size", list(_sizes(proof))),
        "picture": inline(drawn(network)),
        "classes": len(groups_alike(proof)),
        "grid": grid,
        "cells": cells,
        "cells_left": left,
        "expectations": expected,
        "changes": changes,
        "room": _room(of),
        "remarks": list(report_text.remarks(proof)),
        "assumptions": list(_assumptions(proof)),
        "warnings": _table("doubt-rows", "Doubts", doubts),
    }


def _table(name: str, title: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    heads = list(rows[0]) if rows else []
    return {"id": name, "title": title, "heads": heads, "rows": [[*row.values()] for row in rows]}


def _place(span: Span | None, lines: Excerpts) -> dict[str, Any]:
    line = lines.line(span) if span is not None else None
    return {"line": span and str(span), "excerpt": line.strip() if line else None}


def _finding(number: int, found: Any, lines: Excerpts) -> dict[str, Any]:
    row = report.finding(number, found)
    kept = ("number", "title", "packet", "verdict", "pairs", "under", "blame", "also")
    return {key: row[key] for key in kept} | {"place": _place(found.culprit.span, lines)}


def _sizes(proof: Proof) -> Iterator[dict[str, Any]]:
    network = proof.network
    roles = {role: sum(n.role is role for n in network.fabric.nodes) for role in Role}
    nodes = ", ".join(f"{count:,} {role.value}" for role, count in roles.items() if count)
    kinds = sorted({e.kind for e in network.endpoints})
    members = {kind: sum(e.kind == kind for e in network.endpoints) for kind in kinds}
    yield {"what": "nodes", "size": nodes}
    yield {"what": "endpoints", "size": ", ".join(f"{n:,} {kind}" for kind, n in members.items())}
    vrfs = [v for v in network.vrfs if v.zone == 1]
    tenants = len({v.tenant for v in vrfs})
    yield {"what": "tenants", "size": f"{tenants:,} in {len(vrfs):,} VRFs"}
    yield {"what": "Type-5 routes", "size": f"{len(network.routes):,}"}
    policy = proof.program
    entries = f"{len(policy.policy.rules):,} rules, {policy.n_entries:,} entries"
    yield {"what": "policy", "size": entries}


def _expectations(proof: Proof) -> Iterator[dict[str, Any]]:
    for row in report.expectations(proof):
        yield {
            "verdict": row["verdict"],
            "expectation": row["expect"],
            "pairs": row["pairs"],
            "without": row["under"] or "",
            "line": row["line"] or "",
        }


def _cells(
    proof: Proof, lines: Excerpts
) -> tuple[list[dict[str, Any]], dict[str, Any] | None, int]:
    """Cells that are opened, the matrix of all of them, and how many are not opened (rule 2)."""
    kinds = groups_alike(proof)
    every = [
        (a, b, cell)
        for a in kinds
        for b in kinds
        if (cell := proof.matrix.cell(*ends(a, b))).src != cell.dst
    ]
    first = sorted(range(len(every)), key=lambda n: (not every[n][2].open, n))[:OPENED]
    number = {(every[n][2].src, every[n][2].dst): f"cell-{n}" for n in first}
    cells = [_cell(proof, *every[n], f"cell-{n}", lines) for n in sorted(first)]
    grid = None
    if len(kinds) <= ROWS:
        grid = {
            "groups": [label(kind) for kind in kinds],
            "lines": [
                {"group": label(a), "cells": [_in_grid(proof, a, b, number) for b in kinds]}
                for a in kinds
            ],
        }
    return cells, grid, len(every) - len(first)


def _in_grid(
    proof: Proof, a: list[str], b: list[str], number: dict[tuple[str, str], str]
) -> dict[str, Any]:
    cell = proof.matrix.cell(*ends(a, b))
    return {"state": state(cell), "id": number.get((cell.src, cell.dst))}


def _cell(
    proof: Proof, a: list[str], b: list[str], cell: Cell, name: str, lines: Excerpts
) -> dict[str, Any]:
    causes = [
        {"kind": str(c.kind), "name": c.name, "place": _place(c.span, lines)}
        for c in cell.causes
        if c.kind.listed is not Listed.NEVER
    ]
    shown = _passing(proof.reach, cell) if cell.open else _stopped(proof.reach, cell)
    words = {"route": "closed by routes", "policy": "closed by policies"}
    closed = "closed by routes and policies" if len(cell.layers) == 2 else "closed"
    return {
        "id": name,
        "source": label(a),
        "target": label(b),
        "state": "open" if cell.open else words.get("".join(cell.layers), closed),
        "ports": proof.reach.space.text(cell.ports) if cell.open else "",
        "open_pairs": cell.open_pairs,
        "pairs": cell.pairs,
        "first": cell.src,
        "second": cell.dst,
        "alike": len(a) > 1 or len(b) > 1,
        "causes": causes[:OPENED] if cell.open else [],
        "ladder": unstyled(*explained(shown)) if shown else "",
    }


def _members(reach: Reach, group: str) -> Any:
    return np.array([e.tenant == group for e in reach.network.endpoints], np.bool_)


def _passing(reach: Reach, cell: Cell) -> Explanation | None:
    """A packet that passes from one group to the other, explained."""
    pairs = reach.pairs
    mine = _members(reach, cell.src)[pairs.src] & _members(reach, cell.dst)[pairs.dst]
    some = np.asarray(reach.sets.any(axis=1))[pairs.some]
    many = np.array([owns_prefix(e) for e in reach.network.endpoints], np.bool_)
    rows = np.flatnonzero(mine & some)
    rows = rows[np.argsort(many[pairs.src[rows]] | many[pairs.dst[rows]], kind="stable")]
    for row in rows[:8].tolist():
        paths = range(int(pairs.first[row]), int(pairs.last[row]))
        witness = reached(reach, paths)
        if witness is None:
            continue
        flow, network = witness.flow, reach.network
        called = name_of(flow.protocol, flow.version)
        port = f"{flow.dport}/{called}" if flow.protocol in WITH_PORTS else called
        try:
            source = network.endpoints[witness.src].name
            target = f"{network.endpoints[witness.dst].name}:{port}"
            return explain(reach.world, source, target, flow.version)
        except InputError:
            continue
    return None


def _stopped(reach: Reach, cell: Cell) -> Explanation | None:
    """A packet that does not get from one group to the other, explained; between single addresses,
    of pods if there are any."""
    everybody = sorted(reach.network.endpoints, key=lambda e: (e.kind != "pod", e.index))
    sources, targets = (
        [e for e in everybody if e.tenant == group and not owns_prefix(e)][:4]
        for group in (cell.src, cell.dst)
    )
    for source, target in product(sources, targets):
        try:
            return explain(reach.world, source.name, f"{target.name}:{PORT}")
        except InputError:
            continue
    return None


def _changes(of: Material, lines: Excerpts) -> dict[str, Any] | None:
    """What differs from the world before, by what was edited."""
    found = of.diff
    if found is None:
        return None
    if isinstance(found, UndecidedError):
        why = "; ".join(d.message for d in found.diagnostics)
        return {"sentence": f"Since {of.before}: unknown: {why}.", "groups": []}
    groups = changed.grouped(found)
    kinds = [sum(c.kind == kind for c in found.changes) for kind in ("gained", "lost")]
    if differences.said(found) == "holds":
        said = "no packet fares differently"
    elif differences.said(found) == "unknown":
        said = "unknown beyond what is listed: something is not evaluated"
    else:
        said = f"{kinds[0]:,} gained, {kinds[1]:,} lost; everything else is unchanged"
    return {
        "sentence": f"Since {of.before}: {said}.",
        "groups": [_group(found, group, lines) for group in groups],
    }


def _group(found: Diff, group: changed.EditGroup, lines: Excerpts) -> dict[str, Any]:
    edit, first = group.edit, group.changes[0]
    title = " ".join(part for part in (changed.plain(found, edit.title), edit.what) if part)
    return {
        "title": f"{title}: {edit.detail}" if edit.detail else title,
        "place": _place(edit.new or edit.old, lines),
        "sentences": list(changed.sentences(found, group.changes)),
        "packet": first.packet(),
        "was": str(first.old.culprit),
        "now": str(first.new.culprit),
    }


def _room(of: Material) -> dict[str, Any]:
    rows = []
    for room in headroom(of.proof.network, of.usage):
        share = round(100 * room.used / room.capacity, 1) if room.capacity else None
        rows.append(
            {
                "table": room.table.replace("_", " "),
                "node": room.node,
                "used": room.used,
                "capacity": room.capacity,
                "share": share,
                "width": None if share is None else min(100.0, share),
                "more": room.more,
            }
        )
    return {"title": of.target.title, "rows": rows}


def _assumptions(proof: Proof) -> Iterator[str]:
    network = proof.network
    under = {kind for outcome in proof.outcomes for kind in outcome.claim.hold_under}
    hairpins = [vrf.name for vrf in network.vrfs if vrf.hairpin]
    timed = network.spec.judged_at is not None
    yield from assumptions((e.assumed for e in network.endpoints), under, hairpins, timed)
