"""What stands in manifests that several tenants share is told where it is so for each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fabric_files import vrf, write_fabric

from cloison.loading.how import How
from cloison.loading.loader import read_fabric
from compiler import lints as house
from compiler.lints import open_gpus
from compiler.lints.asked import AskedPolicies, warning
from compiler.policy.ir import Policy
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, Span

POLICY = """
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: shut, namespace: lab }
spec: { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] }
---
apiVersion: v1
kind: Pod
metadata: { name: gpu, namespace: lab }
spec:
  nodeName: host1
  containers: [{ name: c, resources: { limits: { nvidia.com/gpu: 8 } } }]
"""


@pytest.fixture
def shared(tmp_path: Path) -> tuple[Network, Policy]:
    """Tenants a and b share their manifests, c has its own."""
    tenants = {name: vrf(f"10.{n}.0.0/16") for n, name in enumerate("abc", 1)}
    path = write_fabric(tmp_path, tenants, {name: ["lab/web@host1"] for name in tenants})
    for name in "abc":
        with (tmp_path / f"{name}.yaml").open("a") as file:
            file.write(POLICY)
    network, policy = read_fabric(path, How(drawn="forgotten")).whole()
    manifests = {**network.manifests, "b": network.manifests["a"]}
    moved = tuple(
        replace(rule, origin=replace(rule.origin, span=Span("a.yaml", 1)))
        if rule.origin.name.startswith(("a/", "b/"))
        else rule
        for rule in policy.rules
    )
    return replace(network, manifests=manifests), replace(policy, rules=moved)


def says(*tenants: str) -> Callable[[AskedPolicies], Iterator[Diagnostic]]:
    """A lint that has something to say of these."""

    def lint(asked: AskedPolicies) -> Iterator[Diagnostic]:
        for tenant in sorted(asked.tenants & {*tenants}):
            file = "a.yaml" if tenant in "ab" else "c.yaml"
            yield warning("C684", f"of {file}", Span(file, 1))

    return lint


@pytest.mark.parametrize(
    ("tenants", "told"),
    [("", []), ("ab", ["of a.yaml"]), ("a", []), ("b", []), ("c", ["of c.yaml"]),
     ("abc", ["of a.yaml", "of c.yaml"]), ("ac", ["of c.yaml"])],
)  # fmt: skip
def test_told_is_what_is_so_for_all_who_share(
    shared: tuple[Network, Policy], tenants: str, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house, "LINTS", (says(*tenants),))
    assert [found.message for found in house.lints(*shared)] == told


def test_whose_policies_are_not_asked_is_told_nothing(shared: tuple[Network, Policy]) -> None:
    """Without its policies a pod would seem to be open."""
    network, policy = shared
    asked = AskedPolicies(network, policy, {"a"})
    assert {written.tenant for written in asked.written} == {"a"}
    assert any(pod.gpus for pod in network.manifests["c"].pods)
    assert list(open_gpus.lint(asked)) == []
    assert {w.tenant for w in AskedPolicies(network, policy).written} == {"a", "b", "c"}
