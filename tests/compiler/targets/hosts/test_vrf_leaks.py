"""Routes of other VRFs on the same node, read back out of both forms of `frr.conf`.

Whether FRR does with them what we think is for the tests that run FRR."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import numpy as np
import pytest
from fabric_files import network_of, write_fabric

from compiler.targets.hosts.frr import config, remarks
from compiler.targets.hosts.releases import FRR_8_4, FRR_10_3
from compiler.targets.hosts.vrf_leaks import leaks_at
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network
from fabric.values.inventory import Prefix

TOPOLOGIES = Path(__file__).parents[4] / "topologies"
Taken = dict[int, set[tuple[int, Prefix]]]
"""By VNI of a VRF: VNIs of others at its node, with a prefix that it takes of them."""


def statics(text: str) -> Taken:
    """What static routes say."""
    out: Taken = defaultdict(set)
    vrf = 0
    for line in text.splitlines():
        if head := re.fullmatch(r"vrf vrf(\d+)", line):
            vrf = int(head[1])
        elif route := re.fullmatch(r" ip(v6)? route (\S+) vrf(\d+)( 21)? nexthop-vrf vrf\3", line):
            assert (":" in route[2]) == bool(route[1])
            out[vrf].add((int(route[3]), ip_network(route[2])))
    return out


def imported(text: str) -> Taken:
    """What `import vrf` lets in: of a VRF that is named, by a clause that names it too."""
    lists = defaultdict(set)
    for name, prefix in re.findall(
        r"^ip(?:v6)? prefix-list (\S+) seq \d+ permit (\S+)$", text, re.M
    ):
        lists[name].add(ip_network(prefix))
    clause = (
        r"^route-map (LEAK-\S+) permit \d+\n match source-vrf vrf(\d+)\n"
        r" match ip(?:v6)? address prefix-list (\S+)\n set weight 0\n"
    )
    clauses = defaultdict(list)
    for name, vni, listed in re.findall(clause, text, re.M):
        clauses[name].append((int(vni), lists[listed]))
    assert len(clauses) == len({*re.findall(r"^route-map (LEAK-\S+) ", text, re.M)})
    out: Taken = defaultdict(set)
    for block in re.split(r"^router bgp ", text, flags=re.M)[1:]:
        vrf = re.match(r"\d+ vrf vrf(\d+)\n", block)
        for family in block.split(" address-family ")[1:]:
            sources = {int(vni) for vni in re.findall(r"^  import vrf vrf(\d+)$", family, re.M)}
            maps = re.findall(r"^  import vrf route-map (\S+)$", family, re.M)
            assert vrf or not sources
            assert len(maps) == bool(sources)
            for vni, prefixes in (c for name in maps for c in clauses[name]):
                assert vni in sources
                out[int(vrf[1]) if vrf else 0] |= {(vni, prefix) for prefix in prefixes}
    return out


def wanted(network: Network, node: int) -> Taken:
    """What the network's targets let a VRF take at its node and its own routes leave it."""
    vni = [vrf.vni for vrf in network.vrfs]
    own = [*network.routes.of(node)]
    out: Taken = defaultdict(set)
    for vtep, vrf in network.plan.instances:
        mine = {route.prefix for route in own if route.vrf == vrf}
        for route in own if vtep == node else ():
            taken = route.vrf != vrf and {*route.rts} & {*network.fib.imports[vrf]}
            if taken and route.prefix not in mine:
                out[vni[vrf]].add((vni[route.vrf], route.prefix))
    return out


@pytest.mark.parametrize("name", ["small", "demo", "namespaces"])
def test_both_forms_take_what_the_network_does(name: str) -> None:
    network = build(load_fabric(TOPOLOGIES / f"{name}.yaml"), lock=False)
    for node in {vtep for vtep, _ in network.plan.instances}:
        old, new = (config(network, node, release) for release in (FRR_8_4, FRR_10_3))
        assert statics(old) == imported(new) == wanted(network, node)
        assert not statics(new) and not imported(old)
        for vtep, vrf in network.plan.instances:
            for route in network.fib.routes(vtep, vrf) if vtep == node else ():
                for hop in (h for h in route.nexthops if h.vtep == node and h.vrf != vrf):
                    there = network.vrfs[hop.vrf].vni, route.prefix
                    assert there in statics(old)[network.vrfs[vrf].vni]


@pytest.fixture
def peered(tmp_path: Path) -> Network:
    """Two VRFs that take all of each other, with a third beside them that takes nothing."""
    tenants = {t: {"vrfs": {"main": {"prefixes": [f"10.{n}.0.0/24"]}}} for n, t in enumerate("abc")}
    pods = {tenant: ["n/p@host1"] for tenant in tenants}
    peerings = [{"name": "ab", "between": ["a/main", "b/main"]}]
    return network_of(write_fabric(tmp_path, tenants, pods, vtep="leaf", peerings=peerings))


