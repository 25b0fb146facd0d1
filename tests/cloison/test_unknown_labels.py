"""A policy that selects by a label whose value nobody knows leaves every verb without a verdict."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from cloison.cli import main

SELECTS_UNTOLD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: x}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shut, namespace: shop}
spec:
  podSelector: {matchLabels: {pod-template-hash: 5d4f}}
"""


@pytest.mark.parametrize("verb", ["reach", "simulate", "explain", "diff"])
def test_what_is_unknown_inside_a_kind_that_is_evaluated_leaves_all_unknown(
    verb: str, tmp_path: Path
) -> None:
    """The policy may isolate the pods: nobody knows their hash. That NetworkPolicies are evaluated
    says nothing about this one."""
    (tmp_path / "all.yaml").write_text(SELECTS_UNTOLD)
    more = {"diff": [str(tmp_path)], "explain": ["shop/web", "198.51.100.7:443"]}.get(verb, [])
    done = CliRunner().invoke(main, [verb, str(tmp_path), *more])
    assert done.exit_code == 4, done.output
    assert "NetworkPolicy shop/shut" in done.output
    accepted = CliRunner().invoke(
        main, [verb, str(tmp_path), *more, "--accept-unevaluated", "NetworkPolicy"]
    )
    assert accepted.exit_code == 0, accepted.output


SELECTS_SPACE = """
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: rest}
spec: {containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: c, image: x}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: shop}
spec:
  podSelector: {}
  ingress: [{from: [{namespaceSelector: {matchLabels: {team: a}}}]}]
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
"""


@pytest.mark.parametrize("verb", ["reach", "simulate", "explain", "diff"])
def test_a_namespace_that_was_not_read_is_not_taken_for_one_without_labels(
    verb: str, tmp_path: Path
) -> None:
    (tmp_path / "all.yaml").write_text(SELECTS_SPACE)
    more = {"diff": [str(tmp_path)], "explain": ["rest/db", "shop/web:443"]}.get(verb, [])
    done = CliRunner().invoke(main, [verb, str(tmp_path), *more])
    assert done.exit_code == 4, done.output
    assert "Namespace rest" in done.output and "Namespace shop" not in done.output
    accept = ["--accept-unevaluated", "Namespace"]
    assert CliRunner().invoke(main, [verb, str(tmp_path), *more, *accept]).exit_code == 0
    (tmp_path / "rest.yaml").write_text("{apiVersion: v1, kind: Namespace, metadata: {name: rest}}")
    assert CliRunner().invoke(main, [verb, str(tmp_path), *more]).exit_code == 0


def test_expectations_of_a_fabric_hang_on_labels_of_namespaces_too(tmp_path: Path) -> None:
    tenants = {"a": {"vrfs": {"main": {"prefixes": ["10.0.0.0/16"]}}, "manifests": ["m"]}}
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "all.yaml").write_text(SELECTS_SPACE)
    sites = {"lab": {"spines": 2, "leaves": 2, "hosts_per_pair": 2, "borders": 0}}
    file = {"cloison": 1, "name": "x", "sites": sites, "tenants": tenants}
    expect = [{"deny": "a/rest/db -> a/shop/web"}]
    path = tmp_path / "x.yaml"
    path.write_text(yaml.safe_dump({**file, "expect": expect}))
    done = CliRunner().invoke(main, ["verify", str(path), "-q"])
    assert done.exit_code == 4 and "Namespace rest" in done.output, done.output
