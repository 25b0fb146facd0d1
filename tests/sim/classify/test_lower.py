"""A stage as rules: classifiers say of every packet which entry the definition says."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from compiled import compile_network
from hypothesis import Phase, given, settings
from lowered import classified, products
from naive import L4S, points
from random_worlds import policies, worlds

from compiler.compile import compile_policy
from compiler.policy.ir import Action, Direction, Packet, Policy, Stage
from compiler.policy.semantics import concerns, evaluate
from compiler.program.program import ANY_VRF, Entry, L4Range, Program, Region
from compiler.program.walk import entry_matches
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network
from fabric.values.ports import ANY

TOPOLOGIES = Path(__file__).parents[3] / "topologies"


def matched(program: Program, packet: Packet, stage: Stage) -> int:
    """The entry of the endpoint's group, by trying one after the other; -1 without a group."""
    number = int(program.bindings[packet.direction, packet.local, program.stages.index(stage)])
    if number < 0:
        return -1
    group = program.groups[number]
    hits = (e.id for e in group.entries if entry_matches(e, packet))
    return next(hits, group.default_entry.id)


@settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(worlds(), policies())
def test_a_stage_as_rules_says_what_the_definition_says(network: Network, policy: Policy) -> None:
    program = compile_policy(network, policy)
    for version in (4, 6):
        packets = [
            Packet(direction, e.index, version, ip, vrf, *l4)
            for direction, e, ip, vrf, l4 in product(
                Direction, network.endpoints, points(network, policy, version), range(3), L4S
            )
        ][::7]
        for stage in policy.stages:
            found = classified(program, stage, version, packets)
            assert found == [matched(program, p, stage) for p in packets]
            for packet, entry in list(zip(packets, found, strict=True))[::11]:
                agrees_with_policy(program, packet, stage, entry)


def agrees_with_policy(program: Program, packet: Packet, stage: Stage, entry: int) -> None:
    """The entry decides and blames as the policy does; a stage that permits all has none."""
    local = program.network.endpoints[packet.local]
    rules, selections = (
        [item for item in items if concerns(item, stage, packet, local, program.network)]
        for items in (program.policy.rules, program.policy.selections)
    )
    wanted = evaluate(stage, rules, selections, packet, local, program.network)
    if entry < 0:
        assert wanted[0] is Action.PERMIT
    else:
        found = program.entry(entry)[1]
        assert (found.action, (program.origins[found.origin],), ()) == wanted


def test_of_a_fabric_both_ip_versions_and_unknown_keys() -> None:
    program = compile_network(build(load_fabric(TOPOLOGIES / "small.yaml")))
    network, rng = program.network, np.random.default_rng(1)
    for version, stage in product((4, 6), program.stages):
        packets = []
        for _ in range(2000):
            far = network.endpoints[rng.integers(len(network.endpoints))]
            prefix = next(p for p in far.prefixes if p.version == version)
            packets.append(
                Packet(
                    Direction(rng.integers(2)),
                    int(rng.integers(len(network.endpoints))),
                    version,
                    int(prefix.network_address) + int(rng.integers(-1, 2)),
                    int(rng.integers(-1, len(network.vrfs))),
                    int(rng.choice([6, 6, 17, 1])),
                    int(rng.integers(65536)),
                    int(rng.choice([53, 80, 443, 8080, 8443, 65535])),
                )
            )
        wanted = [matched(program, p, stage) for p in packets]
        assert classified(program, stage, version, packets) == wanted


def l4_of(chance: np.random.Generator) -> L4Range:
    ends = [(0, 65535), (80, 80), (443, 443), (1000, 2000)]
    sport, dport = (ends[i] for i in chance.integers(4, size=2))
    return L4Range(int(chance.choice([ANY, 6, 17])), sport, dport)


@pytest.mark.parametrize("seed", range(20))
def test_products_are_the_same_set(seed: int) -> None:
    chance = np.random.default_rng(seed)
    ranges = tuple(sorted({l4_of(chance) for _ in range(chance.integers(0, 9))}))
    entry = Entry(0, 0, (Region(),), ranges, Action.PERMIT, 0)
    made = products(ranges)
    assert len(made) <= len(ranges)
    edges = (0, 79, 80, 81, 443, 1000, 2000, 2001, 65535)
    for protocol, sport, dport in product((1, 6, 17), edges, edges):
        packet = Packet(Direction.OUT, 0, 4, 0, ANY_VRF, protocol, sport, dport)
        inside = any(
            (protocols is None or protocol in protocols)
            and any(a <= sport <= b for a, b in sports)
            and any(a <= dport <= b for a, b in dports)
            for protocols, sports, dports in made
        )
        assert inside == entry_matches(entry, packet)
