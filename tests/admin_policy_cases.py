"""Manifests with cluster-wide policies, object by object, and what is said of flows there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from cloison.cli import main

A, B = {"matchLabels": {"team": "a"}}, {"matchLabels": {"team": "b"}}
ALPHA1, ALPHA2 = (f"policy.networking.k8s.io/v1alpha{n}" for n in (1, 2))
Object = dict[str, Any]


def pod(name: str, space: str, **spec: Any) -> Object:
    meta = {"name": name, "namespace": space, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [], **spec}}


def space(name: str, team: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"team": team}},
    }


WEB = {
    "containers": [{"name": "c", "image": "c", "ports": [{"name": "web", "containerPort": 8080}]}]
}
PODS = (
    space("shop", "a"), space("wild", "b"), pod("cart", "shop", **WEB), pod("db", "shop"),
    pod("spy", "wild"),
)  # fmt: skip


def admin(name: str, priority: int, subject: Object, **lists: Any) -> Object:
    spec = {"priority": priority, "subject": subject, **lists}
    return {
        "apiVersion": ALPHA1,
        "kind": "AdminNetworkPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def baseline(subject: Object, **lists: Any) -> Object:
    kind = "BaselineAdminNetworkPolicy"
    return {
        "apiVersion": ALPHA1,
        "kind": kind,
        "metadata": {"name": "default"},
        "spec": {"subject": subject, **lists},
    }


def wide(name: str, tier: str, priority: int, subject: Object, **lists: Any) -> Object:
    spec = {"tier": tier, "priority": priority, "subject": subject, **lists}
    return {
        "apiVersion": ALPHA2,
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def plain(name: str, **spec: Any) -> Object:
    meta = {"name": name, "namespace": "shop"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": meta,
        "spec": spec,
    }


def item(action: str, side: str, *peers: Object, **more: Any) -> Object:
    return {"action": action, side: list(peers), **more}


ALL: Object = {"namespaces": {}}
DENY_B = [item("Deny", "from", {"namespaces": B})]


def written(folder: Path, *objects: Object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "all.yaml").write_text(yaml.safe_dump_all([*PODS, *objects], sort_keys=False))
    return folder


def run(*arguments: object) -> Any:
    return CliRunner().invoke(main, [*map(str, arguments)])


def verdict(folder: Path, source: str, target: str) -> tuple[str, str]:
    done = run("explain", folder, source, target, "-o", "json")
    told = json.loads(done.stdout)
    return told["verdict"], told["reason"]


SPY, CART = "wild/spy", "shop/cart:80/tcp"


def node(name: str, address: str, **labels: str) -> Object:
    meta = {"name": name, "labels": labels}
    status = {"addresses": [{"type": "InternalIP", "address": address}]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "status": status}
