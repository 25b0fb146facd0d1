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
from hypothesis import strategies as st
from random_worlds import policies, worlds
from routed import at, endpoint, routed
from small_tenants import inside, tenants

from compiler.policy.ir import (
    L4,
    Action,
    Direction,
    InVrf,
    Named,
    Origin,
    Policy,
    Rule,
    Selection,
    Stage,
)
from fabric.building.network import Network
from fabric.diagnostics import InputError
from sim.diff.diff import Diff, compared, diff
from sim.diff.peers import Peers, peers
from sim.diff.suspects import suspects
from sim.proof.pairs.reachability import reachability
from sim.proof.routes.paths import PathSpace
from sim.worlds.world import World

pytestmark = pytest.mark.oracle("twins")

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
SEEDED = st.integers(0, 2**32).map(Random)
FABRICS = 200
DOWN = ((), (), (), ("dpu2",), ("leaf1",))
Names = frozenset[tuple[str, str]]


def every(*both: World) -> Names:
    """All pairs of VRFs."""
    names = {vrf.name for world in both for vrf in world.network.vrfs}
    return frozenset(product(names, repeat=2))


def matched(old: World, new: World) -> Peers:
    policies = old.program.policy, new.program.policy
    return peers(old.network, new.network, policies, frozenset())


def spaces(*both: World) -> tuple[PathSpace, PathSpace]:
    here, there = (PathSpace.of(world.network, world.blocks) for world in both)
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


