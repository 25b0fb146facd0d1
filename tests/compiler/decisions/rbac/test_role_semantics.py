"""What an API server answers by roles, case by case: who, what, and whether."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from any_roles import granted

from compiler.decisions.rbac.api_requests import ApiRequest, ApiSubject, subject
from compiler.decisions.rbac.grant_table import compiled
from compiler.decisions.rbac.role_semantics import defined

RBAC = "rbac.authorization.k8s.io/v1"


def rule(**parts: Any) -> dict[str, Any]:
    """A rule about the core group, if it does not say another."""
    return parts if "nonResourceURLs" in parts else {"apiGroups": [""], **parts}


def objects(
    *rules: dict[str, Any],
    to: tuple[dict[str, str], ...] = ({"kind": "User", "name": "jane"},),
    namespace: str = "shop",
    role: str = "ClusterRole",
) -> list[dict[str, Any]]:
    """A role, bound to `jane` in a namespace, or without one everywhere."""
    about = {"name": "r"} | ({"namespace": namespace} if role == "Role" else {})
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    where = {"namespace": namespace} if namespace else {}
    return [
        {"apiVersion": RBAC, "kind": role, "metadata": about, "rules": list(rules)},
        {
            "apiVersion": RBAC, "kind": kind, "metadata": {"name": "b", **where},
            "roleRef": {"kind": role, "name": "r"}, "subjects": list(to),
        },
    ]  # fmt: skip


def answer(found: list[dict[str, Any]], request: ApiRequest, who: ApiSubject | None = None) -> str:
    """What both definition and table say, of an input that is all there is."""
    bindings, one = granted(found, complete=True), who or subject("jane")
    said = defined(bindings, one, request)
    assert compiled(bindings).permission(one, request) == said
    return said


PODS = ApiRequest("get", "", "pods", "", "web", "shop")
CASES = yaml.safe_load("""
- [{verbs: [get], resources: [pods]}, [get, "", pods, "", web, shop], allowed]
- [{verbs: [get], resources: [pods]}, [list, "", pods, "", "", shop], denied]
- [{verbs: ["*"], resources: [pods]}, [list, "", pods, "", "", shop], allowed]
- [{verbs: [get], resources: [pods]}, [GET, "", pods, "", web, shop], denied]
- [{verbs: [get], resources: [pods]}, [get, "", Pods, "", web, shop], denied]
- [{verbs: [get], resources: [pods]}, [get, apps, pods, "", web, shop], denied]
- [{verbs: [get], apiGroups: ["*"], resources: [pods]}, [get, apps, pods, "", web, shop], allowed]
- [{verbs: [create], resources: [pods]}, [create, "", pods, exec, web, shop], denied]
- [{verbs: [create], resources: [pods/exec]}, [create, "", pods, exec, web, shop], allowed]
- [{verbs: [create], resources: [pods/exec]}, [create, "", pods, "", web, shop], denied]
- [{verbs: [create], resources: ["*"]}, [create, "", pods, exec, web, shop], allowed]
- [{verbs: [get], resources: ["*/scale"]}, [get, "", replicationcontrollers, scale, a, shop], allowed]
- [{verbs: [get], resources: ["*/scale"]}, [get, "", replicationcontrollers, "", a, shop], denied]
- [{verbs: [get], resources: ["*/scale"]}, [get, "", pods, ascale, a, shop], denied]
- [{verbs: [get], resources: ["*/scale"]}, [get, "", pods, ale, a, shop], denied]
- [{verbs: [get], resources: ["pods/*"]}, [get, "", pods, log, a, shop], denied]
- [{verbs: [get], resources: ["po*"]}, [get, "", pods, "", a, shop], denied]
- [{verbs: [get], resources: [pods], resourceNames: [web]}, [get, "", pods, "", web, shop], allowed]
- [{verbs: [get], resources: [pods], resourceNames: [web]}, [get, "", pods, "", db, shop], denied]
- [{verbs: ["*"], resources: [pods], resourceNames: [web]}, [create, "", pods, "", "", shop], denied]
- [{verbs: ["*"], resources: [pods], resourceNames: [web]}, [list, "", pods, "", "", shop], denied]
- [{verbs: ["*"], resources: [pods], resourceNames: [web]}, [deletecollection, "", pods, "", "", shop], denied]
- [{verbs: ["*"], resources: [pods], resourceNames: [web]}, [list, "", pods, "", web, shop], allowed]
- [{verbs: ["*"], resources: [pods], resourceNames: ["*"]}, [get, "", pods, "", web, shop], denied]
- [{verbs: ["*"], resources: [pods], resourceNames: [""]}, [create, "", pods, "", "", shop], allowed]
- [{verbs: [create], resources: [pods/exec], resourceNames: [web]}, [create, "", pods, exec, web, shop], allowed]
- [{verbs: [get], resources: [pods]}, [get, "", pods, "", web, lab], denied]
- [{verbs: [get], resources: [pods]}, [get, "", pods, "", web, ""], denied]
- [{verbs: [get], resources: [nodes]}, [get, "", nodes, "", n, ""], denied]
- [{verbs: ["*"], apiGroups: ["*"], resources: ["*"]}, [escalate, rbac.authorization.k8s.io, roles, "", r, shop], allowed]
- [{verbs: [update], apiGroups: ["*"], resources: [roles]}, [escalate, rbac.authorization.k8s.io, roles, "", r, shop], denied]
- [{verbs: [impersonate], resources: [serviceaccounts]}, [impersonate, "", serviceaccounts, "", web, shop], allowed]
""")


@pytest.mark.parametrize(("written", "asked", "said"), CASES)
def test_of_a_rule_in_a_namespace(written: dict[str, Any], asked: list[str], said: str) -> None:
    assert answer(objects(rule(**written)), ApiRequest(*asked)) == said


URLS = [
    ("/healthz", "/healthz", "allowed"),
    ("/healthz", "/healthz/etcd", "denied"),
    ("/healthz", "/healthz/", "denied"),
    ("/healthz/*", "/healthz/etcd", "allowed"),
    ("/healthz/*", "/healthz", "denied"),
    ("/health*", "/healthz", "allowed"),
    ("/a**", "/abc", "allowed"),
    ("/*/etcd", "/healthz/etcd", "denied"),
    ("*", "/anything", "allowed"),
]


@pytest.mark.parametrize(("written", "path", "said"), URLS)
def test_of_paths(written: str, path: str, said: str) -> None:
    one = rule(verbs=["get"], nonResourceURLs=[written])
    assert answer(objects(one, namespace=""), ApiRequest("get", path=path)) == said
    assert answer(objects(one), ApiRequest("get", path=path)) == "denied"
    assert answer(objects(one, namespace=""), ApiRequest("post", path=path)) == "denied"


def test_a_rule_about_resources_is_about_no_path() -> None:
    every = rule(verbs=["*"], apiGroups=["*"], resources=["*"])
    assert answer(objects(every, namespace=""), ApiRequest("get", path="/healthz")) == "denied"


def test_a_cluster_role_binding_holds_everywhere() -> None:
    found = objects(rule(verbs=["get"], resources=["pods", "nodes"]), namespace="")
    for space in ("shop", "lab", ""):
        assert answer(found, ApiRequest("get", "", "pods", "", "web", space)) == "allowed"
    assert answer(found, ApiRequest("get", "", "nodes", "", "n1")) == "allowed"


def test_a_role_is_of_its_namespace_alone() -> None:
    found = objects(rule(verbs=["get"], resources=["pods"]), role="Role")
    assert answer(found, PODS) == "allowed"
    found[1]["metadata"]["namespace"] = "lab"
    assert answer(found, PODS) == "denied"
    assert answer(found, ApiRequest("get", "", "pods", "", "web", "lab")) == "denied"


ACCOUNT = "system:serviceaccount:shop:web"
WHO = [
    ({"kind": "User", "name": "jane"}, subject("jane"), "allowed"),
    ({"kind": "User", "name": "*"}, subject("jane"), "denied"),
    ({"kind": "User", "name": "*"}, subject("*"), "allowed"),
    ({"kind": "User", "name": "devs"}, subject("jane", ("devs",)), "denied"),
    ({"kind": "Group", "name": "devs"}, subject("jane", ("devs", "x")), "allowed"),
    ({"kind": "Group", "name": "*"}, subject("jane", ("devs",)), "denied"),
    ({"kind": "Group", "name": "jane"}, subject("jane"), "denied"),
    ({"kind": "Group", "name": "system:authenticated"}, subject("jane"), "allowed"),
    ({"kind": "Group", "name": "system:authenticated"}, subject("system:anonymous"), "denied"),
    ({"kind": "Group", "name": "system:unauthenticated"}, subject("system:anonymous"), "allowed"),
    ({"kind": "Group", "name": "system:unauthenticated"}, subject("jane"), "denied"),
    ({"kind": "ServiceAccount", "name": "web"}, subject(ACCOUNT), "allowed"),
    ({"kind": "ServiceAccount", "name": "web", "namespace": "lab"}, subject(ACCOUNT), "denied"),
    ({"kind": "ServiceAccount", "name": "web"}, subject("web"), "denied"),
    ({"kind": "User", "name": ACCOUNT}, subject(ACCOUNT), "allowed"),
    ({"kind": "Group", "name": "system:serviceaccounts"}, subject(ACCOUNT), "allowed"),
    ({"kind": "Group", "name": "system:serviceaccounts:shop"}, subject(ACCOUNT), "allowed"),
    ({"kind": "Group", "name": "system:serviceaccounts:lab"}, subject(ACCOUNT), "denied"),
    ({"kind": "User", "name": "joe"}, subject("jane", ("system:masters",)), "allowed"),
]


@pytest.mark.parametrize(("bound", "who", "said"), WHO)
def test_of_subjects(bound: dict[str, str], who: ApiSubject, said: str) -> None:
    found = objects(rule(verbs=["get"], resources=["pods"]), to=(bound,))
    assert answer(found, PODS, who) == said


def test_whoever_is_not_known_is_in_no_group_of_those_who_are() -> None:
    assert subject("system:anonymous").groups == ("system:unauthenticated",)
    assert subject("", ("system:unauthenticated",)).groups == ("system:unauthenticated",)
    assert subject("system:serviceaccount:shop").groups == ("system:authenticated",)
