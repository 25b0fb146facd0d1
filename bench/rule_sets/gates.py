"""What the classifier must reach, and what it is pushed for, as checks on contests.

A speed is the ratio to the best rte_acl algorithm of the same run, AVX-512 included, by the least
and by the median seconds, whichever is lower; a gate tells its worst cell. Hostile sets have no
gate: they must be built within the budget and answered exactly, however slowly. Bytes and build
seconds go by rows: a rule with lists counts as what tables without lists would hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from peers.contest import Contest, Heat
from rule_sets.ratios import Ratio

from sim.classify.timing.results import short

VERDICTS = {
    "gate": "gate",
    "must": "must",
    "found": "found",
    "met": "met",
    "push": "pushed for",
    "pushed": "reached",
    "where": "worst cell",
}
Found = tuple[float, str]
Measure = Callable[[Sequence[Contest]], Iterator[Found]]
RULE_LIKE = ("uniform", "zipf")
POLICIES = ("policy-1k", "policy-6k", "policy-50k")
FAMILIES = ("acl", "fw", "ipc")
FRESH = ("policy", *FAMILIES)
TUNED = (*POLICIES, *(f"{family}-{size}" for family in FAMILIES for size in ("1k", "10k", "100k")))


@dataclass(frozen=True, slots=True)
class Gate:
    """`less` when small numbers are good."""

    what: str
    must: float
    push: float
    measure: Measure
    less: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """A gate and its worst cell; `found` is None when nothing of it was measured."""

    gate: Gate
    found: float | None
    where: str

    @property
    def met(self) -> bool | None:
        """Whether what must be is; None when nobody knows."""
        return None if self.found is None else self._holds(self.gate.must)

    @property
    def pushed(self) -> bool | None:
        """Whether it is as good as it was pushed for."""
        return None if self.found is None else self._holds(self.gate.push)

    def _holds(self, limit: float) -> bool:
        assert self.found is not None
        return self.found <= limit if self.gate.less else self.found >= limit


def judge(contests: Sequence[Contest]) -> list[Verdict]:
    """Every gate on what was measured."""
    return [_judge(gate, gate.measure(contests)) for gate in GATES]


def rows(found: Sequence[Verdict]) -> list[dict[str, Any]]:
    """One row per gate, in the columns of `VERDICTS`."""
    return [
        {
            "gate": verdict.gate.what,
            "must": f"{'≤' if verdict.gate.less else '≥'} {verdict.gate.must:,g}",
            "push": f"{'≤' if verdict.gate.less else '≥'} {verdict.gate.push:,g}",
            "found": None if verdict.found is None else short(verdict.found),
            "met": _word(verdict.met),
            "pushed": _word(verdict.pushed),
            "where": verdict.where,
        }
        for verdict in found
    ]


def _word(holds: bool | None) -> str:
    return "not measured" if holds is None else "yes" if holds else "no"


def _judge(gate: Gate, found: Iterable[Found]) -> Verdict:
    cells = sorted(found, reverse=gate.less)
    value, where = cells[0] if cells else (None, "")
    return Verdict(gate, value, where)


def worse(found: Ratio) -> float:
    """What may be claimed."""
    return min(found.least, found.median)


def _heats(contests: Sequence[Contest], names: Sequence[str]) -> Iterator[tuple[Heat, str]]:
    for contest in contests:
        if contest.name in names if names else not _hostile(contest):
            for heat in contest.traces:
                yield heat, f"{contest.name} {heat.trace}"


def _hostile(contest: Contest) -> bool:
    return contest.name.startswith("hostile-")


def _speed(names: Sequence[str], traces: Sequence[str]) -> Measure:
    def measure(contests: Sequence[Contest]) -> Iterator[Found]:
        for heat, where in _heats(contests, names):
            if heat.trace in traces and heat.against is not None:
                yield worse(heat.against), where

    return measure


def _others(contests: Sequence[Contest]) -> Iterator[Found]:
    return _speeds(c for c in contests if c.name not in TUNED and not _hostile(c))


def _fresh(*kinds: str, crossed: bool = False) -> Measure:
    """Every trace of sets that were drawn when the engines were done."""
    starts = tuple(f"fresh-{'crossed-' if crossed else ''}{kind}" for kind in kinds)

    def measure(contests: Sequence[Contest]) -> Iterator[Found]:
        return _speeds(contest for contest in contests if contest.name.startswith(starts))

    return measure


def _speeds(contests: Iterable[Contest]) -> Iterator[Found]:
    for contest in contests:
        for heat, where in _heats([contest], [contest.name]):
            if heat.against is not None:
                yield worse(heat.against), where


def _of_bound(contests: Sequence[Contest]) -> Iterator[Found]:
    for heat, where in _heats(contests, POLICIES[:2]):
        if heat.trace in RULE_LIKE:
            yield heat.of_bound, where


def _build(least: int, most: int) -> Measure:
    def measure(contests: Sequence[Contest]) -> Iterator[Found]:
        for contest in contests:
            if least < contest.rows <= most and not _hostile(contest):
                yield contest.ours.seconds, contest.name

    return measure


def _bytes(names: Sequence[str]) -> Measure:
    def measure(contests: Sequence[Contest]) -> Iterator[Found]:
        for contest in contests:
            if contest.name in names:
                yield contest.ours.nbytes / contest.rows, contest.name

    return measure


GATES = (
    *(
        Gate(f"{name}: times rte_acl", must, push, _speed([name], RULE_LIKE))
        for name, must, push in (
            ("policy-1k", 2.8, 4),
            ("policy-6k", 3.3, 6),
            ("policy-50k", 4.2, 9),
            ("acl-1k", 2.0, 3.5),
            ("ipc-1k", 2.0, 3.5),
            ("fw-1k", 4.5, 7),
            ("acl-10k", 1.6, 3),
            ("ipc-10k", 2.3, 5),
            ("fw-10k", 4, 10),
            ("acl-100k", 2.2, 6),
            ("fw-100k", 4.2, 12),
        )
    ),
    Gate("random headers, any set: times rte_acl", 1.3, 2.5, _speed((), ("random",))),
    Gate("sets not used while tuning, any trace: times rte_acl", 1.2, 1.5, _others),
    Gate("fresh policy, acl, fw, ipc, any trace: times rte_acl", 1.5, 2, _fresh(*FRESH)),
    Gate(
        "fresh sets of the second generator, any trace: times rte_acl",
        1.5,
        2,
        _fresh(*FAMILIES, crossed=True),
    ),
    Gate("fresh tables of 4 to 64 ENIs, any trace: times rte_acl", 2, 3, _fresh("dash")),
    Gate(
        "fresh sets made to explode, any trace: times rte_acl",
        1.2,
        1.5,
        _fresh("ranges", "crossed-wide"),
    ),
    Gate("policy-1k, policy-6k: fraction of twelve gathers", 0.30, 0.60, _of_bound),
    Gate("build about 1k rows, s", 0.1, 0.03, _build(500, 2_000), less=True),
    Gate("build about 10k rows, s", 0.3, 0.1, _build(2_000, 20_000), less=True),
    Gate("build about 100k rows, s", 4, 1, _build(20_000, 200_000), less=True),
    Gate("build about 1M rows, s", 15, 5, _build(200_000, 2_000_000), less=True),
    Gate("policy tables: bytes per row", 250, 30, _bytes(POLICIES), less=True),
    Gate(
        "acl, fw, ipc of 10k and 100k: bytes per row",
        2_000,
        250,
        _bytes([name for name in TUNED if name.endswith(("-10k", "-100k"))]),
        less=True,
    ),
)
