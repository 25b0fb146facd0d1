"""Tiers of a cluster in one line per end, and the labels that the nearest rule asks for: both are
held to what explain decides when they are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cloison.cli import main

Object = dict[str, Any]


def space(name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod(namespace: str, name: str, **labels: str) -> Object:
    about = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": {"containers": []}}


def policy(*peers: Object) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "db", "namespace": "shop"},
        "spec": {
            "podSelector": {"matchLabels": {"app": "db"}}, "ingress": [{"from": list(peers)}],
        },
    }  # fmt: skip


def admin(action: str) -> Object:
    return {
        "apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": "AdminNetworkPolicy",
        "metadata": {"name": "ask"},
        "spec": {
            "priority": 1, "subject": {"namespaces": {}},
            "ingress": [{"action": action, "from": [{"namespaces": {}}]}],
        },
    }  # fmt: skip


WEB, TEAM = {"matchLabels": {"app": "web"}}, {"matchLabels": {"team": "b"}}


def explained(folder: Path, *objects: Object, labels: Object, team: str = "a") -> Any:
    ends = [space("shop"), space("ops", team=team), pod("shop", "db", app="db")]
    (folder / "all.yaml").write_text(
        yaml.safe_dump_all([*ends, pod("ops", "x", **labels), *objects])
    )
    asked = ["explain", str(folder), "ops/x", "shop/db:80/tcp"]
    data = json.loads(CliRunner().invoke(main, [*asked, "-o", "json"]).stdout)
    return data, CliRunner().invoke(main, asked, env={"COLUMNS": "200"}).stdout


PASSES = "[admin] pass (AdminNetworkPolicy cluster/ask rule 0)"
DENIES = "[workload] deny (NetworkPolicy cluster/shop/db)"


@pytest.mark.parametrize(
    ("action", "way", "verdict"),
    [
        ("Pass", [PASSES, DENIES], "deny"),
        ("Allow", [PASSES.replace("pass", "accept")], "allow"),
        ("Deny", [PASSES.replace("pass", "deny")], "deny"),
    ],
)
def test_tiers_in_order(tmp_path: Path, action: str, way: list[str], verdict: str) -> None:
    data, text = explained(tmp_path, admin(action), policy({"podSelector": WEB}), labels={})
    assert data["verdict"] == verdict
    assert data["walkthrough"] == {"ingress": way}
    shown = " → ".join(way).replace("cluster/", "")
    assert (f"ingress {shown}" in text) == (len(way) > 1)


def test_what_nobody_says_anything_of_is_no_step(tmp_path: Path) -> None:
    only = policy({"podSelector": WEB})
    assert explained(tmp_path, only, labels={})[0]["walkthrough"] == {"ingress": [DENIES]}
    assert explained(tmp_path, labels={})[0]["walkthrough"] == {}
    others = admin("Deny")
    others["spec"]["ingress"][0]["from"] = [{"namespaces": {"matchLabels": {"team": "b"}}}]
    assert explained(tmp_path, others, labels={})[0]["walkthrough"] == {}


@pytest.mark.parametrize(
    ("peer", "mends", "labels", "team"),
    [
        ({"namespaceSelector": {}, "podSelector": WEB}, "ops/x had app=web", {"app": "web"}, "a"),
        ({"namespaceSelector": TEAM}, "namespace ops had team=b", {}, "b"),
        (
            {"namespaceSelector": TEAM, "podSelector": WEB},
            "ops/x had app=web and namespace ops had team=b", {"app": "web"}, "b",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_would_do(
    tmp_path: Path, peer: Object, mends: str, labels: Object, team: str
) -> None:
    data, _ = explained(tmp_path, policy(peer), labels={"app": "other"})
    assert data["verdict"] == "deny"
    (near,) = (cause["part"] for cause in (data["nearest"] or data["also"]))
    assert data["verdict"] == "deny" and near.replace("cluster/", "").endswith(f"if {mends}")
    assert explained(tmp_path, policy(peer), labels=labels, team=team)[0]["verdict"] == "allow"


def test_no_label_mends_another_namespace(tmp_path: Path) -> None:
    data, _ = explained(tmp_path, policy({"podSelector": WEB}), labels={})
    assert "would match" not in json.dumps(data)


def test_of_several_peers_the_one_that_lacks_least(tmp_path: Path) -> None:
    far = {"namespaceSelector": TEAM, "podSelector": WEB}
    data, _ = explained(tmp_path, policy(far, {"namespaceSelector": TEAM}), labels={})
    assert "if namespace ops had team=b" in json.dumps(data)


def test_what_a_pod_has_is_not_missing(tmp_path: Path) -> None:
    two = {"podSelector": {"matchLabels": {"app": "web", "zone": "z"}}, "namespaceSelector": {}}
    data, _ = explained(tmp_path, policy(two), labels={"app": "web"})
    said = json.dumps(data)
    assert "if cluster/ops/x had zone=z" in said and "app=web" not in said
