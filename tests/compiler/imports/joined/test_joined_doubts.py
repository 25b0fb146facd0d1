"""What of a configuration makes the way between two devices unknown, with the line that does."""

from __future__ import annotations

from pathlib import Path

import pytest
from two_dpus import ENDS, Edits, asked, changed, site_of

import cloison
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated

BF1, BF2, LEAF = "bf1", "bf2", "leaf1"
SAME_AS: Edits = [(BF2, "65102", "65101")]
"""Both DPUs have one AS number, so neither takes over what the other one announces: a denial."""
GROUP = "remote-as: external"
FAMILY = "address-family: { l2vpn-evpn: { enable: on } }\n"
GLOBAL = "      default:\n        router:\n"
NUMBERED: Edits = [
    (BF2, "p0_if: { type: swp }", "p0_if: { type: swp, ip: { address: { 192.0.2.1/31: {} } } }"),
    (BF2, "p0_if: { type: unn", "192.0.2.0: { type: n"),
    (LEAF, "swp2: { type: swp }", "swp2: { type: swp, ip: { address: { 192.0.2.0/31: {} } } }"),
    (LEAF, "swp2: { type: unn", "192.0.2.1: { type: n"),
]
SHUT = "acl:\n      shut: { type: ipv4, rule: { '10': { action: { deny: {} }, match: MATCH } } }\n"


def of_group(at: str, text: str) -> Edits:
    """A setting of the sessions of a device."""
    return [(at, GROUP, f"{GROUP}\n                {text}")]


def of_family(at: str, text: str, family: str = "ipv4-unicast") -> Edits:
    """A setting of the sessions of a device in a family."""
    new = f"address-family: {{ l2vpn-evpn: {{ enable: on }}, {family}: {{ {text} }} }}\n"
    if family == "l2vpn-evpn":
        new = f"address-family: {{ l2vpn-evpn: {{ enable: on, {text} }} }}\n"
    return [(at, FAMILY, new)]


def static(at: str, prefix: str, via: str) -> Edits:
    """A static route of a device's global table."""
    line = f"          static: {{ {prefix}: {{ via: {{ {via} }} }} }}\n"
    return [(at, GLOBAL, GLOBAL + line)]


def of_bgp(text: str) -> Edits:
    """A setting of BGP of the leaf's global table."""
    return [(LEAF, "            peer-group:\n", f"            {text}\n            peer-group:\n")]


def in_red(at: str, via: str) -> Edits:
    """A static route of a VRF of a DPU to the other one's hosts, whose routes it does not get."""
    line = f"          static: {{ 10.1.2.0/24: {{ via: {{ {via} }} }} }}\n"
    return [
        (BF2, "65000:100", "65000:200"),
        (
            at,
            "vni: { '100': {} } }\n        router:\n",
            f"vni: {{ '100': {{}} }} }}\n        router:\n{line}",
        ),
    ]


def redistributed(action: str) -> Edits:
    """Connected networks of a DPU's VRF as a map of one rule lets them, or as one that is gone."""
    rule = f"{{ rule: {{ '10': {{ {action} }} }} }}"
    policy = f"      policy: {{ route-map: {{ SOME: {rule} }} }}\n" if action else ""
    return [
        (BF2, "    router:\n      bgp:", f"    router:\n{policy}      bgp:"),
        (BF2, "connected: { enable: on }", "connected: { enable: on, route-map: SOME }"),
    ]


def listed(at: str, interface: str, match: str, how: str) -> Edits:
    """A list of a device that denies, asked at an interface."""
    return [
        (at, "- set:\n", "- set:\n    " + SHUT.replace("MATCH", match)),
        (at, f"{interface}: {{ type: swp", f"{interface}: {{ type: swp, acl: {{ shut: {how} }}"),
    ]


def mapped(at: str, sets: str) -> Edits:
    """A map at the sessions of a device that lets everything pass and sets something."""
    rule = f"{{ rule: {{ '10': {{ action: {{ permit: {{}} }}, set: {{ {sets} }} }} }} }}"
    policy = f"      policy: {{ route-map: {{ SETS: {rule} }} }}\n      bgp:"
    return [
        (at, "    router:\n      bgp:", f"    router:\n{policy}"),
        *of_family(at, "policy: { inbound: { route-map: SETS } }"),
    ]


def both_ways(site: Path) -> tuple[str, tuple[Unevaluated, ...]]:
    """What is said of the two pods, and what is not known of the world."""
    found = [asked(site, *ends) for ends in (ENDS[:2], ENDS[1::-1])]
    return " or ".join(sorted({one.verdict for one in found})), found[0].network.not_evaluated


