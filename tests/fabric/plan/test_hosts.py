"""Hosts are there by being cabled, in the VRFs of their tenant; Kubernetes' names lead to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from compiled import compile_network
from fabric_files import network_of, pods, vrf, write_fabric
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.building.network import Network
from fabric.diagnostics import InputError
from sim.proof.prove import prove
from sim.worlds.world import World

NODES = {"cidr": "100.64.0.0/24", "use": "nodes"}
OTHERS = {"cidr": "100.65.0.0/24", "use": "nodes"}
NODE = """\
apiVersion: v1
kind: Node
metadata: {{ name: {name} }}
status: {{ addresses: [{{ type: InternalIP, address: {address} }}] }}
---
"""


def nodes_of(net: Network) -> dict[str, str]:
    """Every node endpoint with its VRF."""
    return {e.name: net.vrfs[e.vrf].name for e in net.endpoints if e.kind == "node"}


def refused(path: Path) -> list[tuple[str, str]]:
    """Codes and messages of what is wrong."""
    with pytest.raises(InputError) as caught:
        network_of(path)
    return [(d.code, d.message) for d in caught.value.diagnostics]


@pytest.mark.parametrize("vtep", ["dpu", "leaf"])
def test_a_host_without_pods_has_address_block_route_and_table(tmp_path: Path, vtep: str) -> None:
    tenants = {"t": {"hosts": ["host[1-3]"], **vrf("10.0.0.0/16", NODES)}}
    net = network_of(write_fabric(tmp_path, tenants, {"t": ["x/p@host1"]}, vtep=vtep))
    assert nodes_of(net) == {f"t/@node/host{n}": "t/main" for n in (1, 2, 3)}
    addresses = {e.host: str(e.prefixes[0]) for e in net.endpoints if e.kind == "node"}
    assert addresses == {f"host{n}": f"100.64.0.{n}/32" for n in (1, 2, 3)}
    assert {str(b) for b in net.plan.blocks["host3", 0]} == {"100.64.0.3/32"}
    assert {str(r.prefix) for r in net.routes} >= {*addresses.values()}
    program = compile_network(net)
    bound = {e.name for e in net.endpoints if (program.bindings[:, e.index] >= 0).any()}
    assert {*nodes_of(net)} <= bound


def test_a_tenant_without_pods_or_manifests_is_a_tenant(tmp_path: Path) -> None:
    tenants = {
        "a": {"hosts": ["host1", "host2"], **vrf(NODES), "manifests": []},
        "b": {"hosts": ["host3"], **vrf("10.9.0.0/24"), "manifests": []},
    }
    expect = [{"deny": "a/@node/* <-> b/@node/*"}, {"allow": "a/@node/* -> a/@node/*:22/tcp"}]
    net = network_of(write_fabric(tmp_path, tenants, {}, expect=expect))
    assert {*nodes_of(net)} == {"a/@node/host1", "a/@node/host2", "b/@node/host3"}
    proof = prove(World(net))
    assert [(o.holds, o.pairs) for o in proof.outcomes] == [(True, 4), (True, 2)]


def test_two_tenants_of_bare_metal_that_import_each_other_leak(tmp_path: Path) -> None:
    def tenant(number: int) -> dict[str, Any]:
        prefix = {"cidr": f"100.64.{number}.0/24", "use": "nodes"}
        import_rts = [f"65000:{20003 - number}"]
        return {"hosts": [f"host{number}"], "manifests": [],
                **vrf(prefix, vni=20000 + number, import_rts=import_rts)}  # fmt: skip

    net = network_of(write_fabric(tmp_path, {"a": tenant(1), "b": tenant(2)}, {}))
    assert [f.code for f in net.findings] == ["C510", "C510"]
    host = {e.name: e for e in net.endpoints}["b/@node/host2"]
    at = net.fabric.node("dpu1").index
    assert net.fib.lookup(at, net.vrf("a/main").index, 4, int(host.prefixes[0][0])) is not None


@pytest.mark.parametrize(
    ("vrfs", "there"),
    [
        ({"main": ["10.0.0.0/16"], "n2": ["10.1.0.0/16", NODES]}, {"t/n2"}),
        ({"main": ["10.0.0.0/16"], "n2": ["10.1.0.0/16"]}, {"t/main"}),
        ({"n2": ["10.0.0.0/16", NODES], "n3": [OTHERS]}, {"t/n2", "t/n3"}),
    ],
)  # fmt: skip
def test_nodes_are_in_the_vrfs_with_node_prefixes_else_in_the_main_one(
    tmp_path: Path, vrfs: dict[str, Any], there: set[str]
) -> None:
    spaces = {
        name: {"prefixes": prefixes, "namespaces": [] if n == 0 else [name]}
        for n, (name, prefixes) in enumerate(vrfs.items())
    }
    tenants = {"t": {"hosts": ["host1", "host2"], "vrfs": spaces, "manifests": []}}
    found = network_of(write_fabric(tmp_path, tenants, {}))
    for host in ("host1", "host2"):
        assert {found.vrfs[e.vrf].name for e in found.endpoints if e.host == host} == there


@given(st.sets(st.integers(1, 8), min_size=1), st.sets(st.integers(1, 8)), st.booleans())
@settings(max_examples=30, deadline=None)
def test_which_hosts_a_tenant_has(
    tmp_path_factory: pytest.TempPathFactory, named: set[int], busy: set[int], alone: bool
) -> None:
    tmp_path = tmp_path_factory.mktemp("hosts")
    site = {"s": {"spines": 1, "leaves": 2, "hosts_per_pair": 8}}
    work = {"open": [f"n/p{n}@host{n}" for n in sorted(busy)]}
    tenants = {"open": vrf(NODES, "10.0.0.0/16")}
    named_one = {"hosts": [f"host{n}" for n in sorted(named)], **vrf(NODES)}
    tenants["named"] = named_one if alone else vrf(NODES)
    net = network_of(write_fabric(tmp_path, tenants, work, sites=site))
    has = {
        tenant: {int(name.rpartition("host")[2]) for name in nodes_of(net) if name[0] == tenant[0]}
        for tenant in tenants
    }
    everybody = {*range(1, 9)}
    assert has["named"] == (named if alone else everybody)
    assert has["open"] == (everybody if alone or not busy else busy)
    assert ("C456" in {w.code for w in net.warnings}) == bool(has["named"] & has["open"])


def test_names_of_kubernetes_lead_to_hosts(tmp_path: Path) -> None:
    tenants = {"t": {"hosts": ["host[1-4]"], **vrf("10.0.0.0/16", NODES)}}
    more = {
        "hosts": {"host3": {"node": "gpu-3"}, "host4": {"node": ["vm-4", "gpu-4"]}},
        "pins": {"addresses": {"t/@node/host2": ["100.64.0.77"]}},
    }
    path = write_fabric(tmp_path, tenants, {"t": ["n/a@gpu-3", "n/b@gpu-4", "n/c@host1", "n/d@x9"]},
                        **more)  # fmt: skip
    manifest = tmp_path / "t.yaml"
    manifest.write_text(manifest.read_text() + NODE.format(name="x9", address="100.64.0.77"))
    net = network_of(path)
    found = {e.name[-1]: (e.host, e.assumed) for e in net.endpoints if e.kind == "pod"}
    assert {name: host for name, (host, _) in found.items()} == {
        "a": "host3", "b": "host4", "c": "host1", "d": "host2",
    }  # fmt: skip
    assert not any("host" in assumed for _, assumed in found.values())
    node = next(e for e in net.endpoints if e.name == "t/@node/host2")
    assert (str(node.prefixes[0]), node.assumed) == ("100.64.0.77/32", frozenset())


def test_a_host_that_has_another_name_is_not_known_by_its_own(tmp_path: Path) -> None:
    tenants = {"t": vrf("10.0.0.0/16")}
    swapped = {"host1": {"node": "host2"}, "host2": {"node": "host1"}}
    net = network_of(write_fabric(tmp_path, tenants, {"t": ["n/a@host1"]}, hosts=swapped))
    assert next(e.host for e in net.endpoints if e.kind == "pod") == "host2"
    path = write_fabric(tmp_path, tenants, {"t": ["n/a@host1"]}, hosts={"host1": {"node": "g"}})
    assert [code for code, _ in refused(path)] == ["C451"]


def test_an_address_in_the_lock_file_leads_to_a_host_and_that_is_assumed(tmp_path: Path) -> None:
    tenants = {"t": {"hosts": ["host[1-4]"], **vrf("10.0.0.0/16", NODES)}}
    path = write_fabric(tmp_path, tenants, {})
    network_of(path, lock=True)
    (tmp_path / "t.yaml").write_text(
        pods("n/p@gpu-17") + NODE.format(name="gpu-17", address="100.64.0.3")
    )
    pod = next(e for e in network_of(path, lock=True).endpoints if e.kind == "pod")
    assert (pod.host, pod.assumed) == ("host3", frozenset({"host", "address"}))
    assert refused(path)[0][0] == "C451"


def test_nodes_of_a_cluster_are_the_hosts_of_a_tenant_that_names_none(tmp_path: Path) -> None:
    path = write_fabric(tmp_path, {"t": vrf("10.0.0.0/16", NODES)}, {"t": ["n/p@host2"]})
    text = NODE.format(name="host2", address="100.64.0.9") + NODE.format(
        name="host4", address="100.64.0.8"
    )
    (tmp_path / "t.yaml").write_text(pods("n/p@host2") + text)
    net = network_of(path)
    assert {e.host: str(e.prefixes[0]) for e in net.endpoints if e.kind == "node"} == {
        "host2": "100.64.0.9/32", "host4": "100.64.0.8/32",
    }  # fmt: skip


def test_a_node_object_that_is_no_host_is_a_finding(tmp_path: Path) -> None:
    tenants = {"t": {"hosts": ["host1"], **vrf("10.0.0.0/16", NODES)}}
    path = write_fabric(tmp_path, tenants, {"t": ["n/p@host1"]})
    text = NODE.format(name="control-plane-1", address="100.64.0.9") + NODE.format(
        name="host2", address="100.64.0.8"
    )
    (tmp_path / "t.yaml").write_text(pods("n/p@host1") + text)
    found = network_of(path).findings
    assert [(f.code, f.severity) for f in found] == [("C451", "finding"), ("C452", "finding")]
    assert all(f.span and f.span.file.endswith("t.yaml") for f in found)
    assert found[1].hint == "add host2 to hosts of tenant t, or leave it out"


@pytest.mark.parametrize(
    ("place", "pins", "code"),
    [
        ("n/p@elsewhere", {}, "C451"),
        ("n/p@host4", {}, "C452"),
        ("n/p@host1=172.30.0.40", {}, "C453"),
        ("n/p@host1=10.0.0.9", {}, "C428"),
    ],
)
def test_what_fits_nowhere_is_refused(tmp_path: Path, place: str, pins: Any, code: str) -> None:
    tenants = {"t": {"hosts": ["host1", "host2"], **vrf("10.0.0.0/16")}}
    path = write_fabric(tmp_path, tenants, {"t": [place, "n/q@host2=10.0.0.9"]}, pins=pins)
    assert [found for found, _ in refused(path)] == [code]


def test_a_pin_decides_where_the_node_is_unknown_and_stays_in_the_tenant(tmp_path: Path) -> None:
    tenants = {"t": {"hosts": ["host1", "host2"], **vrf("10.0.0.0/16")}}
    pinned = {"hosts": {"t/n/p": "host2"}}
    net = network_of(write_fabric(tmp_path, tenants, {"t": ["n/p@elsewhere"]}, pins=pinned))
    assert next(e.host for e in net.endpoints if e.kind == "pod") == "host2"
    pinned = {"hosts": {"t/n/p": "host3"}}
    path = write_fabric(tmp_path, tenants, {"t": ["n/p@elsewhere"]}, pins=pinned)
    (tmp_path / "t.yaml").write_text(pods("n/p@elsewhere").replace("nodeName: elsewhere, ", ""))
    with pytest.raises(InputError) as caught:
        network_of(path)
    (found,) = caught.value.diagnostics
    assert found.code == "C452"
    assert found.span == yaml_line(path, "t/n/p")


def yaml_line(path: Path, key: str) -> Any:
    """Where a pin's value stands."""
    from fabric.building.load import load_fabric

    assert key in yaml.safe_load(path.read_text())["pins"]["hosts"]
    return load_fabric(path).at("pins", "hosts", key)


