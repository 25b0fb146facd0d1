"""Roles that take in others, roles that servers make, roles that are not there."""

from __future__ import annotations

from typing import Any

import pytest
from any_roles import granted

from compiler.decisions.rbac.api_requests import ApiRequest, subject
from compiler.decisions.rbac.effective_roles import role_grants
from compiler.decisions.rbac.role_objects import role_objects
from compiler.decisions.rbac.role_semantics import defined
from fabric.diagnostics import Diagnostics
from fabric.file.yaml.reader import Document, Mark

RBAC = "rbac.authorization.k8s.io/v1"


def role(
    name: str, *resources: str, label: str = "", takes: str = "", **about: Any
) -> dict[str, Any]:
    """A ClusterRole to get these, and to take in those with a label."""
    rules = (
        [{"verbs": ["get"], "apiGroups": [""], "resources": list(resources)}] if resources else []
    )
    one: dict[str, Any] = {"apiVersion": RBAC, "kind": "ClusterRole", "rules": rules}
    one["metadata"] = {"name": name, "labels": {label: "true"} if label else {}, **about}
    if takes:
        selector = {"matchLabels": {takes: "true"}}
        one["aggregationRule"] = {"clusterRoleSelectors": [selector]}
    return one


def bound(name: str, namespace: str = "shop") -> dict[str, Any]:
    """A binding of jane's."""
    return {
        "apiVersion": RBAC,
        "kind": "RoleBinding",
        "metadata": {"name": "b", "namespace": namespace},
        "roleRef": {"kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "User", "name": "jane"}],
    }


def may(
    found: list[dict[str, Any]], resource: str, verb: str = "get", complete: bool = False,
    group: str = "", user: str = "jane", namespace: str = "shop",
) -> str:  # fmt: skip
    """Whether jane may."""
    resource, _, part = resource.partition("/")
    request = ApiRequest(verb, group, resource, part, "", namespace)
    return defined(granted(found, complete=complete), subject(user), request)


def test_a_role_takes_in_what_it_selects() -> None:
    found = [
        role("all", takes="to"),
        role("a", "pods", label="to"),
        role("b", "secrets"),
        bound("all"),
    ]
    assert (may(found, "pods"), may(found, "secrets")) == ("allowed", "denied")


def test_no_role_of_a_namespace_is_taken_in() -> None:
    found = [role("all", takes="to"), role("a", "pods", label="to", namespace="shop"), bound("all")]
    found[1]["kind"] = "Role"
    assert may(found, "pods") == "denied"


def test_what_is_taken_in_takes_in_others_even_in_a_circle() -> None:
    found = [
        role("all", takes="one"), role("mid", label="one", takes="two"),
        role("low", "pods", label="two"), role("back", label="two", takes="one"), bound("all"),
    ]  # fmt: skip
    assert may(found, "pods", complete=True) == "allowed"


def test_rules_of_its_own_are_replaced() -> None:
    """By a controller, with those of roles that may be in the cluster and not in the input."""
    found = [role("all", "pods", takes="to"), bound("all")]
    assert may(found, "pods") == "unknown"
    assert may(found, "pods", complete=True) == "denied"


@pytest.mark.parametrize(
    ("name", "resource", "verb", "group", "said"),
    [
        ("view", "pods", "get", "", "allowed"),
        ("view", "secrets", "get", "", "denied"),
        ("view", "pods", "create", "", "denied"),
        ("view", "pods/log", "get", "", "allowed"),
        ("edit", "secrets", "get", "", "allowed"),
        ("edit", "pods/exec", "create", "", "allowed"),
        ("edit", "deployments", "patch", "apps", "allowed"),
        ("edit", "roles", "create", "rbac.authorization.k8s.io", "denied"),
        ("edit", "serviceaccounts", "impersonate", "", "allowed"),
        ("edit", "endpoints", "update", "", "unknown"),
        ("admin", "rolebindings", "create", "rbac.authorization.k8s.io", "allowed"),
        ("admin", "pods", "get", "", "allowed"),
        ("admin", "resourcequotas", "update", "", "denied"),
        ("cluster-admin", "anything", "any", "example.org", "allowed"),
        ("system:node", "pods", "get", "", "unknown"),
        ("gone", "pods", "get", "", "unknown"),
    ],
)
def test_roles_that_servers_make(
    name: str, resource: str, verb: str, group: str, said: str
) -> None:
    assert may([bound(name)], resource, verb, group=group) == said
    assert may([bound(name)], resource, verb, group=group, complete=True) == "denied"


def test_a_role_with_the_label_of_those_of_servers_is_taken_in() -> None:
    label = "rbac.authorization.k8s.io/aggregate-to-view"
    found = [
        role("crds", "widgets", label=label),
        bound("view"),
    ]
    assert may(found, "widgets") == "allowed"
    assert may([found[0], bound("admin")], "widgets") == "allowed"


def test_a_role_of_the_input_takes_the_place_of_that_of_its_name() -> None:
    kept = {"annotations": {"rbac.authorization.kubernetes.io/autoupdate": "false"}}
    found = [role("system:auth-delegator", "pods", **kept), bound("system:auth-delegator")]
    asked = ("tokenreviews", "create")
    assert may(found, *asked, group="authentication.k8s.io") == "denied"
    found[0]["metadata"]["annotations"] = {}
    assert may(found, *asked, group="authentication.k8s.io") == "unknown"
    assert may(found, "pods") == "allowed"


def test_a_binding_of_the_input_takes_the_place_of_that_of_its_name() -> None:
    emptied = {**bound("system:discovery"), "kind": "ClusterRoleBinding", "subjects": []}
    emptied["metadata"] = {"name": "system:discovery"}
    path = ApiRequest("get", path="/api")
    assert defined(granted([emptied]), subject("jane"), path) == "unknown"
    kept = {"rbac.authorization.kubernetes.io/autoupdate": "false"}
    emptied["metadata"]["annotations"] = kept
    assert defined(granted([emptied]), subject("jane"), path) == "denied"


def test_what_everybody_may_who_is_known() -> None:
    bindings = granted([])
    review = ApiRequest("create", "authorization.k8s.io", "selfsubjectaccessreviews")
    assert defined(bindings, subject("jane"), review) == "allowed"
    assert defined(bindings, subject("system:anonymous"), review) == "denied"
    health = ApiRequest("get", path="/healthz")
    assert defined(bindings, subject("system:anonymous"), health) == "allowed"
    assert (
        defined(bindings, subject("system:anonymous"), ApiRequest("get", path="/api")) == "denied"
    )
    assert defined(bindings, subject("jane"), ApiRequest("get", path="/api/v1")) == "allowed"


@pytest.mark.parametrize(
    "user", ["system:kube-scheduler", "system:serviceaccount:kube-system:job-controller"]
)
def test_parts_of_kubernetes_may_what_nobody_knows_here(user: str) -> None:
    assert may([], "pods", user=user) == "unknown"
    assert may([], "pods", user=user, complete=True) == "denied"


def test_nodes_are_another_authorizers() -> None:
    request = ApiRequest("get", "", "pods", "", "web", "shop")
    node = subject("system:node:host1", ("system:nodes",))
    assert defined(granted([]), node, request) == "unknown"


def test_a_binding_to_a_role_that_is_not_there_is_told() -> None:
    problems = Diagnostics()
    written = role_objects([Document(bound("gone"), Mark(0, 0), "x.yaml")], problems)
    role_grants(written, problems)
    assert [one.code for one in problems.warnings] == ["C657"]


def test_a_version_that_is_not_read_leaves_unknown_what_nothing_allows() -> None:
    old = {**bound("view"), "apiVersion": "rbac.authorization.k8s.io/v1alpha1"}
    assert may([old], "secrets") == "unknown"
    assert may([old, bound("view")], "pods") == "allowed"
    shift = {**bound("x"), "apiVersion": "authorization.openshift.io/v1"}
    assert may([shift], "pods") == "unknown"