def test_what_the_edits_start_from(two: Path) -> None:
    """One AS number of two DPUs is a denial, sessions by address are as good as by interface."""
    assert both_ways(changed(two, NUMBERED))[0] == "allow"
    assert both_ways(changed(two, SAME_AS)) == ("deny", ())


LOOPS = [
    (of_family(BF2, "aspath: { allow-my-asn: { enable: on } }"), "allowas-in"),
    (of_family(LEAF, "aspath: { replace-peer-as: on }"), "as-override"),
    (of_group(BF2, "local-as: { enable: on, asn: 65222 }"), "local-as"),
    (of_family(LEAF, "route-server-client: on"), "route-server-client"),
    (of_family(LEAF, "aspath: { private-as: remove }"), "takes AS numbers out of paths"),
    (static(BF1, "10.255.0.0/24", "p0_if: { type: interface }"), "a static route to 10.255.0.0/24"),
    (of_family(LEAF, "default-route-origination: { enable: on }"), "a default route is told"),
    (static(BF1, "0.0.0.0/0", "192.0.2.9: { type: ipv4-address }"), "a static route to 0.0.0.0/0"),
]


@pytest.mark.parametrize(("edits", "why"), LOOPS, ids=[why for _, why in LOOPS])
def test_a_loop_that_may_be_let_pass_denies_nothing(two: Path, edits: Edits, why: str) -> None:
    site = changed(two, [*SAME_AS, *edits])
    verdict, records = both_ways(site)
    assert verdict == "unknown"
    there = [r for r in records if r.kind == "Underlay" and why in (r.what or "")]
    assert there
    assert all(r.span and r.span.line > 0 and "configs/" in r.span.file for r in there)


def test_a_number_of_one_session_is_no_mistake_of_the_other_end(two: Path) -> None:
    wanted = (LEAF, GROUP, "remote-as: 65222")
    assert both_ways(changed(two, [wanted, (BF1, "65101", "65222")]))[0] == "deny"
    local = of_group(BF2, "local-as: { enable: on, asn: 65222 }")
    site = changed(two, [wanted, (BF1, "65101", "65222"), *local])
    assert both_ways(site)[0] == "unknown"
    assert cloison.world(site).network.findings == ()


FRR = """\
frr version 10.3
frr defaults datacenter
router bgp 65001
 neighbor swp1 interface remote-as external
 neighbor swp2 interface remote-as external
 neighbor swp2 LINE
 address-family l2vpn evpn
  neighbor swp1 activate
  neighbor swp2 activate
 exit-address-family
"""


@pytest.mark.parametrize(
    "line",
    [
        "allowas-in 2",
        "as-override",
        "local-as 65222 no-prepend",
        "remove-private-AS all",
        "weight 9",
    ],
)
def test_what_frr_does_with_paths_is_told_of_its_session(two: Path, line: str) -> None:
    site = changed(two, SAME_AS)
    (two.parent / "configs" / "leaf1.yaml").unlink()
    (two.parent / "configs" / "leaf1.conf").write_text(FRR.replace("LINE", line))
    verdict, records = both_ways(site)
    assert verdict == "unknown"
    wanted = "takes AS numbers out" if "remove" in line else f"`{line.split()[0]}` of the session"
    told = [r for r in records if wanted in (r.what or "")]
    assert told and all("leaf1.conf" in r.span.file and r.span.line == 6 for r in told if r.span)


def test_an_address_that_routers_share_is_nobodys(two: Path) -> None:
    shared = "vrrp: { virtual-router: { '1': { address: { 10.1.2.9: {} } } } }"
    site = changed(two, [(BF2, "10.1.2.1/24: {} } }", f"10.1.2.1/24: {{}} }}, {shared} }}")])
    verdict, records = both_ways(site)
    assert verdict == "unknown" and {r.kind for r in records} == {"Key"}


