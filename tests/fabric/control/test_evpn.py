"""Type-5 routes: origination, import by route target, intents, findings."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fabric_files import network_of, vrf, write_fabric
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import endpoint

from fabric.building.network import Network
from fabric.control.evpn import own_prefixes
from fabric.intent.intents import intents

UNIQUE = {"a": "172.16.0.0/24", "b": "172.17.0.0/24", "c": "172.18.0.0/24", "d": "172.19.0.0/24"}
WORK = {t: [f"n/p@host{i}"] for i, t in enumerate("abcd", 1)}


def tenants(**more: dict[str, Any]) -> dict[str, Any]:
    return {t: vrf(prefix, **more.get(t, {})) for t, prefix in UNIQUE.items()}


def reaches(net: Network, tenant: str) -> set[str]:
    """The tenants whose routes a tenant's VRF holds, where it lives."""
    number = net.vrf(f"{tenant}/main").index
    (vtep,) = {e.vtep for e in net.endpoints if e.vrf == number}
    hops = {h.vrf for r in net.fib.routes(vtep, number) for h in r.nexthops}
    return {net.vrfs[h].tenant for h in hops} - {tenant}


def peering(name: str, a: str, b: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "between": [f"{a}/main", f"{b}/main"], **more}


def codes(net: Network) -> list[str]:
    return [finding.code for finding in net.findings]


def test_without_intent_nobody_imports_anything(tmp_path: Path) -> None:
    net = network_of(write_fabric(tmp_path, tenants(), WORK))
    assert all(not reaches(net, t) for t in UNIQUE)
    assert {r.rts for r in net.routes} == {(rt,) for rt in net.plan.native_rt}
    assert net.findings == ()


def test_a_peering_exchanges_what_both_offer(tmp_path: Path) -> None:
    path = write_fabric(tmp_path, tenants(), WORK, peerings=[peering("ab", "a", "b")])
    net = network_of(path)
    assert reaches(net, "a") == {"b"} and reaches(net, "b") == {"a"}
    assert not reaches(net, "c") and net.findings == ()
    (route,) = (r for r in net.routes if r.vrf == net.vrf("a/main").index)
    assert route.rts == (net.plan.native_rt[route.vrf], net.plan.intent_rt["peering ab a/main"])


def test_transit_reaches_what_lies_behind_a_neighbour(tmp_path: Path) -> None:
    line = [peering("ab", "a", "b", transit=True), peering("bc", "b", "c", transit=True)]
    last = peering("cd", "c", "d")
    net = network_of(write_fabric(tmp_path, tenants(), WORK, peerings=[*line, last]))
    assert reaches(net, "a") == {"b", "c"} and reaches(net, "c") == {"a", "b", "d"}
    assert reaches(net, "d") == {"c"} and net.findings == ()


def test_a_leak_offers_prefixes_and_gets_clients(tmp_path: Path) -> None:
    shared = vrf("172.20.0.0/24", "10.0.0.0/16")
    client = vrf("10.0.0.0/16", {"cidr": "100.64.0.0/24", "use": "nodes"})
    leak = {"name": "nfs", "from": "s/main", "to": ["t/main"], "prefixes": ["172.20.0.0/24"],
            "clients": ["nodes"]}  # fmt: skip
    work = {"s": ["n/p@host1"], "t": ["n/p@host2"]}
    net = network_of(write_fabric(tmp_path, {"s": shared, "t": client}, work, leaks=[leak]))
    s, t = net.vrf("s/main").index, net.vrf("t/main").index
    dpu1, dpu2 = net.fabric.node("dpu1").index, net.fabric.node("dpu2").index
    forth = net.fib.lookup(dpu2, t, 4, 0xAC140002)
    assert forth is not None and forth.intent == "leak nfs"
    assert [(h.vtep, h.vrf, h.vni) for h in forth.nexthops] == [(dpu1, s, net.vrfs[s].vni)]
    back = {str(r.prefix): r.intent for r in net.fib.routes(dpu1, s) if r.intent}
    assert back == {"100.64.0.1/32": "leak nfs"}


def test_an_offer_inside_a_block_is_announced_beside_it(tmp_path: Path) -> None:
    ends = {"prefixes": {"a/main": ["172.16.0.0/28"]}}
    path = write_fabric(tmp_path, tenants(), WORK, peerings=[peering("ab", "a", "b", **ends)])
    net = network_of(path)
    a = net.vrf("a/main").index
    rts = {str(r.prefix): r.rts for r in net.routes if r.vrf == a}
    assert rts == {
        "172.16.0.0/26": (net.plan.native_rt[a],),
        "172.16.0.0/28": (net.plan.native_rt[a], net.plan.intent_rt["peering ab a/main"]),
    }


