"""The FIB against a naive twin: every address looked up by walking all routes by hand."""

from __future__ import annotations

import random
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from fabric_files import network_of, vrf, write_fabric
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.building.build import build, rebuild
from fabric.building.load import load_fabric
from fabric.building.network import Network
from fabric.control.fib import NextHop
from fabric.control.lpm import nest
from fabric.plan.pools import bounds
from fabric.values.inventory import Prefix

SHARED = "172.30.0.7"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Overlapping tenants, a leak, zones, and a raw import of one prefix from three VRFs."""
    nodes = {"cidr": "100.64.0.0/24", "use": "nodes"}
    raw = [f"65000:{vni}" for vni in (10701, 10702, 10703)]
    tenants = {
        "a": vrf("10.0.0.0/16", "fd00::/48", nodes, default_route="zone2", advertise=["nodes"],
                 import_rts=raw),
        "b": vrf("10.0.0.0/16", {"cidr": "172.20.0.0/24", "namespaces": ["n"]}),
        **{f"x{n}": vrf("172.30.0.0/24", vni=10700 + n) for n in (1, 2, 3)},
    }  # fmt: skip
    work = {
        "a": [f"n/p{h}@host{h}" for h in range(1, 9)],
        "b": ["n/p1@host1", "n/p7@host7"],
        "x1": ["n/p@host1"],
        "x2": ["n/p@host5"],
        "x3": ["n/p@host6"],
    }
    site = {"spines": 2, "leaves": 4, "hosts_per_pair": 4, "borders": 2}
    return write_fabric(
        tmp_path_factory.mktemp("fib"), tenants, work, sites={"s": site},
        zones={"zone2": {"endpoints": {"inet": {"addresses": ["0.0.0.0/0", "::/0"]}}}},
        leaks=[{"name": "nfs", "from": "b/main", "to": ["a/main"], "prefixes": ["172.20.0.0/24"],
                "clients": ["nodes"]}],
    )  # fmt: skip


@pytest.fixture(scope="module")
def net(path: Path) -> Network:
    return network_of(path)


def naive(net: Network, vtep: int, vrf_: int, version: int, ip: int) -> tuple[NextHop, ...]:
    """Longest prefix with a usable origin; the nearest origins of that prefix."""
    wanted = set(net.fib.imports[vrf_])
    usable: dict[Prefix, list[tuple[int, NextHop]]] = {}
    for route in net.routes:
        if not wanted.intersection(route.rts) or not net.underlay.reachable(vtep, route.vtep):
            continue
        first, last = bounds(route.prefix)
        if route.prefix.version == version and first <= ip <= last:
            distance = len(net.underlay.as_path(vtep, route.vtep))
            rank = -1 if (route.vtep, route.vrf) == (vtep, vrf_) else distance
            hop = NextHop(route.vtep, route.vrf, route.label, route.router_mac)
            usable.setdefault(route.prefix, []).append((rank, hop))
    if not usable:
        return ()
    origins = usable[max(usable, key=lambda p: p.prefixlen)]
    nearest = min(rank for rank, _ in origins)
    return tuple(sorted(hop for rank, hop in origins if rank == nearest))


def interesting(net: Network, vrf_: int, version: int) -> list[int]:
    """Every boundary and its neighbours, and a few addresses in between."""
    top = 2 ** (32 if version == 4 else 128)
    starts = net.fib.boundaries(vrf_)[version == 6]
    rng = random.Random(7)
    near = {s + d for s in starts for d in (-1, 0, 1)} | {rng.randrange(top) for _ in range(10)}
    return sorted(ip for ip in near | {ip_value(SHARED)} if 0 <= ip < top)


def ip_value(text: str) -> int:
    return int(ip_address(text))


@pytest.mark.parametrize("down", [(), ("border1",), ("leaf1--spine1", "leaf1--spine2"), ("dpu5",)])
def test_lookups_equal_the_naive_walk(net: Network, down: tuple[str, ...]) -> None:
    net = rebuild(net, down=down)
    for vtep, vrf_ in net.fib.instances[::3]:
        for version in (4, 6):
            ips = interesting(net, vrf_, version)
            many = net.fib.lookup_many(vtep, vrf_, version, ips)
            for ip, found in zip(ips, many.tolist(), strict=True):
                hops = net.fib.nexthop_sets[found] if found >= 0 else ()
                assert hops == naive(net, vtep, vrf_, version, ip)
                route = net.fib.lookup(vtep, vrf_, version, ip)
                assert (route.nexthops if route else ()) == hops


def test_nearest_origins_share_the_load(net: Network) -> None:
    number = net.vrf("a/main").index
    expected = {"dpu1": ["dpu1"], "dpu2": ["dpu1"], "dpu5": ["dpu5"], "dpu8": ["dpu5", "dpu6"]}
    for name, origins in expected.items():
        route = net.fib.lookup(net.fabric.node(name).index, number, 4, ip_value(SHARED))
        assert route is not None
        assert [net.fabric.nodes[h.vtep].name for h in route.nexthops] == origins
    cut = rebuild(net, down=["dpu6"])
    route = cut.fib.lookup(cut.fabric.node("dpu8").index, number, 4, ip_value(SHARED))
    assert route is not None and len(route.nexthops) == 1


def test_a_route_without_an_origin_gives_way_to_a_shorter_one(net: Network) -> None:
    number, here = net.vrf("a/main").index, net.fabric.node("dpu1").index
    target = next(e for e in net.endpoints if e.name == "a/n/p8").prefixes[0]
    route = net.fib.lookup(here, number, 4, int(target.network_address))
    assert route is not None and route.prefix.prefixlen == 26
    cut = rebuild(net, down=["dpu8"])
    route = cut.fib.lookup(here, number, 4, int(target.network_address))
    assert route is not None and str(route.prefix) == "0.0.0.0/0"


def test_reasons_name_targets_and_intents(net: Network) -> None:
    number, here = net.vrf("a/main").index, net.fabric.node("dpu1").index
    reasons = {r.reason.partition(" RT ")[0]: r for r in net.fib.routes(here, number)}
    assert set(reasons) == {"local", "import"}
    kinds = {r.intent for r in net.fib.routes(here, number)}
    assert kinds == {None, "leak nfs", "zone2"}
    leak = next(r for r in net.fib.routes(here, number) if r.intent == "leak nfs")
    assert net.plan.intent_rt["leak nfs"] in leak.reason and leak.origin is not None


@pytest.mark.parametrize("down", [(), ("leaf2",), ("spine1", "leaf3--spine2"), ("dpu1",)])
def test_rebuild_equals_build(path: Path, net: Network, down: tuple[str, ...]) -> None:
    fresh, again = build(load_fabric(path), down=down, lock=False), rebuild(net, down=down)
    assert fresh.fabric.down_links == again.fabric.down_links
    assert fresh.underlay.sessions == again.underlay.sessions
    for instance in fresh.fib.instances:
        assert fresh.fib.routes(*instance) == again.fib.routes(*instance)


def test_nodes_without_the_vrf_have_no_routes(net: Network) -> None:
    spine, number = net.fabric.node("spine1").index, net.vrf("a/main").index
    assert net.fib.instance(spine, number) == -1
    assert net.fib.routes(spine, number) == () and net.fib.lookup(spine, number, 4, 1) is None
    assert net.fib.lookup_many(spine, number, 4, [1, 2]).tolist() == [-1, -1]


def prefix_sets() -> st.SearchStrategy[list[Prefix]]:
    v4 = st.builds(lambda a, n: ip_network((a, n), strict=False),
                   st.integers(0, 2**32 - 1).map(lambda a: a & 0xC0000007 | a & 0x30000000),
                   st.sampled_from([0, 1, 2, 4, 29, 30, 32]))  # fmt: skip
    v6 = st.builds(lambda a, n: ip_network((a.to_bytes(16, "big"), n), strict=False),
                   st.integers(0, 15).map(lambda a: (a & 8) << 124 | a & 7),
                   st.sampled_from([0, 1, 125, 126, 128]))  # fmt: skip
    return st.lists(st.one_of(v4, v6), max_size=12, unique=True)


@settings(max_examples=80)
@given(prefix_sets(), st.integers(0, 2**32 - 1))
def test_nesting_equals_a_scan(prefixes: list[Prefix], seed: int) -> None:
    prefixes.sort(key=lambda p: (p.version, int(p.network_address), p.prefixlen))
    parent, *families = nest(prefixes)
    for segments in families:
        top = 2 ** (32 if segments.version == 4 else 128)
        ends = [int(p.broadcast_address) for p in prefixes if p.version == segments.version]
        ips = {0, top - 1, seed, *segments.starts, *ends} | {min(e + 1, top - 1) for e in ends}
        for ip, found in zip(sorted(ips), segments.find(sorted(ips)).tolist(), strict=True):
            around = [
                n for n, p in enumerate(prefixes)
                if p.version == segments.version
                and int(p.network_address) <= ip <= int(p.broadcast_address)
            ]  # fmt: skip
            around.sort(key=lambda n: prefixes[n].prefixlen)
            assert found == (around[-1] if around else -1)
            assert [int(parent[n]) for n in around] == [-1, *around][: len(around)]


def test_an_own_route_wins_over_that_of_another_vrf_of_the_same_vtep(tmp_path: Path) -> None:
    tenants = {
        "a": vrf("10.0.0.0/24", import_rts=["65000:10702"]),
        "b": vrf("10.0.0.0/24", vni=10702),
    }
    net = network_of(write_fabric(tmp_path, tenants, {t: ["n/p@host1"] for t in tenants}))
    here, own = net.fabric.node("dpu1").index, 0
    assert {(r.vtep, r.vrf) for r in net.routes} == {(here, 0), (here, 1)}
    found = net.fib.lookup(here, own, 4, int(net.endpoints[0].prefixes[0].network_address))
    assert found is not None
    assert [(hop.vtep, hop.vrf) for hop in found.nexthops] == [(here, own)]
