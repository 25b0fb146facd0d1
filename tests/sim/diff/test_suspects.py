"""What the first step of a comparison leaves out has no row: rows are those of all pairs."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from diff_fabrics import fabric_pair
from diff_worlds import fabric_world
from hypothesis import Phase, given, settings
from random_worlds import policies, worlds
from small_tenants import inside, tenants

from compiler.policy.ir import Policy
from fabric.network import Network
from sim.diff.diff import Diff, compared, diff
from sim.diff.peers import Peers, peers
from sim.diff.suspects import suspects
from sim.proof.legs import LegSpace
from sim.world import World

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
FABRICS = 200
DOWN = ((), (), (), (), ("dpu2",), ("leaf1",))
Names = frozenset[tuple[str, str]]


def every(*both: World) -> Names:
    """All pairs of VRFs."""
    names = {vrf.name for world in both for vrf in world.network.vrfs}
    return frozenset(product(names, repeat=2))


def matched(old: World, new: World) -> Peers:
    policies = old.program.policy, new.program.policy
    return peers(old.network, new.network, policies, frozenset())


def spaces(*both: World) -> tuple[LegSpace, LegSpace]:
    here, there = (LegSpace.of(world.network, world.blocks) for world in both)
    return here, there


def told(found: Diff) -> list[Any]:
    """Rows in their order with all that is said about them."""
    return [
        (c.kind, r.source, r.target, r.versions, r.partly, r.hosts, r.pairs, r.bits,
         c.packet(), c.old, c.new, c.edit)
        for c in found.changes
        for r in [c.row]
    ]  # fmt: skip


def check(old: World, new: World) -> Names:
    """The law; and where something is looked for."""
    found = matched(old, new)
    both = spaces(old, new)
    assert told(diff(old, new)) == told(compared(old, new, both, every(old, new), found))
    return suspects(*both, found)


@pytest.mark.slices(10)
@pytest.mark.parametrize("seed", range(FABRICS))
def test_rows_of_suspects_are_the_rows_of_all_pairs(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    documents = fabric_pair(rng)
    old, new = (
        World.compiled(fabric_world(tmp_path / str(n), document, rng.choice(DOWN))[1])
        for n, document in enumerate(documents)
    )
    check(old, new)


@settings(max_examples=60, deadline=None, phases=QUICK)
@given(worlds(), worlds(), policies(), policies())
def test_rows_of_suspects_are_the_rows_of_all_pairs_whatever_the_routes(
    a: Network, b: Network, policy_a: Policy, policy_b: Policy
) -> None:
    check(World(a, policy_a), World(b, policy_b))
    check(World(a, policy_a), World(a, policy_b))
    check(World(a, policy_a), World(b, policy_a))


def test_of_equal_worlds_nothing_is_looked_at() -> None:
    network, policy = tenants(4)
    assert check(World(network, policy), World(network, policy)) == frozenset()


def test_a_rule_of_one_tenant_is_about_that_tenant() -> None:
    network, policy = tenants(4)
    worlds = (
        World(network, policy),
        World(network, replace(policy, rules=(*policy.rules, inside(1, 443)))),
    )
    assert check(*worlds) == {("t1/main", "t1/main")}
    rows = {(c.kind, c.row.source.name, c.row.target.name) for c in diff(*worlds).changes}
    assert rows == {
        ("gained", "t1/web/p0", "t1/web/p1"), ("gained", "t1/web/p1", "t1/web/p0")
    }  # fmt: skip
