"""What was timed, as rows for people and as one document for machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sim.classify.timing.timed import OURS, TimedRules, TimedTrace

SCHEMA = "cloison/bench/2"
SPEEDS = {
    "set": "set",
    "trace": "trace",
    "engine": "engine",
    "mpps": "Mpps",
    "bound_mpps": "bound",
    "of_bound": "of bound",
    "mismatches": "differ",
    "sampled": "of sample",
}
BUILDS = {
    "set": "set",
    "count": "rules",
    "rows": "rows",
    "engine": "engine",
    "seconds": "build s",
    "bytes_per_row": "B/row",
}

Row = dict[str, Any]


def speeds(measured: Sequence[TimedRules]) -> list[Row]:
    """One row per set and trace."""
    return [speed(rules, trace) for rules in measured for trace in rules.traces]


def builds(measured: Sequence[TimedRules]) -> list[Row]:
    """One row per set."""
    return [build(rules) for rules in measured]


def document(measured: Sequence[TimedRules], machine: Mapping[str, object]) -> Row:
    """Everything, seconds included."""
    return {
        "schema": SCHEMA,
        "machine": dict(machine),
        "sets": [asdict(rules) for rules in measured],
        "speeds": speeds(measured),
        "builds": builds(measured),
    }


def speed(rules: TimedRules, trace: TimedTrace) -> Row:
    """The row of one trace."""
    return {
        "set": rules.name,
        "trace": trace.trace,
        "engine": engines(rules),
        "mpps": round(trace.mpps(OURS), 1),
        "bound_mpps": round(trace.mpps("gather12"), 1),
        "of_bound": round(trace.of_bound, 2),
        "mismatches": trace.sample_mismatches,
        "sampled": trace.sampled,
    }


def build(rules: TimedRules) -> Row:
    """The row of one set."""
    ours = rules.ours
    return {
        "set": rules.name,
        "count": rules.rules,
        "rows": rules.rows,
        "engine": engines(rules),
        "seconds": float(short(ours.seconds)),
        "bytes": ours.nbytes,
        "bytes_per_row": round(ours.nbytes / max(1, rules.rows)),
    }


def engines(rules: TimedRules) -> str:
    """The engines that hold the rules, each once."""
    return ", ".join(dict.fromkeys(rules.ours.engines))


def short(value: float) -> str:
    """Three significant digits, never in powers of ten."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
