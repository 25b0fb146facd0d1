"""Roles and bindings as manifests write them, each with its place.

Rules that hold here:

1. What the API server cannot store is an error with its line (C655). What it stores or refuses by
   its version, or what grants nothing as it is written, is a warning (C656) and read as the
   authorizer reads it.
2. A role or binding without a namespace is in `default`, as kubectl has it where nobody says
   otherwise. A service account of a role binding without one is of the binding's.
3. Two objects of one name that say different things are an error, as for other kinds (C608).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from compiler.decisions.rbac.api_requests import RoleRule
from compiler.decisions.rbac.role_semantics import BoundSubject, SubjectKind
from compiler.policy.labels import LabelSelector, Requirement
from fabric.diagnostics import Diagnostics, Span
from fabric.file.extend import ReadableDocument
from fabric.kubernetes.files.claimed_kinds import ClaimedKind
from fabric.kubernetes.files.cursor import Cursor
from fabric.kubernetes.files.metadata import DEFAULT_NAMESPACE, labels, valid_label_name
from fabric.kubernetes.files.objects import claimed_once

GROUP = "rbac.authorization.k8s.io"
VERSIONS = ("v1", "v1beta1")
UPDATED = "rbac.authorization.kubernetes.io/autoupdate"
KINDS = {"Role": True, "ClusterRole": False, "RoleBinding": True, "ClusterRoleBinding": False}
"""Whether objects of a kind have a namespace."""
CLAIMS = tuple(
    ClaimedKind(GROUP, kind, VERSIONS, once=True, namespaced=spaced)
    for kind, spaced in KINDS.items()
)


@dataclass(frozen=True, slots=True, eq=False)
class WrittenRole:
    """A Role, or without a namespace a ClusterRole. `selects` are the selectors of an aggregation
    rule, None for a role that has none; `kept`: the API server leaves it as it is."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    rules: tuple[RoleRule, ...]
    selects: tuple[LabelSelector, ...] | None
    kept: bool
    span: Span | None


@dataclass(frozen=True, slots=True, eq=False)
class WrittenBinding:
    """A RoleBinding, or without a namespace a ClusterRoleBinding."""

    name: str
    namespace: str
    role_kind: str
    role: str
    subjects: tuple[BoundSubject, ...]
    kept: bool
    span: Span | None
    role_span: Span | None

    @property
    def kind(self) -> str:
        """As manifests call it."""
        return "RoleBinding" if self.namespace else "ClusterRoleBinding"


@dataclass(frozen=True, slots=True, eq=False)
class RoleObjects:
    """Everything that was read. `unread` are objects that grant something in another way."""

    roles: tuple[WrittenRole, ...] = ()
    bindings: tuple[WrittenBinding, ...] = ()
    unread: tuple[str, ...] = ()


def role_objects(objects: Iterable[ReadableDocument], problems: Diagnostics) -> RoleObjects:
    """The roles and bindings among objects; mistakes go to `problems`."""
    given = [one for one in objects if one.value["kind"] in KINDS]
    ours = [one for one in given if any(_covers(claim, one) for claim in CLAIMS)]
    told = [
        f"{one.value['kind']} of {one.value['apiVersion']} at {one.span()}"
        for one in given
        if not any(_covers(claim, one) for claim in CLAIMS)
        and one.value["apiVersion"].partition("/")[0] in (GROUP, "authorization.openshift.io")
    ]
    roles, bindings = [], []
    for source in claimed_once(ours, CLAIMS, problems):
        root, kind = Cursor.of(source, problems), source.value["kind"]
        name, namespace = _named(root, KINDS[kind])
        if kind.endswith("Binding"):
            bindings.append(_binding(root, name, namespace))
        else:
            roles.append(_role(root, name, namespace))
    return RoleObjects(tuple(roles), tuple(bindings), tuple(told))


def _covers(claim: ClaimedKind, one: ReadableDocument) -> bool:
    return claim.covers(one.value["apiVersion"], one.value["kind"])


def _named(root: Cursor, spaced: bool) -> tuple[str, str]:
    """Name and namespace; names are any text that can be part of a path."""
    about = root["metadata"]
    name = about["name"].text()
    if not name:
        root["metadata"].error("C655", f"{root.value['kind']} without a name")
    elif name in (".", "..") or "/" in name or "%" in name:
        about["name"].error("C655", f'"{name}" cannot be part of a path, so it is no name')
    if not spaced:
        return name, ""
    namespace = about["namespace"].check(valid_label_name, "C609", "a namespace name")
    return name, namespace or DEFAULT_NAMESPACE


