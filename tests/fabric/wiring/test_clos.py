"""Shapes of Clos fabrics."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import pytest

from fabric.diagnostics import InputError
from fabric.file.spec import FabricSpec, Site
from fabric.wiring.clos import build_fabric, refuse_idle, site_wiring, take_down
from fabric.wiring.topology import Fabric, Role


def spec(vtep: str = "dpu", **sites: Site) -> FabricSpec:
    return FabricSpec(cloison=1, name="test", vtep=vtep, sites=sites)  # type: ignore[arg-type]


def roles(fabric: Fabric) -> Counter[str]:
    return Counter(node.role.value for node in fabric.nodes)


def test_leaf_spine_counts() -> None:
    fabric = build_fabric(spec(s=Site(spines=3, leaves=4, hosts_per_pair=5, uplinks=2, borders=2)))
    assert roles(fabric) == {"host": 10, "dpu": 10, "leaf": 4, "border": 2, "spine": 3}
    kinds = Counter(link.kind for link in fabric.links)
    assert kinds == {"host": 10, "fabric": 10 * 2 + (4 + 2) * 3 * 2}
    assert {link.name for link in fabric.links} >= {"leaf1--spine1", "leaf1--spine1#2"}


def test_three_tier_numbers_hosts_through_all_pods() -> None:
    size = Site(clos="three-tier", pods=2, superspines=3, leaves=2, spines=2, borders=1)
    fabric = build_fabric(spec(s=size))
    names = {node.name for node in fabric.nodes}
    assert {"host1", "host4", "dpu4", "pod1-leaf1", "pod2-spine2", "superspine3"} <= names
    assert {fabric.node(n).pod for n in ("host3", "dpu3", "pod2-leaf1")} == {2}
    assert set(fabric.graph.neighbors("border1")) == {f"superspine{n}" for n in (1, 2, 3)}
    assert set(fabric.graph.neighbors("pod2-spine1")) == {
        "pod2-leaf1", "pod2-leaf2", "superspine1", "superspine2", "superspine3",
    }  # fmt: skip


def test_the_last_of_an_odd_number_of_leaves_stands_alone() -> None:
    fabric = build_fabric(spec(s=Site(leaves=3, hosts_per_pair=2, borders=0)))
    assert set(fabric.graph.neighbors("dpu2")) == {"host2", "leaf1", "leaf2"}
    assert set(fabric.graph.neighbors("dpu3")) == {"host3", "leaf3"}


def test_with_leaves_as_vteps_hosts_alternate_in_the_pair() -> None:
    fabric = build_fabric(spec("leaf", s=Site(leaves=2, hosts_per_pair=4, borders=0)))
    assert Role.DPU not in {node.role for node in fabric.nodes}
    assert [fabric.vtep_of(f"host{n}").name for n in (1, 2, 3, 4)] == [
        "leaf1", "leaf2", "leaf1", "leaf2",
    ]  # fmt: skip


def test_sites_are_joined_at_their_tops_and_named() -> None:
    small, tall = Site(spines=2, borders=0), Site(clos="three-tier", superspines=3, borders=0)
    fabric = build_fabric(spec(a=small, b=tall))
    dci = {link.name for link in fabric.links if link.kind == "dci"}
    assert dci == {"a-spine1--b-superspine1", "a-spine2--b-superspine2"}
    assert all(node.name.startswith(f"{node.site}-") for node in fabric.nodes)


def test_ports_are_numbered_per_node_and_indices_hold_together() -> None:
    fabric = build_fabric(spec(s=Site(spines=2, leaves=2, borders=1, uplinks=2)))
    ports: dict[int, list[str]] = {}
    for number, link in enumerate(fabric.links):
        assert link.index == number
        ports.setdefault(link.a, []).append(link.a_port)
        ports.setdefault(link.b, []).append(link.b_port)
        a, b = fabric.nodes[link.a].name, fabric.nodes[link.b].name
        data = fabric.graph.edges[a, b, link.name]
        assert (data["a"], data["b"], data["a_port"], data["b_port"]) == (
            a, b, link.a_port, link.b_port,
        )  # fmt: skip
    for used in ports.values():
        assert sorted(used, key=lambda p: int(p[3:])) == [f"swp{n + 1}" for n in range(len(used))]
    for node in fabric.nodes:
        assert fabric.node(node.name) is node


def test_a_site_is_in_one_piece() -> None:
    wide = Site(spines=4, leaves=8, hosts_per_pair=8, borders=2)
    assert nx.is_connected(site_wiring("", wide, vtep="dpu", prefix="").graph())
    tall = Site(clos="three-tier", pods=4, superspines=4)
    graph = site_wiring("", tall, vtep="dpu", prefix="").graph()
    assert nx.is_connected(graph)
    assert {"role", "rank", "site", "pod"} <= set(graph.nodes["superspine1"])


@pytest.mark.parametrize("name", ["leaf1--spine2", "spine2--leaf1"])
def test_down_takes_links_either_way_round(name: str) -> None:
    fabric = build_fabric(spec(s=Site()), down=[name, "border1"])
    assert [fabric.links[i].name for i in fabric.down_links] == ["leaf1--spine2"]
    assert [fabric.nodes[i].name for i in fabric.down_nodes] == ["border1"]


def test_down_names_that_do_not_exist_are_reported_together() -> None:
    with pytest.raises(InputError) as error:
        build_fabric(spec(s=Site()), down=["leaf9", "leaf1--spine3"])
    assert [d.code for d in error.value.diagnostics] == ["C331", "C331"]
    assert "did you mean" in str(error.value)


@pytest.mark.parametrize("vtep", ["dpu", "leaf"])
def test_hosts_go_with_their_dpus_and_their_links_stay(vtep: str) -> None:
    """Nothing routes at a host: what is on one behind a leaf would answer as before."""
    fabric = build_fabric(spec(vtep, s=Site(spines=2, leaves=2, hosts_per_pair=4, borders=1)))
    ends = {link.index: {fabric.nodes[n] for n in (link.a, link.b)} for link in fabric.links}
    hosts = [n.name for n in fabric.nodes if n.role is Role.HOST]
    theirs = [x.name for x in fabric.links if any(n.role is Role.HOST for n in ends[x.index])]
    assert len(hosts) == len(theirs) == 4
    for name in hosts if vtep == "dpu" else ():
        machine = take_down(fabric, [name])
        assert [fabric.nodes[n].name for n in machine.down_nodes] == [fabric.vtep_of(name).name]
        assert machine == take_down(fabric, [fabric.vtep_of(name).name])
    for name in theirs if vtep == "dpu" else (*hosts, *theirs):
        with pytest.raises(InputError, match="C331"):
            take_down(fabric, [name])
    rest = {n.name for n in fabric.nodes} | {x.name for x in fabric.links}
    assert take_down(fabric, sorted(rest - {*hosts, *theirs})).down_nodes


@pytest.mark.parametrize(
    ("down", "idle"),
    [
        (["leaf1", "leaf1--spine1"], ["leaf1--spine1"]),
        (["spine1--leaf1", "leaf1"], ["spine1--leaf1"]),
        (["leaf1", "leaf1~spine1", "leaf1"], ["leaf1~spine1", "leaf1"]),
        (["leaf1--spine1", "leaf1~spine1"], ["leaf1~spine1"]),
        (["leaf1--spine1", "spine1--leaf1"], ["spine1--leaf1"]),
        (["rack", "leaf1", "dpu1--leaf2"], ["leaf1", "dpu1--leaf2"]),
        (["leaf1", "rack"], ["leaf1"]),
        (["dpu2", "host2"], ["host2"]),
        (["rack", "host1"], ["host1"]),
        (["leaf1", "spine1"], []),
        (["leaf1--spine1", "leaf1--spine2"], []),
        ([], []),
    ],
)
def test_what_changes_nothing_beside_the_others_is_refused(
    down: list[str], idle: list[str]
) -> None:
    groups = {"rack": ["leaf1", "dpu1"]}
    file = spec(s=Site()).model_copy(update={"risk_groups": groups})
    fabric = build_fabric(file, down)
    try:
        refuse_idle(fabric, down)
        found = []
    except InputError as error:
        assert {d.code for d in error.diagnostics} == {"C331"}
        found = [d.message.split('"')[1] for d in error.diagnostics]
    assert sorted(found) == sorted(idle)
