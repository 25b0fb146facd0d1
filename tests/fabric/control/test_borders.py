"""A zone's endpoint behind several borders: who announces it, who takes it in, what a loss does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fabric_files import network_of, vrf, write_fabric

from fabric.building.build import rebuild
from fabric.building.network import Network
from fabric.control.evpn import PREPENDED
from sim.proof.availability.spof import spof
from sim.worlds.world import World

SITE = {"spines": 2, "leaves": 2, "hosts_per_pair": 1, "borders": 3}
TO = 0xCB007101


def built(folder: Path, ends: dict[str, Any]) -> Network:
    """A tenant with a default route, and these endpoints of zone 2."""
    rules = [{"name": "out", "from": "a/*", "to": "zone2/*", "ports": ["443/tcp"]}]
    more = {"sites": {"s": SITE}, "zones": {"zone2": {"endpoints": ends, "rules": rules}}}
    tenant = vrf("10.0.0.0/24", default_route="zone2", advertise=["10.0.0.0/24"])
    return network_of(write_fabric(folder, {"a": tenant}, {"a": ["n/p@host1"]}, **more))


def hops(network: Network, ip: int = TO) -> list[str]:
    """The borders to which the tenant's host sends what is for an address."""
    pod = next(e for e in network.endpoints if e.kind == "pod")
    found = network.fib.lookup(pod.vtep, pod.vrf, 4, ip)
    return [network.fabric.nodes[hop.vtep].name for hop in found.nexthops] if found else []


def entries(network: Network, name: str) -> list[str]:
    """The borders where what an endpoint of zone 2 sends comes in."""
    end = next(e for e in network.endpoints if e.name == f"zone2/{name}")
    return [network.fabric.nodes[vtep].name for vtep in network.entries(end)]


WAYS = {"border": ["border1", "border2"], "backup": "border3"}


def test_first_choices_share_and_a_backup_waits(tmp_path: Path) -> None:
    network = built(tmp_path, {"inet": {"addresses": ["203.0.113.0/24"], **WAYS}})
    for down, left in (
        ((), ["border1", "border2"]),
        (("border1",), ["border2"]),
        (("border1", "border2"), ["border3"]),
    ):
        now = rebuild(network, down=down)
        assert hops(now) == entries(now, "inet") == left
    assert hops(rebuild(network, down=["border1", "border2", "border3"])) == []
    defaults = {r.vtep for r in network.routes if not r.prefix.prefixlen and r.prefix.version == 4}
    assert defaults == {*network.endpoints[-1].vteps}, "it stands for the zone's default route"


def test_a_route_is_second_choice_where_its_own_endpoint_is(tmp_path: Path) -> None:
    """Another endpoint at the same border has its own order."""
    ends = {
        "inet": {"addresses": ["0.0.0.0/0"], "border": "border2", "backup": "border1"},
        "near": {"addresses": ["203.0.113.0/24"], "border": "border1"},
    }
    network = built(tmp_path, ends)
    assert hops(network) == ["border1"]
    assert hops(network, TO + 256) == ["border2"]
    said = {
        (str(r.prefix), network.fabric.nodes[r.vtep].name): r.prepended
        for r in network.routes
        if r.prefix.version == 4 and network.vrfs[r.vrf].zone == 2
    }
    assert said == {
        ("0.0.0.0/0", "border1"): PREPENDED,
        ("0.0.0.0/0", "border2"): 0,
        ("203.0.113.0/24", "border1"): 0,
    }


@pytest.mark.parametrize("border", ["border1", ["border1", "border2"]])
def test_one_border_is_a_single_point_of_failure_and_two_are_none(
    border: str | list[str], tmp_path: Path
) -> None:
    ends = {"inet": {"addresses": ["203.0.113.0/24"], "border": border}}
    found = spof(World(built(tmp_path, ends)), lambda *_: None)
    assert ("border1" in found.points) is (border == "border1")


def test_of_equal_borders_64_are_installed_and_more_are_told(tmp_path: Path) -> None:
    """Five sites with 16 borders each, all as far from a sixth one."""
    small = {"spines": 1, "leaves": 1, "hosts_per_pair": 0}
    sites: dict[str, Any] = {f"x{n}": {**small, "borders": 16} for n in range(5)}
    sites["a"] = {"spines": 1, "leaves": 1, "hosts_per_pair": 1, "borders": 0}
    borders = [f"x{s}-border{n}" for s in range(5) for n in range(1, 17)]
    zones = {"zone2": {"endpoints": {"inet": {"addresses": ["0.0.0.0/0"], "border": borders}}}}
    tenant = vrf("10.0.0.0/24", default_route="zone2", advertise=["10.0.0.0/24"])
    path = write_fabric(tmp_path, {"a": tenant}, {"a": ["n/p@a-host1"]}, sites=sites, zones=zones)
    network = network_of(path)
    assert len(hops(network)) == 64
    (told,) = network.warnings
    assert (told.code, told.severity) == ("C527", "warning")
    assert "a-dpu1 knows 80 equal paths to 0.0.0.0/0 in a/main and installs 64" in told.message


def test_a_default_route_of_nobody_has_the_order_of_the_first_endpoint(tmp_path: Path) -> None:
    """Whatever others behind the same borders prefer, of this IP version or of the other one."""
    first = {"addresses": ["203.0.113.0/24"], "border": ["border1", "border2"]}
    other = {"addresses": ["2001:db8::/64"], "border": "border3", "backup": "border1"}
    network = built(tmp_path, {"a-first": first, "b-other": other})
    defaults = {
        (network.fabric.nodes[r.vtep].name, r.prefix.version): r.prepended
        for r in network.routes
        if not r.prefix.prefixlen
    }
    assert defaults == {(f"border{n}", version): 0 for n in (1, 2) for version in (4, 6)}
