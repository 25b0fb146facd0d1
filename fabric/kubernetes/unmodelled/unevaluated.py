"""What was read and is not modelled, whom it can touch, and what a verdict is worth then.

Rules that hold here:

1. Whatever may decide who reaches whom and is not evaluated has a record: an object of another kind
   or version (`fabric.kubernetes.files.kinds`), or a part of a known object, by whoever reads it.
2. A record touches endpoints: those of its workload, of its namespace, of its node, of its cluster
   (the tenant), or all; and whoever has an address that it names. A packet is touched when either
   of its ends is, so peers are touched too.
3. Who asks about a whole cluster, or by a pattern, is also touched by records of namespaces without
   any endpoint: it may be the record that makes the endpoints.
4. The verdict of what is touched is unknown, until the user accepts the record's kind; then the
   record stays in the answer, marked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from fabric.diagnostics import Diagnostic, Diagnostics, Span
from fabric.file.extend import ReadableDocument
from fabric.kubernetes.files.claimed_kinds import LEFT_TO_SOURCES, ClaimedKind
from fabric.kubernetes.files.cursor import Cursor
from fabric.kubernetes.files.folders import UNFOLLOWED
from fabric.kubernetes.files.kinds import (
    CLUSTER,
    IRRELEVANT,
    NAMESPACE,
    NODE,
    READ,
    UNKNOWN,
    WAYS,
    meaning,
)
from fabric.kubernetes.files.metadata import DEFAULT_NAMESPACE
from fabric.kubernetes.networking.endpoint_slices import leads_to, repeats_a_service
from fabric.kubernetes.pods.templates import ADDED, templates
from fabric.kubernetes.unmodelled.holders import Holders
from fabric.values.inventory import Endpoint
from fabric.values.names import NODE as NODES
from fabric.values.names import matches

if TYPE_CHECKING:
    from fabric.file.spec import FabricSpec

Scope = Literal["workload", "namespace", "node", "cluster", "fabric", "addresses"]
Key = tuple[str, ...]
MESH_ROOTS = ("istio-system",)
UNREAD = {"C603": ("Template", "template"), UNFOLLOWED: ("Folder", "unread")}
"""Kind and way of what warnings are about."""
NEIGHBOUR = "neighbour"
"""Category of what may only change where packets go: says nothing against what policy denies."""
ANALYSES = {
    ("argoproj.io", "AnalysisTemplate"): NAMESPACE,
    ("argoproj.io", "ClusterAnalysisTemplate"): CLUSTER,
}
"""Irrelevant while they only ask; with the template of a Job, Rollouts make pods from them."""


@dataclass(frozen=True, slots=True)
class Unevaluated:
    """One thing that is not modelled. `namespace` is empty for what has none; `what` says why it
    matters; `workload` names the pods of a record of that scope, `touches` the namespace of what it
    touches where that is not its own; it touches whoever has one of `addresses` as well. With
    `senders` (`namespace/workload`, or a whole name) it touches only packets between these and
    those whom it touches. `under` is what must be otherwise for it to matter ("without leaf1"),
    empty where it does as things are."""

    api_version: str
    kind: str
    namespace: str
    name: str
    span: Span | None
    category: str
    what: str
    scope: Scope
    tenant: str = ""
    workload: str = ""
    accepted: bool = False
    touches: str = ""
    under: str = ""
    addresses: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = f" ({self.span})" if self.span else ""
        return f"{self.title}{place}: {self.what}"

    @property
    def title(self) -> str:
        """Kind and name, as people write them."""
        inside = self.namespace and self.kind != "Namespace"
        name = f"{self.namespace}/{self.name}" if inside else self.name
        return f"{self.kind} {name}".rstrip()

    @property
    def group(self) -> str:
        """The API group, empty for the core's."""
        return self.api_version.rpartition("/")[0]

    @property
    def qualified(self) -> str:
        """`Kind.group`, as it is accepted."""
        return f"{self.kind}.{self.group}".rstrip(".")

    def row(self) -> dict[str, Any]:
        """The record as data."""
        return {
            "kind": self.kind,
            "api_version": self.api_version,
            "tenant": self.tenant,
            "namespace": self.namespace or None,
            "name": self.name,
            "category": self.category,
            "what": self.what,
            "scope": self.scope,
            "line": None if self.span is None else str(self.span),
            "accepted": self.accepted,
            "under": self.under or None,
        }

    def diagnostic(self) -> Diagnostic:
        """The record as `check` tells it."""
        severity = "warning" if self.accepted else "unknown"
        of = f" of {self.api_version}" if self.api_version else ""
        what = f"{self.title}{of} is not evaluated: {self.what}"
        hint = f"to go on without it: --accept-unevaluated {self.qualified}"
        return Diagnostic("C611", what, self.span, None if self.accepted else hint, severity)

    def key(self) -> Key:
        """Whom it touches, as `keys` of an endpoint say it."""
        match self.scope:
            case "workload":
                return self.scope, self.tenant, self.touches or self.namespace, self.workload
            case "namespace":
                return self.scope, self.tenant, self.touches or self.namespace
            case "node":
                return self.scope, self.tenant, self.name
            case "cluster":
                return self.scope, self.tenant
            case "addresses":
                return (self.scope,)
            case _:
                return ("fabric",)


