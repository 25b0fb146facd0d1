"""VRFs that tables list, beside those that devices are configured with."""

from __future__ import annotations

from pathlib import Path

import pytest
from two_dpus import edited

import cloison
from compiler.imports.joined.listed_vrfs import _same_targets

HEAD = "name,rd,tenant,import_targets,export_targets,cf_vni\n"
RED = "red,,web,65000:100,65000:100,100\n"


def told(two: Path, vrfs: str, prefixes: str = "") -> list[str]:
    """What is said of tables beside the site, without its folder."""
    (two.parent / "netbox").mkdir(exist_ok=True)
    (two.parent / "netbox" / "vrfs.csv").write_text(vrfs)
    if prefixes:
        (two.parent / "netbox" / "prefixes.csv").write_text(f"prefix,vrf,status\n{prefixes}")
    if "tables" not in two.read_text():
        edited(two, "    clos: none\n", "    clos: none\n    tables: [netbox]\n")
    network = cloison.world(two).network
    both = (*network.findings, *network.warnings)
    return [str(d).replace(f"{two.parent}/", "") for d in both if d.code in ("C357", "C358")]


def test_what_agrees_is_not_told(two: Path) -> None:
    assert told(two, HEAD + RED, "10.1.0.0/16,red,active\n") == []
    assert told(two, HEAD + RED, "10.1.0.0/16,red,container\n10.1.1.0/24,red,active\n") == [
        "netbox/vrfs.csv:2:1: warning[C358]: tables of tenants: not used are "
        "1 containers of prefixes"
    ]


@pytest.mark.parametrize(
    ("row", "prefix", "what"),
    [
        ("red,,,65000:100,65000:100,101", "", "finding[C357]: VNI of VRF red: 100 here"),
        ("red,,,65000:101,65000:100,100", "", "import route targets of VRF red: 65000:100 here"),
        ("red,,,65000:100,65000:100 1:1,100", "", "and 1:1, 65000:100 at netbox/vrfs.csv:2:1"),
        ("RED,,,65000:100,,", "10.1.1.0/24,RED,active\n",
         "networks of VRF red: 10.1.2.0/24 here, and no prefix around it at netbox/vrfs.csv:2:1"),
    ],
)  # fmt: skip
def test_what_differs_is_a_finding_with_both_lines(
    two: Path, row: str, prefix: str, what: str
) -> None:
    (found,) = told(two, f"{HEAD}{row}\n", prefix)
    assert what in found
    assert "finding[C357]" in found and found.startswith("configs/bf") and "vrfs.csv:2:1" in found
    assert ("(1 more devices say so)" in found) == ("networks" not in found)


def test_one_of_several_rows_of_a_name_has_to_agree(two: Path) -> None:
    rows = HEAD + "red,1:1,a,65000:7,65000:7,7\n" + RED.replace("red,,", "red,1:2,")
    assert not [text for text in told(two, rows) if "C357" in text]


def test_vrfs_of_one_side_alone_are_counted(two: Path) -> None:
    (other, lost) = told(two, f"{HEAD}blue,,,,,\n")
    assert "1 VRFs of tables are in no configuration: blue" in other
    assert "1 VRFs of configurations are in no table: red" in lost


def test_nothing_of_a_table_changes_what_devices_do(two: Path) -> None:
    before = cloison.world(two).network
    told(two, f"{HEAD}red,,web,1:1,2:2,9\n", "10.1.0.0/24,red,active\n")
    after = cloison.world(two).network
    assert before.vrfs == after.vrfs and before.plan == after.plan


@pytest.mark.parametrize(
    ("taken", "listed", "same"),
    [
        (["*:100"], ["65000:100"], True),
        (["*:100"], ["65000:100", "7:100"], True),
        (["*:100"], ["65000:101"], False),
        (["*:100", "1:1"], ["65000:100"], False),
        (["*:100", "1:1"], ["65000:100", "1:1"], True),
        (["1:100"], ["2:100"], False),
    ],
)
def test_auto_is_any_route_target_with_the_vni(
    taken: list[str], listed: list[str], same: bool
) -> None:
    assert _same_targets(taken, listed) == same
