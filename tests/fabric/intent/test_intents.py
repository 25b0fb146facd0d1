"""Intents: who is served by zone 0, what is offered, and what follows from transit."""

from __future__ import annotations

from ipaddress import ip_network
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from fabric_files import network_of, vrf, write_fabric
from hypothesis import given
from hypothesis import strategies as st

from fabric.building.network import Network
from fabric.intent.intents import Intent, common_prefixes, intents, one_vrf
from fabric.intent.transit import derived, intersect_ports
from fabric.values.ports import ANY, PortRange

NODES = {"cidr": "100.64.0.0/24", "use": "nodes"}
ZONE0 = {"prefixes": ["198.18.0.0/24"], "endpoints": {"dns": {"addresses": ["198.18.0.53"]}}}


def world(folder: Path, **zone0: Any) -> Network:
    """Three tenants with node prefixes, one of them with two VRFs, and one without."""
    other = {**NODES, "cidr": "100.65.0.0/24"}
    settings = {
        "t": {
            "vrfs": {
                "main": {"prefixes": ["10.0.0.0/16", NODES]},
                "side": {"prefixes": ["10.1.0.0/16", other], "namespaces": ["m"]},
            }
        },
        "u": vrf("10.0.0.0/16", {**NODES, "cidr": "100.66.0.0/24"}),
        "tu": vrf("10.0.0.0/16", {**NODES, "cidr": "100.67.0.0/24"}),
        "bare": vrf("10.0.0.0/16"),
    }
    work = {
        "t": ["n/p@host1", "m/p@host1"],
        "u": ["n/p@host2"],
        "tu": ["n/p@host3"],
        "bare": ["n/p@host4"],
    }
    return network_of(write_fabric(folder, settings, work, zones={"zone0": {**ZONE0, **zone0}}))


@pytest.mark.parametrize(
    ("serves", "served"),
    [
        (["t"], {"t/main", "t/side"}),
        (["t/main"], {"t/main"}),
        (["t/s*", "u"], {"t/side", "u/main"}),
        (["t*"], {"t/main", "t/side", "tu/main"}),
        (["*/main"], {"t/main", "u/main", "tu/main"}),
        (["*"], {"t/main", "t/side", "u/main", "tu/main"}),
    ],
)
def test_zone_0_serves_whom_it_names(tmp_path: Path, serves: list[str], served: set[str]) -> None:
    """By tenant, or by VRF where the pattern has a slash; never who has no node prefixes."""
    network = world(tmp_path, serves=serves)
    found = intents(network.spec, network.vrfs)
    assert {i.a for i in found if i.name == "zone0"} == served
    names = {vrf_.index: vrf_.name for vrf_ in network.vrfs}
    zone = network.vrf("zone0/main").index
    (vtep,) = {e.vtep for e in network.endpoints if e.vrf == zone}
    reached = {names[h.vrf] for r in network.fib.routes(vtep, zone) for h in r.nexthops}
    assert reached == served | {"zone0/main"}
    for e in network.endpoints:
        if e.zone == 1:
            hops = {names[h.vrf] for r in network.fib.routes(e.vtep, e.vrf) for h in r.nexthops}
            assert ("zone0/main" in hops) == (names[e.vrf] in served)


def test_zone_0_gets_nodes_alone(tmp_path: Path) -> None:
    network = world(tmp_path, serves=["*"])
    for intent in intents(network.spec, network.vrfs):
        nodes = {
            p for p in network.vrf(intent.a).prefixes if p.overlaps(ip_network("100.64.0.0/14"))
        }
        assert set(intent.offered(intent.a)) == nodes
        assert intent.opens == {intent.a, intent.b}


def test_who_may_open_what_over_which_prefixes(tmp_path: Path) -> None:
    """Of a leak the client alone, of a peering both; each offers what is written, else all."""
    settings = {
        "a": vrf("172.16.0.0/24", "172.26.0.0/24"),
        "b": vrf("172.17.0.0/24", {**NODES, "cidr": "172.27.0.0/24"}),
    }
    work = {"a": ["n/p@host1"], "b": ["n/p@host2"]}
    leak = {"name": "l", "from": "a/main", "to": ["b/main"], "prefixes": ["172.26.0.0/24"],
            "clients": ["nodes"], "ports": ["443/tcp"]}  # fmt: skip
    path = write_fabric(tmp_path, settings, work, leaks=[leak])
    network = network_of(path)
    (found,) = intents(network.spec, network.vrfs)
    assert (found.kind, found.a, found.b, found.opens) == ("leak", "b/main", "a/main", {"b/main"})
    assert [*map(str, found.offered("a/main"))] == ["172.26.0.0/24"]
    assert [*map(str, found.offered("b/main"))] == ["172.27.0.0/24"]
    assert found.ports == (PortRange(6, 443, 443),)


CHUNKS = [ip_network(t) for t in ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "11.0.0.0/8",
                                  "fd00::/8", "fd00:1::/32", "::ffff:a00:0/104")]  # fmt: skip


