"""The compiled table is the definition, on documents that are drawn."""

from __future__ import annotations

import random

import numpy as np
from any_roles import any_objects, any_one, any_request, granted
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.decisions.rbac.api_requests import MASTERS, ApiSubject
from compiler.decisions.rbac.grant_table import VERDICTS, compiled
from compiler.decisions.rbac.role_semantics import defined, grants, permission


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=500, deadline=None)
def test_the_table_is_the_definition(seed: int, complete: bool) -> None:
    chance = random.Random(seed)
    bindings = granted(any_objects(chance), complete=complete)
    table = compiled(bindings)
    who = [any_one(chance) for _ in range(5)]
    what = [any_request(chance) for _ in range(8)]
    wanted = [[defined(bindings, one, request) for request in what] for one in who]
    assert [[table.permission(one, request) for request in what] for one in who] == wanted
    matrix = [[VERDICTS[number] for number in row] for row in table.matrix(who, what)]
    assert matrix == wanted
    for one in who:
        for request in what:
            told, meant = [*table.grants(one, request)], [*grants(bindings, one, request)]
            assert {id(g.binding) for g in told} == {id(g.binding) for g in meant}
            if MASTERS not in one.groups:
                assert permission(tuple(told)) == table.permission(one, request)
                assert not told or bool(told[0].rule.doubt) == (permission(told) == "unknown")


@given(st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_who_is_everybody_that_can(seed: int) -> None:
    """Asked one by one: whom a binding names, and nobody else."""
    chance = random.Random(seed)
    bindings = granted(any_objects(chance))
    table, request = compiled(bindings), any_request(chance)
    found: dict[tuple[str, str], set[bool]] = {}
    for grant in table.who(request):
        found.setdefault(grant.subject.key, set()).add(bool(grant.rule.doubt))
    keys = [one.key for one in table.subjects()] + [("User", "stranger"), ("Group", "strangers")]
    for kind, name in keys:
        one = ApiSubject(name) if kind == "User" else ApiSubject("", (name,))
        said = "allowed" if kind == "Group" and name == MASTERS else defined(bindings, one, request)
        told = found.get((kind, name))
        if name != MASTERS:
            assert said == ("denied" if told is None else "allowed" if False in told else "unknown")


def test_ten_thousand_bindings() -> None:
    """Compiled in seconds; a million decisions in one."""
    import time

    from compiler.decisions.rbac.api_requests import ApiRequest, RoleRule, subject
    from compiler.decisions.rbac.role_semantics import BoundSubject, RoleGrants

    chance = random.Random(7)
    rules = [
        RoleRule((chance.choice(("get", "list", "create")),), ("",), (f"things{n % 500}",))
        for n in range(2000)
    ]
    bindings = tuple(
        RoleGrants(
            "RoleBinding", f"b{n}", f"ns{n % 200}", "",
            (BoundSubject("User", f"u{n % 1000}"),), tuple(chance.sample(rules, 4)),
        )
        for n in range(10_000)
    )  # fmt: skip
    start = time.perf_counter()
    table = compiled(bindings)
    table.permission(subject("u1"), ApiRequest("get", "", "things1", namespace="ns1"))
    built = time.perf_counter() - start
    who = [subject(f"u{n}") for n in range(1000)]
    what = [
        ApiRequest("get", "", f"things{n % 500}", namespace=f"ns{n % 200}") for n in range(1000)
    ]
    start = time.perf_counter()
    found = table.matrix(who, what)
    decided = time.perf_counter() - start
    start = time.perf_counter()
    [*table.who(what[3])]
    asked = time.perf_counter() - start
    assert found.shape == (1000, 1000) and np.count_nonzero(found)
    assert built < 10 and decided < 1 and asked < 1
