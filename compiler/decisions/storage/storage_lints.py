"""What is legal in a policy and probably not meant: who is everybody, what names nobody.

Rules that hold here:

1. Everybody is let in by an Allow of everybody that nothing narrows. An address narrows it where no
   range is as large as `WIDE`, a name of a user does; what a caller may write into the request
   (agent, referer, tags) does not, nor does what holds where the key is missing.
2. A resource is of another bucket where its pattern does not match this bucket, nor an object in
   it; a statement all of whose resources are does nothing.
3. A key that a policy lets do what its level does not cover is told: the level does not hold there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from compiler.decisions.storage.actions import ACTIONS, Level, covers
from compiler.decisions.storage.bucket_policy import Clause, PolicyStatement, StoragePolicy
from compiler.decisions.storage.condition_operators import NULL, OPERATORS
from compiler.decisions.storage.patterns import PARTS, fits_text, network
from compiler.decisions.storage.requests_for_buckets import Caller
from compiler.decisions.storage.storage_semantics import is_named, named_action
from fabric.diagnostics import Diagnostics
from fabric.io.visible import visible

WIDE = {4: 8, 6: 32}
"""A range of so few bits, or fewer, is everybody."""


def public(statement: PolicyStatement) -> bool:
    """Whether a statement lets everybody in; rule 1."""
    if statement.effect != "Allow" or statement.others or statement.principals is None:
        return False
    anyone = any(one.everybody for one in statement.principals)
    return anyone and not any(map(narrows, statement.clauses))


def narrows(clause: Clause) -> bool:
    """Whether a clause keeps somebody out who may write what they like into a request."""
    op = clause.op
    if op.name == NULL or op.if_exists or op.quantifier == "ForAllValues":
        return False
    if OPERATORS[op.name].opposite:
        return False
    if clause.key == "aws:SourceIp" and op.name == "IpAddress":
        ranges = [network(text) for text in clause.values]
        return all(one.prefixlen > WIDE[one.version] for one in ranges)
    return clause.key == "aws:username" and op.name in ("StringEquals", "StringEqualsIgnoreCase")


def lint_policy(
    policy: StoragePolicy,
    found: Diagnostics,
    *,
    bucket: str | None = None,
    orgs: Mapping[str, Mapping[str, Level]] | None = None,
    owner: str | None = None,
    meant_public: bool = False,
) -> None:
    """Add what is doubtful; `bucket`, `owner` and the keys of all `orgs` where they are known."""
    for statement in policy.statements:
        if public(statement) and not meant_public:
            what = f"the statement {statement.name} lets everybody in, without credentials as well"
            found.finding("C970", what, statement.span, "name principals, or say public: true")
        if bucket is not None:
            _foreign(statement, bucket, found)
        if orgs is not None:
            _nobody(statement, orgs, found)
        if orgs and owner is not None and owner in orgs and statement.effect == "Allow":
            _beyond(statement, owner, orgs[owner], found)


def _foreign(statement: PolicyStatement, bucket: str, found: Diagnostics) -> None:
    if statement.resources.other:
        return
    for text, span in statement.resources.patterns:
        parts = text.split(":", PARTS - 1)
        if len(parts) == PARTS and not of_bucket(parts[-1], bucket):
            what = f'"{visible(text[:80])}" is nothing of the bucket {bucket}'
            found.warn("C971", what, span, f"arn:aws:s3:::{bucket}/*")


def of_bucket(pattern: str, bucket: str) -> bool:
    """Whether a pattern may match the bucket or an object in it.

    >>> of_bucket("b/*", "b"), of_bucket("b*", "bc"), of_bucket("other/*", "b")
    (True, True, False)
    """
    front, slash, _ = pattern.partition("/")
    if fits_text(pattern, bucket) or (slash and fits_text(front, bucket)):
        return True
    star = pattern.find("*")  # a star may run over the slash
    return star >= 0 and fits_text(pattern[: star + 1], f"{bucket}/")


def _nobody(
    statement: PolicyStatement, orgs: Mapping[str, Collection[str]], found: Diagnostics
) -> None:
    for one in statement.principals or ():
        if one.org is None:
            continue
        if one.org not in orgs:
            what = f'nobody here is in the organisation "{visible(one.org[:60])}"'
        elif one.key is not None and one.key not in orgs[one.org]:
            what = f'the organisation {one.org} has no key "{visible(one.key[:60])}"'
        else:
            continue
        found.warn("C972", what, one.span, "whoever gets that name gets what the statement says")


def _beyond(
    statement: PolicyStatement, owner: str, keys: Mapping[str, Level], found: Diagnostics
) -> None:
    for key, level in sorted(keys.items()):
        caller = Caller(owner, key, level)
        names = [one for one in statement.principals or () if is_named(one, caller)]
        more = [a for a in ACTIONS if named_action(statement.actions, a) and not covers(level, a)]
        if names and more and not names[0].everybody:
            what = f"{caller.text} is a {level} key, and this statement lets it {more[0]}"
            found.warn("C973", what, names[0].span, "a policy goes beyond the level of a key")
