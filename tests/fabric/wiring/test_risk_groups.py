"""Risk groups: what their members stand for, and what is down with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fabric_files import network_of
from failing_fabrics import GROUPS, MEMBERS, racks

from fabric.building.fingerprint import fingerprint
from fabric.diagnostics import InputError
from fabric.file.spec import FabricSpec, Site
from fabric.wiring.clos import build_fabric, take_down
from fabric.wiring.topology import Fabric


def fabric(groups: dict[str, list[str]], vtep: Any = "dpu", **sites: Site) -> Fabric:
    sites = sites or {"s": Site(leaves=2, hosts_per_pair=3, borders=2)}
    return build_fabric(FabricSpec(cloison=1, name="x", vtep=vtep, sites=sites, risk_groups=groups))


@pytest.mark.parametrize("name", GROUPS)
def test_members_are_nodes_and_links_as_written(name: str) -> None:
    whole = fabric(GROUPS)
    down = take_down(whole, [name])
    assert {*down.failed} == {*MEMBERS[name]}
    assert down.down == (name,)
    assert {*take_down(whole, MEMBERS[name]).down} == {*MEMBERS[name]}
    assert take_down(down, down.down) == down


def test_what_is_down_is_named_once() -> None:
    down = take_down(fabric(GROUPS), ["leaf1", "rack1", "dpu1--leaf2", "trench", "leaf1--spine1"])
    assert down.down == ("rack1", "trench", "dpu1--leaf2")
    assert {*down.failed} == {*MEMBERS["rack1"], *MEMBERS["trench"], "dpu1--leaf2"}
    assert take_down(down, ()).failed == ()


def test_a_site_is_a_pattern() -> None:
    site = Site(leaves=2, hosts_per_pair=1, borders=1)
    whole = fabric({"a": ["a-*"], "between": ["a-*--b-*"]}, a=site, b=site)
    group, between = whole.risk_groups
    names = {whole.nodes[n].name for n in group.nodes}
    assert names == {"a-dpu1", "a-leaf1", "a-leaf2", "a-spine1", "a-spine2", "a-border1"}
    assert {whole.links[n].kind for n in between.links} == {"dci"}
    assert len(between.links) == 2


def test_a_host_behind_a_leaf_goes_with_the_leaf() -> None:
    whole = fabric({"rack": ["host[1-2]", "leaf*"]}, "leaf")
    assert {whole.nodes[n].name for n in whole.risk_groups[0].nodes} == {"leaf1", "leaf2"}
    with pytest.raises(InputError, match="host2 is behind leaf2, which is not in the group"):
        fabric({"rack": ["host[1-2]", "leaf1"]}, "leaf")


@pytest.mark.parametrize(
    ("groups", "code"),
    [
        ({"r": ["leaf9"]}, "C337"),
        ({"r": ["leaf1", "leaf[2-3]"]}, "C337"),
        ({"r": ["leaf1--leaf2"]}, "C337"),
        ({"r": ["host1--dpu1"]}, "C340"),
        ({"r": []}, "C341"),
        ({"leaf1": ["spine1"]}, "C342"),
        ({"spine1--leaf1": ["spine1"]}, "C342"),
    ],
)
def test_groups_that_are_none(groups: dict[str, list[str]], code: str) -> None:
    with pytest.raises(InputError) as wrong:
        fabric(groups)
    assert [d.code for d in wrong.value.diagnostics] == [code]


def test_a_name_that_is_none_is_told_with_groups() -> None:
    with pytest.raises(InputError, match="no node, link or risk group") as wrong:
        take_down(fabric(GROUPS), ["rack2"])
    assert wrong.value.diagnostics[0].hint == 'did you mean "rack1"?'


def test_routes_are_those_of_the_members(tmp_path: Path) -> None:
    path = racks(tmp_path)
    for name, members in MEMBERS.items():
        one, other = network_of(path, down=[name]), network_of(path, down=members)
        assert fingerprint(one) == fingerprint(other)
