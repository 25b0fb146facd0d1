"""Object storage of a fabric file: buckets with their policies, organisations with their keys.

Policies are read when somebody asks: a file below the trees that may be read, or the mapping that
stands in the fabric file itself, whose lines are that file's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from compiler.decisions.storage.actions import Level
from compiler.decisions.storage.bucket_policy import StoragePolicy
from compiler.decisions.storage.read_policy import policy_of, read_policy
from compiler.decisions.storage.requests_for_buckets import Caller
from compiler.decisions.storage.storage_lints import lint_policy
from compiler.decisions.storage.storage_semantics import HeldBucket
from fabric.diagnostics import Diagnostic, Diagnostics, InputError, did_you_mean
from fabric.file.spec import FabricSpec
from fabric.io.decoded_text import read_text
from fabric.io.placed_json import MOST, Number, PlacedValue

T = TypeVar("T")
ELSEWHERE = "another organisation"


@dataclass(frozen=True, slots=True)
class FabricStorage:
    """Buckets by region/bucket, levels of keys by organisation, gateways by region."""

    buckets: dict[str, HeldBucket]
    keys: dict[str, dict[str, Level]]
    gateways: dict[str, str]

    def bucket(self, name: str) -> HeldBucket:
        """The bucket of that name; raises `InputError` (C978)."""
        return _known(name, self.buckets, "bucket")

    def caller(self, text: str) -> Caller:
        """Whom a text names: `anonymous`, an organisation's root, or `organisation/key`."""
        if text == "anonymous":
            return Caller()
        org, slash, key = text.partition("/")
        keys = _known(org, self.keys, "organisation")
        if not slash:
            return Caller(org)
        return Caller(org, key, _known(key, keys, f"key of {org}"))

    def callers(self, bucket: HeldBucket) -> list[Caller]:
        """Everybody who may fare otherwise than others: nobody, roots, keys; whoever a policy names
        and is not here; and an organisation that nobody names."""
        out = [Caller(), Caller(ELSEWHERE, "any key")]
        for org, keys in sorted(self.keys.items()):
            out += [Caller(org), *(Caller(org, key, level) for key, level in sorted(keys.items()))]
        statements = [one for policy in bucket.policies for one in policy.statements]
        for named in (one for stated in statements for one in stated.principals or ()):
            if named.org is None:
                continue
            own = self.keys.get(named.org)
            if own is None and named.key is None:
                out.append(Caller(named.org, "any key"))
            elif named.key is not None and named.key not in (own or {}):
                out.append(Caller(named.org, named.key))
        return list(dict.fromkeys(out))


def _known(name: str, among: Mapping[str, T], what: str) -> T:
    if name not in among:
        hint = did_you_mean(name, among) or f"there are {', '.join(among) or 'none'}"
        raise InputError(Diagnostic("C978", f'no {what} is called "{name}"', None, hint))
    return among[name]


def storage_of(spec: FabricSpec, found: Diagnostics) -> FabricStorage:
    """The storage of a file; mistakes and doubts about its policies go into `found`."""
    keys = {name: dict(org.keys) for name, org in spec.storage.organisations.items()}
    buckets = {}
    for name, bucket in spec.storage.buckets.items():
        before = len(found.errors)
        policy = _policy(spec, name, found)
        if policy is not None and len(found.errors) == before:
            own = name.partition("/")[2]
            lint_policy(
                policy, found, bucket=own, orgs=keys, owner=bucket.owner, meant_public=bucket.public
            )
        span = spec.at_key("storage", "buckets", name)
        buckets[name] = HeldBucket(bucket.owner, policy, span, bucket.gave_up)
    gateways = {
        name: region.gateway if ":" in region.gateway else f"{region.gateway}:443/tcp"
        for name, region in spec.storage.regions.items()
    }
    return FabricStorage(buckets, keys, gateways)


def _policy(spec: FabricSpec, name: str, found: Diagnostics) -> StoragePolicy | None:
    said, place = spec.storage.buckets[name].policy, ("storage", "buckets", name, "policy")
    if said is None:
        return None
    span = spec.at(*place)
    if isinstance(said, str):
        path = (spec.path.parent if spec.path else Path()) / said
        if refused := spec._trees and spec._trees.refusal(path, span):
            found.items.append(refused)
            return None
        try:
            text, file = read_text(path, MOST)
        except InputError as error:
            found.items += error.diagnostics
            return None
        return read_policy(text, file, found)
    return policy_of(_placed(spec, said, place), span.file if span else "policy", found)


def _placed(spec: FabricSpec, value: Any, place: tuple[str | int, ...]) -> PlacedValue:
    """A value of the file as if it were read from JSON."""
    span = spec.at(*place)
    at = (span.line, span.column) if span else (1, 1)
    if isinstance(value, dict):
        spans = {key: spec.at_key(*place, key) for key in value}
        inner = {key: _placed(spec, one, (*place, key)) for key, one in value.items()}
        keys = {key: (s.line, s.column) if s else at for key, s in spans.items()}
        return PlacedValue(inner, at, keys)
    if isinstance(value, list):
        return PlacedValue([_placed(spec, one, (*place, n)) for n, one in enumerate(value)], at)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return PlacedValue(Number(str(value)), at)
    return PlacedValue(value, at)
