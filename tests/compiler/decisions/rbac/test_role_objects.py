"""What API servers refuse, or read otherwise than it looks: told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.decisions.rbac.asked_access import cluster_roles
from fabric.diagnostics import Diagnostic, InputError
from fabric.kubernetes.manifests import load_manifests

HEAD = "apiVersion: rbac.authorization.k8s.io/v1\n"
WRONG = {
    "kind: Role\nmetadata: {}\n": ("C655", "without a name"),
    "kind: Role\nmetadata: {name: a/b}\n": ("C655", "cannot be part of a path"),
    "kind: Role\nmetadata: {name: a, namespace: A_B}\n": ("C609", "namespace name"),
    "kind: Role\nmetadata: {name: a}\nrules: [get]\n": ("C655", "a rule must be a mapping"),
    "kind: Role\nmetadata: {name: a}\nrules: {}\n": ("C605", "must be a list"),
    "kind: Role\nmetadata: {name: a}\nrules: [{verbs: get}]\n": ("C605", "must be a list"),
    "kind: Role\nmetadata: {name: a}\nrules: [{verb: [get]}]\n": ("C655", 'unknown field "verb"'),
    "kind: RoleBinding\nmetadata: {name: a}\n": ("C655", "without roleRef"),
    "kind: RoleBinding\nmetadata: {name: a}\nroleRef: {kind: Rule, name: x}\n": (
        "C655",
        "is no role",
    ),
    "kind: RoleBinding\nmetadata: {name: a}\nroleRef: {kind: Role}\n": (
        "C655",
        "role without a name",
    ),
    "kind: RoleBinding\nmetadata: {name: a}\nroleRef: {kind: Role, name: x, apiGroup: y}\n": (
        "C655",
        "must be rbac.authorization.k8s.io",
    ),
    "kind: ClusterRoleBinding\nmetadata: {name: a}\nroleRef: {kind: Role, name: x}\n": (
        "C655",
        "names a ClusterRole",
    ),
}
SUBJECTS = {
    "{kind: Robot, name: x}": "is no subject",
    "{kind: User}": "without a name",
    "{kind: User, name: x, apiGroup: y}": "of a User must be",
    "{kind: ServiceAccount, name: x, namespace: n, apiGroup: apps}": "must be empty",
    "{kind: ServiceAccount, name: x}": "needs a namespace",
    "jane": "a subject must be a mapping",
}
DOUBTS = {
    "Role: {apiGroups: [''], resources: [pods]}": "without verbs",
    "Role: {verbs: [get], resources: [pods]}": "without apiGroups",
    "Role: {verbs: [get], apiGroups: ['']}": "without resources",
    "Role: {verbs: [get], nonResourceURLs: [/x]}": "paths in a Role",
    "ClusterRole: {verbs: [get], nonResourceURLs: [/x], resources: [pods]}": "in one rule",
}


def told(folder: Path, text: str) -> tuple[Diagnostic, ...]:
    """Mistakes and doubts of a file."""
    (folder / "roles.yaml").write_text(HEAD + text)
    try:
        return cluster_roles(load_manifests([folder / "roles.yaml"]).objects).warnings
    except InputError as error:
        return error.diagnostics


@pytest.mark.parametrize("text", WRONG)
def test_what_is_refused(tmp_path: Path, text: str) -> None:
    code, what = WRONG[text]
    found = told(tmp_path, text)
    assert [one.code for one in found] == [code]
    assert what in found[0].message
    assert found[0].span is not None


@pytest.mark.parametrize("text", SUBJECTS)
def test_subjects_that_are_refused(tmp_path: Path, text: str) -> None:
    binding = (
        "kind: ClusterRoleBinding\nmetadata: {name: a}\nroleRef: {kind: ClusterRole, name: view}\n"
    )
    found = told(tmp_path, f"{binding}subjects:\n  - {text}\n")
    assert [one.code for one in found] == ["C655"]
    assert SUBJECTS[text] in found[0].message
    assert found[0].span is not None and found[0].span.line in (5, 6)


@pytest.mark.parametrize("text", DOUBTS)
def test_rules_that_do_not_say_what_they_seem_to(tmp_path: Path, text: str) -> None:
    kind, _, rule = text.partition(": ")
    found = told(tmp_path, f"kind: {kind}\nmetadata: {{name: a}}\nrules:\n  - {rule}\n")
    assert [one.code for one in found] == ["C656"]
    assert DOUBTS[text] in found[0].message


def test_two_of_one_name_that_say_different_things(tmp_path: Path) -> None:
    one = "kind: ClusterRole\nmetadata: {name: a}\nrules: []\n"
    other = one.replace("[]", "[{verbs: [get], nonResourceURLs: [/x]}]")
    assert [d.code for d in told(tmp_path, f"{one}---\n{HEAD}{other}")] == ["C608"]
    assert told(tmp_path, f"{one}---\n{HEAD}{one}") == ()
    space = "kind: Role\nmetadata: {name: a, namespace: n}\nrules: []\n"
    assert told(tmp_path, f"{space}---\n{HEAD}{space.replace('n}', 'm}')}") == ()


def test_selectors_that_cannot_be_read(tmp_path: Path) -> None:
    role = "kind: ClusterRole\nmetadata: {name: a}\naggregationRule:\n  clusterRoleSelectors:\n"
    found = told(tmp_path, f"{role}    - {{matchExpressions: [{{key: a, operator: Like}}]}}\n")
    assert [(one.code, one.span and one.span.line) for one in found] == [("C655", 6)]
    more = "kind: Role\nmetadata: {name: a}\naggregationRule: {clusterRoleSelectors: []}\n"
    assert [one.code for one in told(tmp_path, more)] == ["C656"]
