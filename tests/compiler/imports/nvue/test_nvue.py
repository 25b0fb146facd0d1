"""What configurations of our own say, read by a person, and by the reader."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from nvue_read import device, read

from compiler.imports.accounting import ConfigText
from compiler.imports.acl_verdict import AclPacket, verdict_of
from compiler.imports.config_folder import read_folder
from compiler.imports.device_facts import Device
from compiler.imports.nvue import nvue_config
from fabric.diagnostics import Diagnostics, InputError

FOLDER = Path(__file__).parent
DPU1, DPU2 = read_folder(FOLDER, ("nvue",)).devices
TCP, UDP, ICMP6 = 6, 17, 58


def wrong(*lines: str) -> list[str]:
    """What is wrong with these lines."""
    try:
        return [str(d.message) for d in read(*lines)[1].errors]
    except InputError as error:
        return [d.message for d in error.diagnostics]


# fmt: off
HOST_PORT = [
    ("in", "10.1.0.9", "10.2.0.9", TCP, (40000, 443), "new", "permit a05_security_group 100"),
    ("in", "10.1.0.9", "10.2.0.9", TCP, (40000, 8050), "new", "permit a05_security_group 100"),
    ("in", "10.1.0.200", "10.2.0.9", TCP, (40000, 443), "new", "deny a10_own_networks 1000"),
    ("in", "10.1.0.9", "10.1.9.9", TCP, (40000, 443), "new", "permit a10_own_networks 10"),
    ("in", "10.1.0.9", "203.0.113.9", UDP, (40000, 53), "new", "deny a05_security_group 200"),
    ("in", "10.1.0.9", "203.0.113.9", UDP, (40000, 54), "new", "permit"),
    ("in", "10.1.0.9", "203.0.113.9", TCP, (40000, 22), "new", "permit"),
    ("in", "2001:db8:1::9", "2001:db8:9::9", ICMP6, (0, 0), "new", "deny a07_ipv6 10"),
    ("in", "2001:db8:1::9", "2001:db8:9::9", TCP, (40000, 22), "new", "permit"),
    ("out", "10.2.0.9", "10.1.0.9", TCP, (443, 22), "established", "permit a05_replies 10"),
    ("out", "10.2.0.9", "10.1.0.9", TCP, (443, 22), "new", "deny a05_replies 20"),
    ("out", "10.2.0.9", "10.1.0.9", UDP, (443, 22), "new", "permit"),
]
# fmt: on


@pytest.mark.parametrize("row", HOST_PORT, ids=str)
def test_verdicts_at_a_host_port(row: tuple[str, str, str, int, tuple[int, int], str, str]) -> None:
    way, source, target, protocol, ports, state, wanted = row
    packet = AclPacket(ip_address(source), ip_address(target), protocol, *ports, state)
    found = verdict_of(DPU1, "pf0hpf_if", way, packet)
    by = f" {found.acl.name} {found.entry.number}" if found.acl and found.entry else ""
    assert f"{found.verdict}{by}" == wanted


def test_lists_for_the_device_are_asked_about_nothing_else() -> None:
    packet = AclPacket(ip_address("10.1.0.9"), ip_address("203.0.113.9"), TCP, 40000, 22)
    assert verdict_of(DPU1, "pf0hpf_if", "in", packet).verdict == "permit"
    found = verdict_of(DPU1, "pf0hpf_if", "in", packet, control=True)
    assert found.verdict == "deny" and found.acl is not None
    assert found.acl.name == "c01_for_the_device"


def test_what_the_hardware_may_pass_by_is_unknown() -> None:
    packet = AclPacket(ip_address("0.0.0.0"), ip_address("255.255.255.255"), UDP, 68, 67)
    found = verdict_of(DPU1, "pf0vf0_if", "in", packet)
    assert found.verdict == "unknown" and "hw-offload" in found.doubts[0][0]
    line = found.doubts[0][1]
    assert line is not None
    assert FOLDER.joinpath("dpu1.yaml").read_text().splitlines()[line.line - 1].strip() == "'10':"


def test_routing() -> None:
    vpc = DPU1.vrf("vpc_100")
    assert vpc is not None and (vpc.vni, vpc.rd, vpc.evpn) == (100, "192.0.2.1:100", True)
    assert [t.text for t in vpc.imports] == ["65000:100", "65000:300"]
    assert [t.text for t in vpc.exports] == ["65000:100"]
    assert vpc.announces == ("ipv4", "ipv6") and vpc.speaks == ("ipv4", "ipv6")
    assert [(str(s.prefix), s.via, s.kind) for s in vpc.statics] == [
        ("10.7.0.0/24", "10.1.0.9", "address")
    ]
    auto = DPU1.vrf("vpc_200")
    assert auto is not None and ([t.text for t in auto.imports], auto.exports) == (["auto"], ())
    assert [str(n.prefix) for n in vpc.networks] == ["10.7.0.0/24"]
    assert [(r.family, r.kind) for r in vpc.redistributes] == [
        ("ipv4", "connected"),
        ("ipv6", "connected"),
    ]


def test_sessions_have_what_their_group_says() -> None:
    sessions = {s.peer: s for s in DPU1.sessions}
    server, uplink, tenant = (sessions[p] for p in ("192.0.2.250", "p0_if", "10.1.0.9"))
    assert server.family("ipv4") is None and server.family("evpn") is not None
    assert uplink.unnumbered and uplink.family("evpn") is None
    family = uplink.family("ipv4")
    assert family is not None and [u.name for u in family.outbound] == ["to_underlay"]
    assert tenant.passive and tenant.remote_as == "65100" and tenant.vrf == "vpc_100"


def test_interfaces() -> None:
    host, virtual, svi = (DPU1.interface(n) for n in ("pf0hpf_if", "pf0vf0_if", "vlan20"))
    assert host is not None and virtual is not None and svi is not None
    assert [str(a.at) for a in host.addresses] == ["10.1.0.1/24", "2001:db8:1::1/64"]
    assert (virtual.access, virtual.bridge, svi.vlan, svi.vrf) == (20, "br_default", 20, "vpc_200")
    assert [(str(a.at), a.shared) for a in svi.addresses] == [
        ("10.20.0.2/24", False),
        ("10.20.0.1/24", True),
    ]
    uplink = DPU1.interface("p0_if")
    assert uplink is not None and uplink.mtu == 9216
    assert [(v.vlan, v.vni) for v in DPU1.vlans] == [(20, 1020)]
    assert DPU1.hostname == "rack1-dpu1" and DPU1.says("connection tracking") == "on"


def test_prefix_lists_and_route_maps() -> None:
    filters = {f.name: f for f in DPU1.prefix_filters}
    host, any_ = filters["FROM_HOST"].entries
    assert str(host.prefix) == "203.0.113.0/24"
    assert (host.least, host.most, host.permit) == (32, 32, True)
    assert (any_.prefix, any_.permit) == (None, False)
    (inside,) = filters["LOOPBACKS"].entries
    assert (inside.least, inside.most) == (24, 32)
    (own,) = filters["OWN"].entries
    assert (own.least, own.most) == (32, 32)
    assert filters["OWN_IPV6"].family == 6
    rules = next(m for m in DPU1.route_maps if m.name == "to_evpn").rules
    assert [(r.number, r.permit) for r in rules] == [
        (10, False), (20, True), (30, False), (65535, True),
    ]  # fmt: skip
    assert [(m.kind, m.value) for m in rules[1].matches] == [("tag", "65101")]


def test_odd_values_mean_what_devices_make_of_them() -> None:
    group = DPU1.acl("a05_security_group") or pytest.fail()
    rule = next(entry for entry in group.entries if entry.number == 200)
    assert rule.destination == (ip_network("0.0.0.0/0"),) and rule.odd == ("1.0.0.0/0",)


@pytest.mark.parametrize(
    ("match", "partial"),
    [
        (["ip:", "  protocol: frob"], "protocol frob"),
        (["ip:", "  dscp: 10"], "`match ip dscp`"),
        (["ip:", "  fragment: {}"], "`match ip fragment`"),
        (["mac:", "  source-mac: ANY"], "`match mac`"),
        (["ip:", "  dest-port:", "    '80': {}"], "ports without TCP or UDP"),
        (["ip:", "  tcp:", "    flags:", "      syn: {}"], "`match ip tcp flags`"),
        (["conntrack:", "  established: {}"], "which nobody tracks"),
        (["frob: 1"], "`match frob`"),
    ],
)
def test_what_of_a_match_is_not_modelled_makes_it_unknown(match: list[str], partial: str) -> None:
    body = [f"          {line}" for line in match]
    found = device(
        "acl:",
        "  a:",
        "    type: ipv4",
        "    rule:",
        "      '10':",
        "        action:",
        "          deny: {}",
        "        match:",
        *body,
        "interface:",
        "  h:",
        "    acl:",
        "      a:",
        "        inbound: {}",
    )
    assert partial in (found.acl("a") or pytest.fail()).entries[0].partial
    packet = AclPacket(ip_address("10.0.0.1"), ip_address("10.0.0.2"), TCP, 1, 80, "established")
    answer = verdict_of(found, "h", "in", packet)
    assert answer.verdict == "unknown" and partial in answer.doubts[0][0]


def test_a_list_that_is_not_there_is_unknown_and_no_permit() -> None:
    found = device("interface:", "  h:", "    acl:", "      gone:", "        inbound: {}")
    packet = AclPacket(ip_address("10.0.0.1"), ip_address("10.0.0.2"), TCP)
    answer = verdict_of(found, "h", "in", packet)
    assert answer.verdict == "unknown" and "gone" in answer.doubts[0][0]


def names(found: Device) -> Iterable[tuple[str, str, str]]:
    return [(u.kind, u.vrf, u.interface) for u in found.unknowns]


def test_keys_that_nobody_knows_make_their_place_unknown() -> None:
    found = device("interface:", "  h:", "    frob:", "      a: 1", "    ip:", "      vrf: v")
    assert names(found) == [("Key", "v", "h")]
    found = device("vrf:", "  v:", "    frob: 1")
    assert names(found) == [("Key", "v", "")]
    found = device("frob:", "  x: 1")
    assert names(found) == [("Key", "", "")]
    found = device("system:", "  ntp:", "    server: x", "service:", "  x: 1")
    assert names(found) == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["interface:", "  h:", "    ip:", "      address: 10.0.0.300/8"], "10.0.0.300/8"),
        (["router:", "  bgp:", "    autonomous-system: many"], "a number from 1 to 4294967295"),
        (["vrf:", "  v:", "    evpn:", "      vni:", "        '99999999': {}"], "must be a VNI"),
        (["vrf:", "  v:", "    evpn:", "      enable: maybe"], "must be on or off"),
        (["acl:", "  a:", "    type: ipv5"], "must be ipv4, ipv6 or mac"),
        (["acl:", "  a:", "    rule:", "      x: {}"], "not the number of a rule"),
        (["vrf:", "  v: 7"], "must be a mapping"),
        (["nve:", "  vxlan:", "    source:", "      address: here"], "not an address"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_shape_is_a_diagnostic(lines: list[str], said: str) -> None:
    assert any(said in message for message in wrong(*lines)), wrong(*lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- set:\n    a: 1\n- set:\n    b: 1\n", "there are several `set`"),
        ("- header:\n    a: 1\n", "there is no `set`"),
        ("- set: {}\n- unset:\n    interface: {}\n", "`unset` is not read"),
        ("- 7\n", "an item is no mapping"),
        ("", "holds nothing"),
        ("- set: {}\n---\n- set: {}\n", "holds several documents"),
    ],
)
def test_a_file_of_another_shape(text: str, said: str) -> None:
    found = Diagnostics()
    nvue_config.read("d", (ConfigText("d.yaml", text),), found)
    assert any(said in d.message and d.code == "C833" and d.span for d in found.errors)


def test_a_tree_without_a_list_is_read_too() -> None:
    found = Diagnostics()
    text = "interface:\n  lo:\n    ip:\n      address:\n        192.0.2.9/32: {}\n"
    reading = nvue_config.read("d", (ConfigText("d.yaml", text),), found)
    assert reading is not None and reading.device.interfaces[0].name == "lo"


def test_newer_releases_write_state() -> None:
    found = device(
        "evpn:",
        "  state: enabled",
        "nve:",
        "  vxlan:",
        "    state: enabled",
        "vrf:",
        "  v:",
        "    evpn:",
        "      state: enabled",
    )
    assert found.says("evpn") == "on" and found.says("vxlan") == "on"
    assert (found.vrf("v") or pytest.fail()).evpn


def test_rules_are_asked_by_number_and_not_as_they_stand() -> None:
    found = device(
        "acl:",
        "  a:",
        "    type: ipv4",
        "    rule:",
        "      '100': {action: {permit: {}}}",
        "      '20': {action: {deny: {}}, match: {ip: {dest-ip: 10.0.0.0/8}}}",
        "interface:",
        "  h:",
        "    acl: {a: {inbound: {}}}",
    )
    packet = AclPacket(ip_address("10.0.0.1"), ip_address("10.0.0.2"), TCP, 1, 80)
    answer = verdict_of(found, "h", "in", packet)
    assert answer.verdict == "deny" and answer.entry is not None and answer.entry.number == 20
    assert [entry.number for entry in (found.acl("a") or pytest.fail()).entries] == [20, 100]


def test_only_ipv4_is_on_for_neighbours_that_do_not_say_so() -> None:
    found = device(
        "router: {bgp: {enable: on}}",
        "vrf:",
        "  default:",
        "    router:",
        "      bgp:",
        "        neighbor:",
        "          192.0.2.9:",
        "            address-family:",
        "              l2vpn-evpn: {policy: {outbound: {route-map: m}}}",
        "              ipv6-unicast: {policy: {outbound: {route-map: m}}}",
    )
    (session,) = found.sessions
    assert [(f.name, f.on) for f in session.families] == [
        ("ipv4", True),
        ("ipv6", False),
        ("evpn", False),
    ]


@pytest.mark.parametrize("state", ["on", "off"])
def test_bgp_that_is_off_announces_nothing(state: str) -> None:
    found = device(
        "router: {bgp: {enable: on}}",
        "vrf:",
        "  red:",
        "    router:",
        "      bgp:",
        f"        enable: {state}",
        "        address-family:",
        "          ipv4-unicast:",
        "            network: {10.0.0.0/24: {}}",
        "            route-export: {to-evpn: {enable: on}}",
    )
    red = found.vrf("red")
    assert red is not None
    on = state == "on"
    assert (red.announces, len(red.networks)) == ((("ipv4",), 1) if on else ((), 0))
    assert any("BGP of VRF red is off" in one.what for one in found.unknowns) is not on


@pytest.mark.parametrize(
    "word", ["log: {}", "police: {rate: 1}", "set: {vrf: red}", "recirculate: {}"]
)
def test_what_stands_beside_a_permit(word: str) -> None:
    found = device(
        f"acl: {{a: {{type: ipv4, rule: {{'1': {{action: {{permit: {{}}, {word}}}}}}}}}}}"
    )
    (entry,) = (found.acl("a") or pytest.fail()).entries
    assert entry.action == "permit"
    assert bool(entry.partial) is not word.startswith("log")


@pytest.mark.parametrize(
    ("lines", "kind", "about"),
    [
        (["nve: {vxlan: {enable: on, port: 4790}}"], "Vtep", "UDP port 4790"),
        (["vrf: {a: {evpn: {enable: on, vni: {'1': {}, '2': {}}}}}"], "Vni", "has 2 VNIs"),
        (["vrf: {a: {evpn: {vni: {'1': {frob: on}}}}}"], "Key", "evpn vni 1 frob"),
        (["vrf: {a: {router: {static: {10.0.0.0/8: {distance: 255}}}}}"], "StaticRoute", "a distance"),  # noqa: E501
        (
            ["vrf: {a: {router: {static: {10.0.0.0/8: {distance: {'1': {via: {}}, '9': {}}}}}}}"],
            "StaticRoute", "a distance",
        ),
        (
            ["vrf: {a: {router: {static: {10.0.0.0/8: {via: {p: {type: interface, onlink: on}}}}}}}"],  # noqa: E501
            "Key", "onlink",
        ),
    ],
)  # fmt: skip
def test_what_one_device_cannot_say_for_certain(lines: list[str], kind: str, about: str) -> None:
    assert any(one.kind == kind and about in one.what for one in device(*lines).unknowns)


def test_usual_values_say_nothing() -> None:
    usual = (
        "nve: {vxlan: {port: 4789}}",
        "vrf: {a: {router: {static: {10.0.0.0/8: {distance: 1}}}}}",
    )
    assert device(*usual).unknowns == ()


def test_the_router_id_of_the_global_table_is_the_devices() -> None:
    of_all = "router: {bgp: {enable: on, router-id: 192.0.2.1}}"
    own = "vrf: {default: {router: {bgp: {router-id: 192.0.2.2}}}, a: {router: {bgp: {router-id: 192.0.2.3}}}}"  # noqa: E501
    assert str(device(of_all).router_id) == "192.0.2.1"
    assert str(device(of_all, own).router_id) == "192.0.2.2"
    assert device(of_all, own).says("router-id of VRF a") == "192.0.2.3"
