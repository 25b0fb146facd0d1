"""Which classification engine holds each policy stage of one enforcement point, and why.

A stage is lowered to rules (`sim.classify.lower`), and the engine is chosen from these alone.
Tables are built twice and the better time counts: the first build loads the kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import groupby
from typing import Any

from compiler.program.program import Program
from sim.classify import TablePlan, build
from sim.classify.lower import lower

BUILDS = 2
SHOWN = ("stage", "groups", "rules", "rows", "table", "engine", "bytes", "build_ms")


def fullest(program: Program, nodes: Iterable[int]) -> int:
    """The enforcement point that holds most entries; the first of several."""

    def entries(node: int) -> int:
        return sum(len(group.entries) + 1 for group in program.groups_at(node))

    return max(sorted(nodes), key=entries)


def engine_rows(
    program: Program, node: int, tell: Callable[..., None] = lambda *_: None
) -> list[dict[str, Any]]:
    """One row per stage and table; stages that the node holds no groups of have one without."""
    groups = program.groups_at(node)
    rows = []
    for stage in program.stages:
        tell(stage.label)
        lowered = lower(program, stage, groups)
        builds = [build(lowered.rules, ids=lowered.entries).plans for _ in range(BUILDS)]
        found = min(builds, key=lambda plans: sum(plan.seconds for plan in plans))
        sizes = {
            "stage": stage.label,
            "groups": sum(group.stage == stage for group in groups),
            "rules": len(lowered.rules),
            "rows": lowered.rules.rows,
        }
        rows += [sizes | described(plan) for plan in summarised(found)] or [sizes | NOTHING]
    return rows


NOTHING = {"table": "none", "engine": "none", "bytes": 0, "build_ms": 0.0, "why": "no groups here"}


def described(plan: TablePlan) -> dict[str, Any]:
    """A plan as columns."""
    return {
        "table": plan.name,
        "engine": plan.engine,
        "bytes": plan.nbytes,
        "build_ms": round(plan.seconds * 1000, 1),
        "why": plan.reason,
    }


def summarised(plans: Iterable[TablePlan]) -> list[TablePlan]:
    """Plans with the blocks of one table that have the same engine as one; the largest says why."""

    def place(plan: TablePlan) -> tuple[str, bool, str]:
        table, *block = plan.name.split(" ", 1)
        return table, bool(block), plan.engine if block else ""

    out = []
    for (table, is_block, _), members in groupby(sorted(plans, key=place), key=place):
        same = list(members)
        largest = max(same, key=lambda plan: plan.nbytes)
        if is_block and len(same) > 1:
            largest = replace(
                largest,
                name=f"{table}, {len(same):,} blocks",
                nbytes=sum(plan.nbytes for plan in same),
                seconds=sum(plan.seconds for plan in same),
            )
        out.append(largest)
    return out
