"""What leaves a VRF for EVPN, and what of its own ways hosts are behind."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from compiler.imports.accounting import ConfigText
from compiler.imports.config_formats import CONFIG_FORMATS
from compiler.imports.device_facts import Device
from compiler.imports.sites.announcements import Announced, OwnRoute, into_evpn, own_routes
from compiler.imports.sites.host_ends import host_ends
from fabric.diagnostics import Diagnostics

NVUE = """
- set:
    interface:
      lo: {ip: {address: {10.9.9.1/32: {}}}}
      swp1: {ip: {vrf: red}}
      swp2: {ip: {vrf: red}}
    router:
      policy:
        prefix-list:
          A: {type: ipv4, rule: {'1': {action: permit, match: {10.0.0.0/24: {}}}}}
          B: {type: ipv4, rule: {'1': {action: permit, match: {10.0.0.0/24: {}}}, '2': {action: permit, match: {10.1.0.0/16: {}}}}}
        route-map:
          M:
            rule:
              '1':
                action: {permit: {exit-policy: {next-rule: {}}}}
                match: {type: ipv4, ip-prefix-list: A}
                set: {ext-community-rt: 65000:1}
              '2':
                action: {permit: {exit-policy: {EXIT}}}
                match: {type: ipv4, ip-prefix-list: B}
                set: {SET}
              '9': {action: {permit: {}}, match: {type: ipv4, ip-prefix-list: B}}
    vrf:
      red:
        evpn: {enable: on, vni: {'5': {}}}
        router:
          bgp:
            address-family:
              ipv4-unicast:
                network: {10.0.0.0/24: {}, 10.1.0.0/16: {}, 10.2.0.0/16: {}}
                route-export: {to-evpn: {enable: on, route-map: M}}
          static:
            10.0.0.0/24: {via: {swp1: {type: interface}}}
            10.1.0.0/16: {via: {blackhole: {type: blackhole}}}
            10.2.0.0/16: {via: {swp2: {type: interface}}}
            10.2.3.0/24: {via: {swp1: {type: interface}}}
"""  # noqa: E501

FRR = """
frr defaults datacenter
vrf red
 vni 5
exit-vrf
ip prefix-list A seq 5 permit 10.0.0.0/24
route-map M permit 10
 match ip address prefix-list A
 set extcommunity rt 65000:1 65000:2
 set as-path prepend 65001 65001
 on-match next
exit
route-map M permit 20
exit
bgp as-path access-list OWN seq 5 permit ^$
router bgp 65001
 address-family l2vpn evpn
  advertise-all-vni
 exit-address-family
router bgp 65001 vrf red
 CHECK
 address-family ipv4 unicast
  network 10.0.0.0/24
  network 10.1.0.0/16
 exit-address-family
 address-family l2vpn evpn
  advertise ipv4 unicast route-map M
 exit-address-family
"""


def device(text: str, kind: str = "nvue") -> Device:
    found = Diagnostics()
    reading = CONFIG_FORMATS[kind].load().read("d", (ConfigText("d", text),), found)
    assert reading is not None and not found.items and not reading.leftover
    return reading.device


def into(one: Device) -> dict[str, Announced]:
    """What becomes of each route of the VRF."""
    vrf = one.vrf("red")
    assert vrf is not None
    return {str(route.prefix): into_evpn(one, vrf, route) for route in own_routes(one, vrf)}


@pytest.mark.parametrize(
    ("exit_policy", "sets", "wanted"),
    [
        ("next-rule: {}", "ext-community-rt: 65000:2", Announced("permit", ("65000:1", "65000:2"))),
        ("rule: 9", "ext-community-rt: 65000:2", Announced("permit", ("65000:1", "65000:2"))),
        ("rule: 10", "weight: 0", Announced("permit", ("65000:1",))),
        ("rule: 1", "weight: 0", Announced("unknown")),
        ("next-rule: {}", "as-path-prepend: {as: '1,1,1'}", Announced("permit", ("65000:1",), 3)),
        ("next-rule: {}", "ip-nexthop: 10.0.0.1", Announced("unknown", ("65000:1",))),
    ],
)
def test_what_maps_add_on_the_way_into_evpn(exit_policy: str, sets: str, wanted: Announced) -> None:
    found = into(device(NVUE.replace("EXIT", exit_policy).replace("SET", sets)))
    assert found["10.0.0.0/24"] == wanted
    assert found["10.2.0.0/16"].said == "deny"
    if wanted.said == "permit":
        assert found["10.1.0.0/16"].targets == tuple(t for t in wanted.targets if t != "65000:1")


@pytest.mark.parametrize(
    ("check", "known"),
    [
        ("no bgp network import-check", {"10.0.0.0/24", "10.1.0.0/16"}),
        ("bgp router-id 1.1.1.1", set()),
    ],
)
def test_what_frr_announces_of_networks_that_it_has_no_route_to(
    check: str, known: set[str]
) -> None:
    found = into(device(FRR.replace("CHECK", check), "frr"))
    assert found.keys() == known
    if known:
        assert found["10.0.0.0/24"] == Announced("permit", ("65000:1", "65000:2"), 2)
        assert found["10.1.0.0/16"] == Announced("permit")


def test_where_a_route_begins_is_known_and_its_path_is_empty() -> None:
    one = device(FRR.replace("CHECK", "bgp router-id 1.1.1.1"), "frr")
    route = OwnRoute(ip_network("10.0.0.0/24"), "network", "", one.span, "red")
    for kind, value, wanted in (
        ("source-vrf", "red", True), ("source-vrf", "blue", False), ("as-path", "OWN", True),
        ("as-path", "NONE", None), ("metric", "5", None), ("type", "ipv6", False),
    ):  # fmt: skip
        from compiler.imports.device_facts import RouteMatch

        assert route.known(one, RouteMatch(kind, value, one.span)) is wanted, kind


def test_the_longest_way_counts() -> None:
    one = device(NVUE.replace("EXIT", "next-rule: {}").replace("SET", "weight: 0"))
    vrf = one.vrf("red")
    assert vrf is not None
    found = {end.interface: {str(p) for p in end.prefixes} for end in host_ends(one, vrf)}
    assert found["swp1"] == {"10.0.0.0/24", "10.2.3.0/24"}
    assert "10.2.0.0/23" in found["swp2"] and "10.2.3.0/24" not in found["swp2"]
    assert sum(ip_network(p).num_addresses for p in found["swp2"]) == 2**16 - 2**8


@pytest.mark.parametrize(
    ("tag", "announced"), [("", False), ("tag: 7, ", True), ("tag: 8, ", False)]
)
def test_static_routes_have_the_tag_that_is_written(tag: str, announced: bool) -> None:
    text = (
        "- set:\n    router: {policy: {route-map: {M: {rule: {'1': {action: {permit: {}}, match: {tag: 7}}}}}}}\n"  # noqa: E501
        "    vrf:\n      red:\n        router:\n"
        f"          static: {{10.0.0.0/24: {{{tag}via: {{blackhole: {{type: blackhole}}}}}}}}\n"
        "          bgp: {address-family: {ipv4-unicast: {redistribute: {static: {route-map: M}}}}}\n"  # noqa: E501
    )
    found = device(text)
    assert bool([*own_routes(found, found.vrfs[0])]) == announced