@pytest.mark.slices(20)
@pytest.mark.parametrize("seed", range(FABRICS))
def test_rows_of_suspects_are_the_rows_of_all_pairs(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    documents = fabric_pair(rng)
    down = rng.choice(DOWN)
    failed = (down, down if rng.random() < 0.7 else rng.choice(DOWN))
    old, new = (
        World.compiled(fabric_world(tmp_path / str(n), document, nodes)[1])
        for n, (document, nodes) in enumerate(zip(documents, failed, strict=True))
    )
    check(old, new)


@pytest.mark.slices(6)
@settings(max_examples=30, deadline=None, phases=QUICK)
@given(worlds(), worlds(), policies(), policies())
def test_rows_of_suspects_are_the_rows_of_all_pairs_whatever_the_routes(
    a: Network, b: Network, policy_a: Policy, policy_b: Policy
) -> None:
    check(World(a, policy_a), World(b, policy_b))
    check(World(a, policy_a), World(b, policy_a))


@pytest.mark.slices(6)
@settings(max_examples=120, deadline=None, phases=QUICK)
@given(worlds(), worlds(), policies(), SEEDED)
def test_rows_of_suspects_are_the_rows_of_all_pairs_after_small_edits(
    network: Network, other: Network, policy: Policy, chance: Any
) -> None:
    gone = chance.choice(policy.rules) if policy.rules else None
    fewer = replace(policy, rules=tuple(r for r in policy.rules if r is not gone))
    old, down = World(network, policy), replace(network, underlay=other.underlay)
    check(old, World(network, fewer))
    check(old, World(down, policy))


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


NODES = ["dpu1", "dpu2", "border1"]
PODS = [
    at(0, endpoint(0, "acme/web/w-0", 0, "10.0.0.1/32", workload="w")),
    at(1, endpoint(1, "acme/web/w-1", 0, "10.0.0.2/32", workload="w", host="host2")),
]
WITHIN: Any = [("10.0.0.1/32", [(0, 0)]), ("10.0.0.2/32", [(1, 0)])]
EVERYBODY = (Named(("acme/*", "globex/*")),)
CLOSED = Selection(Stage.ISOLATION, Direction.IN, EVERYBODY, Action.DENY, Origin("tenant", ""))


def rule(remote: str, port: int, local: str, states: frozenset[str] | None = None) -> Rule:
    """Whoever is behind a VRF may reach these on one port."""
    who, whence = (Named((local,), states),), (InVrf(frozenset({remote})),)
    origin = Origin("tenant", f"{local} {port} {sorted(states or ())}")
    return Rule(
        Stage.ISOLATION, Direction.IN, 1, who, whence, (L4(6, port, port),), Action.PERMIT, origin
    )


OUT: Any = ("0.0.0.0/0", [(2, 1)])
BACK: Any = [("10.0.0.1/32", [(0, 0)]), ("10.0.0.2/32", [(1, 0)])]


@pytest.mark.parametrize(
    ("second", "back", "cut"),
    [(WITHIN, BACK, []), ([*WITHIN, OUT], BACK[:1], []), ([*WITHIN, OUT], BACK, [(1, 2)])],
    ids=["no way", "no way back", "no underlay"],
)
def test_members_that_fare_otherwise_elsewhere_are_told_apart_here(
    second: Any, back: Any, cut: Any
) -> None:
    inet = at(2, endpoint(2, "zone2/inet", 1, "0.0.0.0/0", host=None))
    tables = {(0, 0): [*WITHIN, OUT], (1, 0): second, (2, 1): [*back, OUT]}
    network = routed(NODES, ["acme/main", "zone2/main"], [*PODS, inet], tables, cut)
    old = Policy((rule("acme/main", 80, "acme/*"),), (CLOSED,))
    new = replace(old, rules=(*old.rules, rule("acme/main", 443, "acme/*")))
    both = World(network, old), World(network, new)
    assert check(*both) >= {("acme/main", "acme/main"), ("acme/main", "zone2/main")}
    rows = {(c.row.source.members, c.row.target.members) for c in diff(*both).changes}
    assert rows == {(("acme/web/w-0",), ("acme/web/w-1",)), (("acme/web/w-1",), ("acme/web/w-0",))}


def test_a_rule_about_the_vrf_that_a_sender_is_seen_behind_is_about_the_sender() -> None:
    theirs = at(1, endpoint(2, "globex/db/d", 1, "10.9.0.1/32"))
    tables = {
        (0, 0): [*WITHIN, ("10.9.0.1/32", [(1, 1)])], (1, 0): WITHIN,
        (1, 1): [("10.0.0.1/32", [(0, 2)]), ("10.9.0.1/32", [(1, 1)])], (0, 2): WITHIN,
    }  # fmt: skip
    vrfs = ["acme/main", "globex/main", "wonka/main"]
    network = routed(NODES, vrfs, [*PODS, theirs], tables)
    old, new = (
        World(network, Policy((rule("wonka/main", port, "globex/*"),), (CLOSED,)))
        for port in (80, 81)
    )
    assert ("acme/main", "globex/main") in check(old, new)
    rows = {(c.kind, c.row.source.name, c.row.target.name) for c in diff(old, new).changes}
    assert rows == {(kind, "acme/web/w", "globex/db/d") for kind in ("gained", "lost")}


def test_members_that_rules_tell_apart_now_are_looked_at() -> None:
    tables = {(0, 0): WITHIN, (1, 0): WITHIN}
    states = (frozenset({state}) for state in ("ready", "quarantined"))
    policy = Policy(tuple(rule("acme/main", 80, "acme/*", s) for s in states), (CLOSED,))
    moved = [PODS[0], replace(PODS[1], state="quarantined")]
    old, new = (World(routed(NODES, ["acme/main"], pods, tables), policy) for pods in (PODS, moved))
    assert check(old, new) == {("acme/main", "acme/main")}
    assert diff(old, new).changes == ()


def test_what_is_sure_no_longer_is_looked_at() -> None:
    network = routed(NODES, ["acme/main"], PODS, {(0, 0): WITHIN, (1, 0): WITHIN})
    sure = rule("acme/main", 80, "acme/*")
    maybe = replace(sure, conditions=("the request matches",))
    old, new = (World(network, Policy((one,), (CLOSED,))) for one in (sure, maybe))
    assert check(old, new) == {("acme/main", "acme/main")}
    assert [c.kind for c in diff(old, new).changes] == ["unsteady"]


def test_a_vrf_too_large_to_list_may_stay_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    network, policy = tenants(3)
    more = replace(policy, rules=(*policy.rules, inside(1, 443)))
    monkeypatch.setattr("sim.proof.pairs.reachability.MAX_PAIRS", 4)
    with pytest.raises(InputError, match="C717"):
        reachability(World(network, policy))
    assert diff(World(network, policy), World(network, policy)).same
    assert len(diff(World(network, policy), World(network, more)).changes) == 2
    monkeypatch.setattr("sim.proof.pairs.reachability.MAX_PAIRS", 3)
    with pytest.raises(InputError, match="VRF t1/main has 2 endpoints"):
        diff(World(network, policy), World(network, more))


@pytest.mark.parametrize(
    ("rows", "cut"), [(WITHIN[:1], []), (WITHIN, [(0, 1)])], ids=["routes", "links"]
)
def test_where_packets_are_carried_otherwise_is_looked_at(rows: Any, cut: Any) -> None:
    old, new = (
        World(routed(NODES, ["acme/main"], PODS, {(0, 0): mine, (1, 0): WITHIN}, lost), Policy())
        for mine, lost in ((WITHIN, []), (rows, cut))
    )
    assert check(old, new) == {("acme/main", "acme/main")}
