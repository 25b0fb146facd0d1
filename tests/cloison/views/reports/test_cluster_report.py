"""What the report of manifests alone counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cloison.views.reports.cluster_report import policies
from compiler.sources import SOURCES
from fabric.building.cluster import cluster_network

ABOUT = {claim.kind: claim for source in SOURCES for claim in source.claims}


def written(kind: str, name: str) -> dict[str, Any]:
    claim = ABOUT[kind]
    meta = {"name": name, **({"namespace": "shop"} if claim.namespaced else {})}
    version = f"{claim.group}/{claim.versions[-1]}"
    return {"apiVersion": version, "kind": kind, "metadata": meta, "spec": {}}


@pytest.mark.parametrize(
    ("dialect", "kinds", "words"),
    [
        ("kubernetes", [], "0"),
        ("kubernetes", ["NetworkPolicy"], "1"),
        ("kubernetes", ["NetworkPolicy", "ClusterNetworkPolicy"], "1, and 1 cluster-wide"),
        ("kubernetes", ["NetworkPolicy", "CiliumNetworkPolicy"], "1"),
        ("cilium-1.20", ["NetworkPolicy", "CiliumNetworkPolicy", "CiliumCIDRGroup"], "2"),
        (
            "cilium-1.20",
            ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "ClusterNetworkPolicy"],
            "1, and 2 cluster-wide",
        ),
    ],
)
def test_policies_of_every_source_are_counted(
    dialect: Any, kinds: list[str], words: str, tmp_path: Path
) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}}
    objects = [{**pod, "spec": {"containers": []}}, *(written(k, k.lower()) for k in kinds)]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(objects))
    assert policies(cluster_network([tmp_path], dialect=dialect)) == words


def test_all_kinds_that_sources_claim_are_policies_or_an_aid() -> None:
    """A kind of a new source is counted with the others."""
    aids = [kind for kind, claim in ABOUT.items() if claim.aid]
    assert aids == ["CiliumCIDRGroup"]
    assert all(kind.endswith("Policy") for kind in ABOUT if kind not in aids)
