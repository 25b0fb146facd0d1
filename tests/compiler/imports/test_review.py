"""What a review finds: each check where it is wrong, and not where it is right."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

from click.testing import CliRunner

import cloison
from cloison.cli import main
from compiler.imports.accounting import ConfigText
from compiler.imports.device_facts import Device
from compiler.imports.nvue import nvue_config
from compiler.imports.review.review_checks import OF_A_DEVICE, OF_A_SITE, reviewed
from compiler.imports.review.review_finding import ReviewFinding
from fabric.diagnostics import Diagnostics

NVUE = Path(__file__).parent / "nvue"


def device(text: str, name: str = "d") -> Device:
    found = Diagnostics()
    body = "".join(f"    {line}\n" for line in text.strip("\n").splitlines())
    reading = nvue_config.read(name, (ConfigText(f"{name}.yaml", f"- set:\n{body}"),), found)
    assert reading is not None and found.errors == (), found.errors
    return reading.device


def kinds(*devices: Device) -> list[str]:
    return [finding.kind for finding in reviewed(devices)]


def found(kind: str, *devices: Device) -> list[ReviewFinding]:
    return [finding for finding in reviewed(devices) if finding.kind == kind]


def rule(number: int, action: str, *match: str) -> str:
    lines = [f"      '{number}':", f"        action: {{{action}: {{}}}}"]
    if match:
        lines.append("        match: {ip: {" + ", ".join(match) + "}}")
    return "\n".join(lines)


def port(
    lists: dict[str, list[str]], way: str = "inbound", family: str = "ipv4", more: str = ""
) -> Device:
    """A host port that asks these lists."""
    acls = "".join(
        f"  {name}:\n    type: {family}\n    rule:\n" + "\n".join(rules) + "\n"
        for name, rules in lists.items()
    )
    bound = "".join(f"      {name}: {{{way}: {{}}}}\n" for name in lists)
    return device(f"acl:\n{acls}interface:\n  h:\n    acl:\n{bound}{more}")


ANY = "dest-ip: 0.0.0.0/0"


def test_shadowed_redundant_and_duplicate_entries() -> None:
    one = port(
        {"a": [rule(10, "deny", "dest-ip: 10.0.0.0/8"), rule(20, "permit", "dest-ip: 10.1.0.0/16")]}
    )
    (finding,) = found("shadowed-entry", one)
    assert "rule 20 of a never decides: a rule 10 denies all of it before" in finding.what
    assert (
        "203.0.113" not in finding.packet
        and "10.1.0.1:443/tcp: denied by a rule 10" in finding.packet
    )
    assert finding.rests_on == "nothing but the list" and finding.severity == "finding"
    same = port(
        {"a": [rule(10, "deny", "dest-ip: 10.0.0.0/8"), rule(20, "deny", "dest-ip: 10.1.0.0/16")]}
    )
    assert kinds(same) == ["redundant-entry"]
    twice = port(
        {"a": [rule(10, "deny", "dest-ip: 10.0.0.0/8"), rule(20, "deny", "dest-ip: 10.0.0.0/8")]}
    )
    assert kinds(twice) == ["duplicate-entry"]


def test_entries_together_cover_one() -> None:
    halves = [rule(10, "deny", "dest-ip: 10.0.0.0/9"), rule(20, "deny", "dest-ip: 10.128.0.0/9")]
    (finding,) = found(
        "shadowed-entry", port({"a": [*halves, rule(30, "permit", "dest-ip: 10.0.0.0/8")]})
    )
    assert "a rule 20 (with 1 before it) denies all of it" in finding.what
    assert len(finding.lines) == 3
    assert kinds(port({"a": [*halves, rule(30, "permit", "dest-ip: 10.0.0.0/7")]})) == []


def test_ports_protocols_and_state_count() -> None:
    tcp = "protocol: tcp"
    rules = [
        rule(10, "deny", tcp, "dest-port: {0-443: {}}"),
        rule(20, "deny", tcp, "dest-port: {444-65535: {}}"),
    ]
    assert kinds(port({"a": [*rules, rule(30, "permit", tcp)]})) == ["shadowed-entry"]
    assert kinds(port({"a": [*rules, rule(30, "permit", "protocol: udp")]})) == []
    assert kinds(port({"a": [rules[0], rule(30, "permit", tcp)]})) == []


def test_what_may_match_shadows_nothing() -> None:
    assert (
        kinds(port({"a": [rule(10, "deny", "dscp: 1"), rule(20, "permit", "dest-ip: 10.0.0.0/8")]}))
        == []
    )


def test_order_of_lists_is_that_of_their_names() -> None:
    lists = {
        "b_late": [rule(10, "deny", ANY)],
        "a_early": [rule(10, "permit", "dest-ip: 10.0.0.0/8")],
    }
    assert "shadowed-entry" not in kinds(port(lists))
    lists = {
        "a_early": [rule(10, "deny", ANY), rule(20, "deny", "dest-ip: 1.1.1.1/32")],
        "b_late": [rule(10, "permit", ANY)],
    }
    (finding,) = found("shadowed-entry", port(lists))
    assert "in order of their names" in finding.rests_on


def test_an_entry_that_decides_at_one_place_is_not_dead() -> None:
    text = "\n".join((
        "acl:", "  a:", "    type: ipv4", "    rule:", rule(10, "deny", "dest-ip: 10.0.0.0/8"),
        "  b:", "    type: ipv4", "    rule:", rule(10, "permit", "dest-ip: 10.1.0.0/16"),
        "interface:", "  h1:", "    acl:", "      a: {inbound: {}}", "      b: {inbound: {}}",
        "  h2:", "    acl:", "      b: {inbound: {}}",
    ))  # fmt: skip
    assert kinds(device(text)) == []


def test_a_permit_before_isolation() -> None:
    lists = {
        "p5_group": [rule(10, "permit", ANY)],
        "p9_isolation": [
            rule(10, "permit", "dest-ip: 10.1.0.0/16"),
            rule(20, "deny", "dest-ip: 10.0.0.0/8"),
        ],
    }
    (finding,) = found("permit-before-isolation", port(lists))
    assert "p5_group rule 10 permits what p9_isolation rule 20 is there to deny" in finding.what
    assert "-> 10.0.0.1:443/tcp: permitted by p5_group rule 10" in finding.packet
    lists["p5_group"] = [rule(10, "permit", "protocol: tcp")]
    assert len(found("permit-before-isolation", port(lists))) == 1
    lists["p5_group"] = [rule(10, "permit", "dest-ip: 10.1.0.0/16")]
    assert found("permit-before-isolation", port(lists)) == []
    lists["p5_group"] = [rule(10, "permit", "protocol: tcp", "dest-port: {'443': {}}")]
    assert found("permit-before-isolation", port(lists)) == []
    lists["p5_group"] = [rule(5, "deny", ANY), rule(10, "permit", ANY)]
    assert found("permit-before-isolation", port(lists)) == []


def quarantine(ways: str, families: str = "46", before: str = "") -> Device:
    text = ["acl:"]
    binds = []
    for way, family in product(("inbound", "outbound"), "46"):
        if way[0] in ways and family in families:
            name = f"p4_{way}_{family}"
            text += [f"  {name}:", f"    type: ipv{family}", "    rule:", rule(10, "deny")]
            binds.append(f"      {name}: {{{way}: {{}}}}")
    for way in ("inbound", "outbound"):
        text += [
            f"  p9_{way}:",
            "    type: ipv4",
            "    rule:",
            rule(10, "permit", "dest-ip: 10.0.0.0/8"),
        ]
        binds.append(f"      p9_{way}: {{{way}: {{}}}}")
    if before:
        text += ["  p1_first:", "    type: ipv4", "    rule:", before]
        binds.append("      p1_first: {inbound: {}}")
    return device("\n".join((*text, "interface:", "  h:", "    acl:", *binds)))


def test_quarantines() -> None:
    assert kinds(quarantine("io")) == ["quarantine"]
    (out4, out6) = found("quarantine-leak", quarantine("i"))
    assert "what it gets of IPv4 passes" in out4.what and "what it gets of IPv6 passes" in out6.what
    leaks = found("quarantine-leak", quarantine("io", "4"))
    assert ["IPv6" in leak.what for leak in leaks] == [True, True]
    assert "2001:db8:ffff::9" in leaks[0].packet
    (early,) = found(
        "quarantine-leak", quarantine("io", before=rule(10, "permit", "dest-ip: 10.9.9.9/32"))
    )
    assert "10.9.9.9" in early.packet


def test_a_list_that_closes_a_direction_is_no_quarantine() -> None:
    lists = {"a": [rule(10, "permit", "dest-ip: 10.0.0.0/8")], "z": [rule(10, "deny")]}
    assert [k for k in kinds(port(lists)) if k.startswith("quarantine")] == []


IPV6 = "    ip: {address: {'2001:db8::1/64': {}}}\n"


def test_ipv6_beside_lists_of_ipv4() -> None:
    lists = {"a": [rule(10, "deny", "dest-ip: 10.0.0.0/8")]}
    (finding,) = found("ipv6-open", port(lists, more=IPV6))
    assert "2001:db8:" in finding.packet and finding.packet.endswith(" passes")
    assert found("ipv6-open", port(lists)) == [], "no IPv6 is routed there"
    both = device("\n".join((
        "acl:", "  a:", "    type: ipv4", "    rule:", rule(10, "deny", "dest-ip: 10.0.0.0/8"),
        "  b:", "    type: ipv6", "    rule:", rule(10, "deny", "dest-ip: 'fd00::/8'"),
        "interface:", "  h:", "    acl: {a: {inbound: {}}, b: {inbound: {}}}", IPV6.rstrip(),
    )))  # fmt: skip
    assert found("ipv6-open", both) == []
    ports_alone = {"a": [rule(10, "deny", "protocol: tcp", "dest-port: {'22': {}}")]}
    assert found("ipv6-open", port(ports_alone, more=IPV6)) == []


def test_lists_that_are_asked_nowhere_or_not_there() -> None:
    idle = device("acl:\n  a:\n    type: ipv4\n    rule:\n" + rule(10, "deny", ANY))
    assert kinds(idle) == ["unbound-list"]
    assert kinds(device("interface:\n  h:\n    acl: {a: {inbound: {}}}")) == ["missing-list"]


def test_state_that_nobody_keeps() -> None:
    text = "acl:\n  a:\n    type: ipv4\n    rule:\n      '10':\n        action: {permit: {}}\n        match: {conntrack: {established: {}}}\ninterface:\n  h:\n    acl: {a: {inbound: {}}}"
    assert kinds(device(text)) == ["no-state"]
    assert kinds(device(text + "\nsystem:\n  reflexive-acl: {enable: on}")) == []


def test_odd_networks() -> None:
    one = port(
        {"a": [rule(10, "deny", "dest-ip: 10.1.2.3/8"), rule(20, "deny", "dest-ip: 172.16.0.1")]}
    )
    (finding,) = found("non-canonical", one)
    assert '"10.1.2.3/8", which is 10.0.0.0/8' in finding.what


EVPN = """
evpn: {enable: on}
nve: {vxlan: {enable: on, source: {address: 192.0.2.%d}}}
router: {bgp: {enable: on, autonomous-system: 6500%d}}
interface:
  lo: {ip: {address: {192.0.2.%d/32: {}}}}
  p0_if: {type: swp}
