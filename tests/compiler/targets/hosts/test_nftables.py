"""The nftables backend: the kernel takes every ruleset, and input cannot break out of it.

That the kernel enforces them as defined is what `tests/sim/test_lab*.py` is about.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from compiled import compile_network
from oracles import require, require_root

from compiler.compile import compile_policy
from compiler.policy.ir import (
    L4,
    Action,
    Direction,
    Everyone,
    Named,
    Origin,
    Policy,
    Rule,
    Selection,
    Stage,
)
from compiler.program.program import ANY_VRF, Program
from compiler.targets.hosts import nft_maps, nftables
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.diagnostics import Span

TOPOLOGIES = Path(__file__).parents[4] / "topologies"


@pytest.fixture(scope="module", params=["small", "demo"])
def program(request: pytest.FixtureRequest) -> Program:
    return compile_network(build(load_fabric(TOPOLOGIES / f"{request.param}.yaml"), lock=False))


def loads(text: str) -> None:
    """Load a ruleset in a namespace that lives as long as the command."""
    require("nft", "unshare")
    require_root()
    done = subprocess.run(
        ["unshare", "--net", "nft", "-f", "-"], input=text, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.root
@pytest.mark.oracle("nft")
def test_the_kernel_loads_every_ruleset(program: Program) -> None:
    for node in nftables.nodes(program):
        loads(nftables.render(program, node))
        loads(nftables.ruleset(program, node, incoming="meta sdifname"))


@pytest.mark.root
@pytest.mark.oracle("nft")
def test_names_of_the_user_stay_inside_comments(program: Program) -> None:
    nasty = '" drop\n}\nflush ruleset; \\ ${x} # é\x00'
    origins = tuple(replace(origin, name=nasty * 3) for origin in program.origins)
    node = nftables.nodes(program)[0]
    text = nftables.render(replace(program, origins=origins), node)
    loads(text)
    assert "flush ruleset" not in re.sub(r'comment "[^"\n]*"', "", text)
    assert max(len(c) for c in re.findall(r'comment "([^"]*)"', text)) <= 128


def test_a_long_path_does_not_hide_the_line(program: Program) -> None:
    span = Span(f"/{'long/' * 40}policy.yaml", 58, 3)
    origins = tuple(replace(origin, span=span) for origin in program.origins)
    text = nftables.render(replace(program, origins=origins), nftables.nodes(program)[0])
    comments = {c for c in re.findall(r'comment "([^"]*)"', text) if not c.endswith("_drop")}
    assert comments
    for comment in comments:
        assert comment.endswith("policy.yaml:58:3)")
        assert len(comment) <= 128


def test_every_entry_of_a_node_is_there_once_per_chain(program: Program) -> None:
    for node in nftables.nodes(program):
        text = nftables.render(program, node)
        chains = re.findall(r"^\tchain g(\d+) \{$", text, re.M)
        assert sorted(map(int, chains)) == [group.id for group in program.groups_at(node)]


def test_what_goes_out_is_matched_by_its_destination_and_what_comes_in_by_its_source(
    program: Program,
) -> None:
    seen = set()
    for node in nftables.nodes(program):
        text = nftables.render(program, node)
        chains = dict(re.findall(r"^\tchain g(\d+) \{\n(.*?)^\t\}", text, re.M | re.S))
        for group in program.groups_at(node):
            words = {*re.findall(r"\bip6? ([sd]addr) ", chains[str(group.id)])}
            assert words <= {"daddr" if group.direction is Direction.OUT else "saddr"}
            seen |= words
    assert seen == {"saddr", "daddr"}


def test_a_rule_says_behind_which_vrf_its_addresses_lie(program: Program) -> None:
    seen = set()
    for node in nftables.nodes(program):
        text = nftables.render(program, node)
        chains = dict(re.findall(r"^\tchain g(\d+) \{\n(.*?)^\t\}", text, re.M | re.S))
        for group in program.groups_at(node):
            marks = re.findall(r"meta mark (0x[0-9a-f]+) ", chains[str(group.id)])
            regions = (region for entry in group.entries for region in entry.regions)
            wanted = {region.vrf for region in regions} - {ANY_VRF}
            assert {int(mark, 16) ^ nft_maps.MARK for mark in marks} == wanted
            seen |= wanted
    assert len(seen) > 1


def test_the_same_text_on_every_run(program: Program) -> None:
    node = nftables.nodes(program)[0]
    assert nftables.render(program, node) == nftables.render(program, node)


def test_what_a_rule_does_is_what_its_entry_does(program: Program) -> None:
    """Deny drops, permit returns to the next group, what ends the evaluation marks the packet."""
    for node in nftables.nodes(program):
        text = nftables.render(program, node)
        chains = dict(re.findall(r"^\tchain g(\d+) \{\n(.*?)^\t\}", text, re.M | re.S))
        for group in program.groups_at(node):
            rules = re.findall(r"\bcounter (.*?) comment", chains[str(group.id)])
            said = {"mark" if rule.startswith("meta mark set") else rule for rule in rules}
            words = {Action.DENY: "drop", Action.PERMIT: "return", Action.PERMIT_FINAL: "mark"}
            assert said == {words[e.action] for e in (*group.entries, group.default_entry)}


def test_sources_of_other_vteps_are_known_by_their_tunnels_and_own_ones_by_none(
    program: Program,
) -> None:
    network = program.network
    for node in nftables.nodes(program):
        text = nftables.render(program, node)
        maps = dict(re.findall(r"^\tmap (\w+) \{\n(.*?)^\t\}", text, re.M | re.S))
        mine = {nft_maps.tunnel_mac(network, node, vrf.index) for vrf in network.vrfs}
        told = "".join(body for name, body in maps.items() if name.startswith("tunnel"))
        assert mine.isdisjoint(re.findall(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", told))
        for vrf in {e.vrf for e in network.endpoints if e.vteps == (node,)}:
            assert any("elements" in maps[f"own{version}_{vrf}"] for version in (4, 6))


def test_a_rule_says_which_ports_packets_come_from() -> None:
    network = build(load_fabric(TOPOLOGIES / "small.yaml"), lock=False)
    everybody, make = (Named(("*",)),), Origin("zone rule", "r")
    l4 = L4(17, 53, 53, source_first=1024, source_last=2047), L4(6, 80, 80)
    rule = Rule(Stage.WORKLOAD, Direction.IN, 0, everybody, (Everyone(),), l4, Action.PERMIT, make)
    closed = Selection(Stage.WORKLOAD, Direction.IN, everybody, Action.DENY, make)
    program = compile_policy(network, Policy((rule,), (closed,)))
    text = "".join(nftables.render(program, node) for node in nftables.nodes(program))
    told = {*re.findall(r"(?:udp|tcp) th .*?(?= counter return)", text)}
    assert told == {"udp th sport 1024-2047 th dport { 53 }", "tcp th dport { 80 }"}
