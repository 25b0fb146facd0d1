"""What holds for every policy: one law for each thing that reads one.

The definition, the walk over entries, blocks, kernels, proof, checker, diff and dumps are compared
on random policies: of a table of stages, with all its rows and actions, or with a matcher.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from any_flows import own
from any_policies import WORLD, packets
from bdd import changed
from dump_reader import permits
from naive import Header, outcomes
from wired import wired

import compiler.compile as compile_module
import sim.blocks.blocks as blocks_module
from compiler.compile import compile_policy
from compiler.edit import Edit, Editor, edited
from compiler.policy.fields import Values
from compiler.policy.ir import Direction, Packet, Policy
from compiler.policy.semantics import decide
from compiler.program.document import document
from compiler.program.dpu import tables_of
from compiler.program.program import conditions_of, fields_of
from compiler.program.walk import verdict
from compiler.targets import canonical, text
from compiler.targets.catalogue import dumper
from compiler.targets.hosts import nftables
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network
from fabric.diagnostics import InputError
from sim.blocks.blocks import Blocks, build_blocks
from sim.blocks.update import update
from sim.checker.consistency import inconsistencies
from sim.checker.validity import validity
from sim.diff.changes import changes
from sim.packets.headers import Packets
from sim.packets.reasons import reasons
from sim.pipeline.datapath import Datapath
from sim.pipeline.replay import replay
from sim.pipeline.trace import trace
from sim.proof.certificates.certificate import certificate
from sim.proof.prove import prove
from sim.worlds.world import World

Carried = Sequence[Values]
"""What packets carry besides ports, one of these each."""
NOTHING: Carried = ((),)


def agree(policy: Policy, seed: int, network: Network = WORLD, carried: Carried = NOTHING) -> None:
    """Definition, entries and arrays say the same of random packets, for the same causes."""
    chance = Random(seed)
    program = compile_module.compile_policy(network, policy)
    blocks = blocks_module.build_blocks(program)
    for made in packets(seed):
        packet = replace(made, fields=chance.choice(carried))
        expected = decide(policy, network, packet)
        walked = verdict(program, packet)
        assert (walked.permit, walked.stage) == (expected.permit, expected.stage), packet
        assert all(expected.matched[stage] == cause for stage, cause in walked.matched.items())
        assert walked.conditions == expected.conditions
        cell = blocks.cell(
            network.endpoints[packet.local].vrf, packet.version, packet.remote_ip, packet.remote_vrf
        )
        atom = blocks.l4.atom(packet.protocol, packet.sport, packet.dport, packet.fields)
        decision = blocks.decision(packet.direction, packet.local, cell, atom)
        assert bool(blocks.dec_permit[decision]) == expected.permit, packet
        stage = int(blocks.dec_stage[decision])
        assert (None if stage < 0 else policy.stages[stage]) == expected.stage
        causes = {
            policy.stages[s]: program.origins[program.entry(e)[1].origin]
            for s, e in enumerate(blocks.dec_entries[decision].tolist())
            if e >= 0
        }
        assert causes == {stage: origins[0] for stage, origins in walked.matched.items()}


def replayed(world: Network, policy: Policy, carried: Carried = NOTHING) -> None:
    """Kernels drop for the reasons of the trace and of the definition, and count them by name."""
    network = wired(world)
    program = compile_policy(network, policy)
    blocks = build_blocks(program)
    packets_ = Packets.of([replace(f, fields=c) for f in own(network) for c in carried])
    known = reasons(policy.stages)
    found = Datapath.of(World.compiled(program, blocks), threads=1).decide(packets_)
    counted: dict[str, int] = {reason.label: 0 for reason in known.in_order}
    here = World(network, policy)
    for i in range(len(packets_)):
        flow = packets_.flow(i)
        traced = trace(here, flow)
        said = known.numbered[int(found.reason[i])]
        assert said is traced.reason, flow
        counted[said.label] += flow.count
        if traced.source is not None:
            header = Header(*astuple(flow)[1:7], flow.fields)
            assert said in [o.reason for o in outcomes(policy, world, traced.source, header)]
    report = replay(here, packets_, threads=1)
    assert {reason.label: n for reason, n in report.verdicts.items()} == counted


def proved(network: Network, policy: Policy) -> None:
    """What writes certificates and what checks them agree, names of drops included."""
    proof = prove(World(network, policy))
    written: Any = json.loads(json.dumps(certificate(proof)))
    assert inconsistencies(written, policy.stages) == []
    assert validity(written, network, (), policy).problems == []


def compared(network: Network, was: Policy, now: Policy) -> None:
    """The diff of two policies is what binary decision diagrams find."""
    old, new = (compile_policy(network, policy) for policy in (was, now))
    found = changes(build_blocks(old), build_blocks(new))
    assert [*changed(old, new, found)] == []


def edits(
    policy: Policy,
    added: Policy,
    seed: int,
    network: Network = WORLD,
    carried: Carried = NOTHING,
) -> None:
    """An editor's program, and blocks that are updated to it, say what the policy says that it
    edits."""
    chance = Random(seed)
    editor = Editor(network, policy)
    edit = Edit(Policy(policy.rules[::2]), Policy(added.rules, added.selections))
    before = build_blocks(editor.program)
    program, then = editor.apply(edit), edited(policy, edit)
    assert program.stages == policy.stages
    blocks = update(before, program)
    for made in packets(seed, 60):
        packet = replace(made, fields=chance.choice(carried))
        found, wanted = verdict(program, packet), decide(then, network, packet)
        assert (found.permit, found.stage) == (wanted.permit, wanted.stage), packet
        assert permitted(blocks, packet) == wanted.permit, packet


def permitted(blocks: Blocks, packet: Packet) -> bool:
    """What the arrays say."""
    vrf = blocks.program.domain.endpoints[packet.local].vrf
    cell = blocks.cell(vrf, packet.version, packet.remote_ip, packet.remote_vrf)
    atom = blocks.l4.atom(packet.protocol, packet.sport, packet.dport, packet.fields)
    return bool(blocks.dec_permit[blocks.decision(packet.direction, packet.local, cell, atom)])


@cache
def small() -> Network:
    """A network that was built from a file: dumps are about one."""
    return build(load_fabric(Path(__file__).parents[1] / "topologies" / "small.yaml"), lock=False)


def dumped(
    policy: Policy, seed: int, network: Network | None = None, carried: Carried = NOTHING
) -> None:
    """A reader of the JSON alone comes to the verdict of the definition; other dumps name the
    stages, and chains of rulesets lead to chains."""
    network, chance = network or small(), Random(seed)
    program = compile_policy(network, policy)
    vtep = network.endpoints[0].vtep
    here = [e for e in network.endpoints if e.vtep == vtep]
    said = document(program, tables_of(program, vtep))
    for _ in range(60):
        local, remote = chance.choice(here), chance.choice(network.endpoints)
        prefix, way = chance.choice(remote.prefixes), chance.choice(list(Direction))
        l4 = chance.choice([(6, 40000, 80), (6, 1000, 81), (17, 1, 53), (1, 0, 0)])
        beside = chance.choice(carried)
        packet = Packet(way, local.index, prefix.version, int(prefix[0]), remote.vrf, *l4, beside)
        vrf, address = network.vrfs[remote.vrf].name, str(prefix[0])
        found = permits(said, way.name.lower(), local.name, vrf, address, l4, beside)
        assert found == decide(policy, network, packet).permit, packet
    asked = {c for g in program.groups_at(vtep) for e in g.entries for c in e.conditions}
    for target in (canonical, text):
        written = target.render(program, vtep)
        assert all(group.stage.label in written for group in program.groups_at(vtep))
        assert all(condition in written for condition in asked)
    if program.routed is None:
        return
    if conditions_of(program):
        with pytest.raises(InputError, match="which nftables"):
            nftables.render(program, vtep)
        with pytest.raises(InputError, match="which nftables cannot say"):
            dumper("nftables", program)
        return
    if fields_of(entry for group in program.groups for entry in group.entries):
        with pytest.raises(InputError, match="which nftables"):
            nftables.render(program, vtep)
        return
    rules = nftables.render(program, vtep)
    chains = {line.split()[1] for line in rules.splitlines() if line.startswith("\tchain ")}
    assert {target for line in rules.splitlines() for target in _targets(line)} <= chains


def _targets(line: str) -> list[str]:
    words = line.split()
    return [b for a, b in pairwise(words) if a in ("jump", "goto")]
