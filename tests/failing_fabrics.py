"""Fabrics for expectations under failures, and a twin that builds the world of each one anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fabric_files import network_of, vrf, write_fabric

from fabric.building.network import Network
from sim.proof.expectations.expect import check_claim, pairs_of, read_claims, without
from sim.proof.pairs.reachability import reachability
from sim.worlds.world import World

BOTH = ["any-1-link", "any-1-node"]
GROUPS = {
    "rack1": ["host[1-2]", "leaf1"],
    "feed": ["spine2", "border2"],
    "trench": ["leaf1--*", "spine1--leaf2"],
}
CUT = ["dpu1--leaf1", "dpu2--leaf1", "dpu3--leaf1"]
MEMBERS = {
    "rack1": ["dpu1", "dpu2", "leaf1"],
    "feed": ["spine2", "border2"],
    "trench": ["leaf1--spine1", "leaf1--spine2", *CUT, "leaf2--spine1"],
}
"""The same, spelled out: a host's DPU is a member with it, and so are cables in both directions."""
RISKS = ["any-1-risk-group"]
KINDS = [*BOTH, *RISKS, "any-2-links"]
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


def racks(folder: Path) -> Path:
    """As `plain`, with risk groups."""
    site = {"spines": 2, "leaves": 2, "hosts_per_pair": 3, "borders": 2}
    work = {"a": ["n/p@host1", "n/q@host2", "n/r@host3"]}
    lines = [
        {"allow": "a/* -> a/*", "hold_under": RISKS},
        {"allow": "a/@node/host3 -> zone2/partner", "hold_under": RISKS},
        {"allow": "a/@node/* -> zone2/partner", "hold_under": KINDS},
        {"allow": "a/n/r -> a/n/q", "hold_under": KINDS},
        {"allow": "a/n/r -> a/n/q", "hold_under": ["any-2-links"]},
        {"deny": "a/n/* -> zone2/inet", "hold_under": KINDS},
    ]
    more: dict[str, Any] = {"zones": {"zone2": ZONE2}, "risk_groups": GROUPS, "expect": lines}
    return write_fabric(folder, {"a": A}, work, sites={"s": site}, **more)


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
    "racks and feeds": (racks, ()),
    "racks and feeds, a rack down": (racks, ("rack1",)),
    "racks and feeds, a leaf of one down": (racks, ("leaf1",)),
    "somebody stands in": (stand_in, ()),
    "somebody stands in, a spine down": (stand_in, ("spine2",)),
}


def failing(network: Network, kind: str) -> list[tuple[str, ...]]:
    """What may fail at once: cables between devices, devices, or risk groups, unless they are down;
    one cable, then two. Hosts are none."""
    fabric = network.fabric
    if kind in RISKS:
        return [(name,) for name in groups(network) if name not in fabric.down]
    hosts = {n.index for n in fabric.nodes if n.role.value == "host"}
    if kind in ("any-1-link", "any-2-links"):
        links = [x for x in fabric.links if not {x.a, x.b} & hosts]
        names = [x.name for x in links if x.index not in fabric.down_links]
        pairs = [(a, b) for n, a in enumerate(names) for b in names[n + 1 :]]
        return [*((name,) for name in names), *(pairs if kind == "any-2-links" else [])]
    nodes = [n for n in fabric.nodes if n.index not in hosts]
    return [(n.name,) for n in nodes if n.index not in fabric.down_nodes]


def groups(network: Network) -> dict[str, list[str]]:
    """Members of risk groups by name: what the file says, and what one rack holds but for hosts,
    which are no members. Sites of these fabrics have no rack's name in common."""
    found = dict(network.spec.risk_groups)
    for role in ("dpu", "leaf", "border", "spine"):
        for site in network.spec.sites.values():
            for name, node in site.nodes.items():
                if node.rack and node.role == role:
                    found.setdefault(f"rack-{node.rack}", []).append(name)
    return found


def spelled_out(down: Sequence[str], members: Mapping[str, list[str]] = MEMBERS) -> list[str]:
    """Nodes and cables in place of risk groups."""
    return [member for name in down for member in members.get(name, [name])]


def broken(
    path: Path, network: Network, down: Sequence[str], members: Mapping[str, list[str]] = MEMBERS
) -> dict[int, str]:
    """By expectation that holds as things are the first failure that breaks it, each world built
    from the file."""
    found: dict[int, str] = {}
    claims = read_claims(network.spec, network)
    base = reachability(World(network))
    holding = [c for c in claims if check_claim(base, c).holds]
    before = {*spelled_out(down, members)}
    for kind in KINDS:
        asking = [c for c in holding if kind in c.hold_under]
        for names in failing(network, kind) if asking else ():
            fresh = [name for name in spelled_out(names, members) if name not in before]
            reach = reachability(World(network_of(path, down=(*sorted(before), *fresh))))
            on_it = [e for e in network.endpoints if network.fabric.nodes[e.vtep].name in fresh]
            gone = [e.index for e in on_it if not e.name.startswith("zone")]
            for claim in asking:
                if claim.number not in found:
                    wanted = without(pairs_of(claim, network), network, gone)
                    if not check_claim(reach, claim, wanted).holds:
                        found[claim.number] = " and ".join(names)
    return found


def noticed(network: Network) -> object:
    """What packets notice of a world, spelled out."""
    routes = [
        (vtep, vrf, str(route.prefix), [(hop.vtep, hop.vrf) for hop in route.nexthops])
        for vtep, vrf in network.fib.instances
        for route in network.fib.routes(vtep, vrf)
    ]
    vteps = sorted({vtep for vtep, _ in network.fib.instances})
    ways = [(a, b) for a in vteps for b in vteps if a == b or network.underlay.reachable(a, b)]
    return routes, ways
