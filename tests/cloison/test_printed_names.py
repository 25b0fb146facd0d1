"""A law over everything that has a name: what is printed is accepted where it can be written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_worlds import policies, worlds

import cloison
from cloison.verbs.replaying import vrf_index
from cloison.views.world import World
from compiler.policy.ir import Policy
from compiler.sources.zones import lints
from fabric.building.build import rebuild
from fabric.building.network import Network
from fabric.checks.known_names import survey
from fabric.checks.trust_zones import unmatched
from fabric.diagnostics import InputError
from fabric.file.expect.claims import parse_claim
from fabric.intent.intents import select_vrfs
from fabric.values.names import others
from fabric.values.ports import parse_ports
from sim.names.ends import endpoints, targets
from sim.names.wanted_ports import split_source
from sim.proof.expectations.expect import selected
from sim.proof.pairs.reachability import reachability
from sim.reach.access import access, receivers, senders
from sim.why.explain import between

TOPOLOGIES = Path(__file__).parents[2] / "topologies"
BUNDLED = ["small", "demo"]
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)


@pytest.fixture(scope="module", params=BUNDLED)
def world(request: pytest.FixtureRequest) -> World:
    return cloison.build(TOPOLOGIES / f"{request.param}.yaml")


def names_of(network: Network) -> dict[str, set[int]]:
    """Names of endpoints as they are printed, with the endpoints that each must mean."""
    found: dict[str, set[int]] = {}
    for e in network.endpoints:
        workload = [f"{e.name.rpartition('/')[0]}/{e.workload}"] if e.workload else []
        for name in (e.name, *others(e), *workload):
            found.setdefault(name, set()).add(e.index)
    return found


def assert_read(network: Network) -> None:
    """By expectations, explain, and both ends of reach."""
    for name, meant in names_of(network).items():
        assert meant <= set(selected(name, network).nonzero()[0].tolist()), name
        assert meant & {e.index for e in endpoints(network, name)}, name
        for port in ("", ":443", ":53/udp", ":icmp"):
            assert meant & {t.endpoint.index for t in targets(network, name + port) if t.endpoint}
            ((bits, _),) = receivers(network, name + port)
            assert meant <= set(bits.nonzero()[0].tolist()), name
        assert meant <= set(senders(network, name).nonzero()[0].tolist()), name
        assert parse_claim(f"{name} -> {name}:443/tcp")[:2] == (name, name)


def test_every_endpoint_s_names(world: World) -> None:
    assert_read(world.network)
    names = survey(world.network.spec)
    wrong = {n: unmatched(n, names) for n in names_of(world.network)}
    assert {n: found for n, found in wrong.items() if found} == {}
    assert lints(world.network) == ()


@settings(max_examples=10, deadline=None, phases=QUICK)
@given(worlds())
def test_every_endpoint_s_names_in_random_worlds(network: Network) -> None:
    assert_read(network)


def test_nodes_links_and_vrfs(world: World) -> None:
    network = world.network
    fabric = network.fabric
    kinds = {link.name: link.kind for link in fabric.links}
    for row in [r for r in world.links.rows if kinds[r["link"]] != "host"][:20]:
        assert rebuild(network, down=(row["link"],)).fabric.down_links
    for row in world.nodes.rows[:20]:
        if fabric.node(row["node"]).role.value != "host":
            assert rebuild(network, down=(row["node"],)).fabric.down_nodes
        assert network.fabric.node(row["node"]).name == row["node"]
    for vrf in network.vrfs:
        assert vrf_index(network, vrf.name) == vrf.index
        if vrf.zone == 1:
            assert select_vrfs([vrf.name], [v.name for v in network.vrfs]) == (vrf.name,)


@settings(max_examples=10, deadline=None, phases=QUICK)
@given(worlds(), policies(), st.data())
def test_packets_and_ports_in_random_worlds(network: Network, policy: Policy, data: Any) -> None:
    """The packet that an explanation prints asks for the same explanation; ports of reach read."""
    made = World(network, policy)
    reach = reachability(made)
    every = [True] * len(network.endpoints)
    bits: Any = selected("*", network) | every
    for row in access(reach, bits, bits):
        assert parse_ports(row.text)
    source, target = data.draw(st.permutations(network.endpoints))[:2]
    port = data.draw(st.sampled_from(["443", "53/udp", "icmp", "protocol 47", "sctp"]))
    try:
        first = between(made, source, targets(network, f"{target.name}:{port}")[0])
    except InputError:
        return
    sent, _, to = first.document()["packet"].partition(" -> ")
    address, sport = split_source(sent)
    (again,) = targets(network, to)
    second = between(made, source, again, first.flow.version, again.address and None, sport)
    assert second.flow.protocol == first.flow.protocol
    assert (second.flow.dport, second.flow.dst) == (first.flow.dport, first.flow.dst)
    assert address in sent


def test_ports_of_every_table(world: World) -> None:
    """Those of reach and of policies as they are read."""
    seen = {str(row["ports"]) for row in cloison.reach(world).rows}
    for row in world.policy.rows:
        seen |= set(re.split(r" \| ", str(row["ports"])))
    numbered = {text for text in seen if not re.fullmatch(r"[a-z0-9-]+/(tcp|udp|sctp|any)", text)
                or text[0].isdigit()}  # fmt: skip
    assert len(numbered) > 3
    for text in numbered:
        assert parse_ports(text), text
