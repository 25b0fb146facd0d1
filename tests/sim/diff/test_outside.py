"""Who loses a tenant's address to the outside, or gets one from there, is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from cilium_cases import Object, pod, space
from routed_demo import ACME, DEMO_POLICY, rerouted
from wired import wired

import cloison
from sim.diff.outside import Outside
from sim.diff.peers import Joint
from sim.proof.pairs.reachability import reachability
from sim.worlds.world import World

POLICY: Object = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "nobody", "namespace": "shop"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
}


def fabric(folder: Path, leaked: str, hosts: Sequence[str] = ("host1",)) -> Path:
    """A front with a way to the internet, and maybe to some of the addresses of another tenant."""
    folder.mkdir()
    for name, objects in (
        ("acme", [space("web"), pod("front", "web")]),
        ("globex", [space("shop"), pod("store", "shop"), POLICY]),
    ):
        (folder / name).mkdir()
        (folder / name / "all.yaml").write_text(yaml.safe_dump_all(objects))
    document: dict[str, Any] = {
        "cloison": 1,
        "name": "outside",
        "sites": {"lab": {"spines": 1, "leaves": 2, "hosts_per_pair": 4, "borders": 1}},
        "pools": {"blocks": {"v4": 28}},
        "tenants": {
            "acme": {
                "hosts": list(hosts),
                "manifests": ["acme"],
                "vrfs": {
                    "main": {
                        "prefixes": ["203.0.113.0/26"],
                        "default_route": "zone2",
                        "advertise": ["203.0.113.0/26"],
                    }
                },
            },
            "globex": {
                "hosts": ["host2", "host3"],
                "manifests": ["globex"],
                "vrfs": {"main": {"prefixes": ["198.51.100.0/26"]}},
            },
        },
        "zones": {
            "zone2": {
                "endpoints": {"inet": {"addresses": ["0.0.0.0/0"]}},
                "rules": [
                    {"name": "out", "from": "acme/web/*", "to": "zone2/inet", "ports": ["443/tcp"]}
                ],
            }
        },
    }
    if leaked:
        document["leaks"] = [
            {
                "name": "shop",
                "from": "globex/main",
                "prefixes": [leaked],
                "to": ["acme/main"],
                "ports": ["8080/tcp"],
            }
        ]
    (folder / "f.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    return folder / "f.yaml"


@pytest.mark.parametrize("leaked", ["198.51.100.0/28", "198.51.100.0/27"])
def test_addresses_that_lead_to_a_tenant_no_more_are_of_the_outside(
    tmp_path: Path, leaked: str
) -> None:
    less = "198.51.100.0/28" if leaked.endswith("/27") else ""
    paths = fabric(tmp_path / "old", leaked), fabric(tmp_path / "new", less)
    for old, new, change in ((*paths, "gained"), (*reversed(paths), "lost")):
        rows = [row for row in cloison.diff(old, new) if row["destination"] == "zone2/inet"]
        assert [(row["change"], row["source"]) for row in rows] == [(change, "acme/web/front")]


def test_a_leak_of_both_worlds_is_no_part_of_the_outside(tmp_path: Path) -> None:
    paths = [fabric(tmp_path / name, "198.51.100.0/28") for name in ("old", "new")]
    assert not [*cloison.diff(*paths)]


def test_a_block_that_a_host_leaves_to_the_default_route_is_the_outsides(tmp_path: Path) -> None:
    """One that a host brings takes nothing from anybody."""
    old, new = fabric(tmp_path / "old", "", ["host1", "host4"]), fabric(tmp_path / "new", "")
    (row,) = [row for row in cloison.diff(old, new) if row["destination"] == "zone2/inet"]
    assert (row["change"], row["source"]) == ("gained", "acme/web/front")
    assert row["destination_part"]["addresses"] == ["203.0.113.16/28"]
    assert not [row for row in cloison.diff(new, old) if row["destination"] == "zone2/inet"]


def test_a_pod_in_another_vrf_sees_its_outside_from_there(tmp_path: Path) -> None:
    """Addresses that were its neighbours' are the outside's for who moved to a VRF whose default
    route has them."""
    old, new = (fabric(tmp_path / name, "", ["host1", "host4"]) for name in ("old", "new"))
    for path in (old, new):
        document = yaml.safe_load(path.read_text())
        vrfs = document["tenants"]["acme"]["vrfs"]
        del vrfs["main"]["advertise"]
        vrfs["side"] = {
            "prefixes": ["203.0.113.64/26"],
            "default_route": "zone2",
            "advertise": ["203.0.113.64/26"],
            "namespaces": ["web" if path == new else "else"],
        }
        document["zones"]["zone2"]["endpoints"]["partner"] = {"addresses": ["203.0.113.0/28"]}
        document["zones"]["zone2"]["rules"][0]["to"] = "zone2/partner"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
    rows = [row for row in cloison.diff(old, new) if row["destination"] == "zone2/partner"]
    assert [row["change"] for row in rows if row["source"] == "acme/web/front"] == ["gained"]


def test_what_one_vtep_leads_to_a_tenant_is_the_tenant_s() -> None:
    """Where others have no route for it at all."""
    inside = [row for row in ACME if row[0] != "0.0.0.0/0"]
    routes = {(0, 0): [*inside, ("10.9.0.1/32", [(0, 1)])], (1, 0): inside}
    reach = reachability(World(wired(rerouted(routes)), DEMO_POLICY))
    led, other = 0x0A090001, 0x0A090002
    side = SimpleNamespace(classes=[SimpleNamespace(key=SimpleNamespace(vrf="acme/main"))])
    sides: Any = SimpleNamespace(old=side, new=side)
    nobody: Any = None
    taken = Outside.of(reach, reach).taken_by(sides, Joint(nobody, 4, 0, 0))
    assert any(low <= led <= high for low, high in taken)
    assert not any(low <= other <= high for low, high in taken)
