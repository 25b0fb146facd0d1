"""Programs that render, as tests need them: small scripts in a search path of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

KUSTOMIZE = """#!/bin/sh
# kustomize build DIR: what the files print that DIR/kustomization.yaml lists as "- file".
[ "$1" = build ] || { echo "what is $1?" >&2; exit 1; }
sed -n 's/^- //p' "$2/kustomization.yaml" | while read -r file; do
  cat "$2/$file" || exit 1
  echo ---
done
"""
POD = """apiVersion: v1
kind: Pod
metadata: {name: NAME, namespace: shop, labels: {app: NAME}}
---
"""
POLICY = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]
"""
FABRIC = """cloison: 1
name: shop
sites: {a: {}}
expect: [{deny: "acme/shop/web -> acme/shop/db:22/tcp"}]
tenants:
  acme:
    vrfs: {main: {prefixes: [10.0.0.0/16]}}
    render: kustomize build overlays/prod
"""


def in_path(monkeypatch: pytest.MonkeyPatch, folder: Path, **scripts: str) -> Path:
    """Put scripts into the search path, from a folder that is no part of any tree."""
    folder.mkdir(exist_ok=True)
    for name, text in scripts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def repository(folder: Path) -> Path:
    """A tree with a fabric file, a base and an overlay that makes a pod and a policy of it."""
    for name, text in {
        "fabric.yaml": FABRIC,
        "base/pods.yaml": POD.replace("NAME", "web") + POD.replace("NAME", "db"),
        "overlays/prod/kustomization.yaml": "resources:\n- ../../base/pods.yaml\n- policy.yaml\n",
        "overlays/prod/policy.yaml": POLICY,
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
