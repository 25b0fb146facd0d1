"""Whom a way leads to each other that nobody follows: they are unknown, and nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from two_dpus import ENDS, Edits, asked, changed

from compiler.imports.sites import one_way

BF1, BF2 = "bf1", "bf2"
PODS, NODE = ENDS[:2], ENDS[2]
HOST = "pf0hpf_if: { type: swp, ip: { vrf: red, "
EVPN = "    evpn: { enable: on }\n"
BLUE = """\
      blue:
        evpn: { enable: on, vni: { '200': {} } }
        router:
          bgp:
            enable: on
            address-family:
              ipv4-unicast:
                enable: on
                redistribute: { connected: { enable: on } }
                route-export: { to-evpn: { enable: on } }
                LEAK
            route-export: { to-evpn: { route-target: { '65000:200': {} } } }
            route-import: { from-evpn: { route-target: { '65000:200': {} } } }
"""


def blue(at: str, leak: str = "") -> Edits:
    """Another VRF of a DPU, with a host of its own."""
    leaked = (
        f"route-import: {{ from-vrf: {{ list: {{ {leak}: {{}} }} }} }}" if leak else "network: {}"
    )
    address = f"address: {{ 10.3.{at[-1]}.1/24: {{}} }}"
    port = f"pf1hpf_if: {{ type: swp, ip: {{ vrf: blue, {address} }} }}"
    return [
        (at, "      red:\n        evpn", f"{BLUE.replace('LEAK', leaked)}      red:\n        evpn"),
        (at, "      p0_if: { type: swp", f"      {port}\n      p0_if: {{ type: swp"),
    ]


def met(site: Path, source: str, target: str) -> tuple[str, set[str]]:
    """What is said of a packet, and the kinds of what is not known of the world."""
    found = asked(site, source, target)
    return found.verdict, found.kinds


def test_hosts_in_two_global_tables_meet_by_the_underlay(two: Path) -> None:
    """But not hosts in a VRF."""
    bare = [(at, HOST, "pf0hpf_if: { type: swp, ip: { ") for at in (BF1, BF2)]
    assert met(changed(two, bare), *PODS) == ("unknown", {"GlobalTable"})
    assert met(two, PODS[0], NODE)[0] == "allow"
    assert met(changed(two, bare[1:]), *PODS) == ("deny", set())


def test_a_vrf_that_takes_over_the_global_table_meets_its_hosts_elsewhere(two: Path) -> None:
    bare = (BF2, HOST, "pf0hpf_if: { type: swp, ip: { ")
    site = changed(two, [bare, *blue(BF1, "default")])
    assert met(site, "blue/bf1/pf1hpf_if", PODS[1])[0] == "unknown"
    assert met(site, PODS[0], PODS[1])[0] == "deny"
    assert met(changed(two, [bare, *blue(BF1)]), "blue/bf1/pf1hpf_if", PODS[1]) == ("deny", set())


def test_what_is_leaked_goes_on(two: Path) -> None:
    """Out of EVPN into the VRF that takes it over, and by that VRF into EVPN again."""
    host = "blue/bf1/pf1hpf_if"
    site = changed(two, blue(BF1, "red"))
    verdict, kinds = met(site, host, PODS[1])
    assert verdict == "unknown" and "Leak" in kinds
    assert met(site, PODS[0], PODS[1])[0] == "allow"
    site = changed(two, [*blue(BF1, "red"), *blue(BF2)])
    verdict, kinds = met(site, "blue/bf2/pf1hpf_if", PODS[0])
    assert verdict == "unknown" and "Leak" in kinds
    assert met(changed(two, [*blue(BF1), *blue(BF2)]), host, PODS[1]) == ("deny", set())


def test_a_table_that_takes_over_more_is_another_one(two: Path) -> None:
    """Of two that announce the same: one alone has a way to the other VRF."""
    both = "from-evpn: { route-target: { '65000:100': {}, '65000:200': {} }"
    more = (BF2, "from-evpn: { route-target: { '65000:100': {} }", both)
    site = changed(two, [more, *blue(BF1)])
    assert met(site, PODS[0], PODS[1])[0] == "allow"
    assert met(site, PODS[1], "blue/bf1/pf1hpf_if") == ("unknown", {"OneWay"})
    assert met(site, PODS[0], "blue/bf1/pf1hpf_if")[0] == "deny"


def test_vlans_of_one_vni_are_one(two: Path) -> None:
    def vlan(at: str, vni: str) -> Edits:
        port = "pf0hpf_if: { type: swp, bridge: { domain: { br: { access: 10 } } } }"
        address = f"address: {{ 10.1.{at[-1]}.1/24: {{}} }} }} }}"
        svi = f"vlan10: {{ type: svi, vlan: 10, ip: {{ vrf: red, {address}"
        domain = f"br: {{ vlan: {{ '10': {{ vni: {{ '{vni}': {{}} }} }} }} }}"
        bridge, old = f"    bridge: {{ domain: {{ {domain} }} }}\n", HOST + address
        return [(at, old, f"{port}\n      {svi}"), (at, EVPN, EVPN + bridge)]

    site = changed(two, [*vlan(BF1, "1010"), *vlan(BF2, "1010")])
    assert met(site, *PODS) == ("unknown", {"Vlan"})
    assert met(changed(two, [*vlan(BF1, "1010"), *vlan(BF2, "1020")]), *PODS) == ("allow", set())


ONE_WAY = [
    ([(BF1, "connected: { enable: on }", "connected: { enable: off }")], "not announced"),
    ([(BF2, "from-evpn: { route-target: { '65000:100'", "from-evpn: { route-target: { '65000:9'")],
     "not taken over"),
    ([(BF2, "10.1.2.1/24: {} } }", "10.1.2.1/24: {}, 10.1.1.2/24: {} } }")], "a network twice"),
]  # fmt: skip


@pytest.mark.parametrize(("edits", "why"), ONE_WAY, ids=[why for _, why in ONE_WAY])
def test_without_a_way_back_packets_get_there(two: Path, edits: Edits, why: str) -> None:
    site = changed(two, edits)
    verdict, kinds = met(site, *PODS)
    assert verdict == "unknown" and kinds == {"OneWay"}
    assert met(site, PODS[0], NODE)[0] == "allow"


def test_an_address_that_its_device_leads_elsewhere(two: Path) -> None:
    """Two pods on one host, one of which another DPU leads away."""
    line = "          static: { 10.1.2.9/32: { via: { 10.1.1.44: { type: ipv4-address } } } }\n"
    at = "vni: { '100': {} } }\n        router:\n"
    site = changed(two, [(BF1, at, at + line)])
    assert met(site, PODS[1], "web/@node/gpu2") == ("unknown", {"OneWay"})


def test_with_more_pairs_than_are_looked_at_the_rest_is_unknown(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = [(BF2, "connected: { enable: on }", "connected: { enable: on, route-map: none }")]
    assert met(changed(two, apart), *PODS) == ("allow", set())
    monkeypatch.setattr(one_way, "MOST_PAIRS", 0)
    monkeypatch.setenv("CLOISON_CACHE", "0")
    assert met(two, *PODS) == ("unknown", {"OneWay"})
