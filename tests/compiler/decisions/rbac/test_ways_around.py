"""What somebody may not do and gets done all the same: each way, step by step."""

from __future__ import annotations

from typing import Any

import pytest
from any_roles import granted

from compiler.decisions.rbac.api_requests import ApiRequest, ApiSubject, subject
from compiler.decisions.rbac.grant_table import compiled
from compiler.decisions.rbac.ways_around import WaysAround

RBAC = "rbac.authorization.k8s.io"
SECRETS = ApiRequest("get", "", "secrets", "", "", "shop")
NODES = ApiRequest("delete", "", "nodes")
JANE = subject("jane")
Rule = dict[str, Any]


def rule(verbs: str, resources: str, group: str = "", **more: Any) -> Rule:
    return {"apiGroups": [group], "verbs": verbs.split(), "resources": resources.split(), **more}


def bound(name: str, to: str, rules: list[Rule], namespace: str = "") -> list[dict[str, Any]]:
    """A cluster role of its own, bound to `user:…`, `group:…` or `sa:NS/NAME`."""
    kind, _, who = to.partition(":")
    item: dict[str, str] = {"kind": {"user": "User", "group": "Group"}.get(kind, "ServiceAccount")}
    if kind == "sa":
        item["namespace"], _, item["name"] = who.partition("/")
    else:
        item["name"] = who
    where = {"namespace": namespace} if namespace else {}
    version = f"{RBAC}/v1"
    return [
        {"apiVersion": version, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules},
        {
            "apiVersion": version,
            "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
            "metadata": {"name": name, **where},
            "roleRef": {"kind": "ClusterRole", "name": name},
            "subjects": [item],
        },
    ]


READER = bound("reader", "sa:shop/builder", [rule("get", "secrets")], "shop")
ADMIN = bound("admin", "user:root", [rule("*", "*", "*")])
ADMINS = bound("admins", "group:ops", [rule("*", "*", "*")])


def steps(request: ApiRequest, *objects: list[dict[str, Any]], who: ApiSubject = JANE) -> list[str]:
    """The steps of the way around, in words."""
    table = compiled(granted([one for some in objects for one in some], complete=True))
    return [step.text for step in WaysAround(table).way(who, request)]


WAYS = [
    (rule("impersonate", "users"), "may impersonate user root", NODES),
    (rule("impersonate", "users", resourceNames=["root"]), "may impersonate user root", NODES),
    (rule("impersonate", "users groups"), "may impersonate", NODES),
    (
        rule("impersonate", "serviceaccounts"),
        "may impersonate service account shop/builder",
        SECRETS,
    ),
    (rule("create", "pods"), "may make pods that run as service account shop/builder", SECRETS),
    (rule("create", "cronjobs", "batch"), "may make cronjobs that run as", SECRETS),
    (rule("create", "deployments", "apps"), "may make deployments that run as", SECRETS),
    (rule("patch", "deployments", "apps"), "may make deployments that run as", SECRETS),
    (rule("update", "jobs", "batch"), "may make jobs that run as", SECRETS),
    (rule("get", "pods/exec"), "may use pods/exec of pods that run as", SECRETS),
    (rule("patch", "pods/ephemeralcontainers"), "may use pods/ephemeralcontainers of", SECRETS),
    (rule("create", "pods/exec"), "may use pods/exec of pods that run as", SECRETS),
    (rule("update", "pods/ephemeralcontainers"), "may use pods/ephemeralcontainers of", SECRETS),
    (rule("create", "serviceaccounts/token"), "may make tokens of service account shop/b", SECRETS),
    (rule("list", "secrets"), "may read secrets, among which may be tokens of", SECRETS),
]


@pytest.mark.parametrize(("may", "does", "wanted"), WAYS)
def test_each_way_is_found(may: Rule, does: str, wanted: ApiRequest) -> None:
    own = bound("own", "user:jane", [may], "" if wanted is NODES else "shop")
    (step,) = steps(wanted, READER, ADMIN, own)
    assert step.startswith(f"user jane {does}")


NONE = [
    rule("get", "pods"),
    rule("impersonate", "groups"),
    rule("impersonate", "users", resourceNames=["nobody"]),
    rule("create", "configmaps"),
    rule("update patch", "pods"),
    rule("get", "pods/log"),
    rule("create", "pods", "apps"),
    rule("bind", "clusterroles", RBAC),
    rule("create", "rolebindings", RBAC),
    rule("escalate", "roles", RBAC),
    rule("impersonate", "serviceaccounts", resourceNames=["other"]),
]


@pytest.mark.parametrize("may", NONE)
def test_what_is_no_way_is_none(may: Rule) -> None:
    assert steps(SECRETS, READER, bound("own", "user:jane", [may], "shop")) == []


def test_in_another_namespace_there_is_no_way() -> None:
    own = bound("own", "user:jane", [rule("create", "pods pods/exec")], "else")
    assert steps(SECRETS, READER, own) == []


def test_a_group_is_impersonated_with_a_user() -> None:
    both = bound("own", "user:jane", [rule("impersonate", "users groups")])
    assert steps(NODES, ADMINS, both) == ["user jane may impersonate members of group ops"]
    alone = bound("own", "user:jane", [rule("impersonate", "groups")])
    assert steps(NODES, ADMINS, alone) == []
    assert steps(NODES, both) == ["user jane may impersonate members of group system:masters"]


def test_who_may_bind_or_escalate_gives_himself_what_he_lacks() -> None:
    bind = [rule("create", "rolebindings", RBAC), rule("bind", "clusterroles", RBAC)]
    assert steps(SECRETS, bound("own", "user:jane", bind, "shop")) == [
        "user jane may bind cluster-admin to himself"
    ]
    assert steps(NODES, bound("own", "user:jane", bind, "shop")) == []
    escalate = [rule("patch escalate", "clusterroles", RBAC)]
    assert steps(NODES, bound("own", "user:jane", escalate)) == [
        "user jane may escalate clusterroles that he has"
    ]


def test_one_step_follows_another_the_shortest_way() -> None:
    first = bound("first", "user:jane", [rule("create", "pods")], "build")
    second = bound("second", "sa:build/ci", [rule("impersonate", "users")])
    assert steps(NODES, ADMIN, first, second) == [
        "user jane may make pods that run as service account build/ci",
        "service account build/ci may impersonate user root",
    ]
    direct = bound("direct", "user:jane", [rule("impersonate", "users")])
    assert len(steps(NODES, ADMIN, first, second, direct)) == 1


def test_who_may_needs_no_way() -> None:
    assert steps(SECRETS, READER, who=subject("system:serviceaccount:shop:builder")) == []


def test_everybody_who_gets_it_done_is_found() -> None:
    own = bound("own", "user:jane", [rule("create", "pods")], "shop")
    other = bound("other", "group:devs", [rule("create", "pods/exec")], "shop")
    idle = bound("idle", "user:joe", [rule("get", "pods")], "shop")
    objects = [one for some in (READER, own, other, idle) for one in some]
    table = compiled(granted(objects, complete=True))
    found = {way[0].who.what for way in WaysAround(table).everybody(SECRETS)}
    assert found == {"user jane", "group devs"}


def test_a_circle_of_steps_ends() -> None:
    one = bound("one", "sa:a/x", [rule("create", "pods")], "b")
    two = bound("two", "sa:b/y", [rule("create", "pods")], "a")
    who = subject("system:serviceaccount:a:x")
    assert steps(NODES, one, two, who=who) == []
