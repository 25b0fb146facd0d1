"""Instances at one point of the underlay choose as they would if each were asked alone."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
from every_node import every_node
from fabric_files import network_of, vrf, write_fabric
from walked_fabrics import random_world

from fabric.building.build import rebuild
from fabric.building.network import Network
from fabric.control import best_origins, fib_filling
from fabric.control.best_origins import Differing, OriginChoices
from fabric.control.fib import Fib
from fabric.control.fib_filling import build_fib, refilled
from fabric.control.underlay import Underlay, converge_points
from fabric.diagnostics import InputError
from fabric.wiring.budget import multiplied
from fabric.wiring.topology import Role


def alone(network: Network) -> Underlay:
    """The underlay in which every node is a point of its own."""
    fabric, ends = network.fabric, network.underlay.ends
    return converge_points(fabric, ends, every_node(fabric, ends), network.plan.loopback)


def same(one: Fib, other: Fib) -> None:
    assert one.nexthop_sets == other.nexthop_sets
    assert [row.tolist() for row in one.chosen] == [row.tolist() for row in other.chosen]
    assert one.wide == other.wide


def shaken(network: Network, rng: Random) -> Network:
    """Some things fail, or one is drained, or DPUs lose all their cables."""
    fabric = network.fabric
    names = [n.name for n in fabric.nodes if n.role is not Role.HOST]
    links = [link.name for link in fabric.links if link.kind != "host"]
    down = rng.sample([*names, *links], rng.choice((0, 1, 3)))
    cut = [link.name for link in fabric.links if fabric.nodes[link.a].role is Role.DPU]
    if rng.random() < 0.4:
        down += rng.sample(cut, len(cut) // 2)
    drained = rng.sample(names, rng.choice((0, 0, 1)))
    return rebuild(network, down={*down}, drained=drained)


@pytest.mark.slices(3)
@pytest.mark.parametrize("width", [1, 2, 64])
@pytest.mark.parametrize("seed", range(20, 32))
def test_points_choose_as_their_instances_do(
    seed: int, width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (best_origins, fib_filling):
        monkeypatch.setattr(module, "ECMP_WIDTH", width)
    rng = Random(seed)
    _, network = random_world(rng, tmp_path)
    before, whole = network, alone(network)
    same(network.fib, build_fib(network.routes, network.fib.imports, whole))
    by_node = network.fib
    for _ in range(6):
        after = shaken(before, rng)
        each = alone(after)
        same(
            build_fib(network.routes, network.fib.imports, after.underlay),
            build_fib(network.routes, network.fib.imports, each),
        )
        by_node = refilled(by_node, whole, each)
        same(after.fib, by_node)
        before, whole = after, each


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """Forty DPUs of one VRF below one pair of leaves, and forty below another; all of them have a
    prefix of a second one."""
    tenants = {
        "a": vrf("10.0.0.0/16", import_rts=["65000:10701"]),
        "b": vrf("10.1.0.0/16", vni=10701),
    }
    work = {name: [f"n/p{h}@host{h}" for h in range(1, 81)] for name in tenants}
    site = {"spines": 2, "leaves": 4, "hosts_per_pair": 40}
    return network_of(
        write_fabric(tmp_path_factory.mktemp("crowd"), tenants, work, sites={"s": site})
    )


def test_instances_that_choose_alike_share_an_array(crowd: Network) -> None:
    fib = crowd.fib
    assert len(fib.chosen) == 160
    assert len({id(row) for row in fib.chosen}) == 2
    after = rebuild(crowd, down=["dpu7"])
    assert len({id(row) for row in after.fib.chosen}) == 4
    same(after.fib, build_fib(crowd.routes, fib.imports, alone(after)))


def test_those_without_cables_have_themselves_alone(crowd: Network) -> None:
    """Two DPUs that nothing reaches are attached alike, and do not reach each other."""
    cut = [f"dpu{n}--leaf{leaf}" for n in (1, 2) for leaf in (1, 2)]
    after = rebuild(crowd, down=cut)
    one, two = (crowd.fabric.node(f"dpu{n}").index for n in (1, 2))
    assert after.underlay.points.of[one] == after.underlay.points.of[two]
    assert not after.underlay.reachable(one, two) and after.underlay.reachable(one, one)
    number = crowd.vrf("a/main").index
    for node in (one, two):
        assert {hop.vtep for r in after.fib.routes(node, number) for hop in r.nexthops} == {node}
    same(after.fib, build_fib(crowd.routes, crowd.fib.imports, alone(after)))


def distance(underlay: Underlay, a: int, b: int) -> int:
    return len(underlay.as_path(a, b)) if underlay.reachable(a, b) else -1


def test_distances_are_compared_for_all_who_share_points(crowd: Network) -> None:
    """Those from which most is otherwise, and those at another distance from others, as counted
    node by node."""
    vteps = sorted({vtep for vtep, _ in crowd.fib.instances})
    cut = [f"dpu{n}--leaf{leaf}" for n in (1, 2) for leaf in (1, 2)]
    # two that have each other alone: cut, they differ from each other and from nobody else
    alone_together = [f"dpu{n}--leaf{leaf}" for n in range(3, 41) for leaf in (1, 2)]
    alone_together += ["spine1", "spine2"]
    for already, down in (
        *(((), down) for down in (["dpu3"], cut, ["leaf1", "leaf2"], ["dpu5--leaf1"], ["spine1"])),
        (alone_together, [*alone_together, *cut]),
    ):
        before, after = rebuild(crowd, down=already), rebuild(crowd, down=down)
        pair = before.underlay, after.underlay
        found = Differing.among(vteps, *pair)
        far = [{(a, b): distance(u, a, b) for a in vteps for b in vteps} for u in pair]
        differs = {a: [b for b in vteps if far[0][a, b] != far[1][a, b]] for a in vteps}
        if not any(differs.values()):
            assert found is None
            continue
        assert found is not None
        anew = [a for a in vteps if 2 * len(differs[a]) > len(vteps)]
        assert found.anew.nonzero()[0].tolist() == anew
        to = {b for a in vteps if a not in anew for b in differs[a]}
        assert {*found.to.nonzero()[0].tolist()} == to


def test_too_many_cells_are_refused_before_there_are_any(crowd: Network) -> None:
    cells = 2 * 160
    for share, code in ((0.5, "C693"), (4, None)):
        with multiplied(share * cells / 2**28):
            if code is None:
                build_fib(crowd.routes, crowd.fib.imports, crowd.underlay)
                continue
            with pytest.raises(InputError, match=code):
                build_fib(crowd.routes, crowd.fib.imports, crowd.underlay)


def test_who_tells_of_equal_origins_chooses_them() -> None:
    """The first at a point that has no origin of its own."""
    members, own = np.array([3, 5, 8]), np.array([3, 8])
    assert best_origins._teller(members, own) == 5
    assert best_origins._teller(members, members) == -1


@pytest.mark.parametrize(("budget", "code"), [(5, "C693"), (6, None)])
def test_arrays_that_differ_are_counted_as_they_are_made(budget: int, code: str | None) -> None:
    empty, none = np.zeros(0, np.int32), np.zeros(0, np.int64)
    filling = fib_filling._Filling([empty, empty, empty])
    rows, row_of = np.arange(6, dtype=np.int32).reshape(2, 3), np.array([0, 1, 0])
    choices = OriginChoices(rows, row_of, [], none, none, none.astype(np.int32), [])
    with multiplied(budget / 2**28):
        if code is None:
            filling.put(np.arange(3), np.arange(3), choices)
            assert [row.tolist() for row in filling.chosen] == [[0, 1, 2], [3, 4, 5], [0, 1, 2]]
            return
        with pytest.raises(InputError, match=code):
            filling.put(np.arange(3), np.arange(3), choices)
