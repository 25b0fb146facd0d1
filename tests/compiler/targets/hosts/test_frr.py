"""frr.conf read back: what a speaker announces, imports and talks to is what the network says.

Whether FRR takes it, and does with it what we think, is for the tests that run FRR."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest
from compiled import compile_network

from compiler.targets.hosts.frr import Frr, config
from compiler.targets.hosts.releases import FRR_8_4, FRR_10_3, RELEASES, Release
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network
from fabric.wiring.topology import Role

TOPOLOGIES = Path(__file__).parents[4] / "topologies"


class Instance(NamedTuple):
    """One BGP instance as its text says it."""

    rd: str
    imports: set[str]
    announced: dict[str, set[str]]
    """Prefix → route targets, those of route-maps included."""


def blocks(text: str) -> dict[str, list[str]]:
    """Sections at the left margin with the lines below them."""
    out: dict[str, list[str]] = {}
    mine: list[str] = []
    for line in text.splitlines():
        if line and not line.startswith((" ", "!")):
            mine = out.setdefault(line, [])
        elif line.strip(" !"):
            mine.append(line.strip())
    return out


def instances(text: str) -> dict[int, Instance]:
    """By VNI."""
    found = blocks(text)
    lists: dict[str, set[str]] = defaultdict(set)
    for line in found:
        if match := re.match(r"ip(?:v6)? prefix-list (\S+) seq \d+ permit (\S+)$", line):
            lists[match[1]].add(match[2])
    maps: dict[str, list[tuple[set[str] | None, set[str]]]] = defaultdict(list)
    for line, below in found.items():
        if match := re.match(r"route-map (OFFER-\S+) permit (\d+)$", line):
            named = [x.split()[-1] for x in below if x.startswith("match ")]
            targets = [x.split()[3:] for x in below if x.startswith("set extcommunity rt ")]
            maps[match[1]].append(
                (lists[named[0]] if named else None, {t for some in targets for t in some})
            )
    out = {}
    for line, below in found.items():
        match = re.match(r"router bgp \d+ vrf vrf(\d+)$", line)
        if match is None:
            continue
        own = {x.split()[-1] for x in below if x.startswith("route-target export ")}
        announced = {x.split()[1]: set(own) for x in below if x.startswith("network ")}
        for x in below:
            if named := re.match(r"advertise (ipv[46]) unicast route-map (\S+)$", x):
                for prefix, targets in announced.items():
                    if (":" in prefix) == (named[1] == "ipv6"):
                        targets |= next(
                            rts
                            for listed, rts in maps[named[2]]
                            if listed is None or prefix in listed
                        )
        (rd,) = (x.split()[1] for x in below if x.startswith("rd "))
        imports = {x.split()[-1] for x in below if x.startswith("route-target import ")}
        out[int(match[1])] = Instance(rd, imports, announced)
    return out


@pytest.fixture(scope="module", params=["small", "demo", "namespaces"])
def network(request: pytest.FixtureRequest) -> Network:
    return build(load_fabric(TOPOLOGIES / f"{request.param}.yaml"), lock=False)


def speakers(network: Network) -> list[int]:
    return [n.index for n in network.fabric.nodes if n.role is not Role.HOST]


def test_every_speaker_has_a_file(network: Network) -> None:
    assert [*Frr(FRR_8_4).nodes(compile_network(network))] == speakers(network)


@pytest.mark.parametrize("release", RELEASES.values(), ids=lambda release: release.name)
def test_instances_announce_and_import_what_the_network_says(
    network: Network, release: Release
) -> None:
    for node in speakers(network):
        found = instances(config(network, node, release))
        here = {vrf for vtep, vrf in network.plan.instances if vtep == node}
        assert found.keys() == {network.vrfs[vrf].vni for vrf in here}
        for vrf in here:
            said = found[network.vrfs[vrf].vni]
            routes = {str(r.prefix): set(r.rts) for r in network.routes.of(node) if r.vrf == vrf}
            assert said.announced == routes
            assert said.imports == set(network.fib.imports[vrf])
            assert said.rd == network.plan.rd[node, vrf]


def test_the_underlay_is_that_of_the_network(network: Network) -> None:
    """Sessions on every port, a loopback, the AS; a DPU passes nothing on, others do."""
    for node in network.fabric.nodes:
        if node.role is Role.HOST:
            continue
        found = blocks(config(network, node.index))
        below = found[f"router bgp {network.plan.asn[node.index]}"]
        ports = {s.port for s in network.underlay.sessions if s.node == node.index}
        named = (re.match(r"neighbor (\S+) interface peer-group FABRIC$", x) for x in below)
        assert {m[1] for m in named if m} == ports
        assert f"network {network.plan.vtep(node.index)}/32" in below
        assert f"bgp router-id {network.plan.vtep(node.index)}" in below
        assert "bgp bestpath as-path multipath-relax" in below
        assert "neighbor FABRIC remote-as external" in below
        vtep = any(at == node.index for at, _ in network.plan.instances)
        assert ("advertise-all-vni" in below) == vtep
        families = [x for x in below if x.startswith("address-family ")]
        assert families == ["address-family ipv4 unicast", "address-family l2vpn evpn"]
        assert below.count("neighbor FABRIC activate") == 2
        own = 2 if node.role is Role.DPU else 0
        assert below.count("neighbor FABRIC route-map OWN out") == own
        assert ("bgp as-path access-list OWN seq 5 permit ^$" in found) == bool(own)
        if own:
            assert found["route-map OWN permit 10"] == ["match as-path OWN"]


@pytest.mark.parametrize("release", RELEASES.values(), ids=lambda release: release.name)
def test_what_a_release_does_not_do_between_vrfs_is_said(
    network: Network, release: Release
) -> None:
    """Every pair of VRFs of which one has routes of the other on another node, by name."""
    wanted: set[tuple[str, str]] = set()
    for node, vrf in network.fib.instances:
        text = config(network, node, release)
        for route in network.fib.routes(node, vrf):
            for hop in (h for h in route.nexthops if h.vrf != vrf and h.vtep != node):
                said = f"! routes of {network.vrfs[hop.vrf].name} from other nodes " in text
                assert said == (release is FRR_8_4)
                assert (f"FRR 8.4 {release.other_vnis}\n" in text) == said
                if said:
                    wanted.add((network.vrfs[hop.vrf].name, network.vrfs[vrf].name))
    told = Frr(release).remarks(compile_network(network))
    assert [d.code for d in told] == ["C867"] * bool(wanted)
    for found in told:
        assert found.severity == "warning"
        assert found.message.startswith(f"FRR {release.name} {release.other_vnis}: ")
        shown = re.findall(r"(\S+) into (\S+) on \d+ node", found.message)
        more = re.search(r"and ([\d,]+) more such pairs", found.message)
        assert set(shown) <= wanted
        assert len(shown) + int(more[1] if more else 0) == len(wanted)


def test_only_the_file_for_a_later_release_names_it(network: Network) -> None:
    node = speakers(network)[-1]
    first = {r: config(network, node, r).splitlines()[0] for r in (FRR_8_4, FRR_10_3)}
    assert first == {FRR_8_4: "frr defaults datacenter", FRR_10_3: "! for FRR 10.3"}
