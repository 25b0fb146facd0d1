"""The definition: what a request for a bucket gets. Short and slow; whatever is faster equals it.

Rules that hold here:

1. A statement applies where its principal, its action, its resource and every clause of its
   condition do. What is unknown of them makes it unknown whether it does.
2. Legacy dialect: (a) what a statement of the bucket's policy denies is denied, also to the owner,
   who keeps the policy itself unless they gave that up; (b) a key of the owner's organisation may
   do what its level covers; (c) what a statement allows is allowed, beyond the key's level as well;
   (d) everything else is denied.
3. Current dialect: policies of the organisation decide first: a Deny denies, and without an Allow
   so does silence. Then the bucket's: no policy lets pass, a Deny denies, an Allow allows; what a
   policy gets that says nothing is not documented, so unknown.
4. An answer is certain where it is the same whatever the unknown statements do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compiler.decisions.decision import Ruling
from compiler.decisions.storage.actions import OWN_POLICY, covers
from compiler.decisions.storage.bucket_policy import (
    Clause,
    NamedPrincipal,
    NamePatterns,
    PolicyStatement,
    StoragePolicy,
)
from compiler.decisions.storage.condition_operators import Truth, every, holds, some
from compiler.decisions.storage.patterns import PARTS, fits_action, fits_name
from compiler.decisions.storage.requests_for_buckets import BucketRequest, Caller
from fabric.diagnostics import Span


@dataclass(frozen=True, slots=True)
class HeldBucket:
    """A bucket: whose it is, and what its policy says, if it has one. `gave_up`: the owner gave up
    its own access to the policy."""

    owner: str
    policy: StoragePolicy | None = None
    span: Span | None = None
    gave_up: bool = False

    @property
    def policies(self) -> tuple[StoragePolicy, ...]:
        """Its policy, if it has one."""
        return () if self.policy is None else (self.policy,)


@dataclass(frozen=True, slots=True)
class Found:
    """Statements of an effect that apply for sure, and those that may."""

    sure: tuple[PolicyStatement, ...]
    unsure: tuple[PolicyStatement, ...]


def applies(statement: PolicyStatement, request: BucketRequest) -> Truth:
    """Rule 1."""
    return every(
        [
            means(statement, request.caller),
            named_action(statement.actions, request.action),
            named_resource(statement.resources, request.resource),
            *(clause_holds(clause, request) for clause in statement.clauses),
        ]
    )


def means(statement: PolicyStatement, caller: Caller | None) -> Truth:
    """Whether a statement is about a caller."""
    if statement.principals is None or caller is None:
        return True
    found = some([is_named(one, caller) for one in statement.principals])
    return found if found is None else found is not statement.others


def is_named(principal: NamedPrincipal, caller: Caller) -> Truth:
    """Whether a principal of a statement is the caller. Whoever names an account, or the user that
    keys belong to, means all of its keys."""
    if principal.unread:
        return None
    if principal.everybody:
        return True
    if caller.org is None or principal.org != caller.org:
        return False
    return principal.key is None or principal.key == caller.key


def named_action(words: NamePatterns, action: str) -> bool:
    """Whether actions of a statement hold this one."""
    return any(fits_action(text, action) for text, _ in words.patterns) is not words.other


def named_resource(words: NamePatterns, resource: str) -> Truth:
    """Whether resources of a statement hold this one; one that names an account or a region may."""
    found = some([_fits(text, resource) for text, _ in words.patterns])
    return found if found is None else found is not words.other


def _fits(pattern: str, resource: str) -> Truth:
    if fits_name(pattern, resource):
        return True
    parts = pattern.split(":", PARTS - 1)
    if len(parts) == PARTS and any(parts[3:5]):
        plain = ":".join((*parts[:3], "", "", parts[5]))
        return None if fits_name(plain, resource) else False
    return False


def clause_holds(clause: Clause, request: BucketRequest) -> Truth:
    """Whether a clause of a condition holds; unknown where nothing was said of its key."""
    given = request.given(clause.key)
    return None if given is None else holds(clause.op, clause.values, given)


def found(policies: Sequence[StoragePolicy], effect: str, request: BucketRequest) -> Found:
    """The statements of policies that decide about a request."""
    sure: list[PolicyStatement] = []
    unsure: list[PolicyStatement] = []
    for statement in (one for policy in policies for one in policy.statements):
        if statement.effect == effect:
            truth = applies(statement, request)
            if truth is not False:
                (sure if truth else unsure).append(statement)
    return Found(tuple(sure), tuple(unsure))


def decide(bucket: HeldBucket, request: BucketRequest) -> Ruling:
    """What a request gets in the legacy dialect; rule 2."""
    denies = found(bucket.policies, "Deny", request)
    allows = found(bucket.policies, "Allow", request)
    caller = request.caller
    owns = caller is not None and caller.org == bucket.owner
    if owns and caller and caller.key is None and keeps_policy(bucket, request.action):
        return _owner("owner_keeps_policy", "the owner keeps access to its policy", bucket)
    if denies.sure:
        return _stated("denied", "statement_denies", denies.sure, request)
    covered = owns and caller is not None and covers(caller.level, request.action)
    may = covered or bool(allows.sure)
    if denies.unsure and (may or allows.unsure):
        return _unsure((*denies.unsure, *(() if may else allows.unsure)), request)
    if covered and caller:
        what = "the root" if caller.key is None else f"a {caller.level} key"
        why = f"{caller.text} is {what} of {bucket.owner}, which owns the bucket"
        return _owner("owner_level", why, bucket)
    if allows.sure:
        return _stated("allowed", "statement_allows", allows.sure, request)
    if allows.unsure:
        return _unsure(allows.unsure, request)
    if owns and caller:
        why = f"a {caller.level} key may not {request.action}, and no statement allows it"
        return Ruling("denied", "level", why, _at(bucket))
    return Ruling("denied", "nothing_allows", "no statement allows it", _at(bucket))


def keeps_policy(bucket: HeldBucket, action: str) -> bool:
    """Whether this is about the policy itself, which its owner may always do (rule 2a)."""
    return action in OWN_POLICY and not bucket.gave_up


def decide_current(
    organisation: Sequence[StoragePolicy], bucket: HeldBucket, request: BucketRequest
) -> Ruling:
    """What a request gets in the current dialect; rule 3."""
    denies = found(organisation, "Deny", request)
    allows = found(organisation, "Allow", request)
    own_denies = found(bucket.policies, "Deny", request)
    own_allows = found(bucket.policies, "Allow", request)
    if denies.sure:
        return _stated("denied", "organisation_denies", denies.sure, request)
    if not allows.sure and not allows.unsure:
        why = "no policy of the organisation allows it"
        return Ruling("denied", "organisation_silent", why, _at(bucket))
    if own_denies.sure:
        return _stated("denied", "statement_denies", own_denies.sure, request)
    if unsure := (*denies.unsure, *(() if allows.sure else allows.unsure), *own_denies.unsure):
        return _unsure(unsure, request)
    if bucket.policy is None:
        return _stated("allowed", "organisation_allows", allows.sure, request)
    if own_allows.sure:
        return _stated("allowed", "statement_allows", own_allows.sure, request)
    if own_allows.unsure:
        return _unsure(own_allows.unsure, request)
    why = "the bucket has a policy that says nothing of it: what then happens is not documented"
    return Ruling("unknown", "not_documented", why, (bucket.policy.span,))


def _at(bucket: HeldBucket) -> tuple[Span, ...]:
    return tuple(filter(None, (bucket.policy.span if bucket.policy else None, bucket.span)))


def _owner(reason: str, why: str, bucket: HeldBucket) -> Ruling:
    return Ruling("allowed", reason, why, tuple(filter(None, (bucket.span,))))


def _stated(
    verdict: str, reason: str, by: Sequence[PolicyStatement], request: BucketRequest
) -> Ruling:
    first = by[0]
    does = "denies" if verdict == "denied" else "allows"
    return Ruling(
        verdict,  # type: ignore[arg-type]
        reason,
        f"the statement {first.name} {does} it",
        (first.span, *(clause.span for clause in first.clauses), *(o.span for o in by[1:])),
        tuple(clause.text for clause in first.clauses),
    )


def _unsure(by: Sequence[PolicyStatement], request: BucketRequest) -> Ruling:
    spans = [line for one in by for line in (one.span, *(c.span for c, _ in open_(one, request)))]
    why = [text for one in by for _, text in open_(one, request)]
    also = [
        f"whom the statement {one.name} means" for one in by if means(one, request.caller) is None
    ]
    whats = [
        f"what the statement {one.name} is about"
        for one in by
        if named_resource(one.resources, request.resource) is None
    ]
    return Ruling(
        "unknown",
        "depends",
        f"it depends on the statement {by[0].name}",
        tuple(dict.fromkeys(spans)),
        tuple(dict.fromkeys((*why, *also, *whats))),
    )


def open_(statement: PolicyStatement, request: BucketRequest) -> list[tuple[Clause, str]]:
    """Clauses of a statement that are unknown, and what would settle each."""
    out = []
    for clause in statement.clauses:
        if clause_holds(clause, request) is None:
            said = request.given(clause.key) is not None
            why = "gateways differ about" if said else "it was not said what the request has for"
            out.append((clause, f"{clause.text} ({why} {clause.key})"))
    return out
