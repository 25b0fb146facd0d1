"""Contests as rows for people and as one document for machines: ours, and rte_acl's beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from fabric.diagnostics import MachineError
from peers import eal
from peers.contest import RIVALS, Contest, Heat
from sim.classify.timing import results as ours
from sim.classify.timing.results import Row, short

SCHEMA = "cloison/contest/1"
SPEEDS = {
    "set": "set",
    "trace": "trace",
    "engine": "engine",
    "mpps": "Mpps",
    "rival_mpps": "rte_acl",
    "ratio": "times",
    "ratio_median": "(median)",
    "of_bound": "of bound",
    "mismatches": "differ",
}
BUILDS = {
    **ours.BUILDS,
    "rival_seconds": "rte_acl s",
    "rival_bytes_per_row": "B/row of it",
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
    rivals = {name: heat.mpps(name) for name in heat.timings if name in RIVALS}
    best = max(rivals, key=rivals.__getitem__, default=None)
    wide = [heat.mpps(name) for name in heat.timings if name.startswith("avx512")]
    return ours.speed(contest, heat) | {
        "rival_mpps": None if best is None else round(rivals[best], 1),
        "rival_algorithm": best,
        "rival_avx512_mpps": round(max(wide), 1) if wide else None,
        "ratio": None if heat.against is None else round(heat.against.least, 2),
        "ratio_median": None if heat.against is None else round(heat.against.median, 2),
        "mismatches": (heat.mismatches or 0) + heat.sample_mismatches,
        "compared": heat.packets if heat.mismatches is not None else 0,
    }


def _build(contest: Contest) -> Row:
    rival = contest.rival
    return ours.build(contest) | {
        "rival_seconds": None if rival is None else float(short(rival.seconds)),
        "rival_bytes": None if rival is None else rival.nbytes,
        "rival_bytes_per_row": (
            None if rival is None else round(rival.nbytes / max(1, contest.rows))
        ),
    }


def _dpdk() -> str | None:
    try:
        return eal.dpdk_version()
    except (MachineError, OSError):
        return None