WAYS = [
    (static(BF1, "10.255.0.2/32", "blackhole: { type: blackhole }"), "which is the VTEP of bf2"),
    (static(LEAF, "10.255.0.2/32", "swp1: { type: interface }"), "which is the VTEP of bf2"),
    (of_group(BF2, "password: geheim"), "leaf1 has not a password"),
    (of_group(LEAF, "ttl-security: { enable: on, hops: 1 }"), "has not a limit to the hops"),
    ([(BF2, "p0_if: { type: swp }", "p0_if: { type: swp, ip: { vrf: red } }")], "is in VRF red"),
    (of_family(LEAF, "nexthop-setting: self", "l2vpn-evpn"), "`next-hop`"),
    (of_family(LEAF, "nexthop-setting: unchanged"), "`next-hop`"),
    (of_family(LEAF, "community-advertise: { extended: off }", "l2vpn-evpn"), "`send-community`"),
    (
        of_family(BF2, "prefix-limits: { inbound: { maximum: 1, warning-only: off } }"),
        "`maximum-prefix`",
    ),
    (of_family(BF2, "prefix-limits: { inbound: { maximum: 1 } }"), "`maximum-prefix`"),
    (of_family(LEAF, "conditional-advertise: { advertise-map: A }"), "`advertise-map`"),
    (of_family(BF2, "weight: 10"), "`weight`"),
    (
        [*of_group(BF2, "passive-mode: on"), *of_group(LEAF, "passive-mode: on")],
        " begins",
    ),
    (mapped(BF2, "local-preference: 10"), "SETS sets local-preference"),
    (mapped(LEAF, "community: { no-advertise: {} }"), "SETS sets community"),
    ([*NUMBERED, *listed(BF2, "p0_if", "{ ip: {} }", "{ inbound: {} }")], "list shut is asked"),
    (
        [*NUMBERED, *listed(BF2, "p0_if", "{ ip: { protocol: tcp } }", "{ inbound: CONTROL }")],
        "list shut may keep out",
    ),
    (
        listed(BF2, "p0_if", "{ ip: { protocol: udp } }", "{ inbound: CONTROL }"),
        "list shut may keep out",
    ),
    ([*NUMBERED, (LEAF, "192.0.2.1: {", "192.0.2.7: {")], "no device that is given has 192.0.2.7"),
    ([*NUMBERED[:2], NUMBERED[2]], "one end is known by its interface"),
    ([(BF2, "p0_if: { type: swp }", "p0_if: { type: swp, nat: { a: b } }")], "`nat` of p0_if"),
    ([(BF2, GROUP, "description: up")], "says no AS number"),
    ([(BF2, GROUP, "remote-as: '0.65001'")], "says no AS number"),
    ([(LEAF, "autonomous-system: 65001", "router-id: 10.9.9.9")], "no AS number of its own"),
    ([(LEAF, "system: 65001", "system: 65001, router-id: 10.255.0.2")], "both router 10.255.0.2"),
    ([(LEAF, "ipv4-unicast: { enable: on }", "ipv4-unicast: { enable: off }")], "not of both"),
    (of_bgp("path-selection: { aspath: { compare-lengths: off } }"), "are not compared"),
    (of_bgp("dynamic-neighbor: { listen-range: { 10.0.0.0/8: {} } }"), "does not name"),
    (
        [
            (
                BF1,
                GLOBAL,
                GLOBAL + "          rib: { ipv4: { protocol: { bgp: { fib-filter: A } } } }\n",
            )
        ],
        "a filter of its `rib`",
    ),
    ([(LEAF, "{ hostname: leaf1", "{ maintenance: { mode: on }, hostname: leaf1")], "maintenance"),
]


@pytest.mark.parametrize(("edits", "why"), WAYS, ids=[why for _, why in WAYS])
def test_a_way_that_may_not_be_there_permits_nothing(two: Path, edits: Edits, why: str) -> None:
    edits = [(at, old, new.replace("CONTROL", "{ control-plane: {} }")) for at, old, new in edits]
    site = changed(two, edits)
    verdict, records = both_ways(site)
    assert verdict == "unknown"
    there = [r for r in records if r.kind == "Underlay" and why in (r.what or "")]
    assert there
    assert all(r.span and r.span.line > 0 and "configs/" in r.span.file for r in there)


STATICS = [
    (in_red(BF1, "10.1.9.9: { type: ipv4-address }"), "leads on to 10.1.9.9"),
    (in_red(BF1, "p0_if: { type: interface }"), "leads on to p0_if"),
    (in_red(BF1, "10.9.9.9: { type: ipv4-address, vrf: default }"), "leads from VRF red into"),
    (in_red(BF1, "p0_if: { type: interface, vrf: default }"), "leads from VRF red into default"),
]


@pytest.mark.parametrize(("edits", "why"), STATICS, ids=[why for _, why in STATICS])
def test_a_static_route_that_nobody_follows_denies_nothing(
    two: Path, edits: Edits, why: str
) -> None:
    verdict, records = both_ways(changed(two, edits))
    assert verdict == "unknown"
    assert {r.kind for r in records} == {"StaticRoute"}
    assert all(why in (r.what or "") and "bf1.yaml" in str(r.span) for r in records)
    assert both_ways(changed(two, edits[:1]))[0] == "deny"


