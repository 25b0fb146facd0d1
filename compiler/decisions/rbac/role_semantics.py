"""What roles and bindings mean: the definition that the compiled table is tested against.

Rules that hold here, as the API server's own authorizer of that name has them:

1. A rule is about a request when verb, group, resource and name are all in it; `*` in it is any of
   them, but for names. `pods` is not `pods/exec`; `*` is both, `*/scale` every resource's `scale`.
2. Without names a rule is about objects of any name. With names it is about requests that have one
   of them: `create` has none, nor has `list`, `watch` or `deletecollection`, unless it selects by
   `metadata.name`, and then its name is that one.
3. Paths are equal to those of a rule, or begin with what stands before its trailing `*`.
4. Cluster role bindings hold everywhere. Role bindings hold of requests for resources in their own
   namespace, whatever role they name: in all namespaces, for what has none and for paths, never.
5. A binding is about a user, a group or a service account by its exact name; a service account's
   namespace is that of the role binding where none is said.
6. Members of `system:masters` may do anything: nobody asks roles.
7. Everything adds up, and nothing denies. What is in doubt (`RoleRule.doubt`) makes unknown what
   nothing else allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from compiler.decisions.rbac.api_requests import (
    ACCOUNT,
    ANY,
    MASTERS,
    ApiRequest,
    ApiSubject,
    RoleRule,
    account,
)
from fabric.diagnostics import Span

SubjectKind = Literal["User", "Group", "ServiceAccount"]
Permission = Literal["allowed", "denied", "unknown"]


class BoundSubject(NamedTuple):
    """One item of a binding's `subjects`."""

    kind: SubjectKind
    name: str
    namespace: str = ""
    span: Span | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Whom it is about: a service account is the user that it is to the API server."""
        if self.kind == "ServiceAccount":
            return "User", account(self.namespace, self.name)
        return self.kind, self.name

    @property
    def what(self) -> str:
        """In words."""
        kind, name = self.key
        if kind == "Group":
            return f"group {name}"
        if name.startswith(ACCOUNT):
            return f"service account {name.removeprefix(ACCOUNT).replace(':', '/', 1)}"
        return f"user {name}"


@dataclass(frozen=True, slots=True, eq=False)
class RoleGrants:
    """A binding with the rules that its role amounts to; no `namespace`: a cluster role binding.
    `own` is said of those that the API server makes by itself."""

    kind: str
    name: str
    namespace: str
    role: str
    subjects: tuple[BoundSubject, ...]
    rules: tuple[RoleRule, ...]
    span: Span | None = None
    own: bool = False

    @property
    def what(self) -> str:
        """In words."""
        where = f"{self.namespace}/" if self.namespace else ""
        whose = ", which the API server makes itself" if self.own else ""
        return f"{self.kind} {where}{self.name}{whose}"


class Grant(NamedTuple):
    """Why somebody may do something: the binding, whom of its subjects he is, and the rule."""

    binding: RoleGrants
    subject: BoundSubject
    rule: RoleRule


def permission(found: Iterator[Grant] | tuple[Grant, ...]) -> Permission:
    """What grants amount to (rule 7)."""
    doubts = [bool(one.rule.doubt) for one in found]
    if not doubts:
        return "denied"
    return "unknown" if all(doubts) else "allowed"


def defined(
    bindings: tuple[RoleGrants, ...], subject: ApiSubject, request: ApiRequest
) -> Permission:
    """Whether somebody may do something."""
    if MASTERS in subject.groups:
        return "allowed"
    return permission(grants(bindings, subject, request))


def grants(
    bindings: tuple[RoleGrants, ...], subject: ApiSubject, request: ApiRequest
) -> Iterator[Grant]:
    """Every grant of a request, in the order of bindings, subjects and rules."""
    for binding in bindings:
        if binding.namespace and (
            request.path is not None or binding.namespace != request.namespace
        ):
            continue
        for bound in binding.subjects:
            if not is_one(subject, bound):
                continue
            for rule in binding.rules:
                if is_about(rule, request):
                    yield Grant(binding, bound, rule)


def is_one(subject: ApiSubject, bound: BoundSubject) -> bool:
    """Rule 5."""
    if bound.kind == "Group":
        return bound.name in subject.groups
    if bound.kind == "ServiceAccount":
        return bool(bound.namespace) and subject.user == account(bound.namespace, bound.name)
    return subject.user == bound.name


def is_about(rule: RoleRule, request: ApiRequest) -> bool:
    """Rules 1 to 3."""
    if ANY not in rule.verbs and request.verb not in rule.verbs:
        return False
    if request.path is not None:
        return any(covers_path(url, request.path) for url in rule.urls)
    return (
        (ANY in rule.groups or request.group in rule.groups)
        and any(covers_resource(written, request) for written in rule.resources)
        and (not rule.names or request.name in rule.names)
    )


def covers_resource(written: str, request: ApiRequest) -> bool:
    """Whether a word of `resources` is about what is asked for.

    >>> exec_ = ApiRequest("create", "", "pods", "exec")
    >>> [covers_resource(word, exec_) for word in ("pods", "pods/exec", "*/exec", "*", "pods/*")]
    [False, True, True, True, False]
    """
    if written in (ANY, request.combined):
        return True
    return bool(request.subresource) and written == f"*/{request.subresource}"


def covers_path(written: str, path: str) -> bool:
    """Whether a word of `nonResourceURLs` is about a path.

    >>> [covers_path(word, "/healthz/etcd") for word in ("/healthz", "/healthz/*", "*", "/*/etcd")]
    [False, True, True, False]
    """
    if written in (ANY, path):
        return True
    return written.endswith(ANY) and path.startswith(written.rstrip(ANY))
