"""Expectations under failures against a twin that builds every world anew: every cable and device
fails once, nothing is taken for the same world that is another, and only who is gone is exempt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fabric_files import network_of, vrf, write_fabric

from fabric.build import rebuild
from fabric.network import Network
from sim.axes import sweep
from sim.checker.failures import noticeable
from sim.proof.expect import check_claim, pairs_of, read_claims, without
from sim.proof.failures import signature
from sim.proof.prove import prove
from sim.proof.reachability import reachability
from sim.world import World

BOTH = ["any-1-link", "any-1-node"]
NODES = {"cidr": "100.64.0.0/24", "use": "nodes"}
A = vrf("10.0.0.0/16", "fd00::/48", NODES, default_route="zone2", advertise=["nodes"])
ZONE2 = {
    "endpoints": {
        "inet": {"addresses": ["0.0.0.0/0"]},
        "partner": {"addresses": ["198.51.100.0/24"], "border": "border2"},
    },
    "rules": [{"name": "out", "from": "a/*", "to": "zone2/*", "ports": ["any"]}],
}
LINES = [
    {"allow": "a/* -> a/*", "hold_under": BOTH},
    {"allow": "a/@node/* -> zone2/partner", "hold_under": BOTH},
    {"allow": "a/@node/* -> 198.51.100.0/25:443/tcp", "hold_under": ["any-1-node"]},
    {"deny": "a/n/* -> zone2/inet", "hold_under": BOTH},
]


def plain(folder: Path) -> Path:
    """A tenant on both hosts of a pair, two borders."""
    site = {"spines": 2, "leaves": 2, "hosts_per_pair": 2, "borders": 2}
    work = {"a": ["n/p@host1", "n/q@host2"]}
    zones = {"zone2": ZONE2}
    return write_fabric(folder, {"a": A}, work, sites={"s": site}, zones=zones, expect=LINES)


def stand_in(folder: Path) -> Path:
    """Two VRFs have one prefix, and a peering only with the farther one: without the nearer one
    packets go there."""
    raw = ["65000:10701", "65000:10702"]
    tenants = {
        "a": vrf("10.0.0.0/16", import_rts=raw),
        **{f"x{n}": vrf("172.30.0.0/24", vni=10700 + n) for n in (1, 2)},
    }
    work = {
        "a": ["n/p@host1"],
        "x1": ["n/p@host2=172.30.0.5"],
        "x2": ["n/p@host5=172.30.0.5"],
    }
    site = {"spines": 2, "leaves": 4, "hosts_per_pair": 3, "borders": 2}
    expect: list[dict[str, Any]] = [
        {"deny": f"a/* -> x{n}/*", "hold_under": [kind]} for n in (1, 2) for kind in BOTH
    ]
    back = {"import_rts": ["65000:10700"]}
    tenants["a"]["vrfs"]["main"]["vni"] = 10700
    tenants["x1"]["vrfs"]["main"] |= back
    peering = [{"name": "ax", "between": ["a/main", "x2/main"]}]
    return write_fabric(folder, tenants, work, sites={"s": site}, expect=expect, peerings=peering)


WORLDS = {
    "nothing down": (plain, ()),
    "a spine down": (plain, ("spine1",)),
    "a leaf down": (plain, ("leaf1",)),
    "a cable down": (plain, ("dpu1--leaf1",)),
    "a border down": (plain, ("border1",)),
    "somebody stands in": (stand_in, ()),
    "somebody stands in, a spine down": (stand_in, ("spine2",)),
}


def failing(network: Network, kind: str) -> list[str]:
    """What may fail: cables between devices, or devices, unless they are down; hosts are none."""
    fabric = network.fabric
    hosts = {n.index for n in fabric.nodes if n.role.value == "host"}
    if kind == "any-1-link":
        links = [x for x in fabric.links if not {x.a, x.b} & hosts]
        return [x.name for x in links if x.index not in fabric.down_links]
    nodes = [n for n in fabric.nodes if n.index not in hosts]
    return [n.name for n in nodes if n.index not in fabric.down_nodes]


def broken(path: Path, network: Network, down: Sequence[str]) -> dict[int, str]:
    """By expectation that holds as things are the first failure that breaks it, each world built
    from the file."""
    found: dict[int, str] = {}
    claims = read_claims(network.spec, network)
    base = reachability(World(network))
    holding = [c for c in claims if check_claim(base, c).holds]
    for kind in BOTH:
        for name in failing(network, kind):
            world = network_of(path, down=(*down, name))
            reach = reachability(World(world))
            gone = [e.index for e in network.endpoints if network.fabric.nodes[e.vtep].name == name]
            for claim in holding:
                if kind in claim.hold_under and claim.number not in found:
                    wanted = without(pairs_of(claim, network), network, gone)
                    if not check_claim(reach, claim, wanted).holds:
                        found[claim.number] = name
    return found


@pytest.mark.parametrize("world", WORLDS)
def test_the_first_failure_that_breaks_is_found(tmp_path: Path, world: str) -> None:
    make, down = WORLDS[world]
    path = make(tmp_path)
    network = network_of(path, down=down)
    proof = prove(World(network))
    under = {o.claim.number: o.under for o in proof.under_failure}
    assert under == broken(path, network, down)
    quiet = ("nothing down", "a border down")
    assert bool(under) == (world not in quiet)
    assert [n for n, said in enumerate(proof.verdicts()) if said == "fails"] == sorted(
        {*under, *(n for n, o in enumerate(proof.outcomes) if not o.holds)}
    )


@pytest.mark.parametrize("down", [(), ("spine1", "dpu2--leaf1"), ("leaf2", "border1")])
def test_what_fails_is_every_cable_and_device_that_is_up(
    tmp_path: Path, down: tuple[str, ...]
) -> None:
    network = network_of(plain(tmp_path), down=down)
    for kind in BOTH:
        names = sweep(kind)[1](World(network))
        assert names == failing(network, kind)
        assert not {*names} & {*down}
    assert {"dpu1", "dpu2", "leaf1", "spine2", "border2"} <= {*sweep(BOTH[1])[1](World(network))}


def test_worlds_have_one_signature_exactly_if_no_packet_can_tell(tmp_path: Path) -> None:
    """Told apart by the routes of every VTEP, next hops by name, and by who reaches whom."""
    for make in (plain, stand_in):
        folder = tmp_path / make.__name__
        folder.mkdir()
        network = network_of(make(folder))
        names = [name for kind in BOTH for name in failing(network, kind)]
        worlds = [network, *(rebuild(network, down=[name]) for name in names)]
        seen: dict[bytes, object] = {}
        for world in worlds:
            said = noticed(world)
            assert seen.setdefault(signature(world), said) == said
        assert len(set(map(repr, seen.values()))) == len(seen)


@pytest.mark.parametrize("digest", [signature, noticeable])
def test_a_vtep_that_is_cut_off_is_noticed_whatever_routes_say(
    tmp_path: Path, digest: Callable[[Network], object]
) -> None:
    """Proofs ask the underlay and the routes, each for itself; so does what tells worlds apart."""
    network = network_of(plain(tmp_path))
    without_dpu = rebuild(network, down=["dpu2"])
    worlds = [
        network,
        without_dpu,
        replace(network, underlay=without_dpu.underlay),
        replace(network, fib=without_dpu.fib),
    ]
    assert len({digest(world) for world in worlds}) == len(worlds)
    assert digest(network) == digest(rebuild(without_dpu, down=[]))


def test_next_hops_are_told_apart_by_vtep_and_by_vrf(tmp_path: Path) -> None:
    network = network_of(plain(tmp_path))
    sets = network.fib.nexthop_sets
    others = [
        tuple(tuple(replace(hop, **{key: getattr(hop, key) + 1}) for hop in hops) for hops in sets)
        for key in ("vtep", "vrf")
    ]
    fibs = [network.fib, *(replace(network.fib, nexthop_sets=found) for found in others)]
    assert len({signature(replace(network, fib=fib)) for fib in fibs}) == 3


def noticed(network: Network) -> object:
    """What packets notice of a world, spelled out."""
    routes = [
        (vtep, vrf_, str(route.prefix), [(hop.vtep, hop.vrf) for hop in route.nexthops])
        for vtep, vrf_ in network.fib.instances
        for route in network.fib.routes(vtep, vrf_)
    ]
    vteps = sorted({vtep for vtep, _ in network.fib.instances})
    ways = [(a, b) for a in vteps for b in vteps if a == b or network.underlay.reachable(a, b)]
    return routes, ways