def test_an_offer_inside_a_block_has_no_target_of_offers_of_the_block(tmp_path: Path) -> None:
    ends = {"prefixes": {"a/main": ["172.16.0.0/28"]}}
    both = [peering("ab", "a", "b", **ends), peering("ac", "a", "c")]
    for peerings in (both, both[::-1]):
        net = network_of(write_fabric(tmp_path, tenants(), WORK, peerings=peerings))
        a, targets = net.vrf("a/main").index, net.plan.intent_rt
        found = {str(r.prefix): {*r.rts} for r in net.routes if r.vrf == a}
        assert found == {
            "172.16.0.0/26": {net.plan.native_rt[a], targets["peering ac a/main"]},
            "172.16.0.0/28": {net.plan.native_rt[a], targets["peering ab a/main"]},
        }


def test_zones_serve_nodes_and_originate_defaults(tmp_path: Path) -> None:
    nodes = {"cidr": "100.64.0.0/24", "use": "nodes"}
    both = {
        "t": vrf("10.0.0.0/16", nodes, default_route="zone2", advertise=["nodes"]),
        "u": vrf("10.0.0.0/16"),
    }
    dns = {"dns": {"addresses": ["198.18.0.53"]}}
    zones = {
        "zone0": {"prefixes": ["198.18.0.0/24"], "endpoints": dns},
        "zone2": {"endpoints": {
            "inet": {"addresses": ["0.0.0.0/0"]},
            "partner": {"addresses": ["198.51.100.0/24"], "border": "border2"},
        }},
    }  # fmt: skip
    work = {"t": ["n/p@host1"], "u": ["n/p@host2"]}
    net = network_of(write_fabric(tmp_path, both, work, zones=zones))
    t, u = (net.vrf(f"{name}/main").index for name in "tu")
    one, two = (net.fabric.node(n).index for n in ("border1", "border2"))
    found = {
        str(r.prefix): [h.vtep for h in r.nexthops]
        for r in net.fib.routes(net.fabric.node("dpu1").index, t)
        if r.intent
    }
    assert found == {
        "0.0.0.0/0": [one], "198.51.100.0/24": [two], "198.18.0.53/32": [one],
    }  # fmt: skip
    for zone in ("zone0/main", "zone2/main"):
        back = net.fib.routes(one, net.vrf(zone).index)
        assert "100.64.0.1/32" in {str(r.prefix) for r in back}
    assert [r.reason for r in net.fib.routes(net.fabric.node("dpu2").index, u)] == ["local"]


def test_a_raw_import_without_intent_is_blamed_on_its_line(tmp_path: Path) -> None:
    raw = {"b": {"vni": 10555}, "a": {"import_rts": ["65000:10555"]}}
    path = write_fabric(tmp_path, tenants(**raw), WORK)
    net = network_of(path)
    (found,) = net.findings
    assert found.code == "C510" and "a/main imports 172.17.0.0/26 of b/main" in found.message
    assert found.span is not None
    assert "65000:10555" in path.read_text().splitlines()[found.span.line - 1]
    assert reaches(net, "a") == {"b"} and not reaches(net, "b")


def test_a_raw_export_into_another_vrf_is_blamed_too(tmp_path: Path) -> None:
    raw = {"b": {"vni": 10555}, "a": {"export_rts": ["65000:10555"]}}
    path = write_fabric(tmp_path, tenants(**raw), WORK)
    (found,) = network_of(path).findings
    assert found.code == "C510" and "b/main imports 172.16.0.0/26 of a/main" in found.message
    assert found.span is not None
    assert "65000:10555" in path.read_text().splitlines()[found.span.line - 1]


def test_raw_targets_that_implement_an_intent_are_fine(tmp_path: Path) -> None:
    raw = {
        "a": {"import_rts": ["65000:222"], "export_rts": ["65000:111"]},
        "b": {"import_rts": ["65000:111"], "export_rts": ["65000:222"]},
    }
    path = write_fabric(tmp_path, tenants(**raw), WORK, peerings=[peering("ab", "a", "b")])
    assert network_of(path).findings == ()
    narrow = peering("ab", "a", "b", prefixes={"b/main": ["172.17.0.0/28"]})
    path = write_fabric(tmp_path, tenants(**raw), WORK, peerings=[narrow])
    assert codes(network_of(path)) == ["C510"]


