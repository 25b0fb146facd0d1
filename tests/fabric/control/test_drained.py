"""Drained nodes: as if every node told its neighbours its best path until nothing moves."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from clos_sites import plan_of, sites
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_bgp import naive

from fabric.building.build import build, rebuild
from fabric.building.load import load_fabric
from fabric.control.reconvergence import reconverge
from fabric.control.underlay import converge_sessions
from fabric.diagnostics import InputError
from fabric.file.spec import FabricSpec, Site
from fabric.wiring.clos import build_fabric, drain, refuse_idle, take_down
from fabric.wiring.topology import Role


@settings(max_examples=40, deadline=None)
@given(sites(), st.integers(0, 2**16), st.integers(0, 3), st.integers(0, 2))
def test_best_paths_hold_no_drained_node_where_others_are(
    found: dict[str, Site], seed: int, drains: int, downs: int
) -> None:
    whole = build_fabric(FabricSpec(cloison=1, name="test", vtep="dpu", sites=found))
    rng, plan = random.Random(seed), plan_of(whole, seed)
    names = [n.name for n in whole.nodes if n.role is not Role.HOST]
    links = [link.name for link in whole.links if link.kind != "host"]
    fabric = take_down(whole, rng.sample(links, min(downs, len(links))))
    fabric = drain(fabric, rng.sample(names, min(drains, len(names))))
    if len(names) > 24:
        return
    ours = converge_sessions(fabric, plan.asn, plan.loopback)
    theirs, tagged = naive(fabric, plan.asn, plan.loopback, ours), ours.spread().tagged
    for a in range(ours.n):
        for b in range(ours.n):
            assert ours.reachable(a, b) == ((a, b) in theirs), (a, b)
            if a != b and ours.reachable(a, b):
                tag, path, hops = theirs[a, b]
                assert ours.as_path(a, b) == tuple(plan.asn[v] for v in path[1:])
                assert list(ours.ecmp(a, b)) == hops
                assert bool(tagged is not None and tagged[a, b]) == tag
    known = converge_sessions(whole, plan.asn, plan.loopback)
    again = reconverge(whole, known, fabric, plan)
    assert again.spread().length.tolist() == ours.spread().length.tolist()
    assert again.same_next_hops(ours)


def test_between_drained_nodes_nothing_is_preferred() -> None:
    """What leaf1 hears is tagged anyway, so a drained spine is as good as one that is not."""
    network = build(load_fabric(SMALL), drained=["leaf1", "spine1"], lock=False)
    nodes = {node.name: node.index for node in network.fabric.nodes}
    other = next(n for name, n in nodes.items() if name.startswith("leaf") and name != "leaf1")
    hops = [hop for hop, _ in network.underlay.ecmp(nodes["leaf1"], other)]
    assert hops == [nodes["spine1"], nodes["spine2"]]


def test_what_cannot_be_drained() -> None:
    fabric = build_fabric(FabricSpec(cloison=1, name="t", sites={"s": Site()}), ["spine1"])
    for name in ("host1", "leaf9", "leaf1--spine2"):
        with pytest.raises(InputError, match="C344"):
            drain(fabric, [name])
    with pytest.raises(InputError, match="C344"):
        refuse_idle(drain(fabric, ["spine1"]), ["spine1"])
    assert drain(fabric, ["leaf1"]).draining == ("leaf1",)
    assert drain(drain(fabric, ["leaf1"]), []) == fabric


SMALL = Path(__file__).parents[3] / "topologies" / "small.yaml"


def test_a_failure_keeps_what_is_drained() -> None:
    network = build(load_fabric(SMALL), drained=["leaf1"], lock=False)
    assert rebuild(network, down=["spine1"]).fabric.draining == ("leaf1",)
    assert rebuild(network, drained=[]).fabric.draining == ()
    fresh = build(load_fabric(SMALL), lock=False)
    again = rebuild(network, drained=[])
    assert again.underlay.spread().length.tolist() == fresh.underlay.spread().length.tolist()
    assert [r.tolist() for r in again.fib.chosen] == [r.tolist() for r in fresh.fib.chosen]
