"""A policy that selects by a label whose value nobody knows leaves every verb without a verdict."""

from __future__ import annotations

from pathlib import Path

import pytest
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
