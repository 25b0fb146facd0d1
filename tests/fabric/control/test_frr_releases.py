"""What releases of FRR do with routes of other VRFs: the facts behind our configurations, the
remarks about them, and what is compared with which release."""

from __future__ import annotations

from typing import Any

import pytest
from frr_daemons import wait_for
from frr_pair import LEAVES, VNIS, Pair
from frr_releases import FRR_8, FRR_10, RELEASES, Release

pytestmark = [pytest.mark.root, pytest.mark.oracle("frr"), pytest.mark.slices(2)]
releases = pytest.mark.parametrize("release", RELEASES, ids=lambda release: f"frr{release.name}")
FAR_RED, FAR_BLUE, NEAR_BLUE = "10.2.1.0/24", "10.2.2.0/24", "10.1.2.0/24"
BOTH_WAYS = {"red": f"65000:{VNIS['blue']}", "blue": f"65000:{VNIS['red']}"}


def best(pair: Pair, vrf: str, prefix: str) -> bool:
    """Whether bgpd of leaf 1 has a best path for a prefix."""
    routes = pair.show(1, f"show bgp vrf {vrf} ipv4 unicast")["routes"]
    return any(path.get("bestpath") for path in routes.get(prefix, []))


def hop(pair: Pair, vrf: str, prefix: str) -> dict[str, Any]:
    """The one next hop of a selected route of leaf 1."""
    route = pair.route(1, vrf, prefix)
    assert route is not None
    (found,) = route["nexthops"]
    return dict(found)


def announced(pair: Pair, vrf: str) -> dict[str, tuple[str, ...]]:
    """What leaf 1 announces out of a VRF, with its targets."""
    routes = pair.show(1, "show bgp l2vpn evpn route type prefix").get(f"10.0.0.1:{VNIS[vrf]}", {})
    out = {}
    for route in routes.values():
        for (path,) in route["paths"] if isinstance(route, dict) else ():
            words = path["extendedCommunity"]["string"].split()
            targets = sorted(word for word in words if word.startswith("RT:"))
            out[f"{path['ip']}/{path['ipLen']}"] = tuple(targets)
    return out


@releases
def test_a_target_brings_routes_of_other_nodes_and_not_of_the_same(release: Release) -> None:
    with Pair(release, imports=BOTH_WAYS).up() as pair:
        assert wait_for(lambda: best(pair, "red", FAR_BLUE) and best(pair, "blue", FAR_RED), 40)
        assert wait_for(lambda: pair.in_kernel(1, "red", FAR_RED) != "", 10)
        for vrf, near in (("red", NEAR_BLUE), ("blue", "10.1.1.0/24")):
            assert not best(pair, vrf, near)
        if release is FRR_8:
            # Its own VNI, whatever the route says: there, that is red.
            assert wait_for(lambda: "dev br5001" in pair.in_kernel(1, "red", FAR_BLUE), 10)
            assert hop(pair, "red", FAR_BLUE)["interfaceName"] == "br5001"
        else:
            (entry,) = pair.show(1, "show ip route vrf red")[FAR_BLUE]
            assert not entry.get("selected") and not pair.in_kernel(1, "red", FAR_BLUE)
            assert [each["labels"] for each in entry["nexthops"]] == [[VNIS["blue"]]]
        assert not pair.answers(1, "red", pair.address(2, "blue"))


@pytest.mark.slices(2)
@releases
@pytest.mark.parametrize("one_mac", [False, True], ids=["macs", "mac"])
def test_a_vrf_sends_to_one_router_mac_of_each_vtep(release: Release, one_mac: bool) -> None:
    """What comes in by a target brings its router MAC, for all that a VRF sends to that VTEP: then
    nothing reaches its own VRF there, unless all VRFs of the VTEP have the same."""
    with Pair(release, imports=BOTH_WAYS, one_mac=one_mac).up() as pair:
        ends = [(leaf, 3 - leaf, vrf) for leaf in LEAVES for vrf in VNIS]
        macs = {leaf: {pair.mac(leaf, vrf) for vrf in VNIS} for leaf in LEAVES}
        assert wait_for(lambda: all(pair.heard(a, v) == macs[b] for a, b, v in ends), 40)
        assert wait_for(
            lambda: all(pair.in_kernel(a, v, pair.prefix_of(b, v)) for a, b, v in ends), 9
        )
        right = {}
        for leaf, other, vrf in ends:
            (mac,) = pair.neighbours(leaf, vrf, f"10.0.0.{other}")
            right[leaf, vrf] = mac == pair.mac(other, vrf)
        for leaf, other, vrf in ends:
            both = right[leaf, vrf] and right[other, vrf]
            assert pair.answers(leaf, vrf, pair.address(other, vrf)) == both
        assert all(right.values()) or not one_mac


@releases
def test_import_vrf_brings_what_a_vrf_learned_and_goes_on_to_others(release: Release) -> None:
    with Pair(release, lines={"red": ("import vrf blue",)}).up() as pair:
        assert wait_for(lambda: best(pair, "red", FAR_BLUE), 40)
        assert hop(pair, "red", FAR_BLUE)["vrf"] == "blue"
        goes_on = {FAR_BLUE: ("RT:65000:5001",)}
        if release is FRR_10:
            # 8.4 never finds the next hop 0.0.0.0 of what `network` announces.
            assert hop(pair, "red", NEAR_BLUE)["vrf"] == "blue"
            goes_on[NEAR_BLUE] = ("RT:65000:5001",)
        else:
            assert not best(pair, "red", NEAR_BLUE)
            assert pair.route(1, "red", NEAR_BLUE) is None
        own = {pair.prefix_of(1, "red"): ("RT:65000:5001",)}
        others = {NEAR_BLUE: ("RT:65000:5002",)}
        # What was announced before the VRF had its own targets is announced again without its AS.
        assert wait_for(lambda: announced(pair, "blue") == others, 10), announced(pair, "blue")
        assert wait_for(lambda: announced(pair, "red") == {**own, **goes_on}, 10)