%svrf:
  default:
    router:
      bgp:
        address-family: {l2vpn-evpn: {enable: on}}
        neighbor:
          p0_if: {type: unnumbered, remote-as: external, address-family: {l2vpn-evpn: {enable: on}}}
%s"""


def vrf(name: str, vni: int, exports: str, imports: str) -> str:
    return (
        f"  {name}:\n    evpn: {{enable: on, vni: {{'{vni}': {{}}}}}}\n    router:\n      bgp:\n"
        f"        route-export: {{to-evpn: {{route-target: {exports}}}}}\n"
        f"        route-import: {{from-evpn: {{route-target: {imports}}}}}\n"
    )


def speaker(number: int, *vrfs: str, more: str = "") -> Device:
    return device(EVPN % (number, number, number, more, "".join(vrfs)), f"dpu{number}")


def test_route_targets() -> None:
    own = vrf("a", 100, "{'1:100': {}}", "{'1:100': {}}")
    assert kinds(speaker(1, own)) == []
    assert kinds(speaker(1, vrf("a", 100, "{'1:100': {}}", "{'1:100': {}, auto: {}}"))) == [
        "forgeable-target"
    ]
    (forged,) = found(
        "forgeable-target", speaker(1, "  a:\n    evpn: {enable: on, vni: {'100': {}}}\n")
    )
    assert "imports by default" in forged.what and "64999:100" in forged.packet
    lost = speaker(1, vrf("a", 100, "{'1:100': {}}", "{'1:100': {}, '9:9': {}}"))
    assert kinds(lost) == ["import-without-export"]
    one, other = (
        speaker(1, vrf("a", 100, "{'1:100': {}}", "{'1:100': {}, '1:200': {}}")),
        speaker(2, vrf("b", 200, "{'1:200': {}}", "{'1:200': {}}")),
    )
    (way,) = found("one-way-import", one, other)
    assert "VRF a imports 1:200 of b on dpu2" in way.what and len(way.lines) == 2
    back = speaker(2, vrf("b", 200, "{'1:200': {}}", "{'1:200': {}, '1:100': {}}"))
    assert found("one-way-import", one, back) == []


def host(more: str = "", vrf_: str = "", acl: str = "") -> Device:
    ip = "{address: {10.0.0.1/24: {}}" + (f", vrf: {vrf_}" if vrf_ else "") + "}"
    lists = (
        "acl:\n  a:\n    type: ipv4\n    rule:\n" + rule(10, "deny", "dest-ip: 10.0.0.0/8") + "\n"
    )
    bound = ", acl: {a: {inbound: {}}}" if acl else ""
    return device((lists if acl else "") + f"interface:\n  pf0hpf_if: {{ip: {ip}{bound}}}\n" + more)


def test_layers() -> None:
    assert kinds(host()) == ["no-isolation"]
    assert (
        kinds(host(vrf_="v")) == ["one-layer"]
        and "VRF v alone" in reviewed([host(vrf_="v")])[0].what
    )
    assert kinds(host(acl="a")) == ["one-layer"]
    assert kinds(host(vrf_="v", acl="a")) == []
    uplink = device("interface:\n  p0_if: {ip: {address: {10.0.0.1/24: {}}}}")
    assert kinds(uplink) == [], "nobody says that a host is there"


def test_names_that_lead_nowhere() -> None:
    text = """
