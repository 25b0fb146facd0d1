"""Two pods behind two DPUs, and policies that shut each of them one way: two versions of a fabric
whose order matters."""

from __future__ import annotations

from pathlib import Path

import yaml
from fabric_files import pods, vrf, write_fabric

PODS = pods("lab/a@host1=10.1.0.10", "lab/b@host2=10.1.0.75")


def shut(name: str, way: str, *peers: str) -> str:
    """The pod talks to nobody this way but to these."""
    word = {"Ingress": "from", "Egress": "to"}[way]
    rules = [{word: [{"podSelector": {"matchLabels": {"app": peer}}}]} for peer in peers]
    body = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"{name}-{way.lower()}", "namespace": "lab"},
        "spec": {
            "podSelector": {"matchLabels": {"app": name}},
            "policyTypes": [way],
            way.lower(): rules,
        },
    }
    return yaml.safe_dump(body) + "---\n"


def site(folder: Path, *policies: str, pods_: str = PODS) -> Path:
    """A fabric with pods a and b behind two DPUs, and these policies."""
    folder.mkdir(exist_ok=True)
    path = write_fabric(folder, {"red": vrf("10.1.0.0/16")}, {})
    text = pods_.replace("metadata: { name: a,", "metadata: { labels: {app: a}, name: a,")
    text = text.replace("metadata: { name: b,", "metadata: { labels: {app: b}, name: b,")
    (folder / "red.yaml").write_text(text + "".join(policies))
    return path


FROM_A = shut("a", "Egress", "nobody"), shut("b", "Egress", "nobody")
TO_B = shut("b", "Ingress", "nobody"), shut("a", "Ingress", "nobody")
