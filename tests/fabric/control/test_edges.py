"""What happens at the edge of the underlay: the same as if everything converged anew."""

from __future__ import annotations

import random
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from clos_sites import asns, sites
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.clos import build_fabric, take_down
from fabric.control import edges
from fabric.control.edges import reconverge
from fabric.control.underlay import Underlay, settle
from fabric.file.spec import FabricSpec, Site
from fabric.topology import Fabric, Role, session


def alike(one: Underlay, other: Underlay) -> None:
    for at in fields(Underlay):
        a, b = getattr(one, at.name), getattr(other, at.name)
        if isinstance(a, np.ndarray):
            assert (a.dtype, a.tolist()) == (b.dtype, b.tolist()), at.name
        else:
            assert a == b, at.name


def plan_of(fabric: Fabric, seed: int) -> Any:
    """Some AS numbers may stand twice, so that paths hold loops."""
    rng, n = random.Random(seed), len(fabric.nodes)
    router_id, asn = list(range(1, n + 1)), list(asns(fabric))
    rng.shuffle(router_id)
    speakers = [node.index for node in fabric.nodes if node.role is not Role.HOST]
    for _ in range(seed % 3):
        asn[rng.choice(speakers)] = asn[rng.choice(speakers)]
    return SimpleNamespace(asn=tuple(asn), loopback=tuple(router_id))


def at_edge(fabric: Fabric) -> list[str]:
    dpus = {node.index for node in fabric.nodes if node.role is Role.DPU}
    links = [link.name for link in fabric.links if {link.a, link.b} & dpus and link.kind != "host"]
    return [*(fabric.nodes[i].name for i in sorted(dpus)), *links, *map(session, links)]


@settings(max_examples=150)
@given(sites(), st.integers(0, 2**16), *[st.integers(0, 3)] * 3)
def test_what_is_left_alone_is_as_it_would_be(
    found: dict[str, Site], seed: int, elsewhere: int, before: int, after: int
) -> None:
    """Some things are down elsewhere; at the edge some are before and others afterwards."""
    whole = build_fabric(FabricSpec(cloison=1, name="test", vtep="dpu", sites=found))
    rng, plan = random.Random(seed), plan_of(whole, seed)
    edge = at_edge(whole)
    names = [n.name for n in whole.nodes if n.role is not Role.HOST]
    links = [link.name for link in whole.links if link.kind != "host"]
    names += [*links, *map(session, links)]
    rest = rng.sample(names, min(elsewhere, len(names)))
    first, then = (
        take_down(whole, {*rest, *rng.sample(edge, min(some, len(edge)))})
        for some in (before, after)
    )
    known = settle(first, plan.asn, plan.loopback)
    alike(reconverge(first, known, then, plan), settle(then, plan.asn, plan.loopback))


def test_only_the_edge_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A DPU or its cable does not make everything converge again; a leaf does."""
    spec = FabricSpec(cloison=1, name="test", sites={"s": Site(leaves=4, hosts_per_pair=2)})
    whole = build_fabric(spec)
    plan = plan_of(whole, 0)
    known = settle(whole, plan.asn, plan.loopback)
    asked: list[Fabric] = []

    def converge(fabric: Fabric, plan: Any) -> Underlay:
        asked.append(fabric)
        return settle(fabric, plan.asn, plan.loopback)

    monkeypatch.setattr(edges, "converge", converge)
    for down in (["dpu1"], ["dpu1--leaf1"], ["dpu1~leaf1"], ["dpu1", "dpu2--leaf2"], []):
        reconverge(whole, known, take_down(whole, down), plan)
    assert asked == []
    for down in (["leaf1"], ["leaf1--spine1"], ["leaf1~spine1"], ["dpu1", "spine1"]):
        reconverge(whole, known, take_down(whole, down), plan)
    assert len(asked) == 4


def test_there_is_nothing_else_that_may_be_down() -> None:
    """What else failed would be overlooked: it has to be compared in `fabric.control.edges`."""
    down = {at.name for at in fields(Fabric) if at.name.startswith("down")}
    assert down - {"down_groups"} == {"down_nodes", "down_links", "down_sessions"}
