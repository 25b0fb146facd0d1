"""Toy: a stage between two others that denies by default. One row, and rules that name it."""

from __future__ import annotations

from pathlib import Path

import any_policies
import pytest
import random_worlds
import stage_laws
from any_policies import seeds
from click.testing import CliRunner
from hypothesis import Phase, given, settings
from routed_demo import DEMO, DEMO_POLICY
from wired import wired

from cloison.cli import main
from cloison.views.network.policy import rows
from compiler.policy import stages
from compiler.policy.ir import L4, Direction, Everyone, Named, Origin, Policy, Rule
from compiler.policy.points import Point
from compiler.policy.stages import DENY_OR_NEXT, STAGES, Action, Combine, Owner, Stage, inserted
from fabric.building.network import Network
from sim.checker.consistency import inconsistencies
from sim.packets.headers import Flow
from sim.pipeline.trace import trace
from sim.proof.certificates.certificate import certificate
from sim.proof.prove import prove
from sim.why.blame import blame
from sim.why.happenings import steps
from sim.worlds.world import World

SMALL = Path(__file__).parents[2] / "topologies" / "small.yaml"
QUOTA = Stage(
    "QUOTA",
    "quota",
    Owner.FABRIC,
    Point.HERE,
    "quota_drop",
    Action.DENY,
    Combine.FIRST_MATCH,
    DENY_OR_NEXT,
    True,
    None,
)
TABLE = inserted(STAGES, QUOTA, after=Stage.ZONE2)

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


def grant(*directions: Direction) -> Policy:
    origin, everybody = Origin("zone rule", "grant web"), (Everyone(),)
    return DEMO_POLICY + Policy(
        tuple(
            Rule(QUOTA, way, 1, (Named(("acme/*",)),), everybody, (L4(6, 80, 80),), Action.PERMIT,
                 origin)
            for way in directions
        ),
        (),
        TABLE,
    )  # fmt: skip


WEB = Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 80, 0)


def test_what_nobody_grants_is_dropped_for_the_reason_of_the_row() -> None:
    world = World(DEMO, grant(Direction.OUT))
    found = trace(world, WEB)
    assert found.reason.label == "quota_drop" and found.reason.by_policy
    assert found.out is not None and found.out.reason.label == "delivered"
    assert blame(world, found).culprit.title == "default no rule matches"
    said = [(step.what, step.result) for step in steps(world, found)]
    assert ("OUT QUOTA", "permit") in said and ("IN QUOTA", "deny") in said


def test_what_is_granted_at_both_ends_meets_the_stages_behind() -> None:
    world = World(DEMO, grant(*Direction))
    assert trace(world, WEB).reason.label == "delivered"
    other = Flow(0, 4, 0x0A000001, 0x0A000002, 6, 40000, 81, 0)
    assert trace(world, other).reason.label == "quota_drop"
    said = [r["stage"] for r in rows(world.program.policy) if r["origin"] == "zone rule grant web"]
    assert said == ["quota", "quota"]


@pytest.fixture
def in_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row stands in the table."""
    place = stages.TABLE.index((stages.ALWAYS, Stage.ZONE2)) + 1
    rows = (*stages.TABLE[:place], ("toys", QUOTA), *stages.TABLE[place:])
    monkeypatch.setattr(stages, "TABLE", rows)


@pytest.mark.usefixtures("in_table")
def test_a_policy_is_shown_by_it() -> None:
    for stage, code in (("quota", 0), ("zone2", 0), ("cota", 2)):
        done = CliRunner().invoke(main, ["show", "policy", str(SMALL), "--stage", stage])
        assert done.exit_code == code, done.output
    assert "'zone2', 'quota', 'isolation'" in done.output


def test_a_certificate_is_read_by_whoever_finds_it_in_the_table(
    request: pytest.FixtureRequest,
) -> None:
    """Who has nothing but the file knows reasons by the table alone."""
    written = certificate(prove(World(wired(DEMO), grant(Direction.OUT))))
    assert "quota_drop" in str(written["outcomes"])
    assert inconsistencies(written, TABLE) == []
    assert any("quota_drop" in why for why in inconsistencies(written))
    request.getfixturevalue("in_table")
    assert inconsistencies(written) == []