def test_a_map_of_a_redistribution_decides(two: Path) -> None:
    permit, deny = "action: { permit: {} }", "action: { deny: {} }"
    assert both_ways(changed(two, redistributed(permit)))[0] == "allow"
    assert {r.kind for r in both_ways(changed(two, redistributed("")))[1]} == {"Route"}
    assert {r.kind for r in both_ways(changed(two, redistributed(deny)))[1]} == {"OneWay"}
    sets = "action: { permit: {} }, set: { as-path-prepend: { as: 65001 } }"
    assert both_ways(changed(two, redistributed(sets)))[0] == "unknown"


def test_the_number_of_the_global_table_counts(two: Path) -> None:
    """As that of a device, where it says one: here the leaf's, so there is no session."""
    own = [(BF2, f"{GLOBAL}          bgp:\n",
            f"{GLOBAL}          bgp:\n            autonomous-system: 65001\n")]  # fmt: skip
    assert both_ways(changed(two, own))[0] == "deny"
    assert {f.code for f in cloison.world(two).network.findings} == {"C847"}


QUIET = [
    (static(BF1, "10.255.0.0/24", "p0_if: { type: interface }"), "a shorter route"),
    (of_family(LEAF, "default-route-origination: { enable: on }"), "a default route"),
    (
        [edit for at in (BF1, BF2, LEAF) for edit in of_group(at, "password: geheim")],
        "a password at both ends",
    ),
    (of_family(BF2, "aspath: { allow-my-asn: { enable: off }, private-as: none }"), "what is off"),
    (of_group(BF2, "passive-mode: on"), "one end that waits"),
    (mapped(BF2, "community: { '65000:1': {} }"), "a community of one's own"),
    (
        [*NUMBERED, *listed(BF2, "p0_if", "{ ip: { protocol: icmp } }", "{ inbound: CONTROL }")],
        "a list that lets sessions through",
    ),
]


@pytest.mark.parametrize(("edits", "what"), QUIET, ids=[what for _, what in QUIET])
def test_what_decides_nothing_leaves_the_answer(two: Path, edits: Edits, what: str) -> None:
    edits = [(at, old, new.replace("CONTROL", "{ control-plane: {} }")) for at, old, new in edits]
    assert both_ways(changed(two, edits)) == ("allow", ())


def test_an_address_that_two_devices_have_is_a_finding(two: Path) -> None:
    """Also where it is that of another interface."""
    site = changed(two, [(BF2, "10.255.0.2", "10.255.0.1")])
    assert both_ways(site)[0] == "unknown"
    assert [f.code for f in cloison.world(site).network.findings] == ["C883"]
    address = "swp1: { type: swp, ip: { address: { 10.255.0.2/32: {} } } }"
    site = changed(two, [(LEAF, "swp1: { type: swp }", address)])
    assert both_ways(site)[0] == "unknown"
    (told,) = cloison.world(site).network.findings
    assert told.code == "C883" and "bf2.yaml:10" in str(told.hint)


CABLES = (
    "bf1:p0 -- leaf1:swp1", "bf2:p0 -- leaf2:swp1", "leaf1:swp2 -- spine1:swp1",
    "leaf2:swp2 -- spine2:swp1", "leaf3:swp1 -- spine1:swp2", "leaf3:swp2 -- spine2:swp2",
)  # fmt: skip


def in_transit(site: Path, **asn: int) -> Path:
    """The site with leaves and spines whose configurations nobody has, and numbers of some."""
    (site.parent / "configs" / "leaf1.yaml").unlink(missing_ok=True)
    site.write_text(site_of("leaf*, spine*", CABLES, asn))
    return site


def test_nothing_rests_on_numbers_that_nobody_said(two: Path) -> None:
    """Whether a path over two spines is a loop, their AS numbers say, and nobody else."""
    verdict, records = both_ways(in_transit(two))
    assert verdict == "unknown" and "AS numbers of devices in transit" in str(records)
    for second, wanted in ((65200, "deny"), (65201, "allow")):
        assert both_ways(in_transit(two, spine1=65200, spine2=second)) == (wanted, ())


def test_sessions_say_the_numbers_of_nodes_in_transit(two: Path) -> None:
    """Two leaves of which one number is wanted hand nothing on to each other."""
    spines = {"spine1": 65300, "spine2": 65301}
    for other, wanted in (("65001", "deny"), ("65002", "allow")):
        edits = [(BF1, GROUP, "remote-as: 65001"), (BF2, GROUP, f"remote-as: {other}")]
        assert both_ways(in_transit(changed(two, edits), **spines)) == (wanted, ())
    assert (
        both_ways(in_transit(two, **spines, leaf2=65009))[0] == "unknown"
    )  # which of the two is wrong nobody knows
    (told,) = cloison.world(two).network.findings
    assert told.code == "C847" and "which has 65009" in told.message
