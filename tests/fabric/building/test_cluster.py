"""A cluster alone: one node, one VRF, and everybody of it in the zone of applications."""

from __future__ import annotations

from pathlib import Path

from fabric_files import pods

from fabric.building.cluster import cluster_network


def test_a_cluster_is_one_tenant_of_zone_1(tmp_path: Path) -> None:
    (tmp_path / "pods.yaml").write_text(pods("web/a@host1", "web/b@host2"))
    network = cluster_network([tmp_path])
    (vrf,) = network.vrfs
    assert (vrf.index, vrf.name, vrf.tenant, vrf.zone) == (0, "cluster/main", "cluster", 1)
    inside = [e for e in network.endpoints if e.kind in ("pod", "node")]
    assert {e.name.rpartition("/")[2] for e in inside} >= {"a", "b"}
    assert {(e.tenant, e.vrf, e.zone) for e in inside} == {("cluster", 0, 1)}
