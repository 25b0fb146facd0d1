"""Type-5 routes as a node receives them: backups are the ones with the longer AS path."""

from __future__ import annotations

from pathlib import Path

from fabric_files import network_of, vrf, write_fabric

from cloison.views.network.routes import type5_rows

ZONE2 = {
    "endpoints": {"inet": {"addresses": ["0.0.0.0/0"], "border": "border1", "backup": "border2"}}
}


def test_what_a_backup_prepends_is_shown(tmp_path: Path) -> None:
    nodes = {"cidr": "100.64.0.0/24", "use": "nodes"}
    tenants = {"a": vrf(nodes, default_route="zone2", advertise=["nodes"])}
    asn = {"border1": 65101, "border2": 65102}
    network = network_of(
        write_fabric(tmp_path, tenants, {}, zones={"zone2": ZONE2}, pins={"asn": asn})
    )
    found = {
        row["as_path"][-1]: row["as_path"] for row in type5_rows(network, "dpu1", "zone2/main")
    }
    assert {last: path.count(last) for last, path in found.items()} == {65101: 1, 65102: 11}