vrf:
  v:
    router:
      static:
        10.0.0.0/8: {via: {vlan9: {type: interface}}}
      bgp:
        address-family: {ipv4-unicast: {route-import: {from-vrf: {enable: on, route-map: m, list: {w: {}}}}}}
        neighbor:
          p9_if: {type: unnumbered, peer-group: gone}
          192.0.2.9: {address-family: {ipv4-unicast: {policy: {inbound: {prefix-list: l}, outbound: {route-map: m}}}}}
router: {bgp: {enable: on}}
"""
    assert len(found("dangling-name", device(text))) == 5, "nobody says which interfaces there are"
    text += "interface: {h: {}}\n"
    whats = " ".join(f.what for f in found("dangling-name", device(text)))
    for name in (
        "vlan9",
        "leaks by route map m",
        "routes of w",
        "peer group gone",
        "prefix-list l",
        "route-map m",
        "neighbour p9_if",
    ):
        assert name in whats, name
    assert len(found("dangling-name", device(text))) == 7


def test_numbers_that_cannot_be() -> None:
    bad = device(
        "router: {bgp: {autonomous-system: 65535}}\nnve: {vxlan: {enable: on, source: {address: 127.0.0.1}}}\ninterface:\n  vlan5: {ip: {address: {10.0.0.0/24: {}}}}\n  vlan6: {ip: {address: {10.0.1.0/31: {}}}}"
    )
    assert sorted(kinds(bad)) == ["network-address", "reserved-asn", "unreachable-vtep"]
    one = speaker(1, vrf("a", 100, "{'1:1': {}}", "{'1:1': {}}"))
    twin = device(EVPN % (1, 2, 1, "", vrf("b", 100, "{'1:1': {}}", "{'1:1': {}}")), "dpu9")
    assert kinds(one, twin) == ["shared-vni", "shared-vtep"] or sorted(kinds(one, twin)) == [
        "shared-vni",
        "shared-vtep",
    ]


def test_sessions_behind_another_vrf() -> None:
    text = "interface:\n  h: {ip: {address: {10.0.0.1/24: {}}, vrf: %s}}\nvrf:\n  a:\n    router: {bgp: {neighbor: {10.0.0.9: {remote-as: external}}}}\nrouter: {bgp: {enable: on}}"
    assert kinds(device(text % "b")) == ["neighbour-elsewhere"]
    assert kinds(device(text % "a")) == []


def test_packets_that_do_not_fit() -> None:
    more = "  h: {link: {mtu: %d}}\n"
    own = vrf("a", 100, "{'1:100': {}}", "{'1:100': {}}")
    (finding,) = found("mtu", speaker(1, own, more=more % 9216))
    assert "behind p0_if (MTU 9216) no more than 9166 fit" in finding.what
    assert "being the MTU where none is said" in finding.rests_on
    assert found("mtu", speaker(1, own, more=more % 9166)) == []


def test_every_check_is_listed_once() -> None:
    assert len({*OF_A_DEVICE, *OF_A_SITE}) == len(OF_A_DEVICE) + len(OF_A_SITE) == 16


def test_the_verb() -> None:
    done = CliRunner().invoke(main, ["review", str(NVUE)])
    assert done.exit_code == 1
    assert "finding[forgeable-target] dpu1: VRF vpc_200 imports `auto`" in done.stdout
    assert "  rests on  " in done.stdout and "dpu1.yaml:430:19" in done.stdout
    said = json.loads(CliRunner().invoke(main, ["review", str(NVUE), "-o", "json"]).stdout)
    assert (said["schema"], said["verdict"]) == ("cloison/review/1", "fails")
    assert all(row["rests_on"] and row["lines"] for row in said["rows"])


def test_in_python() -> None:
    table = cloison.review(NVUE)
    assert table.verdict == "fails"
    assert {row["kind"] for row in table} >= {"forgeable-target", "ipv6-open", "one-way-import"}


def test_nothing_wrong_is_exit_0(tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text("- set:\n    system:\n      hostname: d\n")
    done = CliRunner().invoke(main, ["review", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (0, "1 device: nothing found\n")
