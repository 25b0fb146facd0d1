"""Shares of next hops: in proportion to the speeds of links, and only where that is asked for."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clos_sites import asns, sites
from fabric_files import network_of, vrf, write_fabric
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.building.build import rebuild
from fabric.building.network import Network
from fabric.control.path_tables import NextHops
from fabric.control.underlay import Underlay, converge_sessions
from fabric.control.weights import MEMBERS, member_arrays, members, members_of, uneven, weights
from fabric.diagnostics import InputError
from fabric.file.spec import FabricSpec, LinkSettings, Site
from fabric.wiring.clos import build_fabric
from fabric.wiring.topology import Fabric

UNEVEN = {"leaf1--spine1": {"speed": 100}}


def settled(fabric: Fabric) -> Underlay:
    return converge_sessions(fabric, asns(fabric), tuple(n.index + 1 for n in fabric.nodes))


@settings(max_examples=40, deadline=None)
@given(sites(), st.integers(0, 2**16))
def test_members_are_next_hops_as_often_as_their_speed_says(
    found: dict[str, Site], seed: int
) -> None:
    spec = FabricSpec(cloison=1, name="test", vtep="dpu", sites=found, ecmp="bandwidth")
    whole, rng = build_fabric(spec), random.Random(seed)
    links = tuple(replace(each, speed=rng.choice([50, 100, 200, 400])) for each in whole.links)
    fabric = replace(whole, links=links)
    underlay = settled(fabric)
    off, node, link = member_arrays(underlay)
    n = underlay.n
    for a in range(n):
        for b in range(n):
            row = slice(off[a * n + b], off[a * n + b + 1])
            rows = tuple(zip(node[row].tolist(), link[row].tolist(), strict=True))
            assert rows == members(underlay, a, b)
            hops = underlay.ecmp(a, b)
            assert list(dict.fromkeys(rows)) == list(hops)
            total = sum(links[via].speed for _, via in hops)
            for hop, times in Counter(rows).items():
                assert Fraction(times, len(rows)) == Fraction(links[hop[1]].speed, total)
    even = replace(underlay, speeds=None)
    assert all(map(np.array_equal, member_arrays(even), even.spread().hops))
    assert members(even, 0, n - 1) == even.ecmp(0, n - 1)


def test_many_members_are_scaled_down() -> None:
    fabric = build_fabric(FabricSpec(cloison=1, name="t", sites={"s": Site()}, ecmp="bandwidth"))
    speeds = (25600, 3, 12799, *fabric.links[3:])
    underlay = replace(settled(fabric), speeds=tuple(int(getattr(s, "speed", s)) for s in speeds))
    found = weights(underlay, [0, 1, 2])
    assert found == (25600 * MEMBERS // 38402, 1, 12799 * MEMBERS // 38402)
    assert weights(underlay, []) == () and weights(underlay, [1]) == (1,)
    three = np.arange(3, dtype=np.int32)
    hops = NextHops(np.array([0, 3], np.int32), three, three)
    off, node, _ = members_of(hops, underlay.speeds)
    assert [*Counter(node.tolist()).values()] == [*found] and off.tolist() == [0, sum(found)]


def test_links_have_speeds_of_their_own() -> None:
    def speeds(links: dict[str, LinkSettings]) -> dict[str, int]:
        site = Site(leaves=2, hosts_per_pair=1, borders=0, uplinks=2)
        fabric = build_fabric(FabricSpec(cloison=1, name="t", sites={"s": site}, links=links))
        wired = {name: data["speed"] for _, _, name, data in fabric.wiring.edges()}
        assert wired == {link.name: link.speed for link in fabric.links}
        return {link.name: link.speed for link in fabric.links if link.speed not in (200, 400)}

    slow, slower = LinkSettings(speed=100), LinkSettings(speed=40)
    assert speeds({"spine1--leaf1#2": slow}) == {"leaf1--spine1#2": 100}
    assert speeds({"*--spine2": slow, "leaf2--*": slower}) == {
        "leaf1--spine2": 100, "leaf2--spine1": 40, "leaf2--spine1#2": 40,
        "leaf2--spine2": 40, "leaf2--spine2#2": 40, "dpu1--leaf2": 40,
    }  # fmt: skip
    assert speeds({"*--spine2": LinkSettings()}) == {}
    for wrong in ("leaf1--leaf2", "leaf[1-3]--spine1", "leaf[a-1]--*"):
        with pytest.raises(InputError, match="C345"):
            speeds({wrong: slow})


def test_links_of_other_speeds_that_share_evenly_are_told(tmp_path: Path) -> None:
    def network(**more: object) -> Network:
        return network_of(write_fabric(tmp_path, {"a": vrf("10.0.0.0/24")}, {}, **more))

    (told,) = network(links=UNEVEN).warnings
    assert (told.code, told.severity) == ("C528", "warning")
    assert "leaf1 shares load evenly over links of 100 and of 400 Gbit/s" in told.message
    weighed = network(links=UNEVEN, ecmp="bandwidth")
    assert not weighed.warnings and not network().warnings
    gone = rebuild(weighed, down=["spine2"])
    assert gone.underlay.speeds == weighed.underlay.speeds is not None
    assert [d.code for d in uneven(gone.fabric, replace(gone.underlay, speeds=None))] == ["C528"]
