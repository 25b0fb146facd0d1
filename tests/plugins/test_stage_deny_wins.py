"""Toy: a stage in which all rules count and a deny wins, as in Cilium; it names every cause."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import any_policies
import random_worlds
import stage_laws
from any_policies import WORLD, packets, seeds
from hypothesis import Phase, given, settings
from routed_demo import DEMO, DEMO_POLICY

from compiler.policy.ir import Direction, Everyone, Named, Origin, Policy, Rule
from compiler.policy.points import Point
from compiler.policy.semantics import decide
from compiler.policy.stages import DENY_OR_NEXT, STAGES, Action, Combine, Owner, Stage, inserted
from fabric.network import Network
from sim.packets.headers import Flow
from sim.pipeline.trace import trace
from sim.why.blame import blame
from sim.why.explain import steps
from sim.world import World

UNION = Stage(
    "UNION",
    "union",
    Owner.CLUSTER,
    Point.HERE,
    "union_drop",
    Action.PERMIT,
    Combine.DENY_WINS,
    DENY_OR_NEXT,
)
TABLE = inserted(STAGES, UNION, after=Stage.ISOLATION)

FEW = settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
small = random_worlds.policies(TABLE)
large = any_policies.policies(TABLE)


@settings(max_examples=60, deadline=None)
@given(large, seeds)
def test_definition_walk_and_blocks_agree(policy: Policy, seed: int) -> None:
    stage_laws.agree(policy, seed)


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


@settings(max_examples=30, deadline=None)
@given(large, seeds)
def test_the_order_of_its_rules_says_nothing(policy: Policy, seed: int) -> None:
    orders = list(range(len(policy.rules)))
    Random(seed).shuffle(orders)
    shuffled = tuple(
        replace(rule, order=order) if rule.stage == UNION else rule
        for rule, order in zip(policy.rules, orders, strict=True)
    )
    other = replace(policy, rules=shuffled)
    for packet in packets(seed, 40):
        one, two = (decide(p, WORLD, packet) for p in (policy, other))
        assert (one.permit, one.stage) == (two.permit, two.stage)
        sets = [{s: set(o) for s, o in found.matched.items()} for found in (one, two)]
        assert sets[0] == sets[1]


def said(*rules: tuple[str, Action, tuple[str, ...]]) -> Policy:
    return DEMO_POLICY + Policy(
        tuple(
            Rule(UNION, Direction.OUT, order, (Named(("acme/*",)),), (Everyone(),), (), action,
                 Origin("NetworkPolicy", name), conditions=conditions)
            for order, (name, action, conditions) in enumerate(rules)
        ),
        (),
        TABLE,
    )  # fmt: skip


WEB = Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 80, 0)
ALLOW, DENY = Action.PERMIT, Action.DENY


def test_a_deny_wins_and_every_deny_is_a_cause() -> None:
    policy = said(("web/a", ALLOW, ()), ("web/no", DENY, ()), ("web/never", DENY, ()))
    world = World(DEMO, policy)
    found = trace(world, WEB)
    assert found.reason.label == "union_drop"
    (step,) = [s for s in steps(world, found) if s.what == "OUT UNION"]
    assert step.because == "NetworkPolicy web/no; NetworkPolicy web/never"
    why = blame(world, found)
    titles = [why.culprit.title, *(c.title for c in why.others)]
    assert titles == ["NetworkPolicy web/no", "NetworkPolicy web/never"]


def test_conditions_are_told_unless_another_permit_asks_for_none() -> None:
    get, post = ("the request matches GET /",), ("the request matches POST /",)
    for rules, wanted in (
        ((("web/a", ALLOW, get), ("web/b", ALLOW, post)), (*get, *post)),
        ((("web/a", ALLOW, get), ("web/b", ALLOW, ())), ()),
    ):
        policy = said(*rules)
        world = World(DEMO, policy)
        found = trace(world, WEB)
        assert found.out is not None
        assert decide(policy, DEMO, found.out.packet).conditions == wanted
        told = [s for s in steps(world, found) if s.conditions]
        assert [s.conditions for s in told] == ([wanted] if wanted else [])
        for step in told:
            assert step.row()["conditions"] == list(wanted) and "GET" in step.result
