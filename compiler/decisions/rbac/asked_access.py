"""Decisions about requests to one cluster: verdict, why, the lines, and what came close.

Rules that hold here:

1. Who may is told with the binding and the rule of its role; of several the first that is not in
   doubt.
2. Who may not is told what would be allowed nearby: in other namespaces, of objects of some names,
   of the same resource in another group, and in which groups of people somebody would have to be.
3. Roles decide alone. Authorizers that a server may have besides (webhooks, ABAC) may allow what
   they do not: `ASSUMED` stands in every answer. What admission refuses is not looked at.
4. Whoever may create or change roles or bindings is kept by the server to what he may do himself,
   unless he may `escalate` or `bind`: a condition says so.
5. Who may not by himself, and may act as somebody who may, is told so beside the answer
   (`ways_around`): the request is denied all the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from compiler.decisions.decision import Ruling
from compiler.decisions.rbac.api_requests import (
    ACCOUNT,
    ANY,
    MASTERS,
    ApiRequest,
    ApiSubject,
    account,
    subject,
)
from compiler.decisions.rbac.effective_roles import role_grants
from compiler.decisions.rbac.grant_table import GrantTable, bits, compiled
from compiler.decisions.rbac.known_resources import as_sent
from compiler.decisions.rbac.role_objects import GROUP, role_objects
from compiler.decisions.rbac.role_semantics import Grant
from compiler.decisions.rbac.ways_around import AroundStep, WaysAround
from fabric.diagnostics import Diagnostic, Diagnostics, InputError, Span
from fabric.file.extend import ReadableDocument

ASSUMED = (
    "the API server asks roles alone: no webhook and no ABAC allows more",
    "admission refuses nothing",
    "ways around lead through impersonation, pods, tokens, secrets, cluster-admin and escalation",
)
AS_READ = "no binding is missing from the input, but those that API servers make themselves"
SHOWN = 4
STREAMS = ("attach", "exec", "portforward")
"""Parts of pods that clients ask for by POST (create) or, with a websocket, by GET (get)."""
CHANGES = ("create", "update", "patch")
ROLES, BINDINGS = ("roles", "clusterroles"), ("rolebindings", "clusterrolebindings")


@dataclass(frozen=True, slots=True, eq=False)
class ClusterRoles:
    """The table of a cluster, and what is doubtful about its objects. `groups` are those in which
    rules name a resource."""

    table: GrantTable
    warnings: tuple[Diagnostic, ...]
    groups: Mapping[str, frozenset[str]]
    complete: bool
    around: WaysAround

    @property
    def assumed(self) -> tuple[str, ...]:
        """What goes with every answer."""
        return ASSUMED if self.complete else (*ASSUMED, AS_READ)


def cluster_roles(
    objects: Iterable[ReadableDocument], unread: Iterable[str] = (), *, complete: bool = False
) -> ClusterRoles:
    """What objects grant; raises `InputError` with every mistake in them. `unread` may grant more,
    and nobody knows what."""
    problems = Diagnostics()
    found = role_objects(objects, problems)
    found = replace(found, unread=(*found.unread, *unread))
    table = compiled(role_grants(found, problems, complete=complete))
    problems.check()
    groups: dict[str, set[str]] = defaultdict(set)
    for binding in table.bindings:
        for rule in binding.rules:
            for word in rule.resources:
                groups[word.partition("/")[0]] |= {*rule.groups}
    named = {word: frozenset(some) for word, some in groups.items()}
    return ClusterRoles(table, problems.warnings, named, complete, WaysAround(table))


def somebody(text: str, groups: tuple[str, ...] = ()) -> ApiSubject:
    """Whom people mean: `jane`, `user:jane`, `group:devs`, `serviceaccount:shop/web` (`sa:`), or a
    user name as the server has it. Raises `InputError` (C659).

    >>> somebody("sa:shop/web").user
    'system:serviceaccount:shop:web'
    """
    kind, colon, name = text.partition(":")
    if colon and kind in ("serviceaccount", "sa"):
        space, slash, own = name.replace(":", "/", 1).partition("/")
        if not (space and slash and own) or "/" in own or ":" in own:
            hint = "write serviceaccount:NAMESPACE/NAME"
            raise InputError(Diagnostic("C659", f'"{text}" is no service account', None, hint))
        return subject(account(space, own), groups)
    if colon and kind == "group" and name:
        return subject("", (name, *groups))
    name = name if colon and kind == "user" else text
    if not name:
        hint = "write user:NAME, group:NAME or serviceaccount:NAMESPACE/NAME"
        raise InputError(Diagnostic("C659", f'"{text}" is nobody', None, hint))
    return subject(name, groups)


def decided(roles: ClusterRoles, who: ApiSubject, request: ApiRequest) -> Ruling:
    """Whether somebody may do something."""
    table = roles.table
    if MASTERS in who.groups:
        because = f"members of {MASTERS} may do anything, whatever roles say"
        return Ruling("allowed", "masters", because)
    found = [*table.grants(who, request)]
    if not found:
        near, lines = nearby(table, who, request)
        near += _groups_that_may(table, who, request)
        told = "".join(f"; {one}" for one in near)
        bound = any(not table.bindings[place].own for place in bits(table.of(who)))
        reason = "no_rule" if bound else "no_binding"
        what = "no rule of its roles allows it" if bound else "no binding is about it"
        return Ruling("denied", reason, f"{who.what}: {what}{told}", lines)
    first = found[0]
    doubt = first.rule.doubt
    verb = "may allow" if doubt else "allows"
    because = f"{told_grant(first)}, which {verb} it{f': {doubt}' if doubt else ''}"
    conditions = () if doubt else tuple(kept_to(table, who, request))
    verdict, reason = ("unknown", "doubtful_rule") if doubt else ("allowed", "rule")
    return Ruling(verdict, reason, because, spans(first), conditions)  # type: ignore[arg-type]


def around(roles: ClusterRoles, who: ApiSubject, request: ApiRequest) -> tuple[AroundStep, ...]:
    """How somebody who may not gets it done all the same (rule 5)."""
    if roles.table.permission(who, request) != "denied":
        return ()
    return roles.around.way(who, request)


def told_grant(one: Grant) -> str:
    """A grant in words, but for its rule's place."""
    role = f" {one.binding.role}" if one.binding.role else ""
    if not role:
        return f"{one.binding.what} is about {one.subject.what}"
    return f"{one.binding.what} gives {one.subject.what}{role}"


