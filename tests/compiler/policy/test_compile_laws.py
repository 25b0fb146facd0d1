"""Laws: semantics == entry walk == blocks, on random policies written straight in the IR."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from any_policies import PREFIXES, WORLD, packets, policies, seeds
from hypothesis import given, settings

import compiler.compile as compile_module
import sim.blocks.blocks as blocks_module
from compiler.policy.ir import L4, Action, Cidr, Direction, Everyone, Origin, Policy, Rule, Stage
from compiler.policy.semantics import decide
from compiler.program.walk import verdict
from fabric.diagnostics import InputError


@settings(max_examples=200, deadline=None)
@given(policies(), seeds)
def test_semantics_walk_and_blocks_agree(policy: Policy, seed: int) -> None:
    agree(policy, seed)


def agree(policy: Policy, seed: int) -> None:
    """Raise AssertionError where definition, entries and arrays differ."""
    program = compile_module.compile_policy(WORLD, policy)
    blocks = blocks_module.build_blocks(program)
    for packet in packets(seed):
        expected = decide(policy, WORLD, packet)
        walked = verdict(program, packet)
        assert (walked.permit, walked.stage) == (expected.permit, expected.stage), packet
        assert all(expected.matched[stage] == cause for stage, cause in walked.matched.items())
        cell = blocks.cell(
            WORLD.endpoints[packet.local].vrf, packet.version, packet.remote_ip, packet.remote_vrf
        )
        atom = blocks.l4_atom(packet.protocol, packet.sport, packet.dport)
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
        assert walked.conditions == expected.conditions


def test_a_grid_that_memory_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.blocks.grid.MAX_GRID", 1)
    rules = tuple(
        Rule(Stage.WORKLOAD, Direction.IN, n, (Everyone(),), (Cidr(ip_network(p)),), (ports,),
             Action.DENY, Origin("zone rule", str(n)))
        for n, (p, ports) in enumerate([(PREFIXES[0], L4(6)), (PREFIXES[3], L4(17, 1, 9))])
    )  # fmt: skip
    program = compile_module.compile_policy(WORLD, Policy(rules, ()))
    with pytest.raises(InputError, match="C718"):
        blocks_module.build_blocks(program)
