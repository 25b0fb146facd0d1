"""Toy: a stage in which all rules count and a deny wins, as in Cilium; it names every cause."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, cast

import any_policies
import numpy as np
import pytest
import random_worlds
import stage_laws
import yaml
from any_policies import WORLD, packets, seeds
from hypothesis import Phase, given, settings
from routed_demo import DEMO, DEMO_POLICY

from cloison import diff
from cloison.loading.how import How
from cloison.verbs.replaying import Traffic, replay
from cloison.views.access.reach import cells
from cloison.views.dumps.compiled import Compiled, enforcing
from cloison.views.network.policy import listed, rows
from cloison.views.world import World as View
from compiler.policy.ir import Direction, Everyone, Named, Origin, Policy, Rule
from compiler.policy.points import Point
from compiler.policy.semantics import decide
from compiler.policy.stages import (
    DENY_OR_NEXT,
    STAGES,
    Action,
    Combine,
    Owner,
    Stage,
    checked,
    inserted,
)
from compiler.sources.doors import doors
from compiler.targets.catalogue import dumper, profile
from compiler.targets.hosts import nftables
from fabric.building.network import Network
from fabric.diagnostics import InputError, UndecidedError
from fabric.file.expect.claims import parse_claim
from sim.checker.expectations.claims import Judge, read
from sim.checker.walking.paths import Paths
from sim.lab.layout import Layout
from sim.lab.trial import trial
from sim.packets.headers import Flow
from sim.pipeline.trace import trace
from sim.proof.expectations.expect import Claim, check_claim
from sim.proof.pairs.reachability import reachability
from sim.proof.prove import explain_breaches
from sim.reach.access import access
from sim.reach.questions import Questions
from sim.why.blame import blame
from sim.why.happenings import steps
from sim.worlds.world import World

UNION = Stage(
    "UNION",
    "union",
    Owner.CLUSTER,
    Point.HERE,
    "union_drop",
    Action.PERMIT,
    Combine.DENY_WINS,
    DENY_OR_NEXT,
    True,
    None,
)
TABLE = inserted(STAGES, UNION, after=Stage.ISOLATION)

CLAIMS = [
    "acme/* -> *",
    "acme/web/a -> acme/web/b:80/tcp",
    "zone2 -> acme",
    "acme <-> globex:udp",
    "10.0.0.0/24 -> zone2/inet:80/tcp",
    "acme/web/b -> 10.0.0.1-10.0.0.9, fd00::/64",
]
KINDS = ["allow", "deny", "only"]
FEW = settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
small = random_worlds.policies(TABLE)
large = any_policies.policies(TABLE)


@pytest.mark.slices(3)
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
    stage_laws.dumped(asking(of, seed), seed)


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


def asking(policy: Policy, seed: int) -> Policy:
    """The policy, in which some permits of the stage ask for something."""
    chance = Random(seed)
    rules = tuple(
        replace(rule, conditions=(f"the request matches {chance.choice('XY')}",))
        if rule.stage == UNION and rule.action is not Action.DENY and chance.random() < 0.6
        else rule
        for rule in policy.rules
    )
    return replace(policy, rules=rules)


@settings(max_examples=40, deadline=None)
@given(large, seeds)
def test_definition_walk_and_blocks_agree_about_conditions(policy: Policy, seed: int) -> None:
    stage_laws.agree(asking(policy, seed), seed)


@pytest.mark.slices(3)
@FEW
@given(random_worlds.worlds(), small, seeds)
def test_proof_and_checker_agree_about_conditions(
    world: Network, policy: Policy, seed: int
) -> None:
    policy = asking(policy, seed)
    stage_laws.proved(world, policy)
    reach = reachability(World(world, policy))
    judge = Judge(Paths(world, policy).regions())
    for number, text in enumerate(f"{kind}: {ends}" for ends in CLAIMS for kind in KINDS):
        kind, _, rest = text.partition(": ")
        found = check_claim(reach, Claim(number, kind, *parse_claim(rest), text=rest))
        mine = judge.judge(read(text))
        assert mine.leaks == any(breach.reached for breach in found.breaches), text
        assert mine.stopped == any(not breach.reached for breach in found.breaches), text


GET = ("the request matches GET /",)
POST = ("the request matches POST /",)


def test_whoever_cannot_say_a_condition_refuses() -> None:
    policy = said(("web/a", ALLOW, GET))
    world = View(stage_laws.small(), policy)
    node = Compiled(world.program, profile("dash-400g")).nodes[0]
    plain = View(stage_laws.small(), said(("web/a", ALLOW, ())))
    for name in ("canonical", "text"):
        texts = [Compiled(w.program, profile("dash-400g")).dump(node, name) for w in (world, plain)]
        assert "the request matches GET /" in texts[0] and texts[0] != texts[1]
    with pytest.raises(InputError, match="GET /, which nftables cannot say") as error:
        dumper("nftables", world.program)
    assert error.value.diagnostics[0].code == "C875"
    assert error.value.diagnostics[0].hint == (
        "these can: canonical, text, frr, frr10, linux, linux10"
    )
    for look in (
        lambda: nftables.ruleset(world.program, enforcing(world.program, node)),
        lambda: trial(World(DEMO, policy), cast("Layout", None), tell=lambda *_: None),
        lambda: Questions(World(DEMO, policy)),
    ):
        who = "(nftables|the lab|a list of questions)"
        with pytest.raises(UndecidedError, match=f"GET /, which {who} does not") as no:
            look()
        assert no.value.diagnostics[0].code == "C877"


def test_rules_changes_and_replays_say_a_condition() -> None:
    asked, plain, other = (
        View(DEMO, said(("web/a", ALLOW, besides))) for besides in (GET, (), POST)
    )
    (row,) = [r for r in rows(asked.policy_read) if r["origin"].endswith("web/a")]
    assert row["conditions"] == [*GET] and "if the request matches GET /" in next(iter(listed(row)))
    for old, new, wanted in ((plain, asked, ((), GET)), (asked, other, (GET, POST))):
        found = old.changes(new).rows
        assert {r["change"] for r in found} == {"conditions"}
        assert {(*r["conditions_before"],) for r in found} == {wanted[0]}
        assert {(*r["conditions"],) for r in found} == {wanted[1]}
    assert [*asked.changes(View(DEMO, said(("web/a", ALLOW, GET)))).rows] == []
    told, everybody = "only if the request matches GET /, which no header tells", Named(("*",))
    rule = replace(said(("web/a", ALLOW, GET)).rules[-1], local=(everybody,))
    traffic, silent = (
        replay(View(stage_laws.small(), Policy((r,), (), TABLE)), Traffic(pairs=True))
        for r in (rule, replace(rule, conditions=()))
    )
    assert any(told in note for note in traffic.verdicts.notes)
    assert traffic.document()["replay"]["conditions"] == [*GET]
    assert any(r.get("conditions") == [*GET] for r in traffic.rules)
    assert silent.verdicts.notes == () and "conditions" not in silent.document()["replay"]


def test_a_comparison_does_not_call_other_conditions_unchanged() -> None:
    everybody = (Named(("*",)),)

    def world(besides: tuple[str, ...]) -> View:
        rule = replace(said(("web/a", ALLOW, besides)).rules[-1], local=everybody)
        return View(stage_laws.small(), Policy((rule,), (), TABLE))

    assert not [*diff(world(GET), world(GET))]
    assert {row["change"] for row in diff(world(()), world(GET))} == {"unsteady"}
    with pytest.raises(UndecidedError, match="GET / before, the request matches POST /") as no:
        diff(world(GET), world(POST))
    assert no.value.diagnostics[0].code == "C878"


def test_several_conditions_where_all_rules_count_are_not_compared() -> None:
    world = View(DEMO, said(("web/a", ALLOW, GET), ("web/b", ALLOW, POST)))
    with pytest.raises(UndecidedError, match="GET /; the request matches POST /") as error:
        world.changes(View(DEMO, said(("web/a", ALLOW, GET))))
    assert error.value.diagnostics[0].code == "C876"


@pytest.mark.parametrize(
    ("rules", "allowed", "denied"),
    [
        ([("web/a", ALLOW, ())], True, False),
        ([("web/a", ALLOW, GET)], False, False),
        ([("web/a", ALLOW, GET), ("web/b", ALLOW, ())], True, False),
        ([("web/b", ALLOW, ()), ("web/a", ALLOW, GET)], True, False),
        ([("web/a", ALLOW, GET), ("web/no", DENY, ())], False, True),
    ],
)
def test_an_expectation_does_not_rest_on_a_condition(
    rules: list[tuple[str, Action, tuple[str, ...]]], allowed: bool, denied: bool
) -> None:
    """What passes under a condition breaks an `allow`, of which something may be stopped, and a
    `deny`, of which something may get through; both findings say the condition."""
    reach = reachability(World(DEMO, said(*rules)))
    for kind, holds in (("allow", allowed), ("deny", denied)):
        text = "acme/web/a -> acme/web/b:80/tcp"
        outcome = check_claim(reach, Claim(0, kind, *parse_claim(text), text=text))
        assert outcome.holds is holds
        titles = [finding.title for finding in explain_breaches(reach, outcome)]
        if rules[0][2] and len(rules) == 1:
            only = "only " if kind == "allow" else ""
            assert all(f"gets through {only}if the request matches GET /" in t for t in titles)
            assert titles


@pytest.mark.parametrize("conditions", [GET, ()])
def test_a_row_of_reach_says_that_it_is_under_conditions(conditions: tuple[str, ...]) -> None:
    reach = reachability(World(DEMO, said(("web/a", ALLOW, conditions))))
    every = np.ones(len(DEMO.endpoints), np.bool_)
    rows = [r for r in access(reach, every, every) if r.source.startswith("acme/")]
    assert rows
    for row in rows:
        assert row.row().get("conditional", False) is bool(conditions)
        for kind in ("text", "plain"):
            assert ("under conditions" in str(cells(row, kind))) is bool(conditions)


def objects(folder: Path, ingress: list[Any]) -> View:
    """A pod with a policy of which a node port leads past."""
    meta = {"name": "db", "namespace": "ns", "labels": {"app": "db"}}
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": ingress}
    port = {"port": 1, "targetPort": 5432}
    path = folder / "m.yaml"
    path.write_text(
        yaml.safe_dump_all(
            {"apiVersion": version, "kind": kind, "metadata": meta, "spec": said}
            for version, kind, said in (
                ("v1", "Pod", {"containers": [{"name": "c", "image": "i"}]}),
                ("networking.k8s.io/v1", "NetworkPolicy", spec),
                ("v1", "Service", {"type": "NodePort", "selector": {"app": "db"}, "ports": [port]}),
            )
        )
    )
    return View.read([path], How(dialect="cilium-1.20"))


LETTING = replace(Stage.CILIUM, name="LETTING", label="letting", drop="letting_drop")
SHUTTING = replace(
    Stage.CILIUM_DEFAULT, name="SHUTTING", label="shutting", drop="shutting_drop", closes="LETTING"
)


@pytest.mark.parametrize(("closes", "told"), [("LETTING", [False, True]), (None, [True, True])])
def test_who_closes_another_stage_is_asked_together_with_it(
    tmp_path: Path, closes: str | None, told: list[bool]
) -> None:
    """A door is no news where the stage before lets everybody in, which the row says."""
    new = {Stage.CILIUM: LETTING, Stage.CILIUM_DEFAULT: replace(SHUTTING, closes=closes)}
    found = []
    for ingress in ([{}], []):
        world = objects(tmp_path, ingress)
        policy = world.policy_read
        moved = Policy(
            tuple(replace(r, stage=new.get(r.stage, r.stage)) for r in policy.rules),
            tuple(replace(s, stage=new.get(s.stage, s.stage)) for s in policy.selections),
            checked(tuple(new.get(stage, stage) for stage in policy.stages)),
        )
        assert moved.stages != policy.stages
        found.append(any(doors(world.network, moved)))
    assert found == told
