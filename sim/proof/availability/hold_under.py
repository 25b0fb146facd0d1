"""`hold_under`: the claims of a world in which something is otherwise
(`sim.proof.availability.failures`).

A failure is judged by itself, so that somebody else may do it (`sim.sweep`); of failures that no
packet can tell apart, with the same exemptions, the first is told. Where nothing is asked but the
pairs of claims, a claim of which no pair is touched (`sim.proof.availability.touched`) fares as it
does without the failure, and no others are proven: of claims about names those that are touched, of
claims about addresses all, since these decide together which of their addresses count
(`sim.proof.pairs.narrow`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from sim.proof.availability.failures import Failures, Key, Noticed, kinds, vrfs_of
from sim.proof.expectations.expect import Claim, Outcome, check_claim, pairs_of, without
from sim.proof.pairs.reachability import Reach
from sim.proof.routes.paths import Column
from sim.proof.ways_around.against import Against, only_under
from sim.proof.ways_around.machines import Machines
from sim.sweep.runner import SERIAL, Runner
from sim.worlds.axes import sweep

Piece = tuple[str, tuple[str, ...]]
"""A kind of failure, and the values of one."""
Detours = tuple[Unevaluated, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """An outcome in the world of a failure, what gets where in that world, and the Services that
    may break it there and not as the network stands."""

    outcome: Outcome
    reach: Callable[[], Reach]
    detours: Detours = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of claims in the world of a failure: by claim its outcome, None where it is not
    touched. `asked` has the pairs of VRFs that were proven, None for all; `key` is equal for
    failures that no packet can tell apart and that exempt the same endpoints."""

    key: tuple[Key, tuple[int, ...]]
    outcomes: dict[int, tuple[Outcome | None, Detours]]
    asked: tuple[int, ...] | None = None


