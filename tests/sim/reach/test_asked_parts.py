"""Who asks about addresses is answered for these and for no others."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from naive import Header, outcomes, points
from random_worlds import policies, worlds

from cloison.cli import main
from compiler.policy.ir import Policy
from compiler.policy.semantics import owner
from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.values.address_sets import AddressSet, addresses_in
from fabric.values.inventory import Endpoint
from fabric.values.ports import ANY, parse_ports
from sim.packets.reasons import Reason
from sim.proof.pairs.reachability import reachability
from sim.reach.access import Access, asked
from sim.why.pod_classes import workload
from sim.worlds.world import World

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
SETS = ["10.0.0.0/24", "10.0.0.1", "10.0.0.2-10.0.0.9", "192.0.2.0/28", "0.0.0.0/0", "fd00::1",
        "10.0.0.0/8 except 10.0.0.1, fd00::/64", "2001:db8::7-2001:db8::9"]  # fmt: skip
L4S = [(6, 40000, 80), (6, 40000, 81), (17, 1, 53), (99, 0, 0)]


def holds(row: Access, version: int, src: int, dst: int, l4: tuple[int, int, int]) -> bool:
    """Whether a row says that a packet passes."""
    inside = []
    for blocks, ip in zip(row.addresses, (src, dst), strict=True):
        found = addresses_in(", ".join(blocks)) if blocks else None
        inside.append(found is None or within(found, version, ip))
    protocol, opener, port = l4
    ports = any(
        r.protocol in (ANY, protocol)
        and r.first <= port <= r.last
        and r.source_first <= opener <= r.source_last
        for r in parse_ports(row.text)
    )
    return version in row.families and all(inside) and ports


@pytest.mark.slices(3)
@settings(max_examples=60, deadline=None, phases=QUICK)
@given(worlds(), policies(), st.sampled_from(SETS), st.sampled_from([None, *SETS]))
def test_rows_are_what_single_packets_do(
    network: Network, policy: Policy, source: str, target: str | None
) -> None:
    """Every sampled packet from and to these addresses passes if and only if a row says so."""
    reach = reachability(World(network, policy))
    try:
        rows = asked(lambda: reach, network, source, target and f"[{target}]")
    except InputError:
        return
    limits = [addresses_in(text) if text else None for text in (source, target)]
    for a, b, version, src, dst in sampled(network, policy, limits):
        said = [r for r in rows if (r.source, r.target) == (workload(a), workload(b))]
        for l4 in L4S:
            done = outcomes(policy, network, a.index, Header(version, src, dst, *l4))
            got = any((o.reason, o.dst) == (Reason.DELIVERED, b.index) for o in done)
            told = any(holds(r, version, src, dst, l4) for r in said)
            assert told or not got
            assert got or not told or any(r.partial for r in said)


def sampled(
    network: Network, policy: Policy, limits: list[AddressSet | None]
) -> Iterator[tuple[Endpoint, Endpoint, int, int, int]]:
    """Pairs of endpoints with an address of each within the limits."""
    for version in (4, 6):
        axis = {*points(network, policy, version)}
        axis |= {ip for limit in limits if limit for span in limit.of(version) for ip in span}
        ends = []
        for limit in limits:
            inside = (ip for ip in axis if limit is None or within(limit, version, ip))
            found = ((ip, vrf.index) for ip in sorted(inside) for vrf in network.vrfs)
            ends.append([(owner(network, vrf, version, ip), ip) for ip, vrf in found])
        for a, src in ends[0]:
            for b, dst in ends[1]:
                if a is not None and b is not None and a is not b:
                    yield a, b, version, src, dst


def within(limit: AddressSet, version: int, ip: int) -> bool:
    return any(low <= ip <= high for low, high in limit.of(version))


TOWN = """
cloison: 1
name: gates
sites: { s: { spines: 1, leaves: 2, hosts_per_pair: 1, borders: 1 } }
tenants:
  mill:
    manifests: [pods.yaml]
    vrfs: { main: { prefixes: [100.64.8.0/24], default_route: zone2, advertise: [100.64.8.0/24] } }
zones:
  zone2:
    endpoints: { town: { addresses: [0.0.0.0/0] } }
    rules: [{ name: in, from: zone2/town, to: mill/ground/loom, ports: [80/tcp] }]
"""
LOOM = """
{ apiVersion: v1, kind: Pod, metadata: { name: loom, namespace: ground }, spec: { containers: [] } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: few, namespace: ground }
spec:
  podSelector: {}
  ingress: [{ from: [{ ipBlock: { cidr: 192.0.2.0/25 } }] }]
"""


@pytest.fixture
def gates(tmp_path: Path) -> Path:
    (tmp_path / "gates.yaml").write_text(TOWN)
    (tmp_path / "pods.yaml").write_text(LOOM)
    return tmp_path / "gates.yaml"


def said(path: Path, output: str, source: str) -> str:
    done = CliRunner().invoke(main, ["reach", str(path), "--from", source, "-o", output])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def rows(path: Path, source: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(said(path, "json", source))["rows"]
    return found


def test_a_prefix_that_passes_in_part_says_which_part(gates: Path) -> None:
    """The policy lets in a half of what is asked about, and nothing of another prefix."""
    (row,) = rows(gates, "192.0.2.0/24")
    assert (row["source"], row["source_addresses"]) == ("zone2/town", ["192.0.2.0/25"])
    assert row["ports"] == "80/tcp"
    assert rows(gates, "198.51.100.0/24") == []
    (within,) = rows(gates, "192.0.2.3-192.0.2.6")
    assert within["source_addresses"] == ["192.0.2.3/32", "192.0.2.4/31", "192.0.2.6/32"]
    assert "source_addresses" not in rows(gates, "zone2/town")[0]


def test_every_form_says_the_part(gates: Path) -> None:
    for output in ("table", "md", "dot"):
        assert "192.0.2.0/25" in said(gates, output, "192.0.2.0/24"), output
        assert "192.0.2.0" not in said(gates, output, "zone2/town"), output
    (line,) = csv.DictReader(io.StringIO(said(gates, "csv", "192.0.2.0/24")))
    assert (line["source"], line["source_addresses"]) == ("zone2/town", "192.0.2.0/25")
