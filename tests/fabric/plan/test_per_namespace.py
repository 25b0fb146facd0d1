"""One VRF per namespace: the template is shared out, Zone 0 serves the hosts, names must exist."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fabric_files import network_of, write_fabric
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.building.network import Network
from fabric.diagnostics import InputError
from sim.proof.prove import prove
from sim.worlds.world import World

ZONE0 = {
    "prefixes": ["198.18.0.0/24"],
    "endpoints": {"api": {"addresses": ["198.18.0.10"]}},
    "services": [{"name": "a", "from": "*/@node/*", "to": "zone0/api", "ports": ["6443/tcp"]}],
}
CIDR = {"cidr": "100.64.0.0/24", "use": "nodes"}
DRAWN = {"pool": "n4", "length": 24, "use": "nodes"}
WORK = ["a/p@host1", "b/q@host1", "c/r@host2"]


def tenant(*prefixes: Any, **more: Any) -> dict[str, Any]:
    """A tenant of three hosts whose namespaces are VRFs."""
    template = {"prefixes": list(prefixes), **more}
    return {"hosts": ["host[1-3]"], "vrf_per": "namespace", "vrfs": {"main": template}}


def world(folder: Path, settings_: dict[str, Any], **more: Any) -> Network:
    """Its network, with a named pool."""
    pools = {"prefixes": {"n4": ["100.64.0.0/16"]}}
    return network_of(write_fabric(folder, {"t": settings_}, {"t": WORK}, pools=pools, **more))


@pytest.mark.parametrize("nodes", [CIDR, DRAWN])
@pytest.mark.parametrize("serves", [["*"], ["t"], ["t/nodes"], ["t/*"]])
def test_zone_0_is_green(tmp_path: Path, nodes: dict[str, Any], serves: list[str]) -> None:
    expect = [
        {"allow": "t/@node/* -> zone0/api:6443/tcp", "hold_under": ["any-1-link"]},
        {"deny": "t/a/* -> zone0/*"},
    ]
    zones = {"zone0": {**ZONE0, "serves": serves}}
    net = world(tmp_path, tenant("10.0.0.0/16", nodes), zones=zones, expect=expect)
    assert net.findings == ()
    proof = prove(World(net))
    assert [(o.holds, o.pairs) for o in proof.outcomes] == [(True, 3), (True, 1)]
    has = {vrf.name: [*map(str, vrf.prefixes)] for vrf in net.vrfs if vrf.tenant == "t"}
    assert has == {
        **{f"t/{name}": ["10.0.0.0/16"] for name in "abc"}, "t/nodes": ["100.64.0.0/24"],
    }  # fmt: skip


def test_hosts_have_every_ip_version(tmp_path: Path) -> None:
    net = world(tmp_path, tenant("10.0.0.0/16", "fd00::/64", CIDR))
    assert [*map(str, net.vrf("t/nodes").prefixes)] == ["fd00::/64", "100.64.0.0/24"]
    nodes = [e for e in net.endpoints if e.kind == "node"]
    assert [[p.version for p in e.prefixes] for e in nodes] == [[4, 6]] * 3


def test_namespaces_of_a_prefix_are_those_that_have_it(tmp_path: Path) -> None:
    zones = {"zone2": {"endpoints": {"inet": {"addresses": ["0.0.0.0/0"]}}}}
    public = {"cidr": "203.0.113.0/26", "namespaces": ["b"]}
    out = {"default_route": "zone2", "advertise": ["nodes", "203.0.113.0/26"]}
    net = world(tmp_path, tenant("10.0.0.0/16", public, CIDR, **out), zones=zones)
    assert net.findings == ()
    having = {v.name for v in net.vrfs if "203.0.113.0/26" in map(str, v.prefixes)}
    assert having == {"t/b"}
    zone2 = net.vrf("zone2/main").index
    routed = {net.vrfs[int(v)].name for v in net.routes.vrf[net.fib.vrf_routes[zone2].rows]}
    assert routed == {"t/b", "t/nodes", "zone2/main"}
    border = net.fabric.node("border1").index
    for name, there in (("t/a", False), ("t/b", True), ("t/nodes", True)):
        vrf, pod = net.vrf(name), next(e for e in net.endpoints if net.vrfs[e.vrf].name == name)
        assert (net.fib.lookup(pod.vtep, vrf.index, 4, 0x08080808) is not None) == there
        back = net.fib.lookup(border, zone2, 4, int(pod.prefixes[0][0]))
        assert (back is not None and back.prefix.prefixlen > 0) == there


@given(st.lists(st.sampled_from("abcdef"), min_size=2, max_size=12))
@settings(max_examples=25, deadline=None)
def test_namespaces_that_peer_share_no_address(
    tmp_path_factory: pytest.TempPathFactory, spaces: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("peers")
    work = [f"{space}/p{n}@host{n % 3 + 1}" for n, space in enumerate(spaces)]
    names = sorted({*spaces})
    pairs = [*pairwise(names)]
    peerings = [
        {"name": f"{a}-{b}", "between": [f"t/{a}", f"t/{b}"], "ports": ["80/tcp"]} for a, b in pairs
    ]
    expect = [{"allow": f"t/{a}/* -> t/{b}/*:80/tcp"} for a, b in pairs]
    path = write_fabric(folder, {"t": tenant("10.0.0.0/16", CIDR)}, {"t": work},
                        peerings=peerings, expect=expect, pools={"blocks": {"v4": 28}})  # fmt: skip
    net = network_of(path)
    assert net.findings == ()
    owned = [str(p) for e in net.endpoints for p in e.prefixes]
    assert len(owned) == len({*owned})
    assert all(outcome.holds for outcome in prove(World(net)).outcomes)


def test_a_leak_to_all_with_clients_nodes_is_for_the_hosts(tmp_path: Path) -> None:
    store = {"hosts": ["host4"], "manifests": [], "vrfs": {"main": {"prefixes": ["172.16.0.0/24"]}}}
    leak = {"name": "nfs", "from": "s/main", "to": ["t/*"], "clients": ["nodes"]}
    path = write_fabric(
        tmp_path, {"t": tenant("10.0.0.0/16", CIDR), "s": store}, {"t": WORK}, leaks=[leak]
    )
    net = network_of(path)
    assert net.findings == ()
    importers = {v.name for v in net.vrfs if len(net.fib.imports[v.index]) > 1}
    assert importers == {"t/nodes", "s/main"}


S = {"hosts": ["host4"], "manifests": [], "vrfs": {"main": {"prefixes": ["172.16.0.0/24"]}}}


def told(folder: Path, **more: Any) -> list[tuple[str, str]]:
    """Codes and severities about a world of `t` (namespaces a, b, c) and `s`."""
    tenants = {"t": tenant("10.0.0.0/16", CIDR), "s": S}
    try:
        net = network_of(write_fabric(folder, tenants, {"t": WORK}, **more))
    except InputError as error:
        return [(d.code, d.severity) for d in error.diagnostics]
    return [(d.code, d.severity) for d in (*net.findings, *net.warnings)]


@pytest.mark.parametrize(
    ("to", "clients", "code"),
    [
        (["t/[ab]"], ["nodes"], "C526"),
        (["*/[ab]"], ["nodes"], "C526"),
        (["t/[ab]", "t/nodes"], ["nodes"], "C430"),
        (["t/[ab]"], ["nodes", "10.0.0.0/16"], "C526"),
        (["t/a", "t/nodes"], ["nodes"], "C430"),
        (["t/z*"], ["nodes"], "C301"),
        (["t/z"], ["nodes"], "C301"),
        (["t/z"], ["10.0.0.0/16"], "C301"),
        (["t/z"], ["192.168.0.0/16"], "C301"),
        (["t/a"], ["192.168.0.0/16"], "C430"),
        (["t"], ["nodes"], None),
        (["t/*"], ["nodes"], None),
        (["t/[ab]"], ["10.0.0.0/16"], None),
    ],
)
def test_a_leak_that_reaches_nobody_is_told(
    tmp_path: Path, to: list[str], clients: list[str], code: str | None
) -> None:
    leak = {"name": "nfs", "from": "s", "to": to, "clients": clients}
    assert told(tmp_path, leaks=[leak]) == ([(code, "error")] if code else [])


@pytest.mark.parametrize(
    ("between", "prefixes", "code"),
    [
        (["t/[ab]", "s"], {}, "C302"),
        (["t/a*", "t/[a]"], {}, "C316"),
        (["t/a*", "s"], {"t/a*": ["nodes"]}, "C526"),
        (["t/a*", "s"], {}, None),
    ],
)
def test_a_peering_has_two_sides(
    tmp_path: Path, between: list[str], prefixes: dict[str, list[str]], code: str | None
) -> None:
    peering = {"name": "p", "between": between, "prefixes": prefixes}
    assert told(tmp_path, peerings=[peering]) == ([(code, "error")] if code else [])


def test_a_leak_has_one_owner(tmp_path: Path) -> None:
    leaks = [{"name": "l", "from": "t/[ab]", "to": ["s"]}]
    assert told(tmp_path, leaks=leaks) == [("C302", "error")]


@pytest.mark.parametrize(
    ("pattern", "lost"),
    [("t/[ab]", True), ("t/a", True), ("s*", True), ("*/a", True), ("t*", False), ("*", False)],
)
def test_zone_0_says_whom_it_does_not_serve(tmp_path: Path, pattern: str, lost: bool) -> None:
    zones = {"zone0": {**ZONE0, "serves": [pattern]}}
    assert told(tmp_path, zones=zones) == ([("C526", "finding")] if lost else [])