class FailureJudge:
    """Whoever judges failures: what that takes, made once. It is pickled as what it is made of."""

    def __init__(self, failures: Failures, claims: tuple[Claim, ...], against: Against) -> None:
        network = failures.reach.network
        self.failures, self.claims, self.against = failures, claims, against
        self.machines = Machines(network)
        self.wanted = {c.number: pairs_of(c, network) for c in claims if c.hold_under}
        self.vrfs = {n: vrfs_of(failures.reach, pairs) for n, pairs in self.wanted.items()}
        self.narrow = {c.number for c in claims if any(one.limits for one in c.each)}
        pairs = [np.zeros(0, np.int64), *self.wanted.values()]
        self.asked = failures.asked(np.concatenate(pairs))
        self.alone = not (against.asked_of_all or self.machines.apart)
        self.known: dict[tuple[Key, tuple[int, ...]], dict[int, Judged]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return _judge, (self.failures.reach.portable(pairs=not self.alone), self.claims)

    def judged(self, kind: str, values: tuple[str, ...]) -> Judged | None:
        """What becomes of the claims that ask for a kind; None of a failure that nobody notices."""
        noticed = self.failures.noticed(kind, values)
        if noticed is None:
            return None
        key = noticed.key, noticed.exempt(self.failures.reach.world)
        known = self.known.setdefault(key, {})
        concerned = [claim for claim in self.claims if kind in claim.hold_under]
        if news := [claim for claim in concerned if claim.number not in known]:
            found = self._judged(noticed, news, key)
            known |= {claim.number: found for claim in news}
        told = {c.number: known[c.number].outcomes[c.number] for c in concerned}
        asked = [known[claim.number].asked for claim in concerned]
        pairs = None if None in asked else tuple(sorted({p for some in asked for p in some or ()}))
        named = {number: _named(noticed, *found) for number, found in told.items()}
        return Judged(key, named, pairs)

    def _judged(
        self, noticed: Noticed, claims: list[Claim], key: tuple[Key, tuple[int, ...]]
    ) -> Judged:
        network, exempt = self.failures.reach.network, key[1]
        rows = {c.number: np.ones(len(self.wanted[c.number]), np.bool_) for c in claims}
        outcomes: dict[int, tuple[Outcome | None, Detours]] = dict.fromkeys(rows, (None, ()))
        if self.alone:
            touched = self.failures.touched(noticed, self.asked)
            rows = {c.number: touched.rows(self.wanted[c.number], c.limits) for c in claims}
            claims = [claim for claim in claims if rows[claim.number].any()]
            rows |= {n: np.ones_like(rows[n]) for n in self.narrow & rows.keys()}
        if not claims:
            return Judged(key, outcomes, ())
        asked: Column | None = None
        if self.alone:
            asked = np.unique(np.concatenate([self.vrfs[c.number][rows[c.number]] for c in claims]))
        there = self.failures.reached(noticed, asked)
        led = (
            self.against.under(there, exempt, claims),
            self.machines.against(there, claims, exempt),
        )
        for claim in claims:
            every = self.wanted[claim.number]
            left = without(every[rows[claim.number]], network, exempt)
            outcome = check_claim(there, claim, left, noticed.name)
            if not outcome.holds:
                outcome = replace(outcome, pairs=len(without(every, network, exempt)))
            opened = tuple(r for records in led for r in records.get(claim.number, ()))
            outcomes[claim.number] = outcome, opened
        return Judged(key, outcomes, None if asked is None else tuple(asked.tolist()))


def judge(shared: FailureJudge, piece: Piece) -> Judged | None:
    """One piece of a sweep."""
    return shared.judged(*piece)


def check_failures(
    failures: Failures, claims: tuple[Claim, ...], against: Against, runner: Runner = SERIAL
) -> Iterator[Failed]:
    """Outcomes of the claims that must hold under failures, failure by failure. A failure that no
    packet can notice has no outcome of its own, nor one that no packet can tell from an earlier
    one with the same exemptions. `runner` tries failures; what else may be otherwise is known here
    alone."""
    failures.afford(kind for kind in kinds() if any(kind in claim.hold_under for claim in claims))
    shared = FailureJudge(failures, claims, against)
    asked = (kind for kind in kinds() if any(kind in claim.hold_under for claim in claims))
    told: dict[tuple[Key, tuple[int, ...]], set[int]] = {}
    for down, some in groupby(asked, lambda kind: sweep(kind)[0].shared_out):
        pieces = [(kind, values) for kind in some for values in failures.values(kind)]
        results = (runner if down else SERIAL).run(judge, shared, pieces)
        for kind, values in pieces:
            failures.begin(kind, values)
            found = next(results)
            if found is not None:
                known = told.setdefault(found.key, set())
                yield from _failed(failures, (kind, values), found, known)
                known.update(found.outcomes)


def _failed(failures: Failures, piece: Piece, found: Judged, known: set[int]) -> Iterator[Failed]:
    for number, (outcome, detours) in found.outcomes.items():
        if number not in known and outcome is not None:
            yield Failed(outcome, partial(_reached, failures, piece, found.asked), detours)


def _reached(failures: Failures, piece: Piece, asked: tuple[int, ...] | None) -> Reach:
    noticed = failures.noticed(*piece)
    assert noticed is not None, f"nobody notices {piece}"
    return failures.reached(noticed, None if asked is None else np.array(asked, np.int64))


def _named(
    noticed: Noticed, outcome: Outcome | None, opened: Detours
) -> tuple[Outcome | None, Detours]:
    """The same of a failure that has another name."""
    if outcome is None:
        return None, ()
    word, name = noticed.axis.word, noticed.name
    detours = tuple(only_under(f"{word} {name}", record) for record in opened)
    return replace(outcome, under=name, word=word), detours


def _judge(reach: Reach, claims: tuple[Claim, ...]) -> FailureJudge:
    return FailureJudge(Failures(reach), claims, Against(reach, claims))
