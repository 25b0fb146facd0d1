"""Names and labels as the API server takes them."""

from __future__ import annotations

from pathlib import Path

from fabric.kubernetes.manifests import load_manifests

POD = """
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: shop, labels: { app: null, tier: front } }
spec: { containers: [{ name: c, image: i }] }
"""


def test_a_label_without_a_value_is_there_and_empty(tmp_path: Path) -> None:
    """A selector that asks whether it exists selects the pod."""
    (tmp_path / "pod.yaml").write_text(POD)
    (pod,) = load_manifests([tmp_path]).pods
    assert pod.labels == {"app": "", "tier": "front"}
