"""What a failure changes of the underlay: the same as if everything converged anew."""

from __future__ import annotations

import pickle
import random
from copy import copy
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from clos_sites import plan_of, sites
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.control import reconvergence
from fabric.control.reconvergence import reconverge
from fabric.control.underlay import Underlay, converge_sessions
from fabric.file.spec import FabricSpec, Site
from fabric.wiring.clos import build_fabric, take_down
from fabric.wiring.topology import Fabric, Role, session


def alike(one: Underlay, other: Underlay) -> None:
    """The same between all nodes."""
    here, there = one.spread(), other.spread()
    assert here.length.tolist() == there.length.tolist()
    assert here.parent.tolist() == there.parent.tolist()
    assert [at.tolist() for at in here.hops] == [at.tolist() for at in there.hops]
    assert (one.widest, one.speeds, one.sessions) == (other.widest, other.speeds, other.sessions)
    assert one.points.same(other.points)
    assert ((here.length > 0).ravel() == (np.diff(here.hops.off) > 0)).all()


def test_next_hops_are_found_when_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = FabricSpec(cloison=1, name="test", sites={"s": Site(leaves=4, hosts_per_pair=2)})
    whole = build_fabric(spec)
    plan, asked = plan_of(whole, 0), list[str]()
    known, find = converge_sessions(whole, plan.asn, plan.loopback), reconvergence._next_hops

    def found(*given: Any) -> Any:
        asked.append("hops")
        return find(*given)

    monkeypatch.setattr(reconvergence, "_next_hops", found)
    without = take_down(whole, ["leaf1"])
    there = reconverge(whole, known, without, plan)
    every = np.arange(known.n)
    fresh = converge_sessions(without, plan.asn, plan.loopback)
    assert (there.lengths(every[:, None], every) == fresh.lengths(every[:, None], every)).all()
    assert asked == []
    two, three = (whole.node(name).index for name in ("leaf2", "leaf3"))
    assert there.ecmp(two, three) == there.ecmp(two, three) != ()
    assert asked == ["hops"]
    for again in (pickle.loads(pickle.dumps(there)), copy(there), replace(there, speeds=None)):
        alike(again, fresh)
    assert asked == ["hops"]


def at_edge(fabric: Fabric) -> list[str]:
    dpus = {node.index for node in fabric.nodes if node.role is Role.DPU}
    links = [link.name for link in fabric.links if {link.a, link.b} & dpus and link.kind != "host"]
    return [*(fabric.nodes[i].name for i in sorted(dpus)), *links, *map(session, links)]


@settings(max_examples=200)
@given(sites(), st.integers(0, 2**16), *[st.integers(0, 3)] * 4)
def test_what_is_left_alone_is_as_it_would_be(
    found: dict[str, Site], seed: int, elsewhere: int, more: int, before: int, after: int
) -> None:
    """Some things are down elsewhere, and maybe more of them afterwards; at the edge some are
    before and others afterwards."""
    whole = build_fabric(FabricSpec(cloison=1, name="test", vtep="dpu", sites=found))
    rng, plan = random.Random(seed), plan_of(whole, seed)
    edge = at_edge(whole)
    names = [n.name for n in whole.nodes if n.role is not Role.HOST]
    links = [link.name for link in whole.links if link.kind != "host"]
    names += [*links, *map(session, links)]
    rest, new = (rng.sample(names, min(some, len(names))) for some in (elsewhere, more))
    first, then = (
        take_down(whole, {*down, *rng.sample(edge, min(some, len(edge)))})
        for down, some in ((rest, before), ([*rest, *new], after))
    )
    known = converge_sessions(first, plan.asn, plan.loopback)
    alike(reconverge(first, known, then, plan), converge_sessions(then, plan.asn, plan.loopback))


def test_only_what_comes_back_is_computed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures do not make everything converge again, nor does what comes back at the edge."""
    spec = FabricSpec(cloison=1, name="test", sites={"s": Site(leaves=4, hosts_per_pair=2)})
    whole = build_fabric(spec)
    plan = plan_of(whole, 0)
    known = converge_sessions(whole, plan.asn, plan.loopback)
    asked: list[Fabric] = []

    def converge(fabric: Fabric, plan: Any) -> Underlay:
        asked.append(fabric)
        return converge_sessions(fabric, plan.asn, plan.loopback)

    monkeypatch.setattr(reconvergence, "converge", converge)
    for down in (["dpu1"], ["dpu1--leaf1"], ["dpu1~leaf1"], ["dpu1", "dpu2--leaf2"], []):
        without = take_down(whole, down)
        there = reconverge(whole, known, without, plan)
        reconverge(without, there, whole, plan)
    inside = (["leaf1"], ["leaf1--spine1"], ["leaf1~spine1"], ["dpu1", "spine1"])
    for down in inside:
        reconverge(whole, known, take_down(whole, down), plan)
    assert asked == []
    for down in inside:
        without = take_down(whole, down)
        reconverge(without, converge_sessions(without, plan.asn, plan.loopback), whole, plan)
    assert len(asked) == 4


def test_there_is_nothing_else_that_may_be_down() -> None:
    """What else failed would be overlooked: `fabric.control.reconvergence` has to compare it."""
    down = {at.name for at in fields(Fabric) if at.name.startswith("down")}
    assert down - {"down_groups"} == {"down_nodes", "down_links", "down_sessions"}