def test_hosts_that_report_one_address_are_refused(tmp_path: Path) -> None:
    tenants = {"t": {"hosts": ["host1", "host2"], **vrf("10.0.0.0/16", NODES)}}
    path = write_fabric(tmp_path, tenants, {})
    (tmp_path / "t.yaml").write_text(
        "".join(NODE.format(name=f"host{n}", address="100.64.0.5") for n in (1, 2))
    )
    assert [code for code, _ in refused(path)] == ["C428"]


def test_hosts_without_pods_draw_last_where_that_costs_a_block(tmp_path: Path) -> None:
    work = {"t": ["n/p@host3", "n/q@host4"]}
    path = write_fabric(tmp_path, {"t": vrf("10.0.0.0/25")}, work)
    net = network_of(path)
    assert {*nodes_of(net)} == {"t/@node/host3", "t/@node/host4"}
    assert [w.code for w in net.warnings] == ["C457"]
    named = {"t": {"hosts": ["host[1-4]"], **vrf("10.0.0.0/25")}}
    assert {code for code, _ in refused(write_fabric(tmp_path, named, work))} == {"C403"}


@pytest.mark.parametrize(
    ("place", "pins", "codes"),
    [
        ("n/p@host1", {"hosts": {"t/n/p": "host2"}}, ["C458"]),
        ("n/p@host1", {"hosts": {"t/n/p": "host1"}}, []),
        ("n/p@elsewhere", {"hosts": {"t/n/p": "host2"}}, []),
        ("n/p@host1=10.0.0.9", {"addresses": {"t/n/p": ["10.0.0.8"]}}, ["C459"]),
        ("n/p@host1=10.0.0.9", {"addresses": {"t/n/p": ["10.0.0.9"]}}, []),
        ("n/p@host1=10.0.0.9", {"addresses": {"t/n/p": ["10.0.0.9", "10.0.0.8"]}}, ["C459"]),
        (
            "n/p@host1",
            {"addresses": {"t/@node/host1": ["10.0.0.9"], "t/@node/host1@main": ["10.0.0.8"]}},
            ["C459"],
        ),
    ],
)
def test_a_pin_that_contradicts_is_told(
    tmp_path: Path, place: str, pins: Any, codes: list[str]
) -> None:
    tenants = {"t": {"hosts": ["host1", "host2"], **vrf("10.0.0.0/16")}}
    net = network_of(write_fabric(tmp_path, tenants, {"t": [place]}, pins=pins))
    assert [w.code for w in net.warnings] == codes
    assert all(w.span and w.span.file.endswith("fabric.yaml") for w in net.warnings)