def test_an_import_of_nothing_is_a_finding(tmp_path: Path) -> None:
    path = write_fabric(tmp_path, tenants(a={"import_rts": ["65000:999"]}), WORK)
    (found,) = (f for f in network_of(path).findings)
    assert (found.code, found.severity) == ("C522", "finding")
    idle = tenants(a={"import_rts": ["65000:999"]})
    idle["b"] = {
        "vrfs": {
            "main": {"prefixes": ["10.3.0.0/16"]},
            "idle": {"prefixes": ["10.4.0.0/16"], "vni": 999, "namespaces": ["x"]},
        }
    }
    path = write_fabric(tmp_path, idle, {"a": WORK["a"]})
    (found,) = (f for f in network_of(path).findings)
    assert (found.code, found.severity) == ("C511", "finding")


def test_an_intent_without_a_way_back_is_a_finding(tmp_path: Path) -> None:
    both = {"s": vrf("172.20.0.0/24"), "t": vrf("10.0.0.0/16", "100.64.0.0/24")}
    leak = {"name": "nfs", "from": "s/main", "to": ["t/main"], "clients": ["100.64.0.0/24"]}
    work = {"s": ["n/p@host1"], "t": ["n/p@host2"]}
    net = network_of(write_fabric(tmp_path, both, work, leaks=[leak]))
    (found,) = net.findings
    assert (found.code, found.severity) == ("C512", "finding")
    assert "leak nfs: t/main gets routes of s/main but offers none" in found.message


def test_whoever_lies_behind_the_owner_of_a_leak_imports_no_other_client(tmp_path: Path) -> None:
    both = {"d": vrf("172.19.0.0/24", "172.29.0.0/24")}
    leaks = [
        {"name": "one", "from": "a/main", "to": ["b/main", "d/main"], "transit": True},
        {"name": "two", "from": "c/main", "to": ["a/main"], "transit": True},
    ]
    direct = peering("cd", "c", "d", prefixes={"d/main": ["172.29.0.0/24"]}, ports=["443/tcp"])
    work = WORK | {"d": ["n/p@host4", "n/q@host4=172.29.0.5"]}
    path = write_fabric(tmp_path, tenants() | both, work, leaks=leaks, peerings=[direct])
    net = network_of(path)
    assert net.findings == ()
    number = net.vrf("c/main").index
    (vtep,) = {e.vtep for e in net.endpoints if e.vrf == number}
    got = [str(r.prefix) for r in net.fib.routes(vtep, number)]
    assert "172.29.0.0/26" in got and "172.19.0.0/26" not in got


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_without_raw_targets_nothing_is_imported_that_was_not_declared(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = st.sampled_from("abcd")
    leaks, peerings = [], []
    for number in range(data.draw(st.integers(1, 3))):
        owner = data.draw(names)
        clients = data.draw(st.sets(names.filter(lambda n, o=owner: n != o), min_size=1))
        leaks.append({
            "name": f"l{number}", "from": f"{owner}/main", "transit": data.draw(st.booleans()),
            "to": [f"{client}/main" for client in sorted(clients)],
        })  # fmt: skip
    for number in range(data.draw(st.integers(0, 2))):
        one, two = data.draw(st.lists(names, min_size=2, max_size=2, unique=True))
        narrow = data.draw(st.sampled_from(["24", "28"]))
        first = UNIQUE[one].replace("/24", f"/{narrow}")
        more = {"transit": data.draw(st.booleans()), "prefixes": {f"{one}/main": [first]}}
        peerings.append(peering(f"p{number}", one, two, **more))
    folder = tmp_path_factory.mktemp("intents")
    net = network_of(write_fabric(folder, tenants(), WORK, leaks=leaks, peerings=peerings))
    assert [f for f in net.findings if f.code == "C510"] == []
    declared = {
        (intent.a, intent.b)[::way] for intent in intents(net.spec, net.vrfs) for way in (1, -1)
    }
    for tenant in UNIQUE:
        for other in reaches(net, tenant):
            assert (f"{tenant}/main", f"{other}/main") in declared


def test_addresses_beside_blocks_have_routes_of_their_own() -> None:
    inside, outside, other = "10.0.0.5/32", "10.0.0.64/32", "::a00:5/128"
    end = endpoint(0, "acme/web/a", 0, inside, outside, other)
    plan: Any = SimpleNamespace(blocks={("host1", 0): (ip_network("10.0.0.0/26"),)})
    routes = own_prefixes((), [end], {"host1": 3}, plan)
    assert {vtep: {*map(str, found)} for vtep, found in routes[0].items()} == {
        3: {"10.0.0.0/26"}, 0: {outside, other},
    }  # fmt: skip
