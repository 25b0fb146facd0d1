"""State of devices: as wanted, or with something more, less or otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from device_state import change, dpu, rows, write_state

from fabric.building.build import rebuild
from fabric.building.network import Network
from sim.state.compared import compared
from sim.state.heard import StateFolder


def test_state_as_wanted(network: Network, state: Path) -> None:
    said = StateFolder(network, state)
    found = compared(network, said)
    assert found.rows == [] and found.unasked == []
    assert found.seen["evpn route"] == found.due["evpn route"] > 0
    assert found.seen["underlay"] == found.due["underlay"] > 0
    assert found.seen["route"] == found.due["route"] > 0
    assert said.passed == []


def test_state_of_another_world_differs(network: Network, tmp_path: Path) -> None:
    """A leaf that is down is no state that is wanted, and the other way round."""
    without = rebuild(network, down=["leaf1"])
    there = write_state(without, tmp_path / "state")
    assert rows(without, there) == []
    assert {row.state for row in rows(network, there)} >= {"missing", "different"}


def test_one_route_more_fewer_and_elsewhere(network: Network, state: Path) -> None:
    node, device, vrf = dpu(network)
    rib = state / node / "ip.json"
    name = network.vrfs[vrf].name
    before = json.loads(rib.read_text())[device]
    gone, moved = sorted(before)[:2]

    def changed(document: Any) -> Any:
        del document[device][gone]
        document[device][moved][0]["nexthops"] = [{"ip": "192.0.2.1", "fib": True}]
        more = {**before[gone][0], "prefix": "203.0.113.0/24"}
        document[device]["203.0.113.0/24"] = [more]
        return document

    change(rib, changed)
    found = {(r.prefix, r.state): r for r in rows(network, state)}
    assert set(found) == {(gone, "missing"), (moved, "different"), ("203.0.113.0/24", "extra")}
    assert all(r.node == node and r.where == name and r.file == rib for r in found.values())
    assert found[gone, "missing"].line is not None
    assert found[moved, "different"].found == "192.0.2.1"
    assert found["203.0.113.0/24", "extra"].line is None


def test_a_route_target_more(network: Network, state: Path) -> None:
    """It opens a VRF to others, and nothing but it is otherwise."""
    node, _, _ = dpu(network)
    path = state / node / "evpn.json"

    def changed(document: Any) -> Any:
        rd = next(key for key in document if not key.startswith("num"))
        key = next(key for key in document[rd] if key != "rd")
        document[rd][key]["paths"][0][0]["extendedCommunity"]["string"] += " RT:65000:666"
        return document

    change(path, changed)
    (row,) = rows(network, state)
    assert (row.kind, row.state) == ("evpn route", "different")
    assert "65000:666" in row.found and "65000:666" not in row.wanted


def test_two_routes_to_one_prefix(network: Network, state: Path) -> None:
    """Whichever comes last is not all that there is: an Ethernet tag more, an entry more."""
    node, device, _ = dpu(network)

    def tagged(document: Any) -> Any:
        rd = next(key for key in document if not key.startswith("num"))
        key = next(key for key in document[rd] if key != "rd")
        other = json.loads(json.dumps(document[rd][key]))
        other["paths"][0][0]["extendedCommunity"]["string"] += " RT:65000:666"
        document[rd] = {"rd": rd, key.replace("[0]", "[7]", 1): other, **document[rd]}
        return document

    def again(document: Any) -> Any:
        entries = next(iter(document[device].values()))
        entries.insert(0, {**entries[0], "nexthops": [{"ip": "192.0.2.1", "fib": True}]})
        return document

    change(state / node / "evpn.json", tagged)
    change(state / node / "ip.json", again)
    found = {row.kind: row for row in rows(network, state)}
    assert {kind: row.state for kind, row in found.items()} == {
        "evpn route": "different",
        "route": "different",
    }
    assert "65000:666" in found["evpn route"].found and "192.0.2.1" in found["route"].found


def test_a_vrf_that_nobody_wants_and_one_that_is_gone(network: Network, state: Path) -> None:
    node, device, vrf = dpu(network)

    def changed(document: Any) -> Any:
        found = document.pop(device)
        for entries in found.values():
            entries[0]["vrfName"] = "backdoor"
        return {**document, "backdoor": found}

    change(state / node / "ip.json", changed)
    found = rows(network, state)
    assert {(r.where, r.state) for r in found} == {
        ("backdoor", "extra"),
        (network.vrfs[vrf].name, "missing"),
    }


def test_a_route_in_a_vrf_that_is_not_of_this_node(network: Network, state: Path) -> None:
    node, device, _ = dpu(network)
    here = next(n.index for n in network.fabric.nodes if n.name == node)
    other = next(v for v in network.vrfs if v.index not in network.fib.vrfs_at(here))

    def changed(document: Any) -> Any:
        (prefix, entries), *_ = document[device].items()
        more = {**entries[0], "vrfName": f"vrf{other.vni}"}
        return {**document, f"vrf{other.vni}": {prefix: [more]}}

    change(state / node / "ip.json", changed)
    (row,) = rows(network, state)
    assert (row.where, row.state) == (other.name, "extra")


def test_kernel_routes(network: Network, state: Path) -> None:
    node, device, _ = dpu(network)
    path = state / node / f"ip-route.{device}.json"
    change(
        path, lambda routes: [{**routes[0], "protocol": "static", "dst": "9.9.9.9"}, *routes[1:]]
    )
    found = {(r.kind, r.state) for r in rows(network, state)}
    assert found == {("kernel route", "missing"), ("kernel route", "extra")}


def test_what_somebody_put_into_the_kernel(network: Network, state: Path) -> None:
    """By hand (`boot`), by a protocol that nobody runs, or with an address where the default route
    should lead; not where the VRF ends."""
    node, device, _ = dpu(network)
    path = state / node / f"ip-route.{device}.json"
    more = [
        {"dst": "198.18.100.0/24", "protocol": "boot", "gateway": "192.0.2.1"},
        {"dst": "198.18.101.0/24", "protocol": "kernel", "dev": "eth9"},
        {"type": "unreachable", "dst": "default", "metric": 4278198272, "dev": "lo"},
        {"type": "blackhole", "dst": "198.18.102.0/24", "protocol": "ospf", "dev": "lo"},
    ]
    change(path, lambda routes: [*routes, *more])
    rib = state / node / "ip.json"

    def changed(document: Any) -> Any:
        for prefix, protocol in (("198.18.100.0/24", "kernel"), ("198.18.101.0/24", "connected")):
            document[device][prefix] = [
                {
                    "prefix": prefix, "protocol": protocol, "vrfName": device, "selected": True,
                    "nexthops": [{"ip": "192.0.2.1", "fib": True}],
                }
            ]  # fmt: skip
        return document

    change(rib, changed)
    found = {(r.kind, r.prefix, r.state, r.found) for r in rows(network, state)}
    assert found == {
        ("kernel route", "198.18.100.0/24", "extra", "192.0.2.1"),
        ("kernel route", "198.18.101.0/24", "extra", "eth9"),
        ("kernel route", "198.18.102.0/24", "extra", "nowhere"),
        ("route", "198.18.100.0/24", "extra", "192.0.2.1"),
        ("route", "198.18.101.0/24", "extra", "192.0.2.1"),
    }


def test_only_the_least_metric_of_the_kernel_is_used(network: Network, state: Path) -> None:
    """Half of the paths for later, and a default that ends the VRF before the one that is wanted;
    behind it an end is one."""
    node, vrf, route = next(
        (node, vrf, route)
        for node, vrf in network.plan.rd
        for route in network.fib.routes(node, vrf)
        if str(route.prefix) == "0.0.0.0/0" and all(hop.vtep != node for hop in route.nexthops)
    )
    device = f"vrf{network.vrfs[vrf].vni}"
    path = state / network.fabric.nodes[node].name / f"ip-route.{device}.json"
    end = {"type": "unreachable", "dst": "default", "dev": "lo"}
    before = json.loads(path.read_text())
    change(path, lambda routes: [*routes, {**end, "metric": 2**32 - 1}])
    assert rows(network, state) == []
    change(path, lambda _: [*({**one, "metric": 20} for one in before), {**end, "metric": 1}])
    (row,) = rows(network, state)
    assert (row.prefix, row.state) == ("0.0.0.0/0", "different") and "nowhere" in row.found
    hops = [network.plan.vtep(hop.vtep) for hop in route.nexthops]
    split = [
        {"dst": "default", "protocol": "bgp", "gateway": hop, "metric": 20 + later}
        for hop, later in zip([*hops, hops[0]], [*[0] * len(hops), 1], strict=True)
    ]
    change(path, lambda _: [*(one for one in before if one["dst"] != "default"), *split])
    (row,) = rows(network, state)
    assert row.state == "different" and "metric:21" in row.found


def test_a_next_hop_that_is_not_used(network: Network, state: Path) -> None:
    """FRR did not bring it to the kernel, or its device is down."""
    node, device, _ = dpu(network)

    def unused(document: Any) -> Any:
        (entry, *_), *_ = document[device].values()
        first = entry["nexthops"][0]
        del first["fib"]
        return document

    def twice(document: Any) -> Any:
        """As FRR 10 says it of routes of several peers."""
        for entry, *_ in document[device].values():
            entry["nexthops"] += [
                {**hop, "fib": False, "duplicate": True} for hop in entry["nexthops"]
            ]
        return document

    def dead(routes: Any) -> Any:
        routes[0].get("nexthops", routes)[0]["flags"] = ["dead", "linkdown"]
        return routes

    change(state / node / "ip.json", twice)
    assert rows(network, state) == []
    change(state / node / "ip.json", unused)
    change(state / node / f"ip-route.{device}.json", dead)
    found = {(row.kind, row.state) for row in rows(network, state) if "unused:" in row.found}
    assert found == {("route", "different"), ("kernel route", "different")}


def rib_with(state: Path, node: str, device: str, prefix: str, hops: list[dict[str, Any]]) -> None:
    """A static route more in FRR."""

    def changed(document: Any) -> Any:
        document[device][prefix] = [
            {
                "prefix": prefix, "protocol": "static", "vrfName": device, "selected": True,
                "nexthops": [{"fib": True, "active": True, **hop} for hop in hops],
            }
        ]  # fmt: skip
        return document

    change(state / node / "ip.json", changed)


def test_a_default_route_out_of_a_device_is_no_end(network: Network, state: Path) -> None:
    """FRR names no address there; one to nowhere names no device that counts."""
    at, vrf = next(
        pair
        for pair in network.plan.rd
        if all(route.prefix.prefixlen for route in network.fib.routes(*pair))
    )
    node, device = network.fabric.nodes[at].name, f"vrf{network.vrfs[vrf].vni}"
    rib_with(state, node, device, "0.0.0.0/0", [{"unreachable": True, "blackhole": True}])
    assert rows(network, state) == []
    rib_with(
        state, node, device, "0.0.0.0/0", [{"directlyConnected": True, "interfaceName": "eth9"}]
    )
    (row,) = rows(network, state)
    assert (row.prefix, row.state, row.found) == ("0.0.0.0/0", "extra", "eth9")


def test_what_lies_behind_a_vrf_may_be_reached_in_any_way(network: Network, state: Path) -> None:
    """But for a way that leads elsewhere."""
    node, vrf, prefix = next(
        (node, vrf, route.prefix)
        for node, vrf in network.plan.rd
        for route in network.fib.routes(node, vrf)
        if route.prefix.version == 4 and any((h.vtep, h.vrf) == (node, vrf) for h in route.nexthops)
    )
    name, device = network.fabric.nodes[node].name, f"vrf{network.vrfs[vrf].vni}"
    path = state / name / f"ip-route.{device}.json"
    one = str(prefix.network_address)
    local = {"dst": one, "protocol": "static", "dev": "pf0"}
    change(path, lambda routes: [*routes, local])
    assert rows(network, state) == []
    far = network.plan.vtep(next(n for n, v in network.plan.rd if n != node))
    change(path, lambda routes: [*routes, {**local, "gateway": far}])
    (row,) = rows(network, state)
    assert (row.state, row.prefix) == ("extra", f"{one}/32")


def test_what_lies_behind_a_vrf_takes_nothing_from_others(network: Network, state: Path) -> None:
    """Where the default lies behind it, everything lies in it; a part of what another node has does
    not go there."""
    node, vrf = next(
        (node, vrf)
        for node, vrf in network.plan.rd
        for route in network.fib.routes(node, vrf)
        if str(route.prefix) == "0.0.0.0/0" and any(hop.vtep == node for hop in route.nexthops)
    )
    name, device = network.fabric.nodes[node].name, f"vrf{network.vrfs[vrf].vni}"
    rib_with(state, name, device, "192.0.2.128/25", [{"ip": "192.0.2.1"}])
    assert rows(network, state) == []
    wide = next(
        route.prefix
        for route in network.fib.routes(node, vrf)
        if route.prefix.version == 4 and 0 < route.prefix.prefixlen < 32
        and all(hop.vtep != node for hop in route.nexthops)
    )  # fmt: skip
    part = f"{wide.network_address}/{wide.prefixlen + 1}"
    rib_with(state, name, device, part, [{"ip": "192.0.2.1"}])
    (row,) = rows(network, state)
    assert (row.node, row.prefix, row.state) == (name, part, "extra")


def test_an_underlay_with_a_link_less(network: Network, state: Path) -> None:
    def changed(document: Any) -> Any:
        wide = next(e for e in document["default"].values() if len(e[0]["nexthops"]) > 1)
        wide[0]["nexthops"][0]["active"] = False
        return document

    change(state / "leaf1" / "ip.json", changed)
    (row,) = rows(network, state)
    assert (row.kind, row.state, row.node) == ("underlay", "different", "leaf1")


@pytest.mark.parametrize("left", [True, False])
def test_an_empty_underlay_is_missing_and_not_unseen(
    network: Network, state: Path, left: bool
) -> None:
    """With its own loopback or without; of one of whose VRFs nothing is said nothing is known."""
    node = dpu(network)[0]

    def changed(document: Any) -> Any:
        own = next(k for k, e in document["default"].items() if e[0]["protocol"] == "connected")
        return {**document, "default": {own: document["default"][own]} if left else {}}

    change(state / node / "ip.json", changed)
    found = rows(network, state)
    assert len(found) > 1 and {(r.kind, r.state) for r in found} == {("underlay", "missing")}


def test_no_evpn_routes_are_missing_and_not_unseen(network: Network, state: Path) -> None:
    node, _, _ = dpu(network)
    change(state / node / "evpn.json", lambda _: {"numPrefix": 0, "numPaths": 0})
    found = rows(network, state)
    assert {(r.kind, r.state) for r in found} == {("evpn route", "missing")}
