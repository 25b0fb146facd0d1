"""Policies of many buckets as tables: what every caller gets of every bucket, all at once.

A truth is a number: 0 no, 1 unknown, 2 yes. Whether a statement applies is the least of its parts,
whether one of several does is the most of them; both are what three-valued logic says. Whom a
statement means and which actions it names does not depend on a request, so it is tabulated once for
each set that statements write; resources and clauses are decided once for each that stands there.

It equals `storage_semantics.decide`, which is its law.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compiler.decisions.storage.actions import ACTIONS, covers
from compiler.decisions.storage.bucket_policy import (
    Clause,
    NamedPrincipal,
    NamePatterns,
    PolicyStatement,
)
from compiler.decisions.storage.condition_operators import Truth
from compiler.decisions.storage.requests_for_buckets import BucketRequest, Caller
from compiler.decisions.storage.storage_semantics import (
    HeldBucket,
    clause_holds,
    keeps_policy,
    named_action,
    named_resource,
)

Codes = npt.NDArray[np.int8]
VERDICTS = ("denied", "unknown", "allowed")
"""What the numbers of an answer mean."""
NO, MAYBE, YES = 0, 1, 2


def code(truth: Truth) -> int:
    """A truth as a number."""
    return MAYBE if truth is None else YES if truth else NO


class _Callers:
    """Where callers of an organisation stand, and each key."""

    def __init__(self, callers: Sequence[Caller]) -> None:
        self.every = callers
        self.by_org: dict[str, list[int]] = {}
        self.by_key: dict[tuple[str, str], list[int]] = {}
        for index, one in enumerate(callers):
            if one.org is not None:
                self.by_org.setdefault(one.org, []).append(index)
                if one.key is not None:
                    self.by_key.setdefault((one.org, one.key), []).append(index)

    def meant(self, named: tuple[NamedPrincipal, ...] | None, others: bool) -> Codes:
        """Which of them a statement means."""
        if named is None:
            return np.full(len(self.every), YES, np.int8)
        unread = any(one.unread for one in named)
        row = np.full(len(self.every), MAYBE if unread else NO, np.int8)
        for one in named:
            if one.everybody:
                row[:] = YES
            elif one.org is not None and one.key is not None:
                row[self.by_key.get((one.org, one.key), [])] = YES
            elif one.org is not None:
                row[self.by_org.get(one.org, [])] = YES
        return (YES - row).astype(np.int8) if others else row


@dataclass(frozen=True, slots=True, eq=False)
class StorageTable:
    """`who` has a row for each set of principals, `which` for each set of actions; statements are
    those of all buckets, in the buckets' order, with the rows that are theirs."""

    buckets: tuple[HeldBucket, ...]
    callers: tuple[Caller, ...]
    statements: tuple[PolicyStatement, ...]
    of_bucket: npt.NDArray[np.int32]
    denies: npt.NDArray[np.bool_]
    who: Codes
    who_row: npt.NDArray[np.int32]
    which: npt.NDArray[np.bool_]
    which_row: npt.NDArray[np.int32]
    owns: npt.NDArray[np.bool_]
    """Per bucket and caller, whether it is the owner's."""

    @staticmethod
    def of(buckets: Iterable[HeldBucket], callers: Iterable[Caller]) -> StorageTable:
        """The table of buckets, for these callers."""
        held, every = tuple(buckets), tuple(callers)
        found = _Callers(every)
        statements = [
            (index, one)
            for index, bucket in enumerate(held)
            for policy in bucket.policies
            for one in policy.statements
        ]
        who: dict[object, int] = {}
        which: dict[object, int] = {}
        who_rows, which_rows = list[Codes](), list[list[bool]]()
        who_row, which_row = list[int](), list[int]()
        for _, one in statements:
            names = _principals(one)
            if names not in who:
                who[names] = len(who)
                who_rows.append(found.meant(one.principals, one.others))
            who_row.append(who[names])
            patterns = _patterns(one.actions)
            if patterns not in which:
                which[patterns] = len(which)
                which_rows.append([named_action(one.actions, action) for action in ACTIONS])
            which_row.append(which[patterns])
        orgs = np.array([one.org if one.org is not None else "" for one in every], object)
        owners = np.array([one.owner for one in held], object)
        return StorageTable(
            held,
            every,
            tuple(one for _, one in statements),
            np.array([index for index, _ in statements], np.int32),
            np.array([one.effect == "Deny" for _, one in statements], np.bool_),
            np.array(who_rows, np.int8).reshape(len(who_rows), len(every)),
            np.array(who_row, np.int32),
            np.array(which_rows, np.bool_).reshape(len(which_rows), len(ACTIONS)),
            np.array(which_row, np.int32),
            (owners[:, None] == orgs[None, :]).astype(np.bool_),
        )

    def answers(
        self,
        action: str,
        resources: Sequence[str],
        context: Mapping[str, tuple[str, ...]],
        complete: bool,
    ) -> Codes:
        """What each caller gets of each bucket, of which a resource is asked for (`VERDICTS`)."""
        denied = np.zeros(self.owns.shape, np.int8)
        allowed = np.zeros(self.owns.shape, np.int8)
        named = self.which[self.which_row, ACTIONS.index(action)]
        known: dict[object, int] = {}
        for effect, out in ((True, denied), (False, allowed)):
            chosen = np.flatnonzero(named & (self.denies == effect))
            codes = [self._applies(int(s), action, resources, context, complete, known)
                     for s in chosen]  # fmt: skip
            some = np.array(codes, np.int8)
            chosen, some = chosen[some > NO], some[some > NO]
            if len(chosen):
                rows = np.minimum(self.who[self.who_row[chosen]], some[:, None])
                where = self.of_bucket[chosen]
                first = np.flatnonzero(np.r_[True, where[1:] != where[:-1]])
                out[where[first]] = np.maximum.reduceat(rows, first, axis=0)
        covered = self.owns & np.array(
            [covers(one.level, action) for one in self.callers], np.bool_
        )
        may = np.where(covered, np.int8(YES), allowed)
        found = np.where((denied == MAYBE) & (may > NO), np.int8(MAYBE), may)
        found = np.where(denied == YES, np.int8(NO), found)
        roots = np.array([one.key is None for one in self.callers], np.bool_)
        kept = np.array([keeps_policy(one, action) for one in self.buckets], np.bool_)
        return np.where(self.owns & roots & kept[:, None], np.int8(YES), found).astype(np.int8)

    def _applies(
        self,
        at: int,
        action: str,
        resources: Sequence[str],
        context: Mapping[str, tuple[str, ...]],
        complete: bool,
        known: dict[object, int],
    ) -> int:
        """Whether resource and condition of a statement hold."""
        one = self.statements[at]
        resource = resources[self.of_bucket[at]]
        found = code(named_resource(one.resources, resource))
        for clause in one.clauses if found else ():
            key = (clause.op, clause.key, clause.values)
            if key not in known:
                known[key] = _clause(clause, action, resource, context, complete)
            found = min(found, known[key])
        return found


def _clause(
    clause: Clause,
    action: str,
    resource: str,
    context: Mapping[str, tuple[str, ...]],
    complete: bool,
) -> int:
    return code(clause_holds(clause, BucketRequest(None, action, resource, context, complete)))


def _principals(one: PolicyStatement) -> object:
    if one.principals is None:
        return None
    return one.others, tuple((p.everybody, p.unread, p.org, p.key) for p in one.principals)


def _patterns(names: NamePatterns) -> object:
    return names.other, tuple(text for text, _ in names.patterns)