def unevaluated(
    source: ReadableDocument, services: frozenset[tuple[str, str]] = frozenset()
) -> Unevaluated | None:
    """The record of an object as a whole; None for what is read, or changes nothing. `services` are
    those that `resolved` finds."""
    value = source.value
    group, _, version = value["apiVersion"].rpartition("/")
    kind = value["kind"]
    way, reach = meaning(group, version, kind)
    if way == READ and (group, kind) in ADDED and not has_template(source):
        way = "workload"
    if (group, kind) in ANALYSES and has_template(source):
        way, reach = "workload", ANALYSES[group, kind]
    if way in (READ, IRRELEVANT) or repeats_a_service(value, services):
        return None
    return replace(_record(source, way, reach), addresses=tuple(leads_to(value)))


def _record(source: ReadableDocument, way: str, reach: str) -> Unevaluated:
    """The record of an object that is not evaluated."""
    value = source.value
    about = _about(value)
    name, namespace = (_text(about.get(key)) for key in ("name", "namespace"))
    scope: Scope = "namespace"
    if reach == NODE:
        scope, namespace = "node", ""
    elif reach == CLUSTER or (way == UNKNOWN and not namespace):
        scope = "cluster"
    elif reach == NAMESPACE:
        namespace = namespace or DEFAULT_NAMESPACE
        if way == "mesh" and namespace in MESH_ROOTS:
            scope = "cluster"
    return Unevaluated(
        value["apiVersion"], value["kind"], namespace, name or _text(about.get("generateName")),
        source.span(("metadata", "name")), way, WAYS[way], scope,
    )  # fmt: skip


def as_wholes(objects: Iterable[ReadableDocument]) -> Iterator[Unevaluated]:
    """The records that say of these objects that nobody evaluates them, if there are any."""
    yield from filter(None, map(unevaluated, objects))


def unclaimed(
    objects: Iterable[ReadableDocument], claims: Sequence[ClaimedKind]
) -> Iterator[Unevaluated]:
    """The records of objects that are left to sources of policy, and that none claims."""
    for source in objects:
        version, kind = source.value["apiVersion"], source.value["kind"]
        if left_to_sources(source) and not any(c.covers(version, kind) for c in claims):
            yield _record(source, "policy", NAMESPACE)


def left_to_sources(source: ReadableDocument) -> bool:
    """Whether an object counts as read because a source of policy reads it."""
    version, kind = source.value["apiVersion"], source.value["kind"]
    return any(claim.covers(version, kind) for claim in LEFT_TO_SOURCES)


def has_template(source: ReadableDocument) -> bool:
    """Whether an object of a kind with pod templates has one: it may refer to another object."""
    return bool(templates(Cursor.of(source, Diagnostics())))


def unrendered(warnings: Iterable[Diagnostic]) -> Iterator[Unevaluated]:
    """Templates and other recipes for manifests, and what was not opened, as the warnings say."""
    for warning in warnings:
        if warning.code in UNREAD and warning.span:
            kind, way = UNREAD[warning.code]
            yield Unevaluated(
                "", kind, "", warning.span.file.rpartition("/")[2], warning.span, way, WAYS[way],
                "cluster",
            )  # fmt: skip


def unpeopled(spec: FabricSpec, endpoints: Iterable[Endpoint]) -> Iterator[Unevaluated]:
    """Tenants without any endpoint: of their packets nothing can be said."""
    known = {endpoint.tenant for endpoint in endpoints}
    for tenant in spec.tenants:
        if tenant not in known:
            yield Unevaluated(
                "", "Tenant", "", tenant, spec.at_key("tenants", tenant), "tenant",
                WAYS["tenant"], "cluster", tenant,
            )  # fmt: skip


