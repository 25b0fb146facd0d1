"""Numbers and addresses: who gets what, and what is said when a pool runs out."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from fabric_files import network_of, vrf, write_fabric
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.plan.pools import LAST_RD, FreeSpace, macs, network, usable
from fabric.wiring.clos import build_fabric
from fabric.wiring.topology import Role


def addresses(net: Network) -> dict[str, list[str]]:
    return {e.name: [str(p.network_address) for p in e.prefixes] for e in net.endpoints}


def test_asns_follow_rfc_7938(tmp_path: Path) -> None:
    sites = {
        "a": {"spines": 2, "leaves": 2, "hosts_per_pair": 2, "borders": 1},
        "b": {"clos": "three-tier", "pods": 2, "spines": 2, "superspines": 2, "leaves": 1,
              "hosts_per_pair": 1, "borders": 0},
    }  # fmt: skip
    net = network_of(write_fabric(tmp_path, {}, {}, sites=sites))
    groups: dict[int, set[str]] = {}
    for node in net.fabric.nodes:
        groups.setdefault(net.plan.asn[node.index], set()).add(node.name)
    assert groups.pop(0) == {n.name for n in net.fabric.nodes if n.role is Role.HOST}
    shared = sorted(sorted(names) for names in groups.values() if len(names) > 1)
    assert shared == [
        ["a-spine1", "a-spine2"], ["b-pod1-spine1", "b-pod1-spine2"],
        ["b-pod2-spine1", "b-pod2-spine2"], ["b-superspine1", "b-superspine2"],
    ]  # fmt: skip
    assert net.fabric.graph.nodes["a-spine1"]["asn"] == 4200000001
    loopbacks = [ip for ip in net.plan.loopback if ip]
    assert len(set(loopbacks)) == len(loopbacks)


def test_rds_avoid_frr_s_own_and_what_does_not_fit(tmp_path: Path) -> None:
    vnis = {"fits": 5001, "last": LAST_RD, "big": 70000, "bigger": 70001, "small": 7}
    tenants = {name: vrf("10.0.0.0/16", vni=vni) for name, vni in vnis.items()}
    net = network_of(write_fabric(tmp_path, tenants, {t: ["n/p@host1"] for t in tenants}))
    dpu = net.fabric.node("dpu1").index
    rds = {net.vrfs[v].tenant: net.plan.rd[dpu, v] for _, v in net.plan.instances}
    lo = net.plan.vtep(dpu)
    assert (rds["fits"], rds["last"]) == (f"{lo}:5001", f"{lo}:{LAST_RD}")
    drawn = sorted(int(rds[t].partition(":")[2]) for t in ("big", "bigger", "small"))
    assert drawn == [32768, 32769, 32770]


def test_nobody_draws_the_number_of_a_route_target_that_somebody_writes(tmp_path: Path) -> None:
    def vnis(*written: str) -> set[int]:
        tenants = {"a": vrf("10.0.0.0/16"), "b": vrf("10.1.0.0/16", import_rts=[*written])}
        return {v.vni for v in network_of(write_fabric(tmp_path, tenants, {})).vrfs}

    drawn = vnis()
    assert vnis(*(f"65000:{vni}" for vni in drawn)).isdisjoint(drawn)


def test_route_distinguishers_run_out_at_the_vtep_that_needs_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fabric.plan.addressing.FIRST_DRAWN_RD", LAST_RD)
    tenants = {name: vrf("10.0.0.0/16", vni=70000 + n) for n, name in enumerate("ab")}
    apart = {"a": ["n/p@host1"], "b": ["n/p@host2"]}
    (tmp_path / "apart").mkdir()
    network_of(write_fabric(tmp_path / "apart", tenants, apart))
    with pytest.raises(InputError) as error:
        network_of(write_fabric(tmp_path, tenants, {t: ["n/p@host1"] for t in tenants}))
    (told,) = error.value.diagnostics
    assert told.code == "C447" and "at dpu1" in told.message
    assert f":{LAST_RD}-{LAST_RD}" in told.message


def test_every_vtep_and_vrf_has_its_own_router_mac(tmp_path: Path) -> None:
    tenants = {"a": vrf("10.0.0.0/16"), "b": vrf("10.0.0.0/16")}
    work = {t: ["n/p@host1", "n/q@host2"] for t in tenants}
    net = network_of(write_fabric(tmp_path, tenants, work))
    assert len(net.plan.instances) == len(set(net.plan.router_mac.values())) == 4


def test_a_status_address_counts_and_pulls_its_block(tmp_path: Path) -> None:
    work = {"t": ["n/in@host1=10.0.3.200", "n/none@host1"]}
    here = {"t": {"hosts": ["host1"], **vrf("10.0.0.0/16")}}
    net = network_of(write_fabric(tmp_path, here, work))
    found = addresses(net)
    assert found["t/n/in"] == ["10.0.3.200"]
    assumed = {e.name for e in net.endpoints if "address" in e.assumed}
    assert assumed == {"t/@node/host1", "t/n/none"}
    # the known address pulled its block to the host, and the others draw from it
    assert [str(b) for b in net.plan.blocks["host1", 0]] == ["10.0.3.192/26"]
    assert all(text.startswith("10.0.3.") for (text,) in found.values())


def test_an_address_that_somebody_reports_is_drawn_by_nobody(tmp_path: Path) -> None:
    work = {"t": ["n/in@host1=10.0.0.2", "n/none@host1", "n/other@host1"]}
    here = {"t": {"hosts": ["host1"], **vrf("10.0.0.0/16")}}
    found = addresses(network_of(write_fabric(tmp_path, here, work)))
    assert found["t/n/in"] == ["10.0.0.2"]
    assert len({text for (text,) in found.values()}) == len(found) == 4


def test_a_pin_gives_addresses_outside_the_block_as_host_routes(tmp_path: Path) -> None:
    settings_ = vrf("10.0.0.0/16", {"cidr": "172.20.0.0/24", "use": "pins"})
    settings_["hosts"] = ["host1"]
    pins = {"addresses": {"t/n/p": ["172.20.0.5"]}}
    net = network_of(write_fabric(tmp_path, {"t": settings_}, {"t": ["n/p@host1"]}, pins=pins))
    assert addresses(net)["t/n/p"] == ["172.20.0.5"]
    assert {str(r.prefix) for r in net.routes} == {"10.0.0.0/26", "172.20.0.5/32"}
    assert not next(e for e in net.endpoints if e.name == "t/n/p").assumed


def test_a_block_of_another_vrf_of_the_tenant_is_pinned_for_nobody(tmp_path: Path) -> None:
    side = {"prefixes": ["10.1.0.0/16"], "namespaces": ["m"]}
    tenant = {"vrfs": {"main": {"prefixes": ["10.0.0.0/16"]}, "side": side}}
    for name, fits in (("t/main", False), ("t/side", True)):
        pins = {"blocks": {f"host1 {name}": ["10.1.0.0/26"]}}
        path = write_fabric(tmp_path, {"t": tenant}, {"t": ["m/p@host1", "n/p@host1"]}, pins=pins)
        if fits:
            assert [str(b) for b in network_of(path).plan.blocks["host1", 1]] == ["10.1.0.0/26"]
            continue
        with pytest.raises(InputError) as error:
            network_of(path)
        (told,) = error.value.diagnostics
        assert told.code == "C448" and "lies in no prefix of t/main" in told.message


def test_nodes_draw_from_their_own_prefix_and_namespaces_from_theirs(tmp_path: Path) -> None:
    settings_ = vrf(
        "10.0.0.0/16", "fd00::/48",
        {"cidr": "100.64.0.0/24", "use": "nodes"},
        {"cidr": "100.65.0.0/24", "namespaces": ["edge"]},
    )  # fmt: skip
    work = {"t": ["edge/p@host1", "web/q@host1", "web/r@host2"]}
    found = addresses(network_of(write_fabric(tmp_path, {"t": settings_}, work)))
    assert found["t/@node/host1"] == ["100.64.0.1", "fd00::2"]
    assert found["t/@node/host2"] == ["100.64.0.2", "fd00::1:2"]
    assert found["t/edge/p"] == ["100.65.0.2", "fd00::3"]
    assert found["t/web/q"] == ["10.0.0.2", "fd00::4"]


def test_a_full_block_is_followed_by_another(tmp_path: Path) -> None:
    work = {"t": [f"n/p{i:02}@host1" for i in range(20)]}
    here = {"t": {"hosts": ["host1"], **vrf("10.0.0.0/24")}}
    net = network_of(write_fabric(tmp_path, here, work, pools={"blocks": {"v4": 28}}))
    assert [str(b) for b in net.plan.blocks["host1", 0]] == ["10.0.0.0/28", "10.0.0.16/28"]
    assert len({a for (a,) in addresses(net).values()}) == 21


def test_vrfs_take_their_namespaces(tmp_path: Path) -> None:
    settings_ = {"hosts": ["host1"], "vrfs": {
        "main": {"prefixes": ["10.0.0.0/16"]},
        "store": {"prefixes": ["10.1.0.0/16"], "namespaces": ["db"]},
    }}  # fmt: skip
    work = {"t": ["db/p@host1", "web/q@host1"]}
    net = network_of(write_fabric(tmp_path, {"t": settings_}, work))
    where = {e.name: net.vrfs[e.vrf].name for e in net.endpoints}
    assert where == {
        "t/@node/host1": "t/main", "t/@node/host1@store": "t/store",
        "t/db/p": "t/store", "t/web/q": "t/main",
    }  # fmt: skip


def test_one_vrf_per_namespace_shares_the_prefixes(tmp_path: Path) -> None:
    settings_ = {"vrf_per": "namespace", "hosts": ["host1", "host2"], **vrf("10.0.0.0/16")}
    work = {"t": ["a/p@host1", "b/q@host1", "b/r@host2"]}
    net = network_of(write_fabric(tmp_path, {"t": settings_}, work))
    where = {e.name: net.vrfs[e.vrf].name for e in net.endpoints}
    assert where == {
        "t/@node/host1": "t/nodes", "t/@node/host2": "t/nodes",
        "t/a/p": "t/a", "t/b/q": "t/b", "t/b/r": "t/b",
    }  # fmt: skip
    assert len({v.vni for v in net.vrfs}) == 3
    assert len({a for (a,) in addresses(net).values()}) == 5


def test_what_is_drawn_does_not_depend_on_other_tenants(tmp_path: Path) -> None:
    here = {"t": {"hosts": ["host3", "host4"], **vrf("10.0.0.0/16")}}
    alone = addresses(network_of(write_fabric(tmp_path, here, {"t": ["n/p@host3"]})))
    tenants = {"a": vrf("10.0.0.0/16"), **here}
    both = {"a": ["n/p@host1", "n/p2@host2"], "t": ["n/p@host3"]}
    assert alone.items() <= addresses(network_of(write_fabric(tmp_path, tenants, both))).items()


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("C401", {"pools": {"vni": "10001-10001"}}),
        ("C402", {"pools": {"prefixes": {"p": ["100.64.0.0/24"]}}}),
        ("C403", {"pools": {"blocks": {"v4": 16}}}),
        ("C404", {"pools": {"asn": "65001-65003"}}),
        ("C405", {"pools": {"loopbacks": "10.255.0.0/29"}}),
        ("C406", {"pools": {"router_macs": "02:00:00:00:00:00/46"}}),
    ],
)
def test_exhausted_pools_are_named(tmp_path: Path, code: str, more: dict[str, Any]) -> None:
    drawn = {"pool": "p", "length": 24}
    prefixes = ["10.0.0.0/16", drawn] if code == "C402" else ["10.0.0.0/16"]
    tenants = {name: vrf(*prefixes) for name in "ab"}
    work = {name: ["n/p@host1", "n/q@host2"] for name in "ab"}
    with pytest.raises(InputError) as error:
        network_of(write_fabric(tmp_path, tenants, work, **more))
    assert {d.code for d in error.value.diagnostics} == {code}
    assert all(d.span for d in error.value.diagnostics)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 255), st.integers(0, 40)), max_size=12),
    st.integers(24, 32),
)
def test_space_draws_the_lowest_free_subnet(taken: list[tuple[int, int]], length: int) -> None:
    space, busy = FreeSpace(), set()
    for first, size in taken:
        space.add(first, min(first + size, 255))
        busy.update(range(first, min(first + size, 255) + 1))
    step = 1 << (32 - length)
    free = [s for s in range(0, 256, step) if not busy.intersection(range(s, s + step))]
    found = space.draw(ip_network("0.0.0.0/24"), length)
    assert found == (network(4, free[0], length) if free else None)
    assert space.overlaps(0, 255) == bool(busy or free)


def test_pools_keep_off_reserved_values() -> None:
    assert usable(ip_network("fd00::/112"))[0] == int(ip_network("fd00::2/128").network_address)
    assert len(list(macs("02:00:00:00:00:00/46"))) == 3


def test_fabric_graph_is_annotated(tmp_path: Path) -> None:
    net = network_of(write_fabric(tmp_path, {}, {}))
    data = net.fabric.graph.nodes["leaf1"]
    assert data["asn"] == net.plan.asn[data["index"]]
    assert data["loopback"] == net.plan.vtep(data["index"])
    assert "asn" not in build_fabric(net.spec).graph.nodes["leaf1"]
