"""Roles and bindings drawn at random, from few words, so that they meet."""

from __future__ import annotations

import random
from typing import Any

from compiler.decisions.rbac.api_requests import ApiRequest, ApiSubject, subject
from compiler.decisions.rbac.effective_roles import role_grants
from compiler.decisions.rbac.role_objects import role_objects
from compiler.decisions.rbac.role_semantics import RoleGrants
from fabric.diagnostics import Diagnostics
from fabric.file.yaml.reader import Document, Mark

VERBS = ("get", "list", "create", "bind", "*")
GROUPS = ("", "apps", "rbac.authorization.k8s.io", "*")
RESOURCES = ("pods", "pods/exec", "deployments", "deployments/scale", "*/scale", "*", "secrets")
NAMES = ("", "web", "db", "*")
PATHS = ("/healthz", "/healthz/*", "/apis*", "*", "/apis/apps", "/*")
SPACES = ("shop", "lab", "default")
USERS = ("jane", "*", "system:anonymous", "system:serviceaccount:shop:web", "joe")
TEAMS = ("devs", "ops", "system:masters", "system:authenticated", "system:serviceaccounts:shop")
ROLES = ("reader", "writer", "all", "gone", "view", "cluster-admin")
RBAC = "rbac.authorization.k8s.io/v1"


def some(chance: random.Random, words: tuple[str, ...], least: int = 1) -> list[str]:
    """A few words."""
    return chance.sample(words, chance.randint(least, 2))


def any_rule(chance: random.Random, paths: bool) -> dict[str, Any]:
    if paths and chance.random() < 0.3:
        return {"verbs": some(chance, VERBS), "nonResourceURLs": some(chance, PATHS)}
    rule = {
        "verbs": some(chance, VERBS),
        "apiGroups": some(chance, GROUPS),
        "resources": some(chance, RESOURCES),
    }
    if chance.random() < 0.3:
        rule["resourceNames"] = some(chance, NAMES)
    return rule


def any_subject(chance: random.Random) -> dict[str, str]:
    match chance.choice(("User", "Group", "ServiceAccount")):
        case "User":
            return {"kind": "User", "name": chance.choice(USERS)}
        case "Group":
            return {"kind": "Group", "name": chance.choice(TEAMS)}
        case kind:
            return {"kind": kind, "name": "web", "namespace": chance.choice(SPACES)}


def any_objects(chance: random.Random) -> list[dict[str, Any]]:
    """Objects of a small cluster, each name once."""
    out: dict[tuple[str, ...], dict[str, Any]] = {}
    for _ in range(chance.randint(2, 9)):
        kind = chance.choice(("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"))
        name = chance.choice(ROLES[:3]) if kind.endswith("Role") else f"b{chance.randint(0, 9)}"
        about: dict[str, Any] = {"name": name}
        if kind in ("Role", "RoleBinding"):
            about["namespace"] = chance.choice(SPACES)
        one: dict[str, Any] = {"apiVersion": RBAC, "kind": kind, "metadata": about}
        if kind.endswith("Role"):
            rules = [any_rule(chance, kind == "ClusterRole") for _ in range(chance.randint(0, 3))]
            one["rules"] = rules
            if kind == "ClusterRole" and chance.random() < 0.4:
                about["labels"] = {"to": chance.choice(("a", "b"))}
            if kind == "ClusterRole" and chance.random() < 0.3:
                terms = {"matchLabels": {"to": chance.choice(("a", "b"))}}
                one["aggregationRule"] = {"clusterRoleSelectors": [terms]}
        else:
            of = (
                "ClusterRole"
                if kind == "ClusterRoleBinding"
                else chance.choice(("Role", "ClusterRole"))
            )
            one["roleRef"] = {"kind": of, "name": chance.choice(ROLES)}
            one["subjects"] = [any_subject(chance) for _ in range(chance.randint(0, 3))]
        out[(kind, name, about.get("namespace", ""))] = one
    return [*out.values()]


def granted(objects: list[dict[str, Any]], *, complete: bool = False) -> tuple[RoleGrants, ...]:
    """The bindings of objects; mistakes are raised."""
    problems = Diagnostics()
    found = role_objects([Document(one, Mark(0, 0), "roles.yaml") for one in objects], problems)
    grants = role_grants(found, problems, complete=complete)
    problems.check()
    return grants


def any_request(chance: random.Random) -> ApiRequest:
    verb = chance.choice(("get", "list", "create", "bind", "*", "delete"))
    if chance.random() < 0.3:
        path = chance.choice((*PATHS, "/healthz/etcd", "/apis/x", "/"))
        return ApiRequest(verb, namespace=chance.choice(("", *SPACES)), path=path)
    resource, _, sub = chance.choice((*RESOURCES[:4], "statefulsets/scale", "secrets")).partition(
        "/"
    )
    return ApiRequest(
        verb, chance.choice(GROUPS[:3]), resource, sub, chance.choice(NAMES),
        chance.choice((*SPACES, "", "other")),
    )  # fmt: skip


def any_one(chance: random.Random) -> ApiSubject:
    return subject(chance.choice((*USERS, "", "nobody")), tuple(some(chance, TEAMS, 0)))
