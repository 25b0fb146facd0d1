"""How somebody gets done what roles do not let him do: in the name of somebody whom they let.

The API server denies the request itself, and `asked_access` says so. Rules that hold here:

1. Who may impersonate a user, a service account, or a group (with any user) acts as that one.
2. Who may make pods in a namespace, or make or change objects that controllers make pods from, runs
   them as any of its service accounts. Who may run commands in pods there, reads their tokens.
3. Who may make tokens of a service account has one; who may read secrets of a namespace may find
   those of its accounts that are kept there.
4. Who may make bindings and may `bind` cluster-admin, or may change roles and may `escalate`, gives
   himself what he lacks.
5. One follows another, up to `FAR` of them, the shortest way first. Only what roles allow without
   doubt counts as a step. Whether admission refuses a pod, and whether one runs there, nobody knows
   here: a way around is what roles leave open.

Source: Kubernetes' page on good practices for roles (privilege escalation risks).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from compiler.decisions.rbac.api_requests import (
    ACCOUNT,
    ANY,
    MASTERS,
    ApiRequest,
    ApiSubject,
    RoleRule,
    account,
    subject,
)
from compiler.decisions.rbac.grant_table import GrantTable
from compiler.decisions.rbac.role_objects import GROUP
from compiler.decisions.rbac.role_semantics import Grant

FAR = 3
ADMIN = "cluster-admin"
POWERS = {"impersonate", "bind", "escalate", ANY}
"""Verbs that are for acting as others; of other verbs it depends on the resource."""
MAKERS = (
    *(("", "pods"), ("", "replicationcontrollers"), ("batch", "jobs"), ("batch", "cronjobs")),
    *(("apps", kind) for kind in ("deployments", "statefulsets", "daemonsets", "replicasets")),
)
INSIDE = ("pods/exec", "pods/attach", "pods/ephemeralcontainers")
RESOURCES = {ANY, "secrets", "serviceaccounts/token", *INSIDE, *(kind for _, kind in MAKERS)}


@dataclass(frozen=True, slots=True)
class AroundStep:
    """`who` does something that makes him somebody else (`then`), by a grant."""

    who: ApiSubject
    does: str
    then: ApiSubject
    grant: Grant

    @property
    def text(self) -> str:
        """In words."""
        return f"{self.who.what} {self.does}"


@dataclass(frozen=True, eq=False)
class WaysAround:
    """Ways around for the requests to one cluster."""

    table: GrantTable
    known: dict[ApiSubject, tuple[AroundStep, ...]] = field(default_factory=dict)

    def way(self, who: ApiSubject, request: ApiRequest) -> tuple[AroundStep, ...]:
        """The steps of the shortest way; none where there is none, or where none is needed."""
        if self.may(who, request) or not self.table.of(who) & self._mask:
            return ()
        waiting: list[tuple[AroundStep, ...]] = [()]
        met = {who}
        while waiting:
            steps = waiting.pop(0)
            here = steps[-1].then if steps else who
            if own := self._gives_himself(here, request):
                return (*steps, own)
            for step in self.steps(here) if len(steps) < FAR else ():
                if step.then in met:
                    continue
                met.add(step.then)
                if self.may(step.then, request):
                    return (*steps, step)
                waiting.append((*steps, step))
        return ()

    def everybody(self, request: ApiRequest) -> Iterator[tuple[AroundStep, ...]]:
        """The way of everybody whom a binding names and who may not by himself."""
        for bound in self.table.subjects():
            kind, name = bound.key
            one = subject("", (name,)) if kind == "Group" else subject(name)
            if steps := self.way(one, request):
                yield steps

    def may(self, who: ApiSubject, request: ApiRequest) -> bool:
        """Whether roles allow it without doubt."""
        return self.table.permission(who, request) == "allowed"

    def steps(self, who: ApiSubject) -> tuple[AroundStep, ...]:
        """Everybody as whom somebody may act (rules 1 to 3), each once."""
        if who not in self.known:
            found = self._steps(who) if self.table.of(who) & self._mask else ()
            self.known[who] = tuple({step.then: step for step in reversed([*found])}.values())[::-1]
        return self.known[who]

    @cached_property
    def _mask(self) -> int:
        """Bindings of which some rule may be a step."""
        bindings = enumerate(self.table.bindings)
        return sum(1 << n for n, b in bindings if any(map(is_power, b.rules)))

    def _steps(self, who: ApiSubject) -> Iterator[AroundStep]:
        users, groups, accounts = self._somebody
        mask = self.table.of(who)
        if mask & self._impersonators:
            yield from self._impersonating(who, users, groups, accounts)
        for space, mine in self._accounts.items():
            if not mask & self._powers_in(space):
                continue
            for does, by in self._in_namespace(who, space):
                for name in mine:
                    then = subject(account(space, name))
                    yield AroundStep(who, f"{does} {space}/{name}", then, by)
            for name in mine:
                token = ApiRequest("create", "", "serviceaccounts", "token", name, space)
                if grant := self._first(who, token):
                    then = subject(account(space, name))
                    does = f"may make tokens of service account {space}/{name}"
                    yield AroundStep(who, does, then, grant)

    def _impersonating(
        self,
        who: ApiSubject,
        users: Iterable[str],
        groups: Iterable[str],
        accounts: Iterable[tuple[str, str]],
    ) -> Iterator[AroundStep]:
        """Rule 1."""
        someone = self._first(who, ApiRequest("impersonate", "", "users"))
        for name in users:
            asked = ApiRequest("impersonate", "", "users", "", name)
            mine = someone or self._first(who, asked)
            if mine is not None:
                yield AroundStep(who, f"may impersonate user {name}", subject(name), mine)
        for space, name in accounts:
            asked = ApiRequest("impersonate", "", "serviceaccounts", "", name, space)
            if grant := self._first(who, asked):
                then = subject(account(space, name))
                does = f"may impersonate service account {space}/{name}"
                yield AroundStep(who, does, then, grant)
        for name in groups if someone else ():
            if grant := self._first(who, ApiRequest("impersonate", "", "groups", "", name)):
                then = subject("somebody", (name,))
                yield AroundStep(who, f"may impersonate members of group {name}", then, grant)

    def _in_namespace(self, who: ApiSubject, space: str) -> Iterator[tuple[str, Grant]]:
        """Rules 2 and 3, of all service accounts of a namespace."""
        for group, kind in MAKERS:
            verbs = ("create",) if kind == "pods" else ("create", "update", "patch")
            asked = (ApiRequest(verb, group, kind, "", "", space) for verb in verbs)
            if grant := self._any(who, asked):
                yield f"may make {kind} that run as service account", grant
                break
        for kind in INSIDE:
            pods, _, sub = kind.partition("/")
            pair = ("update", "patch") if sub == "ephemeralcontainers" else ("create", "get")
            asked = (ApiRequest(verb, "", pods, sub, "", space) for verb in pair)
            if grant := self._any(who, asked):
                yield f"may use {kind} of pods that run as service account", grant
                break
        for verb in ("get", "list", "watch"):
            if grant := self._first(who, ApiRequest(verb, "", "secrets", "", "", space)):
                yield "may read secrets, among which may be tokens of service account", grant
                break

    def _gives_himself(self, who: ApiSubject, request: ApiRequest) -> AroundStep | None:
        """Rule 4."""
        spaces = ("",) if request.path is not None else ("", request.namespace)
        for space in spaces:
            kind = "rolebindings" if space else "clusterrolebindings"
            binding = self._first(who, ApiRequest("create", GROUP, kind, "", "", space))
            bind = ApiRequest("bind", GROUP, "clusterroles", "", ADMIN, space)
            if binding and (grant := self._first(who, bind)):
                return AroundStep(who, f"may bind {ADMIN} to himself", who, grant)
            kind = "roles" if space else "clusterroles"
            for verb in ("update", "patch"):
                changes = self._first(who, ApiRequest(verb, GROUP, kind, "", "", space))
                escalates = ApiRequest("escalate", GROUP, kind, "", "", space)
                if changes and (grant := self._first(who, escalates)):
                    return AroundStep(who, f"may escalate {kind} that he has", who, grant)
        return None

    @cached_property
    def _impersonators(self) -> int:
        """Bindings of which some rule lets somebody impersonate."""
        words = {"impersonate", ANY}
        bindings = enumerate(self.table.bindings)
        return sum(1 << n for n, b in bindings if any(words & {*r.verbs} for r in b.rules))

    @cached_property
    def _accounts(self) -> dict[str, list[str]]:
        """Service accounts by namespace."""
        found: dict[str, list[str]] = defaultdict(list)
        for space, name in self._somebody[2]:
            found[space].append(name)
        return dict(found)

    def _powers_in(self, space: str) -> int:
        """Bindings with powers that hold in a namespace."""
        places = self.table.places
        return self._mask & (places.get("", 0) | places.get(space, 0))

    def _any(self, who: ApiSubject, requests: Iterable[ApiRequest]) -> Grant | None:
        """The first grant of the first of several requests that has one."""
        return next((one for r in requests if (one := self._first(who, r)) is not None), None)

    def _first(self, who: ApiSubject, request: ApiRequest) -> Grant | None:
        """The first grant without doubt."""
        if not self.table.of(who) & self.table.about(request).sure:
            return None
        grants = self.table.grants(who, request)
        return next((one for one in grants if not one.rule.doubt), None)

    @cached_property
    def _somebody(self) -> tuple[list[str], list[str], list[tuple[str, str]]]:
        """Users, groups and service accounts that bindings name; of each namespace its default
        account as well."""
        users, groups, accounts = set[str](), {MASTERS}, set[tuple[str, str]]()
        for bound in self.table.subjects():
            kind, name = bound.key
            if kind == "Group":
                groups.add(name)
            elif name.startswith(ACCOUNT):
                space, _, own = name.removeprefix(ACCOUNT).partition(":")
                accounts |= {(space, own), (space, "default")}
            else:
                users.add(name)
        accounts |= {(space, "default") for space in self.table.places if space}
        return sorted(users), sorted(groups), sorted(accounts)


def is_power(rule: RoleRule) -> bool:
    """Whether a rule may be a step of a way around.

    >>> is_power(RoleRule(("impersonate",), ("",), ("users",)))
    True
    >>> is_power(RoleRule(("get",), ("",), ("configmaps",)))
    False
    """
    return bool(POWERS & {*rule.verbs} or RESOURCES & {*rule.resources})
