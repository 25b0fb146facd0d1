"""Whether anybody outside the owner's organisation gets anything of a bucket: from any address, at
any time, whatever the request says.

Rules that hold here (legacy dialect):

1. Outsiders get what an Allow lets them and no Deny takes away: levels are of the owner's keys.
2. It *fails* with a request that the definition allows. Requests are made of what the Allow asks
   for and of what Denies leave out; each is asked of the definition before it is told.
3. It *holds* where no Allow is about outsiders and this bucket, or each such is taken away whole:
   for each of its actions a Deny of everybody, without condition, of resources that hold its own.
4. Everything else is unknown: neither a request was found nor a reason why there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product

from compiler.decisions.decision import Ruling
from compiler.decisions.storage.actions import ACTIONS, ON_OBJECTS
from compiler.decisions.storage.bucket_policy import Clause, PolicyStatement
from compiler.decisions.storage.condition_operators import NULL
from compiler.decisions.storage.patterns import PARTS, has_wildcard, network
from compiler.decisions.storage.requests_for_buckets import BucketRequest, Caller, resource_of
from compiler.decisions.storage.storage_lints import of_bucket
from compiler.decisions.storage.storage_semantics import (
    HeldBucket,
    decide,
    named_action,
)

STRANGER = Caller("another organisation", "any key")
UNCHOSEN = ("aws:username", "aws:PrincipalType")
"""What nobody writes into a request: nothing is said of these, nor told of what hangs on them."""
MOST = 4000
"""Requests that are tried for one Allow."""


@dataclass(frozen=True, slots=True)
class Outsiders:
    """`request` is one that somebody outside may make and gets (`ruling`); `open` are Allows of
    which it is not known."""

    verdict: str
    request: BucketRequest | None = None
    ruling: Ruling | None = None
    open: tuple[PolicyStatement, ...] = ()


def outsiders(bucket: HeldBucket, name: str) -> Outsiders:
    """What is so of a bucket of that name."""
    statements = [one for policy in bucket.policies for one in policy.statements]
    denies = [one for one in statements if one.effect == "Deny"]
    left = []
    for allow in (one for one in statements if one.effect == "Allow"):
        if not concerns(allow, bucket.owner, name):
            continue
        for request in islice(requests(allow, denies, bucket.owner, name), MOST):
            if (said := decide(bucket, request)).verdict == "allowed":
                return Outsiders("fails", request, said)
        if not taken_away(allow, denies, name):
            left.append(allow)
    return Outsiders("unknown" if left else "holds", open=tuple(left))


def concerns(allow: PolicyStatement, owner: str, name: str) -> bool:
    """Whether an Allow may be about an outsider and about this bucket."""
    who = any(one.everybody or one.unread or one.org != owner for one in allow.principals or ())
    return who and (
        allow.resources.other or any(_may(t, name) for t, _ in allow.resources.patterns)
    )


def _may(pattern: str, name: str) -> bool:
    """Whether a pattern of a resource may match the bucket, or something in it."""
    parts = pattern.split(":", PARTS - 1)
    return pattern == "*" or (len(parts) == PARTS and of_bucket(parts[-1], name))


def taken_away(allow: PolicyStatement, denies: list[PolicyStatement], name: str) -> bool:
    """Rule 3."""
    whole = [
        one
        for one in denies
        if not one.clauses and not one.others and any(p.everybody for p in one.principals or ())
    ]
    return all(
        any(named_action(one.actions, action) and holds_all(one, allow, name) for one in whole)
        for action in ACTIONS
        if named_action(allow.actions, action)
    )


def holds_all(deny: PolicyStatement, allow: PolicyStatement, name: str) -> bool:
    """Whether resources of a Deny hold all of an Allow's in this bucket."""
    if deny.resources.other:
        return False
    known = {text for text, _ in deny.resources.patterns}
    everything = {resource_of(name), resource_of(name, "*")}
    if known & {"*", resource_of("*"), f"{resource_of(name)}*"} or everything <= known:
        return True
    return not allow.resources.other and all(
        text in known or not _may(text, name) for text, _ in allow.resources.patterns
    )


def requests(
    allow: PolicyStatement, denies: list[PolicyStatement], owner: str, name: str
) -> Iterator[BucketRequest]:
    """Requests that an Allow may let in: rule 2."""
    callers = [one for one in callers_of(allow, denies) if one.org != owner]
    clauses = [*allow.clauses, *(clause for one in denies for clause in one.clauses)]
    keys = [key for key in dict.fromkeys(c.key for c in clauses) if key not in UNCHOSEN]
    values = [[*candidates(key, clauses)] for key in keys]
    patterns = [t for one in (allow, *denies) for t, _ in one.resources.patterns]
    objects = list(dict.fromkeys(key for text in patterns for key in keys_of(text, name)))
    actions = [action for action in ACTIONS if named_action(allow.actions, action)]
    for given, caller, action in product(product(*values), callers, actions):
        context = dict(zip(keys, given, strict=True))
        for key in objects if action in ON_OBJECTS else [None]:
            yield BucketRequest(caller, action, resource_of(name, key), context, False)


def callers_of(allow: PolicyStatement, denies: list[PolicyStatement]) -> Iterator[Caller]:
    """Whom an Allow means, and whom Denies leave out."""
    for one in allow.principals or ():
        if one.everybody:
            yield from (Caller(), STRANGER)
        elif one.org is not None:
            yield Caller(one.org, one.key or "any key")
    if any(one.everybody for one in allow.principals or ()):
        left_out = (p for one in denies if one.others for p in one.principals or ())
        yield from (Caller(p.org, p.key or "any key") for p in left_out if p.org is not None)


def keys_of(pattern: str, name: str) -> Iterator[str]:
    """Keys that a pattern matches in the bucket, and one that hardly any does."""
    yield "~"
    resource = pattern.split(":", PARTS - 1)[-1]
    front, slash, key = resource.partition("/")
    if slash and of_bucket(resource, name):
        for some in ("x", "xy"):
            made = key.replace("*", some).replace("?", "x")
            yield made or "x"
    elif has_wildcard(front):
        yield "x"


def candidates(key: str, clauses: list[Clause]) -> Iterator[tuple[str, ...]]:
    """Values for a key: those that clauses name, none, and one that they do not name."""
    yield ()
    for clause in clauses:
        if clause.key != key or clause.op.name == NULL:
            continue
        for text in clause.values:
            try:
                yield (str(network(text)[0]),)
            except ValueError:
                yield (text.replace("*", "x").replace("?", "x"),)
    if key == "aws:SourceIp":
        yield from (("192.0.2.1",), ("2001:db8::1",))
    elif key in ("aws:CurrentTime", "aws:EpochTime"):
        yield from (("1980-01-01T00:00:00Z",), ("2200-01-01T00:00:00Z",))
    elif key == "aws:SecureTransport":
        yield from (("true",), ("false",))
    else:
        yield from (("~",), ("0",), ("1000000",))
