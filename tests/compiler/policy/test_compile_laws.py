"""Laws: semantics == entry walk == blocks, on random policies written straight in the IR."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from any_policies import PREFIXES, WORLD, policies, seeds
from hypothesis import given, settings
from stage_laws import agree

import compiler.compile as compile_module
import sim.blocks.blocks as blocks_module
from compiler.policy.ir import L4, Action, Cidr, Direction, Everyone, Origin, Policy, Rule, Stage
from fabric.diagnostics import InputError
from fabric.wiring.budget import multiplied


@pytest.mark.slices(3)
@settings(max_examples=200, deadline=None)
@given(policies(), seeds)
def test_semantics_walk_and_blocks_agree(policy: Policy, seed: int) -> None:
    agree(policy, seed)


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
    with multiplied(1000):
        assert blocks_module.build_blocks(program)