def test_who_takes_of_others_announces_his_own_alone(peered: Network) -> None:
    """Also of an IP version of which he has nothing."""
    node = peered.fabric.node("leaf1").index
    for release in (FRR_8_4, FRR_10_3):
        text = config(peered, node, release)
        for name in "abc":
            vni = peered.vrf(f"{name}/main").vni
            strict = release is FRR_10_3 and name != "c"
            (own,) = (
                str(r.prefix) for r in peered.routes.of(node) if peered.vrfs[r.vrf].vni == vni
            )
            last = f" match ip address prefix-list OFFER-{vni}-4-own\nexit\n!\n"
            assert (last in text) == strict
            listed = f"ip prefix-list OFFER-{vni}-4-own seq 5 permit {own}\n"
            assert (listed in text) == strict
            assert text.count(f"prefix-list OFFER-{vni}-4-own seq") == strict
            assert (f"route-map OFFER-{vni}-6 deny 10\nexit\n" in text) == strict
            assert (f"advertise ipv6 unicast route-map OFFER-{vni}-6\n" in text) == strict


def test_instances_are_there_before_others_import_from_them(peered: Network) -> None:
    """10.3 makes one that is missing, with automatic targets that it then announces beside ours."""
    text = config(peered, peered.fabric.node("leaf1").index, FRR_10_3)
    last = max(text.index(f" vrf vrf{vrf.vni}\n bgp router-id ") for vrf in peered.vrfs)
    assert text.index("import vrf ") > last


def second_choices(network: Network, nodes: set[int], exporter: int, prepended: int) -> Network:
    """The same, but all nodes announce one prefix of a VRF, and some with a longer AS path: no file
    has VRFs beside a border that is a second choice, Python may."""
    routes = network.routes
    of = routes.vrf == exporter
    far = np.where(of & np.isin(routes.vtep, [*nodes]), prepended, 0).astype(np.int32)
    one = np.where(of, routes.prefix[of][0], routes.prefix).astype(np.int32)
    return replace(network, routes=replace(routes, prefix=one, prepended=far))


def test_second_choices_wait(tmp_path: Path) -> None:
    """Static routes for what all others announce, a longer AS path for BGP; of several second
    choices a static route takes the wrong one, which is said."""
    tenants = {t: {"vrfs": {"main": {"prefixes": [f"10.{n}.0.0/24"]}}} for n, t in enumerate("ab")}
    pods = {tenant: ["n/p@host1", "n/q@host2"] for tenant in tenants}
    site = {"spines": 1, "leaves": 2, "hosts_per_pair": 2, "borders": 0}
    more = {"vtep": "leaf", "sites": {"s": site}}
    peerings = [{"name": "ab", "between": ["a/main", "b/main"]}]
    network = network_of(write_fabric(tmp_path, tenants, pods, peerings=peerings, **more))
    node, other = (network.fabric.node(name).index for name in ("leaf1", "leaf2"))
    a, b = (network.vrf(f"{name}/main") for name in "ab")
    asn = network.plan.asn[node]
    for seconds, told in (({node}, []), ({node, other}, ["C866"]), (set(), [])):
        changed = second_choices(network, seconds, a.index, 10)
        old, new = (config(changed, node, release) for release in (FRR_8_4, FRR_10_3))
        assert (f" vrf{a.vni} 21 nexthop-vrf vrf{a.vni}\n" in old) == (node in seconds)
        assert f" vrf{b.vni} nexthop-vrf vrf{b.vni}\n" in old
        longer = f" set weight 0\n set as-path prepend {' '.join([str(asn)] * 10)}\nexit\n"
        assert (longer in new) == (node in seconds)
        found = [d for d in remarks(changed, FRR_8_4) if d.code == "C866"]
        assert [d.code for d in found] == told
        assert all("FRR 8.4 " in d.message and "a/main into b/main" in d.message for d in found)
        assert remarks(changed, FRR_10_3) == ()


def test_a_vrf_takes_of_another_what_it_does_not_announce_itself(tmp_path: Path) -> None:
    """Both have a block at one host, the other one a second."""
    mine, other = {"import_rts": ["65000:10702"]}, {"vni": 10702}
    tenants = {
        name: {"vrfs": {"main": {"prefixes": ["10.0.0.0/24"], **more}}}
        for name, more in (("a", mine), ("b", other))
    }
    pods = {"a": ["n/p@host1"], "b": ["n/p@host1=10.0.0.3", "n/q@host1=10.0.0.200"]}
    network = network_of(write_fabric(tmp_path, tenants, pods))
    node = network.fabric.node("dpu1").index
    (leak,) = leaks_at(network, node)
    own = {r.prefix for r in network.routes.of(node) if r.vrf == leak.importer}
    theirs = {r.prefix for r in network.routes.of(node) if r.vrf == leak.exporter}
    assert own & theirs
    assert {route.prefix for route in leak.routes} == theirs - own != set()
