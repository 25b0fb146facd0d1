"""Rule sets of nftables and configurations of FRR, written and read back, say what the world says
that wrote them; and what does not is found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from compiled import compile_network
from nvue_written import TOPOLOGIES, of_file
from rules_read_back import cuts, differing_rules
from targets_read_back import differing_targets
from walked_fabrics import random_world

from compiler.imports.config_folder import read_folder
from compiler.program.program import Program
from compiler.targets.catalogue import dumper
from compiler.targets.hosts import nftables
from compiler.targets.hosts.nft_maps import tunnel_mac

Change = Callable[[str], str]


@pytest.fixture(scope="module")
def small() -> Program:
    return of_file(TOPOLOGIES / "small.yaml")


def rules_differ(
    program: Program, nodes: Iterable[int], change: Change = lambda text: text
) -> list[str]:
    """Where the rule sets of some nodes say otherwise, the first few places."""
    network = program.network
    vteps = {vtep for vtep, _ in network.plan.instances}
    macs = {
        (v, vrf.index): tunnel_mac(network, v, vrf.index) for v in vteps for vrf in network.vrfs
    }
    found = (
        one
        for node in nodes
        for one in differing_rules(program, node, change(nftables.render(program, node)), macs)
    )
    return [*islice(found, 3)]


def targets_differ(
    program: Program, name: str, folder: Path, change: Change = lambda text: text
) -> list[str]:
    """Where configurations of FRR say otherwise."""
    backend = dumper(name, program)
    folder.mkdir()
    for node in backend.nodes(program):
        path = folder / f"{program.network.fabric.nodes[node].name}.conf"
        path.write_text(change(backend.render(program, node)))
    found = read_folder(folder, ("frr",))
    assert not found.leftover
    return [*differing_targets(program.network, {one.name: one for one in found.devices})]


@pytest.mark.slices(4)
@pytest.mark.parametrize("number", range(4))
def test_rule_sets_of_the_small_fabric(number: int, small: Program) -> None:
    assert rules_differ(small, [nftables.nodes(small)[number]]) == []


@pytest.mark.parametrize("name", ["frr", "frr10"])
@pytest.mark.parametrize("fabric", ["small", "demo"])
def test_configurations_of_frr(name: str, fabric: str, tmp_path: Path) -> None:
    program = of_file(TOPOLOGIES / f"{fabric}.yaml")
    assert targets_differ(program, name, tmp_path / "out") == []


@pytest.mark.slices(50)
@pytest.mark.parametrize("seed", range(100))
def test_random_fabrics(seed: int, tmp_path: Path) -> None:
    _, network = random_world(Random(seed), tmp_path)
    program = compile_network(network)
    for name in ("frr", "frr10"):
        assert targets_differ(program, name, tmp_path / name) == []


@pytest.mark.slices(100)
@pytest.mark.parametrize("seed", range(100))
def test_rule_sets_of_random_fabrics(seed: int, tmp_path: Path) -> None:
    _, network = random_world(Random(seed), tmp_path)
    program = compile_network(network)
    assert rules_differ(program, nftables.nodes(program)) == []


RULES: dict[str, Change] = {
    "a port another": lambda text: text.replace("th dport { 5432 }", "th dport { 5433 }"),
    "a default that permits": lambda text: re.sub(
        r"counter drop (comment \"(?!spoof|no_route|pa_|eni|hairpin))", r"counter return \1", text
    ),
    "whoever sends": lambda text: re.sub(
        r"ether saddr \. (ip6?) saddr map @tunnel", r"\1 saddr map @there", text
    ),
    "an address more": lambda text: text.replace("saddr { 10.0.0.3,", "saddr { 10.0.0.3-10.0.0.9,"),
    "an address of others": lambda text: text.replace("saddr != { 10.0.0.3/32 }", "saddr != { 10.0.0.9/32 }"),
}  # fmt: skip


@pytest.mark.parametrize("what", RULES)
def test_rules_that_say_otherwise_are_found(what: str, small: Program) -> None:
    node = next(n for n in nftables.nodes(small) if small.network.fabric.nodes[n].name == "dpu1")
    assert RULES[what](nftables.render(small, node)) != nftables.render(small, node)
    assert rules_differ(small, [node], RULES[what])


TARGETS: dict[str, tuple[Change, str]] = {
    "a target in": (lambda t: re.sub(r"route-target import \d+:", "route-target import 9:", t), "imports"),
    "a target out": (lambda t: re.sub(r"route-target export \d+:", "route-target export 9:", t), "announces"),
    "an offer": (lambda t: re.sub(r" set extcommunity rt .*\n", "", t), "announces"),
    "a prefix": (lambda t: re.sub(r"  network 10\.0\.0\.0/28\n", "", t), "announces 10.0.0.0/28"),
    "an RD": (lambda t: re.sub(r"  rd .*\n", "  rd 1:1\n", t), "RD"),
    "a session": (lambda t: re.sub(r" neighbor swp2 interface .*\n", "", t), "sessions"),
    "a leak": (lambda t: re.sub(r" ip route \S+ vrf.*\n", "", t), "takes"),
    "a VNI": (lambda t: re.sub(r"^ vni \d+\n", " vni 77\n", t, flags=re.M), "was not read"),
    "every filter": (lambda t: t.replace("permit ^$", "deny ^$"), "announces"),
}  # fmt: skip


@pytest.mark.parametrize("what", TARGETS)
def test_configurations_that_say_otherwise_are_found(what: str, tmp_path: Path) -> None:
    change, wanted = TARGETS[what]
    found = targets_differ(of_file(TOPOLOGIES / "demo.yaml"), "frr", tmp_path / "out", change)
    assert any(wanted in one for one in found), found[:4]


def test_a_device_that_is_not_there_is_found(small: Program) -> None:
    assert any("was not read" in one for one in differing_targets(small.network, {}))


def test_constants_of_a_rule_set_cut_classes() -> None:
    text = 'ip saddr { 10.0.0.1-10.0.0.9, 10.1.0.0/16 } th dport { 80, 90-95 } comment "fd00::/64"'
    addresses, ports = cuts(text)
    assert ports == {80, 81, 90, 91, 95, 96}
    assert {0x0A000001, 0x0A000009, 0x0A00000A, 0x0A010000, 0x0A020000} <= addresses[4]
    assert (0xFD00 << 112) in addresses[6]