def _role(root: Cursor, name: str, namespace: str) -> WrittenRole:
    about, aggregation = root["metadata"], root["aggregationRule"]
    selects = None
    if aggregation and namespace:
        _doubt(aggregation, "a Role aggregates nothing, a ClusterRole may")
    elif aggregation:
        selects = tuple(map(_selector, aggregation["clusterRoleSelectors"].items()))
    rules = tuple(_rule(item, bool(namespace)) for item in root["rules"].items())
    return WrittenRole(
        name, namespace, labels(about["labels"]), rules, selects, _kept(root), root.source.span()
    )


def _kept(root: Cursor) -> bool:
    """Whether an API server that makes an object of this name leaves this one alone."""
    annotations = root["metadata"]["annotations"]
    return isinstance(annotations.value, dict) and annotations[UPDATED].value == "false"


def _rule(item: Cursor, spaced: bool) -> RoleRule:
    fields = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
    if not isinstance(item.value, dict):
        item.error("C655", "a rule must be a mapping")
        return RoleRule((), span=item.span)
    item.closed(fields, "C655")
    verbs, groups, resources, names, urls = (
        tuple(one.text() for one in item[field].items()) for field in fields
    )
    if not verbs:
        _doubt(item, "a rule without verbs grants nothing")
    if urls and spaced:
        _doubt(item["nonResourceURLs"], "paths in a Role grant nothing: they have no namespace")
    if urls and (groups or resources or names):
        _doubt(item, "resources and paths in one rule, which the API server refuses")
    if not urls and not groups:
        _doubt(item, 'a rule without apiGroups grants nothing: "" is the core')
    if not urls and not resources:
        _doubt(item, "a rule without resources grants nothing")
    return RoleRule(verbs, groups, resources, names, urls, item.span)


def _selector(field: Cursor) -> LabelSelector:
    field.closed(("matchLabels", "matchExpressions"), "C655")
    found = [Requirement(k, "In", frozenset((v,))) for k, v in labels(field["matchLabels"]).items()]
    for item in field["matchExpressions"].items():
        operator, values = item["operator"].text(), item["values"].items()
        if operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
            item["operator"].error(
                "C655", f'"{operator}" is none of In, NotIn, Exists, DoesNotExist'
            )
            continue
        found.append(Requirement(item["key"].text(), operator, frozenset(v.text() for v in values)))
    return tuple(found)


def _doubt(field: Cursor, what: str) -> None:
    where = f"{field.name}: " if field.path else ""
    field.problems.warn("C656", f"{where}{what}", field.span)


def _binding(root: Cursor, name: str, namespace: str) -> WrittenBinding:
    role = root["roleRef"]
    kind, named = role["kind"].text(), role["name"].text()
    if not role:
        root.problems.error("C655", f"{root.value['kind']} without roleRef", root.source.span())
    elif kind not in ("Role", "ClusterRole"):
        role["kind"].error("C655", f'"{kind}" is no role: Role, or ClusterRole')
    elif kind == "Role" and not namespace:
        role["kind"].error("C655", "a ClusterRoleBinding names a ClusterRole")
    if role and role["apiGroup"].text() not in ("", GROUP):
        role["apiGroup"].error("C655", f"must be {GROUP}")
    if role and not named:
        role.error("C655", "a role without a name")
    found = [_subject(item, namespace) for item in root["subjects"].items()]
    return WrittenBinding(
        name, namespace, kind, named, tuple(one for one in found if one is not None),
        _kept(root), root.source.span(), role.span,
    )  # fmt: skip


def _subject(item: Cursor, namespace: str) -> BoundSubject | None:
    if not isinstance(item.value, dict):
        item.error("C655", "a subject must be a mapping")
        return None
    kind, name, group = item["kind"].text(), item["name"].text(), item["apiGroup"].text()
    kinds: tuple[SubjectKind, ...] = ("User", "Group", "ServiceAccount")
    known = next((one for one in kinds if one == kind), None)
    if known is None:
        item["kind"].error("C655", f'"{kind}" is no subject: User, Group or ServiceAccount')
        return None
    if not name:
        item.error("C655", "a subject without a name")
        return None
    if known != "ServiceAccount":
        if group not in ("", GROUP):
            item["apiGroup"].error("C655", f"of a {kind} must be {GROUP}")
        return BoundSubject(known, name, "", item.span)
    if group:
        item["apiGroup"].error("C655", "of a ServiceAccount must be empty")
    whose = item["namespace"].text() or namespace
    if not whose:
        item.error("C655", "a ServiceAccount of a ClusterRoleBinding needs a namespace")
        return None
    return BoundSubject(known, name, whose, item.span)