@given(st.lists(st.sampled_from(CHUNKS), unique=True), st.sampled_from(CHUNKS))
def test_what_is_common_to_prefixes_and_one_prefix(prefixes: list[Any], wanted: Any) -> None:
    expected = {
        p if p.subnet_of(wanted) else wanted
        for p in prefixes
        if p.version == wanted.version and (p.subnet_of(wanted) or wanted.subnet_of(p))
    }
    assert set(common_prefixes(prefixes, wanted)) == expected


PORTS = st.builds(
    lambda protocol, a, b, c, d: PortRange(protocol, min(a, b), max(a, b), min(c, d), max(c, d)),
    st.sampled_from([ANY, 6, 17]),
    *[st.integers(0, 4)] * 4,
)


@given(st.lists(PORTS, max_size=3).map(tuple), st.lists(PORTS, max_size=3).map(tuple))
def test_ports_in_common_hold_what_both_hold(a: Any, b: Any) -> None:
    def holds(ranges: Any, packet: tuple[int, int, int]) -> bool:
        protocol, port, source = packet
        return any(
            r.protocol in (ANY, protocol)
            and r.first <= port <= r.last
            and r.source_first <= source <= r.source_last
            for r in ranges
        )

    both = intersect_ports(a, b)
    for protocol in (6, 17, 47):
        for port in range(6):
            for source in range(6):
                packet = protocol, port, source
                assert holds(both, packet) == (holds(a, packet) and holds(b, packet))


@st.composite
def declared(draw: st.DrawFn) -> list[Intent]:
    """Leaks and peerings between five VRFs, at most one per pair."""
    names = "abcde"
    pairs = [(x, y) for x in names for y in names if x < y]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=6))
    out = []
    for number, (x, y) in enumerate(chosen):
        opens = draw(st.sampled_from([{x}, {y}, {x, y}]))
        kind = "peering" if len(opens) == 2 else "leak"
        ports = draw(st.sampled_from([(PortRange(),), (PortRange(6, 80, 90),), (PortRange(17),)]))
        transit = draw(st.sampled_from([True, True, False]))
        out.append(Intent(kind, f"i{number}", x, y, (), frozenset(opens), ports, None, transit))
    return out


@given(declared())
def test_transit_is_every_shortest_way_of_transit_intents(direct: list[Intent]) -> None:
    """Against a walk over all simple ways: no shorter one, and none between neighbours."""
    ways: dict[tuple[str, str], list[tuple[Intent, ...]]] = {}

    def walk(at: str, seen: tuple[str, ...], way: tuple[Intent, ...]) -> None:
        if len(way) > 1:
            ways.setdefault((seen[0], at), []).append(way)
        for intent in direct:
            if intent.transit and at in (intent.a, intent.b) and intent.other(at) not in seen:
                walk(intent.other(at), (*seen, intent.other(at)), (*way, intent))

    for start in "abcde":
        walk(start, (start,), ())
    expected = set()
    for (start, end), found in ways.items():
        near = any({i.a, i.b} == {start, end} for i in direct)
        for way in found:
            if start > end or near or len(way) > min(map(len, found)):
                continue
            stops = [start]
            for step in way:
                stops.append(step.other(stops[-1]))
            forth = all(here in step.opens for here, step in zip(stops, way, strict=False))
            back = all(there in step.opens for there, step in zip(stops[1:], way, strict=True))
            ports = way[0].ports
            for step in way[1:]:
                ports = intersect_ports(ports, step.ports)
            opens = frozenset([start] * forth + [end] * back)
            if opens and ports:
                via = tuple(step.name for step in way)
                expected.add((start, end, opens, ports, via))
    found = {(i.a, i.b, i.opens, i.ports, i.via) for i in derived(direct)}
    assert found == expected


def test_transit_goes_along_shortest_paths_alone() -> None:
    """Of a line and of a square, neither there and back nor once round."""
    line, square = ["ab", "bc", "cd"], ["ab", "bc", "cd", "da"]
    for pairs, expected in (
        (line, [("a", "c", "ab bc"), ("a", "d", "ab bc cd"), ("b", "d", "bc cd")]),
        (
            square,
            [("a", "c", "ab bc"), ("a", "c", "da cd"), ("b", "d", "ab da"), ("b", "d", "bc cd")],
        ),
    ):
        direct = [
            Intent("peering", p, *p, (), frozenset(p), (PortRange(),), None, True) for p in pairs
        ]
        found = [(i.a, i.b, " ".join(i.via)) for i in islice(derived(direct), 9)]
        assert sorted(found) == expected


def test_a_name_that_several_vrfs_have_stands_for_none_of_them() -> None:
    names = ["t/main", "t/side", "u/main", "zone2/main"]
    said = {name: one_vrf(name, names) for name in ("t", "t/side", "t/*", "u", "zone2", "nobody")}
    assert said == {
        "t": None, "t/side": "t/side", "t/*": None, "u": "u/main", "zone2": None, "nobody": None,
    }  # fmt: skip
