"""Isolation: what peerings, leaks, transit and zones permit, decided packet by packet."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from worlds import endpoint, network

from compiler.policy.ir import Direction, Packet, Policy, Stage
from compiler.policy.semantics import decide
from compiler.sources import isolation
from fabric.building.network import Network
from fabric.file.spec import FabricSpec
from fabric.intent.intents import intents

PREFIXES = {
    "acme/main": ["10.0.0.0/16", {"cidr": "100.64.0.0/24", "use": "nodes"}],
    "globex/main": ["10.0.0.0/16", {"cidr": "100.64.1.0/24", "use": "nodes"}],
    "shared/storage": ["172.20.0.0/24"],
    "lab/main": ["10.9.0.0/16"],
    "far/main": ["10.8.0.0/16"],
}
ENDPOINTS = [
    ("acme/web/front", "acme/main", "10.0.0.1/32"),
    ("acme/@node/host1", "acme/main", "100.64.0.1/32"),
    ("globex/train/w0", "globex/main", "10.0.0.1/32"),
    ("globex/@node/host1", "globex/main", "100.64.1.1/32"),
    ("shared/nfs/server", "shared/storage", "172.20.0.5/32"),
    ("lab/x/probe", "lab/main", "10.9.0.1/32"),
    ("far/x/probe", "far/main", "10.8.0.1/32"),
    ("zone0/api", "zone0/main", "192.0.2.1/32"),
    ("zone2/inet", "zone2/main", "0.0.0.0/0"),
]


def world(**more: Any) -> Network:
    tenants: dict[str, Any] = {}
    for vrf, prefixes in PREFIXES.items():
        tenant, name = vrf.split("/")
        settings: dict[str, Any] = {"prefixes": prefixes}
        if tenant == "acme":
            settings |= {"default_route": "zone2", "advertise": ["nodes"]}
        tenants[tenant] = {"vrfs": {name: settings}}
    spec = FabricSpec.model_validate(
        {"cloison": 1, "name": "test", "sites": {"a": {}}, "tenants": tenants, **more}
    )
    names = [*PREFIXES, "zone0/main", "zone2/main"]
    built = network(
        names, [endpoint(i, n, names.index(v), p) for i, (n, v, p) in enumerate(ENDPOINTS)]
    )
    cidrs = {
        vrf: tuple(ip_network(p if isinstance(p, str) else p["cidr"]) for p in written)
        for vrf, written in PREFIXES.items()
    } | {"zone0/main": (ip_network("192.0.2.0/24"),)}
    vrfs = tuple(replace(v, prefixes=cidrs.get(v.name, ())) for v in built.vrfs)
    return replace(built, spec=spec, vrfs=vrfs, intents=intents(spec, vrfs))


LEAK = {"name": "storage", "from": "shared/storage", "to": ["*/main"], "ports": ["2049/tcp"]}
NODES = {**LEAK, "clients": ["nodes"]}


def allowed(net: Network, policy: Policy, source: str, target: str, port: int = 2049) -> bool:
    """Both enforcement points permit the first packet."""
    ends = {e.name: e for e in net.endpoints}
    a, b = ends[source], ends[target]
    verdicts = []
    for direction, near, far in ((Direction.OUT, a, b), (Direction.IN, b, a)):
        ip = int(far.prefixes[0].network_address)
        if far.name == "zone2/inet":
            ip = int(ip_address("198.18.0.1"))
        packet = Packet(direction, near.index, 4, ip, far.vrf, 6, 40000, port)
        verdict = decide(policy, net, packet)
        assert verdict.stage in (None, Stage.ISOLATION)
        verdicts.append(verdict.permit)
    assert len(set(verdicts)) == 1, "isolation is symmetric for a packet that the routes carry"
    return verdicts[0]


def open_pairs(net: Network, port: int = 2049) -> set[tuple[str, str]]:
    policy, names = isolation.policy(net), [e.name for e in net.endpoints]
    return {
        (a, b)
        for a in names
        for b in names
        if a.split("/")[0] != b.split("/")[0] and allowed(net, policy, a, b, port)
    }


ZONES = {
    ("acme/@node/host1", "zone0/api"),
    ("zone0/api", "acme/@node/host1"),
    ("globex/@node/host1", "zone0/api"),
    ("zone0/api", "globex/@node/host1"),
    ("acme/@node/host1", "zone2/inet"),
    ("zone2/inet", "acme/@node/host1"),
}


def test_without_intent_only_the_zones_are_crossed() -> None:
    net = world()
    assert open_pairs(net) == ZONES
    assert allowed(net, isolation.policy(net), "acme/web/front", "acme/@node/host1")


def test_a_leak_opens_its_ports_towards_the_server_and_nothing_back() -> None:
    clients = {e for e, v, _ in ENDPOINTS if v not in ("shared/storage",) and "zone" not in e}
    net = world(leaks=[LEAK])
    assert open_pairs(net) == ZONES | {(c, "shared/nfs/server") for c in clients}
    assert open_pairs(net, port=22) == ZONES


def test_a_leak_for_nodes_is_closed_to_pods() -> None:
    expected = {
        ("acme/@node/host1", "shared/nfs/server"),
        ("globex/@node/host1", "shared/nfs/server"),
    }
    assert open_pairs(world(leaks=[NODES])) == ZONES | expected


def test_a_leak_offers_only_its_prefixes() -> None:
    assert open_pairs(world(leaks=[{**LEAK, "prefixes": ["172.20.0.128/25"]}])) == ZONES


def test_a_peering_opens_both_ways_and_only_what_is_offered() -> None:
    peering = {
        "name": "pair",
        "between": ["acme/main", "globex"],
        "prefixes": {"acme/main": ["10.0.0.0/24"], "globex": ["100.64.1.0/24"]},
        "ports": ["any"],
    }
    expected = {("acme/web/front", "globex/@node/host1"), ("globex/@node/host1", "acme/web/front")}
    assert open_pairs(world(peerings=[peering])) == ZONES | expected


def chain(*transit: bool, ports: tuple[str, ...] = ("1-3000/tcp", "2000-5000/tcp")) -> list[Any]:
    links = (("acme", "lab"), ("lab", "far"))
    return [
        {"name": f"{a}-{b}", "between": [a, b], "transit": t, "ports": [p]}
        for (a, b), t, p in zip(links, transit, ports, strict=True)
    ]


@pytest.mark.parametrize("transit", [(True, False), (False, True)])
def test_without_transit_on_both_sides_the_far_vrf_stays_closed(transit: tuple[bool, bool]) -> None:
    assert ("acme/web/front", "far/x/probe") not in open_pairs(world(peerings=chain(*transit)))


def test_transit_intersects_ports_and_reuses_the_route_targets() -> None:
    net = world(peerings=chain(True, True))
    assert ("acme/web/front", "far/x/probe") in open_pairs(net)
    assert ("acme/web/front", "far/x/probe") not in open_pairs(net, port=80)
    through = [i for i in intents(net.spec, net.vrfs) if i.via]
    assert [(i.a, i.b, i.name) for i in through] == [
        ("acme/main", "far/main", "acme-lab + lab-far")
    ]
    assert {(o.key, o.importer) for o in through[0].offers} == {
        ("peering acme-lab acme/main", "far/main"),
        ("peering lab-far far/main", "acme/main"),
    }


def test_a_leak_reached_through_transit_stays_one_way() -> None:
    leak = {**LEAK, "to": ["lab/main"], "transit": True}
    net = world(peerings=chain(True, False), leaks=[leak])
    pairs = open_pairs(net, port=2049)
    assert ("acme/web/front", "shared/nfs/server") in pairs
    assert ("shared/nfs/server", "acme/web/front") not in pairs


def test_the_cause_of_a_permit_is_named() -> None:
    net = world(leaks=[NODES])
    origins = {str(rule.origin) for rule in isolation.policy(net).rules}
    assert {"leak storage", "tenant acme/main", "zone zone0", "zone zone2"} <= origins


def test_one_leak_to_many_clients_is_one_rule_per_enforcement_point() -> None:
    rules = [r for r in isolation.policy(world(leaks=[NODES])).rules if r.origin.kind == "leak"]
    assert [(r.direction, len(r.local), len(r.remote)) for r in rules] == [
        (Direction.OUT, 2, 1),
        (Direction.IN, 1, 2),
    ]


def test_a_vrf_per_namespace_is_worth_a_warning() -> None:
    net = world()
    assert isolation.lints(net) == ()
    spec = net.spec.model_copy(
        update={
            "tenants": {
                "acme": net.spec.tenants["acme"].model_copy(update={"vrf_per": "namespace"})
            }
        }
    )
    vrfs = (*net.vrfs, replace(net.vrfs[0], index=7, name="acme/other"))
    (lint,) = isolation.lints(replace(net, spec=spec, vrfs=vrfs))
    assert (lint.code, lint.severity) == ("C690", "warning")
