"""What becomes of every path that a node hears, against BGP by hand and against FRR."""

from __future__ import annotations

import random

from clos_sites import asns, plan_of, sites
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_bgp import Best, naive

from fabric.control.adj_rib_in import FATES, AdjRibIn
from fabric.control.bgp_sessions import Session
from fabric.control.path_tables import ECMP_WIDTH
from fabric.control.underlay import converge_sessions
from fabric.file.spec import FabricSpec, Site
from fabric.wiring.clos import build_fabric, drain, take_down
from fabric.wiring.topology import Fabric, Role


def told(fabric: Fabric, asn: tuple[int, ...], router_id: tuple[int, ...]) -> set[str]:
    """Compares every (node, target, session) of both; which fates there were."""
    ours = converge_sessions(fabric, asn, router_id)
    best = naive(fabric, asn, router_id, ours)
    seen = set()
    for node in (n.index for n in fabric.nodes if n.role is not Role.HOST):
        rib = AdjRibIn.of(fabric, ours, node)
        for target in (n.index for n in fabric.nodes if n.role is not Role.HOST):
            if node == target:
                assert not rib.lost(target)
                continue
            lost: dict[str, int] = {}
            for heard in rib.about(target):
                fate, nodes, missed = by_hand(fabric, asn, best, heard.session, target)
                assert (heard.fate, heard.nodes, heard.missed) == (fate, nodes, missed)
                assert bool(heard.why) == (fate != "used")
                seen.add(fate)
                if missed:
                    lost[fate] = lost.get(fate, 0) + 1
            assert rib.lost(target) == lost
    return seen


def by_hand(
    fabric: Fabric, asn: tuple[int, ...], best: Best, session: Session, target: int
) -> tuple[str, tuple[int, ...], bool]:
    """Fate, nodes and whether it is missed."""
    node, peer = session.node, session.peer
    if not session.up:
        return "down", (), False
    silent = fabric.nodes[peer].role is Role.DPU and peer != target
    if silent or (peer, target) not in best:
        return "not_announced", (), False
    tag, nodes, _ = best[peer, target]
    mine = best.get((node, target))
    short = mine is None or len(nodes) < len(mine[1])
    if node in nodes:
        return "through_itself", nodes, False
    if asn[node] in {asn[v] for v in nodes}:
        return "as_loop", nodes, short
    assert mine is not None
    if (tag or node in fabric.drained) and not mine[0]:
        return "drained", nodes, short
    if not short:
        return "longer", nodes, False
    used = (peer, session.link) in mine[2][:ECMP_WIDTH]
    return ("used", nodes, False) if used else ("width", nodes, True)


@settings(max_examples=40, deadline=None)
@given(sites(), st.integers(0, 2**16), st.integers(0, 2), st.integers(0, 2))
def test_every_path_has_the_fate_that_bgp_by_hand_gives_it(
    found: dict[str, Site], seed: int, drains: int, downs: int
) -> None:
    whole = build_fabric(FabricSpec(cloison=1, name="test", vtep="dpu", sites=found))
    rng, plan = random.Random(seed), plan_of(whole, seed)
    names = [n.name for n in whole.nodes if n.role is not Role.HOST]
    links = [link.name for link in whole.links if link.kind != "host"]
    if len(names) > 20:
        return
    fabric = take_down(whole, rng.sample(links, min(downs, len(links))))
    fabric = drain(fabric, rng.sample(names, min(drains, len(names))))
    told(fabric, plan.asn, plan.loopback)


def three_spines(**asn: int) -> tuple[Fabric, tuple[int, ...]]:
    """Two leaves below three spines; some nodes have other AS numbers."""
    site = Site(spines=3, leaves=2, hosts_per_pair=1, borders=0)
    fabric = build_fabric(FabricSpec(cloison=1, name="test", vtep="dpu", sites={"s": site}))
    found = list(asns(fabric))
    for name, number in asn.items():
        found[fabric.node(name).index] = number
    return fabric, tuple(found)


def paths(fabric: Fabric, asn: tuple[int, ...], node: str, target: str) -> dict[str, str]:
    """By neighbour: why its path is not used."""
    underlay = converge_sessions(fabric, asn, tuple(n.index + 1 for n in fabric.nodes))
    rib = AdjRibIn.of(fabric, underlay, fabric.node(node).index)
    heard = rib.about(fabric.node(target).index)
    return {fabric.nodes[h.session.peer].name: h.why for h in heard}


def test_one_of_several_paths_is_lost_to_an_as_loop() -> None:
    """A spine with the far leaf's number brings nothing; the route stands without it."""
    fabric, asn = three_spines(spine2=5555, leaf1=5555)
    said = paths(fabric, asn, "leaf1", "leaf2")
    assert said["spine1"] == said["spine3"] == ""
    assert said["spine2"] == "both ends have the same ASN"
    fabric, asn = three_spines(leaf1=7777, leaf2=7777)
    said = paths(fabric, asn, "leaf1", "leaf2")
    loop = "AS loop: 7777 is this node's own, and that of leaf2"
    assert {said[f"spine{n}"] for n in (1, 2, 3)} == {loop}
    fabric, asn = three_spines()
    said = paths(fabric, asn, "spine1", "spine2")
    loop = "AS loop: 1000 is this node's own, and that of spine2"
    assert {said["leaf1"], said["leaf2"]} == {loop}


def test_what_is_drained_longer_or_through_the_node_itself() -> None:
    fabric, asn = three_spines()
    drained = drain(fabric, ["spine2"])
    said = paths(drained, asn, "leaf1", "leaf2")
    assert (said["spine1"], said["spine2"]) == ("", "drained: spine2")
    assert said["dpu1"] == "dpu1 announces its own loopback alone"
    assert paths(fabric, asn, "dpu1", "leaf1")["leaf2"] == "longer: 3 ASNs, the best has 1"
    assert paths(fabric, asn, "leaf1", "spine1")["spine2"].startswith("spine2 has no path")


def test_every_fate_comes_up() -> None:
    fabric, asn = three_spines()
    router_id = tuple(n.index + 1 for n in fabric.nodes)
    cut = take_down(drain(fabric, ["spine2"]), ["leaf1--spine1"])
    assert told(fabric, asn, router_id) | told(cut, asn, router_id) == {*FATES} - {"width"}


def test_what_is_beyond_the_width() -> None:
    site = Site(spines=9, leaves=2, uplinks=8, hosts_per_pair=2, borders=0)
    fabric = build_fabric(FabricSpec(cloison=1, name="wide", vtep="leaf", sites={"s": site}))
    here, there = (n.index for n in fabric.nodes if n.role is Role.LEAF)
    underlay = converge_sessions(fabric, asns(fabric), tuple(n.index + 1 for n in fabric.nodes))
    rib = AdjRibIn.of(fabric, underlay, here)
    assert rib.lost(there) == {"width": 8}
    fates = [h.fate for h in rib.about(there)]
    assert (fates.count("used"), fates.count("width"), len(fates)) == (64, 8, 72)
    assert set(fates) <= {*FATES}
