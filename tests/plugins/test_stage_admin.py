"""Toy: tiers of an administrator around workload policies. Accept skips workload and baseline but
not what lies behind them; pass leaves it to the next tier."""

from __future__ import annotations

from dataclasses import replace

import any_policies
import pytest
import random_worlds
import stage_laws
from any_policies import seeds
from hypothesis import Phase, given, settings
from routed_demo import DEMO, DEMO_POLICY

from cloison.views.network.policy import rows
from compiler.compile import compile_policy
from compiler.policy.ir import Direction, Everyone, Named, Origin, Policy, Rule, Selection
from compiler.policy.points import Point
from compiler.policy.stages import (
    DENY_OR_NEXT,
    STAGES,
    Action,
    Combine,
    Does,
    Owner,
    Stage,
    To,
)
from compiler.program.document import document
from compiler.program.dpu import tables_of
from compiler.targets.hosts import nftables
from fabric.building.network import Network
from sim.packets.headers import Flow
from sim.pipeline.trace import trace
from sim.why.happenings import steps
from sim.worlds.world import World

PASS_OR_ACCEPT = (
    Does(Action.DENY, "deny", To.DROP),
    Does(Action.PERMIT, "pass", To.NEXT),
    Does(Action.PERMIT_FINAL, "accept", "ISOLATION"),
)
ADMIN = Stage(
    "ADMIN",
    "admin",
    Owner.CLUSTER,
    Point.HERE,
    "admin_drop",
    Action.PERMIT,
    Combine.FIRST_MATCH,
    PASS_OR_ACCEPT,
    True,
    None,
)
BASELINE = Stage(
    "BASELINE",
    "baseline",
    Owner.CLUSTER,
    Point.HERE,
    "baseline_drop",
    Action.PERMIT,
    Combine.FIRST_MATCH,
    DENY_OR_NEXT,
    True,
    None,
)
TABLE = (*STAGES[:3], ADMIN, Stage.WORKLOAD, BASELINE, Stage.ISOLATION)

FEW = settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
small = random_worlds.policies(TABLE)
large = any_policies.policies(TABLE)


@settings(max_examples=60, deadline=None)
@given(large, seeds)
def test_definition_walk_and_blocks_agree(policy: Policy, seed: int) -> None:
    stage_laws.agree(policy, seed)


@pytest.mark.slices(3)
@FEW
@given(random_worlds.worlds(), small, small)
def test_kernels_proof_checker_and_diff_agree(world: Network, one: Policy, two: Policy) -> None:
    stage_laws.replayed(world, one)
    stage_laws.proved(world, one)
    stage_laws.compared(world, one, two)


@FEW
@given(large, large, small, seeds)
def test_edits_and_dumps_agree(policy: Policy, added: Policy, of: Policy, seed: int) -> None:
    stage_laws.edits(policy, added, seed)
    stage_laws.dumped(of, seed)


WEB = Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 80, 0)


def administered(action: Action, *, isolated: bool = True) -> Policy:
    """Workload policy denies everything into web/b; the administrator says something before."""
    pod, everybody = (Named(("acme/web/b",)),), (Everyone(),)
    origin, shut = Origin("NetworkPolicy", "admin"), Origin("NetworkPolicy", "np")
    rule = Rule(ADMIN, Direction.IN, 0, pod, everybody, (), action, origin)
    tenants = tuple(r for r in DEMO_POLICY.rules if r.stage != Stage.WORKLOAD)
    if not isolated:
        tenants = tuple(r for r in tenants if r.direction is Direction.OUT)
    closed = tuple(s for s in DEMO_POLICY.selections if s.stage != Stage.WORKLOAD)
    deny = Selection(Stage.WORKLOAD, Direction.IN, pod, Action.DENY, shut)
    return Policy((*tenants, rule), (*closed, deny), TABLE)


def test_accept_skips_workload_but_not_isolation() -> None:
    found = trace(World(DEMO, administered(Action.PERMIT_FINAL)), WEB)
    assert found.reason.label == "delivered"
    assert found.into is not None
    assert [group.stage.name for group, _ in found.into.steps] == ["ADMIN", "ISOLATION"]
    stranger = World(DEMO, administered(Action.PERMIT_FINAL, isolated=False))
    assert trace(stranger, WEB).reason.label == "isolation_drop"


def test_pass_and_deny() -> None:
    for action, reason in ((Action.PERMIT, "policy_drop"), (Action.DENY, "admin_drop")):
        found = trace(World(DEMO, administered(action)), WEB)
        assert found.reason.label == reason


def test_every_output_uses_the_words_of_the_row() -> None:
    policy = administered(Action.PERMIT_FINAL)
    world = World(DEMO, policy)
    assert ("admin", "accept") in {(r["stage"], r["action"]) for r in rows(policy)}
    (step,) = [s for s in steps(world, trace(world, WEB)) if s.what == "IN ADMIN"]
    assert step.result == "accept"
    small = compile_policy(stage_laws.small(), replace(policy, rules=accepting(policy)))
    (vtep,) = {e.vtep for e in small.network.endpoints if e.index == 0}
    said = document(small, tables_of(small, vtep))
    groups = [g for g in said["groups"] if g["stage"] == "admin"]
    assert groups
    assert all(g["skips"] == {"pass": [], "accept": ["workload", "baseline"]} for g in groups)
    text = nftables.render(small, vtep)
    assert "goto policy-in0-isolation" in text and "chain policy-in0-isolation {" in text


def accepting(policy: Policy) -> tuple[Rule, ...]:
    """The same, about everybody."""
    return tuple(replace(rule, local=(Everyone(),)) for rule in policy.rules)
