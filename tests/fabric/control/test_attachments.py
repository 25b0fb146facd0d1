"""The underlay of points is that of all nodes, each a point of its own."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from clos_sites import irregular, plan_of
from every_node import every_node
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.control.attachments import points_of
from fabric.control.bgp_sessions import Sessions
from fabric.control.reconvergence import reconverge
from fabric.control.underlay import Underlay, converge_points, converge_sessions
from fabric.control.weights import member_arrays, uneven
from fabric.diagnostics import InputError
from fabric.file.spec import FabricSpec, Site
from fabric.wiring.budget import multiplied
from fabric.wiring.clos import build_fabric, drain, take_down
from fabric.wiring.topology import Fabric, Role, session

PORTS = ("swp{}", "Ethernet{}", "p{}s0", "{}")


def crowded(seed: int, name: str) -> Site:
    """A site that is written down: racks with one leaf to three and up to seven DPUs, most of which
    are attached as others are; parallel cables, in an order of ports that is the other end's or is
    not; leaves with as many spines as it happens, at different speeds; a DPU beside a DPU."""
    rng = random.Random(seed)
    nodes: dict[str, Any] = {}
    cables: list[Any] = []
    used: Counter[str] = Counter()

    def port(node: str) -> str:
        used[node] += 1
        number = rng.choice((1, 20, 300)) + used[node] * 1000 if rng.random() < 0.5 else used[node]
        return f"{node}:{rng.choice(PORTS).format(number)}x{used[node]}"

    def cable(a: str, b: str, times: int = 1, speeds: tuple[int, ...] = (100,)) -> None:
        cables.extend(
            {"between": [port(a), port(b)], "speed": rng.choice(speeds)} for _ in range(times)
        )

    def some(kind: str, role: str, count: int, **more: Any) -> list[str]:
        names = [f"{name}{kind}-{n}" for n in range(count)]
        nodes.update({node: {"role": role, **more} for node in names})
        return names

    spines = some("spine", "spine", rng.randint(1, 3))
    tops = some("core", "superspine", rng.randint(1, 2))
    for spine in spines:
        for top in tops:
            cable(spine, top, rng.choice((1, 1, 2)), (400, 800))
    for rack in range(rng.randint(1, 3)):
        leaves = some(f"r{rack}-leaf", "leaf", rng.randint(1, 3), rack=f"{name}r{rack}")
        for leaf in leaves:
            for spine in rng.sample(spines, rng.randint(0, len(spines))):
                cable(leaf, spine, rng.choice((1, 1, 3)), (100, 400))
        ways = [
            [
                (leaf, rng.choice((1, 1, 2)))
                for leaf in rng.sample(leaves, rng.randint(1, len(leaves)))
            ]
            for _ in range(rng.randint(1, 2))
        ]
        dpus = []
        for n in range(rng.randint(0, 7)):
            host = f"{name}gpu{rack}-{n}"
            (dpu,) = some(f"r{rack}-bf{n}", "dpu", 1, rack=f"{name}r{rack}", host=host)
            dpus.append(dpu)
            for leaf, times in rng.choice(ways):
                cable(dpu, leaf, times, (100, 200) if rng.random() < 0.1 else (200,))
        if len(dpus) > 1 and rng.random() < 0.1:
            cable(*dpus[:2])
    for gateway in some("gw", "border", rng.randint(0, 1)):
        cable(gateway, rng.choice(spines))
    return Site.model_validate({"clos": "none", "nodes": nodes, "cables": cables})


@st.composite
def fabrics(draw: Any) -> Fabric:
    """One site to three, written or counted, the tops of counted ones and some of written ones
    joined; things that are down and drained in it."""
    seed = draw(st.integers(0, 2**32))
    rng = random.Random(seed)
    found: dict[str, Site] = {"a": crowded(seed, "a")}
    if rng.random() < 0.5:
        found["b"] = crowded(seed + 1, "b")
        core = [f"{site}core-0" for site in "ab"]
        cables = [*found["a"].cables, f"{core[0]}:dci1 -- {core[1]}:dci1"]
        found["a"] = Site.model_validate(found["a"].model_dump() | {"cables": cables})
    if rng.random() < 0.5:
        kind = {"clos": "three-tier", "pods": 2} if rng.random() < 0.5 else {}
        for name in "cd":
            found[name] = Site.model_validate(
                {**kind, "spines": 2, "superspines": 2, "leaves": 3, "hosts_per_pair": 3}
            )
    if rng.random() < 0.2:
        found = {"e": irregular(seed)}
    spec = FabricSpec(cloison=1, name="t", sites=found, ecmp=rng.choice(("equal", "bandwidth")))
    return failed(build_fabric(spec), rng)


def failed(whole: Fabric, rng: random.Random) -> Fabric:
    """Some things down and some drained, or none."""
    names = speakers(whole)
    down = rng.sample(names, min(len(names), rng.choice((0, 1, 2, 5))))
    nodes = [n.name for n in whole.nodes if n.role is not Role.HOST]
    drained = rng.sample(nodes, min(len(nodes), rng.choice((0, 0, 1, 3))))
    return drain(take_down(whole, down), drained)


def speakers(whole: Fabric) -> list[str]:
    """What may be down: nodes, cables and sessions."""
    links = [link.name for link in whole.links if link.kind != "host"]
    nodes = [n.name for n in whole.nodes if n.role is not Role.HOST]
    return [*nodes, *links, *map(session, links)]


def whole_of(fabric: Fabric, plan: Any) -> Underlay:
    """The same underlay, computed for every node."""
    sessions = Sessions.of(fabric, plan.asn)
    return converge_points(fabric, sessions, every_node(fabric, sessions), plan.loopback)


def alike(one: Underlay, other: Underlay, fabric: Fabric) -> None:
    here, there = one.spread(), other.spread()
    assert here.length.tolist() == there.length.tolist()
    assert here.parent.tolist() == there.parent.tolist()
    assert [at.tolist() for at in here.hops] == [at.tolist() for at in there.hops]
    known = there.length >= 0
    tags = (table.tagged for table in (here, there))
    assert len({None if t is None else (t & known).tobytes() for t in tags}) == 1
    assert one.widest == other.widest
    assert (one.reaching() == (there.length > 0)).all()
    for a in range(one.n):
        for b in range(one.n):
            assert one.reachable(a, b) == other.reachable(a, b)
            assert one.parent(a, b) == there.parent[a, b]
            assert one.ecmp(a, b) == other.ecmp(a, b)
            assert one.as_path(a, b) == other.as_path(a, b)
    assert all(map(np.array_equal, member_arrays(one), member_arrays(other)))
    assert [*uneven(fabric, one)] == [*uneven(fabric, other)]


@settings(max_examples=150, deadline=None)
@given(fabrics(), st.integers(0, 2**16))
def test_points_fare_as_all_nodes_do(fabric: Fabric, seed: int) -> None:
    plan = plan_of(fabric, seed)
    alike(converge_sessions(fabric, plan.asn, plan.loopback), whole_of(fabric, plan), fabric)


@settings(max_examples=150, deadline=None)
@given(fabrics(), st.integers(0, 2**16))
def test_failures_split_points_as_all_nodes_do(fabric: Fabric, seed: int) -> None:
    """What failed before comes back or stays, and more fails, twice."""
    plan, rng = plan_of(fabric, seed), random.Random(seed)
    known, before = converge_sessions(fabric, plan.asn, plan.loopback), fabric
    for _ in range(2):
        names = speakers(fabric)
        kept = before.down if rng.random() < 0.7 else ()
        then = take_down(before, {*kept, *rng.sample(names, min(len(names), rng.randint(0, 2)))})
        if rng.random() < 0.7:
            then = drain(then, [])
        known = reconverge(before, known, then, plan)
        alike(known, whole_of(then, plan), then)
        before = then


@settings(max_examples=60, deadline=None)
@given(fabrics(), st.integers(0, 2**16))
def test_nodes_share_a_point_only_with_those_attached_alike(fabric: Fabric, seed: int) -> None:
    plan = plan_of(fabric, seed)
    sessions = Sessions.of(fabric, plan.asn)
    points = points_of(fabric, sessions, plan.loopback)
    up = [s for s in sessions if s.up]
    members: dict[int, list[int]] = {}
    for node, point in enumerate(points.of.tolist()):
        members.setdefault(point, []).append(node)
    silent = {n.index for n in fabric.nodes if n.role is Role.HOST} | fabric.down_nodes
    assert {*members.pop(len(points) - 1, ())} == silent
    for point, here in members.items():
        assert points.node[point] == here[0]
        twin = int(points.twin[point])
        assert (int(points.node[twin]) == here[1]) if here[1:] else (twin == point)
        peers = {
            tuple(sorted((s.peer, fabric.links[s.link].speed) for s in up if s.node == v))
            for v in here
        }
        assert len(peers) == 1
        if here[1:]:
            assert {fabric.nodes[v].role for v in here} == {Role.DPU}
            assert len({v in fabric.drained for v in here}) == 1
            assert all(plan.asn.count(plan.asn[v]) == 1 for v in here)


def clos(dpus: int) -> tuple[Fabric, Any]:
    spec = FabricSpec(cloison=1, name="t", sites={"s": Site(leaves=4, hosts_per_pair=dpus)})
    fabric = build_fabric(spec)
    return fabric, plan_of(fabric, 0)


def test_a_pair_of_leaves_has_two_points_for_its_dpus_however_many() -> None:
    sizes = []
    for dpus in (2, 20):
        fabric, plan = clos(dpus)
        underlay = converge_sessions(fabric, plan.asn, plan.loopback)
        sizes.append(len(underlay.points))
        without = take_down(fabric, ["dpu1--leaf1"])
        there = reconverge(fabric, underlay, without, plan)
        assert len(there.points) == sizes[-1] + (dpus > 2)
    assert sizes == [13, 13]


def test_who_has_somebodys_asn_is_alone() -> None:
    fabric, plan = clos(3)
    first, second = (fabric.node(f"dpu{n}").index for n in (1, 2))
    asn = list(plan.asn)
    asn[first] = asn[second]
    underlay = converge_sessions(fabric, tuple(asn), plan.loopback)
    assert (
        not underlay.reachable(first, second)
        and underlay.points.of[first] != underlay.points.of[second]
    )


def test_too_many_points_are_refused_before_there_is_a_table() -> None:
    fabric, plan = clos(2)
    with multiplied(1e-6), pytest.raises(InputError, match="C114"):
        converge_sessions(fabric, plan.asn, plan.loopback)
    underlay = converge_sessions(fabric, plan.asn, plan.loopback)
    for ask in (underlay.spread, underlay.reaching):
        with multiplied(1e-6), pytest.raises(InputError, match="C114"):
            ask()


def test_a_node_without_cables_reaches_not_even_itself_when_it_is_down() -> None:
    nodes: Any = {"a": {"role": "leaf"}, "b": {"role": "leaf"}, "c": {"role": "spine"},
                  "d": {"role": "dpu", "host": "h"}}  # fmt: skip
    site = Site.model_validate({"clos": "none", "nodes": nodes, "cables": ["a -- c"]})
    fabric = build_fabric(FabricSpec(cloison=1, name="t", sites={"s": site}))
    plan = plan_of(fabric, 0)
    known = converge_sessions(fabric, plan.asn, plan.loopback)
    for name in ("b", "d"):
        here, then = fabric.node(name).index, take_down(fabric, [name])
        there = reconverge(fabric, known, then, plan)
        assert known.reachable(here, here) and not there.reachable(here, here)
        alike(there, whole_of(then, plan), then)
        if name == "d":
            alike(reconverge(then, there, fabric, plan), known, fabric)


def test_dpus_beside_dpus_are_alone() -> None:
    """Two that are cabled to two others: no link is told by one of its ends."""
    nodes: Any = {"leaf": {"role": "leaf"}}
    nodes |= {name: {"role": "dpu", "host": f"h{name}"} for name in ("a", "b", "x", "y")}
    cables = [f"{name} -- leaf" for name in "abxy"]
    cables += [f"{one} -- {other}" for one in "ab" for other in "xy"]
    site = Site.model_validate({"clos": "none", "nodes": nodes, "cables": cables})
    fabric = build_fabric(FabricSpec(cloison=1, name="t", sites={"s": site}))
    plan = plan_of(fabric, 0)
    underlay = converge_sessions(fabric, plan.asn, plan.loopback)
    assert len({*underlay.points.of[[fabric.node(n).index for n in "abxy"]].tolist()}) == 4
    alike(underlay, whole_of(fabric, plan), fabric)


def test_other_next_hops_are_told() -> None:
    fabric, plan = clos(2)
    one = converge_sessions(fabric, plan.asn, plan.loopback)
    assert one.same_next_hops(converge_sessions(fabric, plan.asn, plan.loopback))
    assert one.same_next_hops(whole_of(fabric, plan))
    for down in (["leaf1--spine1"], ["dpu1--leaf1"]):
        other = converge_sessions(take_down(fabric, down), plan.asn, plan.loopback)
        assert not one.same_next_hops(other) and not other.same_next_hops(one)
    assert one.same_next_hops(replace(one, speeds=(1,)))
