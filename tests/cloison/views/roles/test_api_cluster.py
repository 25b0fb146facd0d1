"""The way to an API server: the better one of both IP versions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cloison.views.roles import api_cluster
from cloison.views.roles.api_cluster import ApiCluster
from compiler.decisions.rbac.asked_access import cluster_roles
from fabric.diagnostics import Diagnostic, InputError, Span

ROLES = cluster_roles([])


def told(verdict: str) -> Any:
    """An explanation, as far as it is looked at."""
    culprit = SimpleNamespace(title=f"rule {verdict}", part="decides", span=Span("f.yaml", 3))
    blame = SimpleNamespace(culprit=culprit)
    return SimpleNamespace(verdict=verdict, headline=verdict, blame=blame, besides=())


def way(monkeypatch: pytest.MonkeyPatch, four: str, six: str) -> tuple[str, str]:
    """Verdict and reason where each version has one; no text: it has no flow."""

    def explain(world: Any, source: str, server: str, version: int) -> Any:
        verdict = four if version == 4 else six
        if not verdict:
            raise InputError(Diagnostic("C712", "no flow"))
        return told(verdict)

    monkeypatch.setattr(api_cluster, "explain", explain)
    cluster = ApiCluster("acme", ROLES, SimpleNamespace(), "zone0/api:6443/tcp")  # type: ignore[arg-type]
    found = cluster.path("acme/@node/host1")
    return found.verdict, found.reason


@pytest.mark.parametrize(
    ("four", "six", "verdict", "reason"),
    [
        ("allow", "deny", "allowed", "path"),
        ("deny", "allow", "allowed", "path"),
        ("deny", "", "denied", "no_path"),
        ("", "allow", "allowed", "path"),
        ("", "", "denied", "no_path"),
        ("deny", "unknown", "unknown", "path_unknown"),
        ("depends", "deny", "unknown", "path_unknown"),
    ],
)
def test_either_version_will_do(
    monkeypatch: pytest.MonkeyPatch, four: str, six: str, verdict: str, reason: str
) -> None:
    assert way(monkeypatch, four, six) == (verdict, reason)
