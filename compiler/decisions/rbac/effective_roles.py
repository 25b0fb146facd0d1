"""Bindings with the rules that their roles amount to in a cluster.

Rules that hold here:

1. A role with an aggregation rule has the rules of all ClusterRoles that one of its selectors
   selects, and of those that they take in. A controller keeps it so and throws away what stands in
   its own `rules`: where the input is not everything that a cluster has, these may have come from
   roles that are not in it, and are in doubt.
2. API servers make roles and bindings by themselves (`built_in_roles`). One of the input takes the
   place of that of its name; what the server would add to it again is in doubt.
3. A binding to a role that is not there grants nothing. It may be there all the same, where the
   input is not everything: anything may be granted by it then, which is in doubt.
4. In an input that is said to be everything that a cluster has (`complete`), nothing of this is in
   doubt, and nothing is added.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from compiler.decisions.rbac.api_requests import (
    ANYTHING,
    AUTHENTICATED,
    UNAUTHENTICATED,
    RoleRule,
)
from compiler.decisions.rbac.built_in_roles import (
    UNREAD,
    built_in_bindings,
    built_in_roles,
    is_built_in,
    parts_of_kubernetes,
)
from compiler.decisions.rbac.role_objects import RoleObjects, WrittenBinding, WrittenRole
from compiler.decisions.rbac.role_semantics import BoundSubject, RoleGrants
from compiler.policy.labels import labels_match
from fabric.diagnostics import Diagnostics

REPLACED = "a controller replaces the rules of a role that aggregates others"
ADDED_AGAIN = "the API server adds again what it makes itself, unless told not to"
Roles = dict[tuple[str, str], WrittenRole]


def role_grants(
    objects: RoleObjects, problems: Diagnostics, *, complete: bool = False
) -> tuple[RoleGrants, ...]:
    """All bindings, those of clusters first; doubts about them go to `problems` (C657)."""
    roles = {(role.namespace, role.name): role for role in objects.roles}
    if not complete:
        roles = _with_built_in(roles)
    given = sorted(objects.bindings, key=lambda one: bool(one.namespace))
    found = [_granted(one, roles, problems, complete) for one in given]
    if complete:
        return tuple(found)
    named = {one.name: one.kept for one in given if not one.namespace}
    for one in built_in_bindings():
        if not named.get(one.name, False):
            granted = replace(_granted(one, roles, problems, complete), own=True)
            found.append(_in_doubt(granted) if one.name in named else granted)
    return (*found, *parts_of_kubernetes(), *_unread(objects))


def _in_doubt(granted: RoleGrants) -> RoleGrants:
    """What a server adds to a binding of the input again."""
    rules = tuple(replace(rule, doubt=rule.doubt or ADDED_AGAIN) for rule in granted.rules)
    return replace(granted, rules=rules)


def _with_built_in(roles: Roles) -> Roles:
    """Rule 2."""
    out = dict(roles)
    for role in built_in_roles():
        there = out.get(("", role.name))
        if there is None:
            out["", role.name] = role
        elif not there.kept:
            sure = {_bare(rule) for rule in there.rules}
            again = (r for r in role.rules if _bare(r) not in sure)
            rules = (*there.rules, *(replace(r, doubt=r.doubt or ADDED_AGAIN) for r in again))
            out["", role.name] = replace(there, rules=rules)
    return out


def _bare(rule: RoleRule) -> RoleRule:
    return replace(rule, span=None, doubt="")


def _granted(
    binding: WrittenBinding, roles: Roles, problems: Diagnostics, complete: bool
) -> RoleGrants:
    space = binding.namespace if binding.role_kind == "Role" else ""
    role = roles.get((space, binding.role))
    if role is not None:
        rules = tuple(_effective(role, roles, complete))
    else:
        rules = tuple(_absent(binding, problems, complete))
    return RoleGrants(
        binding.kind, binding.name, binding.namespace, f"{binding.role_kind} {binding.role}",
        binding.subjects, rules, binding.span,
    )  # fmt: skip


def _absent(binding: WrittenBinding, problems: Diagnostics, complete: bool) -> Iterator[RoleRule]:
    """Rule 3."""
    called = f"{binding.role_kind} {binding.role}"
    if not complete and binding.role_kind == "ClusterRole" and is_built_in(binding.role):
        yield replace(ANYTHING, span=binding.role_span, doubt=f"{called}: {UNREAD}")
        return
    problems.warn("C657", f"{called}, which is bound here, is not in the input", binding.role_span)
    if not complete:
        doubt = f"{called} is not in the input; the cluster may have it"
        yield replace(ANYTHING, span=binding.role_span, doubt=doubt)


def _effective(role: WrittenRole, roles: Roles, complete: bool) -> Iterator[RoleRule]:
    """Rule 1."""
    if role.selects is None:
        yield from role.rules
        return
    met, waiting = {role.name}, [role]
    told: dict[RoleRule, None] = {}
    while waiting:
        one = waiting.pop()
        if one.selects is None:
            told.update(dict.fromkeys(one.rules))
            continue
        if not complete:
            told.update({replace(r, doubt=r.doubt or REPLACED): None for r in one.rules})
        for other in roles.values():
            if other.namespace or other.name in met:
                continue
            if any(labels_match(terms, other.labels) for terms in one.selects):
                met.add(other.name)
                waiting.append(other)
    yield from told


def _unread(objects: RoleObjects) -> Iterator[RoleGrants]:
    """What grants in a way that nobody reads here: anything to anybody, in doubt."""
    everybody = (BoundSubject("Group", AUTHENTICATED), BoundSubject("Group", UNAUTHENTICATED))
    for told in objects.unread:
        rule = replace(ANYTHING, doubt=f"{told} is not evaluated")
        yield RoleGrants("objects", told, "", "", everybody, (rule,))