def spans(one: Grant) -> tuple[Span, ...]:
    """The lines of a grant: rule, binding, the item that names the subject."""
    places = (one.binding.span, one.rule.span, one.subject.span)
    return tuple(dict.fromkeys(place for place in places if place is not None))


def kept_to(table: GrantTable, who: ApiSubject, request: ApiRequest) -> Iterator[str]:
    """Rule 4."""
    if request.group != GROUP or request.verb not in CHANGES or request.subresource:
        return
    if request.resource in ROLES and not allowed(table, who, replace(request, verb="escalate")):
        yield "the role grants only what its author may do himself: he may not escalate"
    if request.resource in BINDINGS:
        kinds = ROLES if request.resource == "rolebindings" else ROLES[1:]
        bind = (replace(request, verb="bind", resource=kind, name="") for kind in kinds)
        if not all(allowed(table, who, one) for one in bind):
            yield "the bound role grants only what its author may do himself, or may bind"


def allowed(table: GrantTable, who: ApiSubject, request: ApiRequest) -> bool:
    """Whether somebody may without doubt."""
    return table.permission(who, request) == "allowed"


def nearby(
    table: GrantTable, who: ApiSubject, request: ApiRequest
) -> tuple[list[str], tuple[Span, ...]]:
    """Rule 2."""
    told: list[str] = []
    lines: dict[Span, None] = {}

    def tell(what: str, ways: Iterable[tuple[str, ApiRequest]]) -> None:
        found = [(n, g) for n, asked in ways for g in [*table.grants(who, asked)][:1]]
        sure = [(name, one) for name, one in found if not one.rule.doubt]
        if sure:
            more = f" and {len(sure) - SHOWN} more" if len(sure) > SHOWN else ""
            told.append(f"{what} {', '.join(name for name, _ in sure[:SHOWN])}{more}")
            lines.update(dict.fromkeys(spans(sure[0][1])))

    if request.path is not None:
        return told, ()
    there = (replace(request, namespace=one) for one in sorted(table.places))
    spaces = [one for one in there if as_sent(one) == one and one.namespace]
    tell("it may in namespace", ((one.namespace, one) for one in spaces))
    if not request.name:
        names = sorted(one for one in table.words["names"] if one)
        tell("it may of objects named", ((one, replace(request, name=one)) for one in names))
    groups = sorted(one for one in table.words["groups"] if one not in (ANY, request.group))
    tell("it may in group", ((one or "core", replace(request, group=one)) for one in groups))
    if request.verb == "create" and request.subresource in STREAMS:
        tell("it may by", [("get, which does the same", replace(request, verb="get"))])
    if request.subresource:
        tell("it may without", [(f"/{request.subresource}", replace(request, subresource=""))])
    return told, tuple(lines)


def _groups_that_may(table: GrantTable, who: ApiSubject, request: ApiRequest) -> Iterator[str]:
    """Groups in which somebody would be allowed it: nobody may have said that he is in one."""
    if not who.user or who.user.startswith(ACCOUNT):
        return
    found = (one for one in table.who(request) if not (one.binding.own or one.rule.doubt))
    names = sorted({one.subject.name for one in found if one.subject.kind == "Group"})
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        yield f"whoever is in group {', '.join(names[:SHOWN])}{more} may"


def account_of(user: str) -> tuple[str, str] | None:
    """Namespace and name of a service account; None where a user is none."""
    if not user.startswith(ACCOUNT):
        return None
    space, _, name = user.removeprefix(ACCOUNT).partition(":")
    return space, name
