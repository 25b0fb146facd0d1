"""Contests as rows for people and as one document for machines: ours, and rte_acl's beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rule_sets.gates import worse

from fabric.diagnostics import MachineError
from peers import eal
from peers.contest import Contest, Heat
from sim.classify.timing import results as ours
from sim.classify.timing.results import Row, short
from sim.classify.timing.timed import OURS, Built

SCHEMA = "cloison/contest/2"
BOUNDS = "stream", "gather12"
SPEEDS = {
    "set": "set",
    "trace": "trace",
    "engine": "engine",
    "mpps": "Mpps",
    "rival_mpps": "rte_acl",
    "rival_algorithm": "by",
    "ratio": "times",
    "ratio_median": "(median)",
    "narrow": "without AVX-512",
    "of_bound": "of bound",
    "mismatches": "differ",
}
BUILDS = {
    **ours.BUILDS,
    "rival_seconds": "rte_acl s",
    "rival_bytes_per_row": "B/row of it",
    "large_seconds": "large s",
    "large_bytes_per_row": "B/row",
}


def speeds(contests: Sequence[Contest]) -> list[Row]:
    """One row per set and trace."""
    return [_speed(contest, heat) for contest in contests for heat in contest.traces]


def builds(contests: Sequence[Contest]) -> list[Row]:
    """One row per set."""
    return [_build(contest) for contest in contests]


def notes(contests: Sequence[Contest]) -> list[str]:
    """What a reader of the tables must know: who took no part, and where rte_acl's memory lay."""
    found = [f"{contest.name}: {contest.skipped}" for contest in contests if contest.skipped]
    pages = {contest.huge_pages for contest in contests} - {None}
    if pages:
        size = "2 MiB huge pages" if pages == {True} else "4 KiB pages (no huge pages are free)"
        found.append(f"rte_acl's tables lie in {size}.")
    return found


def document(contests: Sequence[Contest], machine: Mapping[str, object]) -> Row:
    """Everything, seconds included."""
    return {
        "schema": SCHEMA,
        "machine": {**machine, "dpdk": _dpdk()},
        "notes": notes(contests),
        "sets": [asdict(contest) for contest in contests],
        "speeds": speeds(contests),
        "builds": builds(contests),
    }


def _speed(contest: Contest, heat: Heat) -> Row:
    rivals = {name: heat.mpps(name) for name in heat.timings if name not in (OURS, *BOUNDS)}
    best = max(rivals, key=rivals.__getitem__, default=None)
    return ours.speed(contest, heat) | {
        "rival_mpps": None if best is None else round(rivals[best], 1),
        "rival_algorithm": best,
        "ratio": None if heat.against is None else round(heat.against.least, 2),
        "ratio_median": None if heat.against is None else round(heat.against.median, 2),
        "narrow": None if heat.narrow is None else round(worse(heat.narrow), 2),
        "mismatches": (heat.mismatches or 0) + heat.sample_mismatches,
        "compared": heat.packets if heat.mismatches is not None else 0,
    }


def _build(contest: Contest) -> Row:
    return (
        ours.build(contest)
        | _table("rival", contest.rival, contest.rows)
        | _table("large", contest.large, contest.rows)
    )


def _table(name: str, built: Built | None, rows: int) -> Row:
    return {
        f"{name}_seconds": None if built is None else float(short(built.seconds)),
        f"{name}_bytes": None if built is None else built.nbytes,
        f"{name}_bytes_per_row": None if built is None else round(built.nbytes / max(1, rows)),
    }


def _dpdk() -> str | None:
    try:
        return eal.dpdk_version()
    except (MachineError, OSError):
        return None
