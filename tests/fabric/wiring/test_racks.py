"""What stands in one rack fails together, and no rack is passed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from irregular_site import IRREGULAR, file

from fabric.building.load import load, load_fabric
from fabric.diagnostics import InputError
from fabric.wiring.clos import build_fabric, take_down


def test_a_rack_is_a_risk_group_unless_there_is_one_of_that_name(tmp_path: Path) -> None:
    fabric = build_fabric(load_fabric(file(tmp_path)))
    groups = {g.name: {fabric.nodes[n].name for n in g.nodes} for g in fabric.risk_groups}
    assert groups == {
        "rack-r1": {"tor-r1a", "tor-r1b", "bf-101", "bf-102"},
        "rack-r2": {"tor-r2.lab", "bf-201"},
    }
    down = take_down(fabric, ["rack-r2"])
    assert {fabric.nodes[n].name for n in down.down_nodes} == groups["rack-r2"]
    own = IRREGULAR + "risk_groups: { rack-r1: [tor-r1a] }\n"
    fabric = build_fabric(load_fabric(file(tmp_path, own)))
    assert [g.name for g in fabric.risk_groups] == ["rack-r1", "rack-r2"]
    assert len(fabric.risk_groups[0].nodes) == 1


BESIDE = """
cloison: 1
name: racks
sites:
  s:
    clos: none
    nodes:
      spine: { role: spine }
      leaf-a: { role: leaf, rack: NEAR }
      leaf-b: { role: leaf, rack: FAR }
      dpu-a: { role: dpu }
      dpu-b: { role: dpu, host: host-b, rack: FAR }
      host-a: { role: host, rack: NEAR }
    cables: [host-a -- dpu-a, dpu-a -- leaf-a, dpu-b -- leaf-b, leaf-a -- spine, leaf-b -- spine]
tenants: { red: { vrfs: { main: { prefixes: [10.1.0.0/16] } } } }
"""


def beside(near: str, far: str) -> str:
    return BESIDE.replace("NEAR", near).replace("FAR", far)


def test_a_host_in_a_rack_takes_its_dpu_along(tmp_path: Path) -> None:
    fabric = build_fabric(load_fabric(file(tmp_path, beside("r1", "r2"))))
    assert {g.name: {fabric.nodes[n].name for n in g.nodes} for g in fabric.risk_groups} == {
        "rack-r1": {"leaf-a", "dpu-a"}, "rack-r2": {"leaf-b", "dpu-b"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("near", "far", "why"),
    [
        ('"1"', "rack-1", "has that of rack"),
        ("r1", "a--spine", "the name of a link"),
        ("r1", "a", "the name of a node"),
    ],
)
def test_no_rack_hides_behind_another_name(tmp_path: Path, near: str, far: str, why: str) -> None:
    """`--down` and any-1-risk-group go by names: what is hidden would never be tried."""
    text = beside(near, far).replace("leaf-", "rack-")
    with pytest.raises(InputError) as raised:
        load_fabric(file(tmp_path, text))
    told = raised.value.diagnostics[-1]
    assert told.code == "C342" and why in told.message and told.span is not None
    assert load_fabric(file(tmp_path, text.replace("rack-", "leaf-")))


def test_racks_of_one_name_in_two_sites_are_two(tmp_path: Path) -> None:
    whole: dict[str, Any] = yaml.safe_load(beside("r1", "r2"))
    nodes = {"x-spine": {"role": "spine"}, "x-leaf": {"role": "leaf", "rack": "r1"},
             "x-dpu": {"role": "dpu", "host": "x", "rack": "r1"}}  # fmt: skip
    cables = ["x-dpu -- x-leaf", "x-leaf -- x-spine", "x-spine -- spine"]
    whole["sites"]["t"] = {"clos": "none", "nodes": nodes, "cables": cables}
    fabric = build_fabric(load_fabric(file(tmp_path, yaml.safe_dump(whole, sort_keys=False))))
    assert {g.name: {fabric.nodes[n].name for n in g.nodes} for g in fabric.risk_groups} == {
        "s-rack-r1": {"leaf-a", "dpu-a"}, "rack-r2": {"leaf-b", "dpu-b"},
        "t-rack-r1": {"x-leaf", "x-dpu"},
    }  # fmt: skip


def test_hosts_in_another_rack_than_their_leaf(tmp_path: Path) -> None:
    """Where leaves encapsulate, a rack of hosts alone is no group, and that is said."""
    text = beside("r1", "r2").replace("name: racks", "name: racks\nvtep: leaf")
    text = text.replace("dpu-a: { role: dpu }", "host-b: { role: host, rack: r9 }")
    text = text.replace("dpu-b: { role: dpu, host: host-b, rack: r2 }", "leaf-c: { role: leaf }")
    text = text.replace("host-a -- dpu-a, dpu-a -- leaf-a, dpu-b", "host-a -- leaf-a, host-b")
    spec, warnings, *_ = load(file(tmp_path, text))
    told = [w for w in warnings if w.code == "C353"]
    assert ["host-b" in w.message for w in told] == [True] and told[0].span is not None
    assert [g.name for g in build_fabric(spec).risk_groups] == ["rack-r1", "rack-r2"]