def test_a_node_is_not_placed(tmp_path: Path) -> None:
    tenants = {"t": {"hosts": ["host1", "host2"], **vrf("10.0.0.0/16")}}
    for name in ("t/@node/host1", "t/@node/host1@main"):
        for host, wrong in (("host2", {"C680"}), ("host1", set())):
            path = write_fabric(tmp_path, tenants, {}, pins={"hosts": {name: host}})
            assert {code for code, _ in (refused(path) if wrong else ())} == wrong
            assert wrong or not network_of(path).warnings


def test_a_host_network_pod_has_no_address_to_pin(tmp_path: Path) -> None:
    tenants = {"t": {"hosts": ["host1"], **vrf("10.0.0.0/16")}}
    pins = {"addresses": {"t/n/p": ["10.0.0.8"], "t/@node/host1": ["10.0.0.9"]}}
    path = write_fabric(tmp_path, tenants, {}, pins=pins)
    (tmp_path / "t.yaml").write_text(
        pods("n/p@host1").replace("containers", "hostNetwork: true, containers")
    )
    (told,) = network_of(path).warnings
    assert told.code == "C459"
    assert "t/@node/host1, 10.0.0.9" in told.message


@pytest.mark.parametrize(
    ("where", "assumed"), [("", {"address", "host"}), ("nodeName: host1, ", {"address"})]
)
def test_a_node_says_which_workloads_are_on_its_network(
    tmp_path: Path, where: str, assumed: set[str]
) -> None:
    """And whether one of them is there by rule."""
    path = write_fabric(tmp_path, {"t": {"hosts": ["host1"], **vrf("10.0.0.0/16")}}, {})
    (tmp_path / "t.yaml").write_text(
        "{ apiVersion: apps/v1, kind: StatefulSet, metadata: { name: w, namespace: n },\n"
        "  spec: { selector: { matchLabels: { a: w } }, serviceName: w, replicas: 2,\n"
        "    template: { metadata: { labels: { a: w } }, spec:\n"
        f"      {{ {where}hostNetwork: true, containers: [{{ name: c, image: i }}] }} }} }} }}\n"
        "---\n" + pods("n/p@host1").replace("containers", "hostNetwork: true, containers")
    )
    (node,) = (e for e in network_of(path).endpoints if e.kind == "node")
    assert node.aliases == ("t/n/p", "t/n/w-0", "t/n/w-1")
    assert node.runs == ("t/n/w",)
    assert node.assumed == assumed
