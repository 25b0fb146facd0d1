"""Decisions in words: lines, conditions, and what came close."""

from __future__ import annotations

from typing import Any

import pytest
from any_roles import RBAC

from compiler.decisions.rbac.api_requests import ApiRequest
from compiler.decisions.rbac.asked_access import ClusterRoles, cluster_roles, decided, somebody
from fabric.file.yaml.reader import Document, Mark

GROUP = "rbac.authorization.k8s.io"


def roles(
    *verbs: str, resources: tuple[str, ...], kind: str = "ClusterRoleBinding"
) -> ClusterRoles:
    """jane may do these to resources of roles."""
    rules = [{"verbs": [*verbs], "apiGroups": [GROUP], "resources": [*resources]}]
    where = {"namespace": "shop"} if kind == "RoleBinding" else {}
    made: list[dict[str, Any]] = [
        {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": rules},
        {
            "apiVersion": RBAC,
            "kind": kind,
            "metadata": {"name": "b", **where},
            "roleRef": {"kind": "ClusterRole", "name": "r"},
            "subjects": [{"kind": "User", "name": "jane"}],
        },
    ]
    return cluster_roles(Document(one, Mark(0, 0), "roles.yaml") for one in made)


@pytest.mark.parametrize(
    ("verbs", "resources", "asked", "kept"),
    [
        (("update",), ("roles",), ("update", "roles"), True),
        (("update", "escalate"), ("roles",), ("update", "roles"), False),
        (("update", "bind"), ("roles",), ("update", "roles"), True),
        (("get",), ("roles",), ("get", "roles"), False),
        (("create",), ("rolebindings",), ("create", "rolebindings"), True),
        (("create", "bind"), ("rolebindings", "roles"), ("create", "rolebindings"), True),
        (
            ("create", "bind"),
            ("rolebindings", "roles", "clusterroles"),
            ("create", "rolebindings"),
            False,
        ),
        (
            ("create", "bind"),
            ("clusterrolebindings", "clusterroles"),
            ("create", "clusterrolebindings"),
            False,
        ),
        (("*",), ("*",), ("patch", "clusterroles"), False),
    ],
)
def test_authors_of_roles_are_kept_to_what_they_may_do(
    verbs: tuple[str, ...], resources: tuple[str, ...], asked: tuple[str, str], kept: bool
) -> None:
    request = ApiRequest(asked[0], GROUP, asked[1], namespace="shop")
    found = decided(roles(*verbs, resources=resources), somebody("jane"), request)
    assert (found.verdict, bool(found.conditions)) == ("allowed", kept)


def test_reasons() -> None:
    some = roles("get", resources=("roles",), kind="RoleBinding")
    asked = ApiRequest("get", GROUP, "roles", namespace="shop")
    said = {
        (who, request): decided(some, somebody(who), request).reason
        for who in ("jane", "joe", "group:system:masters", "system:kube-proxy")
        for request in (asked, ApiRequest("get", "", "secrets", namespace="shop"))
    }
    assert [*said.values()] == [
        *("rule", "no_rule", "no_binding", "no_binding"),
        *("masters", "masters", "doubtful_rule", "doubtful_rule"),
    ]


def test_what_is_near_names_at_most_a_few() -> None:
    names = [f"n{number}" for number in range(9)]
    rules = [
        {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": names},
    ]
    made: list[dict[str, Any]] = [
        {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": rules},
        {
            "apiVersion": RBAC,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "b"},
            "roleRef": {"kind": "ClusterRole", "name": "r"},
            "subjects": [{"kind": "User", "name": "jane"}],
        },
    ]
    some = cluster_roles(Document(one, Mark(0, 0), "roles.yaml") for one in made)
    found = decided(some, somebody("jane"), ApiRequest("get", "", "pods"))
    assert "it may of objects named n0, n1, n2, n3 and 5 more" in found.because


def bound(rules: list[dict[str, Any]], *subjects: dict[str, str], kind: str) -> ClusterRoles:
    """A role with rules, bound in `shop` or everywhere."""
    where = {"namespace": "shop"} if kind == "RoleBinding" else {}
    made: list[dict[str, Any]] = [
        {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": rules},
        {
            "apiVersion": RBAC,
            "kind": kind,
            "metadata": {"name": "b", **where},
            "roleRef": {"kind": "ClusterRole", "name": "r"},
            "subjects": [*subjects],
        },
    ]
    return cluster_roles(Document(one, Mark(0, 0), "roles.yaml") for one in made)


JANE = {"kind": "User", "name": "jane"}


def test_who_is_in_a_group_that_nobody_said_may() -> None:
    rules = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
    some = bound(rules, {"kind": "Group", "name": "devs"}, kind="RoleBinding")
    asked = ApiRequest("get", "", "pods", namespace="shop")
    assert "whoever is in group devs may" in decided(some, somebody("jane"), asked).because
    assert decided(some, somebody("jane", ("devs",)), asked).verdict == "allowed"
    account = decided(some, somebody("sa:shop/web"), asked)
    assert "whoever" not in account.because


def test_a_shell_by_a_websocket_is_a_get() -> None:
    rules = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods/exec"]}]
    some = bound(rules, JANE, kind="RoleBinding")
    found = decided(some, somebody("jane"), ApiRequest("create", "", "pods", "exec", "", "shop"))
    assert (found.verdict, "it may by get" in found.because) == ("denied", True)


def test_what_has_no_namespace_is_near_in_none() -> None:
    rules = [{"verbs": ["get"], "apiGroups": [""], "resources": ["nodes", "pods"]}]
    some = bound(rules, JANE, kind="RoleBinding")
    for resource, near in (("nodes", False), ("pods", True)):
        found = decided(some, somebody("jane"), ApiRequest("get", "", resource))
        assert (found.verdict, "in namespace shop" in found.because) == ("denied", near)
