"""Differences by classes are those of any request, asked one by one."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from any_roles import any_objects, any_request, granted
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.decisions.rbac.api_requests import ApiRequest, ApiSubject
from compiler.decisions.rbac.grant_changes import OTHER, WordAtoms, changes
from compiler.decisions.rbac.grant_table import GrantTable, compiled
from compiler.decisions.rbac.role_semantics import defined, is_about


def edited(chance: random.Random, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Some of them, and others."""
    kept = [one for one in objects if chance.random() < 0.7]
    known = {(o["kind"], o["metadata"]["name"], o["metadata"].get("namespace")) for o in kept}
    more = [
        one
        for one in any_objects(chance)
        if (one["kind"], one["metadata"]["name"], one["metadata"].get("namespace")) not in known
    ]
    return [*kept, *more[:3]]


def standing_for(
    request: ApiRequest, tables: tuple[GrantTable, ...], one: ApiSubject
) -> ApiRequest:
    """The request of the same class that the comparison tries."""
    rules = [rule for table in tables for _, rule in table.rules_of(one)]
    spaces = {space for table in tables for space, _ in table.rules_of(one)}
    atoms = WordAtoms.of(rules)

    def word(text: str, known: tuple[str, ...]) -> str:
        return text if text in known else known[-1]

    verb = word(request.verb, atoms.verbs)
    if request.path is not None:
        said = [url for rule in rules for url in rule.urls]
        if request.path in atoms.paths:
            return ApiRequest(verb, path=request.path)
        ends = [u.rstrip("*") for u in said if u.endswith("*")]
        fits = [end for end in ends if request.path.startswith(end)]
        return ApiRequest(verb, path=max(fits, key=len) + OTHER if fits else OTHER)
    return replace(
        request,
        verb=verb,
        group=word(request.group, atoms.groups),
        resource=word(request.resource, atoms.bases),
        subresource=word(request.subresource, atoms.parts),
        name=word(request.name, atoms.names),
        namespace=request.namespace if request.namespace in spaces else "",
    )


@given(st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_a_request_changes_where_its_class_does(seed: int) -> None:
    chance = random.Random(seed)
    objects = any_objects(chance)
    before, after = granted(objects), granted(edited(chance, objects))
    tables = compiled(before), compiled(after)
    found = {(one.subject.key, one.request): one for one in changes(*tables)}
    keys = {one.key for table in tables for one in table.subjects()} - {("Group", "system:masters")}
    assert all(was.before != was.after for was in found.values())
    for kind, name in sorted(keys):
        one = ApiSubject(name) if kind == "User" else ApiSubject("", (name,))
        for request in [any_request(chance) for _ in range(6)]:
            was, now = defined(before, one, request), defined(after, one, request)
            shown = found.get(((kind, name), standing_for(request, tables, one)))
            assert (was != now) == (shown is not None), (kind, name, request)
            if shown is not None:
                assert (shown.before, shown.after) == (was, now)
                assert is_about(shown.grant.rule, shown.request)


def test_the_same_twice_changes_nothing() -> None:
    objects = any_objects(random.Random(3))
    assert [*changes(compiled(granted(objects)), compiled(granted(objects)))] == []


def test_what_a_wider_rule_allows_already_is_no_gain() -> None:
    wide = {"verbs": ["*"], "apiGroups": [""], "resources": ["pods"]}
    narrow = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}

    def table(*rules: dict[str, Any]) -> GrantTable:
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "metadata": {"name": "b", "namespace": "shop"},
        }
        return compiled(
            granted(
                [
                    {**binding, "kind": "Role", "rules": [*rules]},
                    {
                        **binding,
                        "kind": "RoleBinding",
                        "roleRef": {"kind": "Role", "name": "b"},
                        "subjects": [{"kind": "User", "name": "jane"}],
                    },
                ]
            )
        )

    assert [*changes(table(wide), table(wide, narrow))] == []
    gained = [(one.request.verb, one.after) for one in changes(table(narrow), table(wide))]
    assert gained == [(OTHER, "allowed")]
    lost = [*changes(table(narrow), table())]
    assert [(one.request.verb, one.after) for one in lost] == [("get", "denied")]
    assert lost[0].grant.rule.verbs == ("get",)
