"""The isolation matrix against brute force over pairs: cells, layers, causes, undeclared paths."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from naive import Header, numbered, outcomes, points
from random_worlds import policies, worlds
from routed import at, endpoint, routed

from cloison.loading.how import How
from cloison.views.world import World as ViewWorld
from compiler.policy.ir import (
    Action,
    Direction,
    Everyone,
    InVrf,
    Named,
    Origin,
    Packet,
    Policy,
    Rule,
    Selection,
    Stage,
)
from compiler.policy.origin_kinds import KINDS
from compiler.policy.semantics import decide, owner
from fabric.building.network import Network
from fabric.values.inventory import Endpoint
from sim.checker.walking.paths import Paths
from sim.packets.reasons import Reason
from sim.proof.isolation.matrix import Matrix, matrix
from sim.proof.isolation.vrf_pairs import isolation
from sim.proof.pairs.reachability import reachability
from sim.worlds.world import World

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)


def matrix_of(world: World) -> Matrix:
    reach = reachability(world)
    return matrix(reach, isolation(world.blocks, reach))


def permitted(policy: Policy, network: Network, a: Endpoint, b: Endpoint) -> bool:
    """Whether policies alone let anything through, were `b` routed straight to its VRF."""
    for version in (4, 6):
        axis = points(network, policy, version)
        mine = [x for x in axis if owner(network, a.vrf, version, x) is a]
        theirs = [x for x in axis if owner(network, b.vrf, version, x) is b]
        for _, l4 in numbered(version):
            out = [Packet(Direction.OUT, a.index, version, x, b.vrf, *l4) for x in theirs]
            into = [Packet(Direction.IN, b.index, version, x, a.vrf, *l4) for x in mine]
            if any(decide(policy, network, p).permit for p in out) and any(
                decide(policy, network, p).permit for p in into
            ):
                return True
    return False


def delivers(policy: Policy, network: Network, a: Endpoint, b: Endpoint) -> bool:
    """Whether any packet that `a` sends may be delivered to `b`."""
    return any(
        o.dst == b.index and o.reason is Reason.DELIVERED
        for version in (4, 6)
        for _, l4 in numbered(version)
        for x in points(network, policy, version)
        if owner(network, a.vrf, version, x) is a
        for y in points(network, policy, version)
        for o in outcomes(policy, network, a.index, Header(version, x, y, *l4))
    )


@settings(max_examples=2, deadline=None, phases=QUICK)
@given(worlds(hairpins=False, several=False), policies())
def test_cells_of_plain_worlds_are_what_brute_force_finds(network: Network, policy: Policy) -> None:
    """Where nothing is led on and everybody lives in one place, a packet has few ways: what is
    wrong of any world is mostly wrong here, and takes less to find."""
    compare_cells(network, policy)


@pytest.mark.slices(6)
@settings(max_examples=6, deadline=None, phases=QUICK)
@given(worlds(), policies())
def test_cells_are_what_brute_force_finds(network: Network, policy: Policy) -> None:
    compare_cells(network, policy)


def compare_cells(network: Network, policy: Policy) -> None:
    """Open cells first: the first packet that gets through ends the search."""
    reach = reachability(World(network, policy))
    found = matrix(reach, isolation(reach.blocks, reach))
    assert found.groups == ("acme", "globex", "zone2")
    for cell in sorted(found.cells, key=lambda cell: not cell.open):
        ends = [
            (a, b)
            for a in network.endpoints
            for b in network.endpoints
            if a is not b and (a.tenant, b.tenant) == (cell.src, cell.dst)
        ]
        assert cell.open == any(delivers(policy, network, a, b) for a, b in ends)
        if not cell.open:
            routed = any(delivers(Policy(), network, a, b) for a, b in ends)
            assert ("route" in cell.layers) == (not routed)
            assert ("policy" in cell.layers) == (
                not any(permitted(policy, network, a, b) for a, b in ends)
            )


@pytest.mark.parametrize(
    ("out", "into"), [*product(["leak", "zone rule", "tenant", "NetworkPolicy", ""], repeat=2)]
)
def test_packets_between_vrfs_need_an_intent_at_both_ends(out: str, into: str) -> None:
    """Whatever else permits them; pairwise, without pairs, and read from a certificate alike."""
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32")),
        at(1, endpoint(1, "globex/web/b", 1, "10.0.1.1/32")),
    ]
    rows = [("10.0.0.1/32", [(0, 0)]), ("10.0.1.1/32", [(1, 1)])]
    names = ["acme/main", "globex/main"]
    network = routed(["dpu1", "dpu2"], names, ends, {(0, 0): rows, (1, 1): rows})
    rules, selections = list[Rule](), list[Selection]()
    for direction, kind, name in (
        (Direction.OUT, out, "acme/*"),
        (Direction.IN, into, "globex/*"),
    ):
        local, everybody, closed = (Named((name,)),), (Everyone(),), Origin("tenant", "closed")
        selections.append(Selection(Stage.ISOLATION, direction, everybody, Action.DENY, closed))
        if kind:
            origin = Origin(kind, f"{kind} x")
            rules.append(
                Rule(Stage.ISOLATION, direction, 0, local, everybody, (), Action.PERMIT, origin)
            )
    policy = Policy(tuple(rules), tuple(selections))
    passes = bool(out and into)
    undeclared = passes and not all(KINDS[kind].declared for kind in (out, into))
    world = World(network, policy)
    reach = reachability(world)
    proof = isolation(world.blocks, reach)
    assert matrix(reach, proof).cell("acme", "globex").open == passes
    assert proof.holds == isolation(world.blocks).holds == (not undeclared)
    paths = Paths(network, policy)
    paths.regions()
    assert paths.undeclared == ({(0, 1)} if undeclared else set())


def test_nobody_is_let_in_to_himself() -> None:
    """What policies would let pass is asked of two endpoints, also where both are of one VRF."""
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32")),
        *(at(1, endpoint(n, f"globex/web/{n}", 1, f"10.0.1.{n}/32")) for n in (1, 2)),
    ]
    tables = {(0, 0): [("10.0.0.1/32", [(0, 0)])]}
    network = routed(["dpu1", "dpu2"], ["acme/main", "globex/main"], ends, tables)
    found = matrix_of(World(network, Policy()))
    assert found.cell("acme", "acme").layers == ("route", "policy")
    assert found.cell("globex", "globex").layers == ("route",)


@pytest.mark.parametrize("named", ["globex/main", "initech/main"])
@pytest.mark.parametrize("way", Direction)
def test_policies_speak_of_vrfs_to_which_no_route_leads(named: str, way: Direction) -> None:
    ends = [
        at(n, endpoint(n, f"{tenant}/web/x", n, f"10.0.{n}.1/32"))
        for n, tenant in enumerate(("acme", "globex", "initech"))
    ]
    tables = {(n, n): [(f"10.0.{n}.1/32", [(n, n)])] for n in range(3)}
    names = ["acme/main", "globex/main", "initech/main"]
    network = routed(["dpu1", "dpu2", "dpu3"], names, ends, tables)
    local, remote = (Named(("acme/*",)),), (InVrf(frozenset((named,))),)
    origin = Origin("zone rule", "closed")
    rule = Rule(Stage.OVERRIDE, way, 0, local, remote, (), Action.DENY, origin)
    found = matrix_of(World(network, Policy((rule,))))
    for tenant in ("globex", "initech"):
        closed = ("policy",) * named.startswith(tenant)
        asked = ("acme", tenant) if way is Direction.OUT else (tenant, "acme")
        assert found.cell(*asked).layers == ("route", *closed)
        assert found.cell(*asked[::-1]).layers == ("route",)


def test_a_cell_that_routes_reach_is_closed_by_policy() -> None:
    """Both ends of the small fabric's leak have routes to each other."""
    path = Path(__file__).parents[4] / "topologies" / "small.yaml"
    world = ViewWorld.of_fabric(path, How(drawn="forgotten"))
    assert matrix_of(world).cell("acme", "globex").layers == ("policy",)