def _about(value: Mapping[str, Any]) -> Mapping[str, Any]:
    found = value.get("metadata")
    return found if isinstance(found, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def certified(records: Iterable[Unevaluated]) -> list[dict[str, Any]]:
    """The records without the places where they stand, which differ between machines; sorted."""
    left_out = ("line", "what")
    rows = [{k: v for k, v in record.row().items() if k not in left_out} for record in records]
    named = {tuple(str(row[key]) for key in sorted(row)): row for row in rows}
    return [named[key] for key in sorted(named)]


def owned_by(tenant: str, records: Iterable[Unevaluated]) -> tuple[Unevaluated, ...]:
    """The records of a cluster's manifests as those of a tenant."""
    return tuple(replace(record, tenant=tenant) for record in records)


def accepting(records: Iterable[Unevaluated], kinds: Iterable[str]) -> tuple[Unevaluated, ...]:
    """The records, those of the accepted kinds marked: `Kind`, or `Kind.group`.

    Upper and lower case are the same, as for kubectl.
    """
    wanted = {kind.lower() for kind in kinds}
    return tuple(
        replace(r, accepted=True) if {r.kind.lower(), r.qualified.lower()} & wanted else r
        for r in records
    )


def pending(records: Iterable[Unevaluated]) -> tuple[Unevaluated, ...]:
    """Those that nobody accepted."""
    return tuple(record for record in records if not record.accepted)


def accepted(records: Iterable[Unevaluated]) -> str:
    """Whatever was accepted, as the end of a verdict; nothing when nothing was."""
    kinds = sorted({record.qualified for record in records if record.accepted})
    return f"; accepted as not evaluated: {', '.join(kinds)}" if kinds else ""


def keys(endpoint: Endpoint) -> set[Key]:
    """The keys of the records that touch an endpoint."""
    tenant = endpoint.tenant
    out: set[Key] = {("fabric",), ("cluster", tenant)}
    if endpoint.kind == "node" and endpoint.host:
        out.add(("node", tenant, endpoint.host))
    names = [endpoint.name.split("/"), *(alias.split("/") for alias in endpoint.aliases)]
    for parts in names:
        if len(parts) == 3 and parts[1] != NODES:
            out.add(("namespace", tenant, parts[1]))
    if endpoint.namespace and endpoint.workload:
        out.add(("workload", tenant, endpoint.namespace, endpoint.workload))
    return out


class Touching:
    """Which records touch whom, among all endpoints of a network."""

    def __init__(self, records: Iterable[Unevaluated], endpoints: Sequence[Endpoint]) -> None:
        self.records = tuple(records)
        self._endpoints = endpoints
        self._by_key: defaultdict[Key, list[int]] = defaultdict(list)
        self._by_holder: defaultdict[int, list[int]] = defaultdict(list)
        holders = Holders(endpoints if any(r.addresses for r in self.records) else ())
        for number, record in enumerate(self.records):
            self._by_key[record.key()].append(number)
            for address in record.addresses:
                for endpoint in holders.of(address):
                    self._by_holder[endpoint.index].append(number)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.records)

    def of(self, *endpoints: int) -> tuple[Unevaluated, ...]:
        """The records that touch packets between any of these endpoints (indices) and anybody; of
        those with senders, where one is among these."""
        numbers = self._all(endpoints)
        return tuple(self.records[n] for n in sorted(numbers))

    def asked(self, endpoints: Iterable[int], patterns: Iterable[str]) -> tuple[Unevaluated, ...]:
        """As `of`, for all that patterns select: with records that no endpoint has (rule 3), if a
        pattern would select what they may make."""
        chosen = tuple(patterns)
        numbers = self._all(tuple(endpoints))
        numbers |= {n for n in self._homeless if any(_names(p, self.records[n]) for p in chosen)}
        return tuple(self.records[n] for n in sorted(numbers))

    def _all(self, endpoints: Sequence[int]) -> set[int]:
        by = {index: self._of(index) for index in endpoints}
        found = {n for numbers in by.values() for n in numbers}
        for n in [n for n in found if self.records[n].senders]:
            behind = [index for index in by if n in by[index]]
            others = by.keys() - set(behind if len(behind) == 1 else ())
            there = [self._endpoints[other] for other in others]
            among = {key for e in there for key in (f"{e.namespace}/{e.workload}", e.name)}
            if among.isdisjoint(self.records[n].senders):
                found.discard(n)
        return found

    def _of(self, index: int) -> set[int]:
        if not self.records:
            return set()
        named = {n for key in keys(self._endpoints[index]) for n in self._by_key.get(key, ())}
        return named.union(self._by_holder.get(index, ()))

    @cached_property
    def _homeless(self) -> set[int]:
        housed = {n for e in self._endpoints for n in self._of(e.index)} if self.records else set()
        return set(range(len(self.records))) - housed


def _names(pattern: str, record: Unevaluated) -> bool:
    """Whether a pattern could select what a record may make."""
    namespace = record.touches or record.namespace or "-"
    name = f"{record.tenant}/{namespace}/{record.name or '-'}"
    if record.scope == "node":
        name = f"{record.tenant}/{NODES}/{record.name}"
    first = pattern.split("/")[0]
    anywhere = record.scope in ("cluster", "fabric") and matches(first, record.tenant, None)
    return anywhere or record.scope == "fabric" or matches(pattern, name, record.name)
