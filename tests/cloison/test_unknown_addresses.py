"""What is not evaluated touches expectations and questions about addresses through their owners."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from cloison.cli import main

WEAVING = """
cloison: 1
name: weaving
sites: { s: { spines: 1, leaves: 2, hosts_per_pair: 2, borders: 1 } }
tenants:
  mill: { hosts: [host1], manifests: [pods.yaml], vrfs: { main: { prefixes: [100.64.8.0/24] } } }
expect:
  - { allow: "100.64.8.0/24 -> 100.64.8.0/24:80/tcp" }
  - { deny: "100.64.8.0/30 -> 198.51.100.1" }
zones: { zone2: { endpoints: { town: { addresses: [198.51.100.0/24], border: border1 } } } }
"""
LOOM = """
{ apiVersion: v1, kind: Pod, metadata: { name: loom, namespace: ground }, spec: { containers: [] } }
---
{ apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: { name: x, namespace: ground } }
"""


def test_an_expectation_about_addresses_is_touched_as_their_owners_are(tmp_path: Path) -> None:
    """A line without a name does not hold either while a policy of a pod there is not read."""
    (tmp_path / "f.yaml").write_text(WEAVING)
    (tmp_path / "pods.yaml").write_text(LOOM)
    done = CliRunner().invoke(main, ["verify", str(tmp_path / "f.yaml"), "-o", "json"])
    found = json.loads(done.stdout)
    assert [e["verdict"] for e in found["expectations"]] == ["unknown", "unknown"]
    rows = CliRunner().invoke(
        main,
        ["explain", str(tmp_path / "f.yaml"), "mill", "100.64.8.0/24:80", "-o", "json"],
    )
    assert rows.exit_code == 4, rows.stderr
    told = {r["source"]: r["verdict"] for r in json.loads(rows.stdout)["rows"]}
    assert told["mill/ground/loom"] == "unknown"
