"""Configurations that somebody edited: what they mean beside what would be written now."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fabric_files import vrf, write_fabric
from nvue_written import TOPOLOGIES, of_file, write

from compiler.imports.device_facts import (
    AccessEntry,
    AccessList,
    AclBinding,
    Device,
    InterfaceFacts,
)
from compiler.imports.nvue.shapes.entry_columns import EntryColumns
from compiler.program.program import Program
from fabric.diagnostics import Span
from sim.round_trip.read_back import Readback, read_back
from sim.round_trip.same_lists import Lists

Change = Callable[[str], str]


@pytest.fixture(scope="module")
def small() -> Program:
    return of_file(TOPOLOGIES / "small.yaml")


def edited(program: Program, folder: Path, change: Change, node: str = "dpu1") -> Readback:
    """What is read of a folder in which one file was changed."""
    names = write(program, "nvue", folder / "fresh").interfaces(program)
    write(program, "nvue", folder / "edited")
    path = folder / "edited" / f"{node}.yaml"
    changed = change(path.read_text())
    assert changed != path.read_text()
    path.write_text(changed)
    return read_back(program, folder / "edited", names, folder / "fresh")


SAME: dict[str, Change] = {
    "another comment": lambda t: t.replace("# dpu1 ", "# by hand: dpu1 "),
    "a list by another name": lambda t: t.replace("from_host_1acc47081d_ipv6", "MINE"),
    "a rule that never matches": lambda t: t.replace(
        "          '3': {action: {deny: {}}, match: {ip: {dest-ip: '::/0'}}}\n",
        "          '3': {action: {deny: {}}, match: {ip: {dest-ip: '::/0'}}}\n"
        "          '4': {action: {permit: {}}, match: {ip: {dest-ip: 'fd00::/8'}}}\n",
        1,
    ),
    "rules by other numbers": lambda t: t.replace("          '1': {", "          '01': {", 1),
}


@pytest.mark.parametrize("what", SAME)
def test_however_it_is_written(what: str, small: Program, tmp_path: Path) -> None:
    found = edited(small, tmp_path, SAME[what])
    assert (found.differences, found.unknown) == ((), ())
    assert found.equal


def without_replies(text: str) -> str:
    """No packets of known connections from one endpoint by TCP."""
    who = r"ip: \{source-ip: 100.64.0.3/32, protocol: tcp\}"
    return re.sub(rf" +'\d+': .*conntrack: \{{established: \{{\}}\}}, {who}.*\n", "", text)


def test_replies_that_are_not_let_through(small: Program, tmp_path: Path) -> None:
    found = edited(small, tmp_path, without_replies)
    assert all(", established: permit, and as read deny" in one for one in found.differences)
    assert found.differences and not found.equal


def swap(old: str, new: str) -> Change:
    """The first of some text becomes another."""
    return lambda text: text.replace(old, new, 1)


BGP = "          bgp:\n            enable: "
LIST = "        acl:\n          from_host_41856e115b_ipv6:\n            inbound: {}\n"
NOT_KNOWN: dict[str, tuple[Change, str]] = {
    "no session": (swap("remote-as: external", "remote-as: internal"), "sessions of dpu1"),
    "no BGP below": (swap(f"{BGP}on", f"{BGP}off"), "sessions of dpu1"),
    "no BGP in a VRF": (
        lambda text: re.sub(rf"(vrf10001:(?:.*\n)*?{BGP})on", r"\1off", text, count=1),
        "BGP of VRF vrf10001 is off",
    ),
    "a VTEP that nobody hears of": (
        lambda text: re.sub(r" +network:\n +10.255.0.5/32: \{\}\n", "", text),
        "default at dpu1",
    ),
    "another loopback": (
        swap("            10.255.0.5/32: {}", "            10.255.9.5/32: {}"),
        "interfaces of dpu1",
    ),
    "a filter of routes": (swap("permit: {}\n", "deny: {}\n"), "route maps of dpu1"),
    "a list at an uplink": (swap("      p0_if:\n", f"      p0_if:\n{LIST}"), "asks of uplinks"),
}


@pytest.mark.parametrize("what", NOT_KNOWN)
def test_what_nobody_proves_is_not_taken_for_equal(
    what: str, small: Program, tmp_path: Path
) -> None:
    change, wanted = NOT_KNOWN[what]
    found = edited(small, tmp_path, change)
    assert not found.equal
    assert found.differences or any(wanted in one for one in found.unknown), found.unknown


def test_a_device_more_is_a_difference(small: Program, tmp_path: Path) -> None:
    names = write(small, "nvue", tmp_path / "fresh").interfaces(small)
    write(small, "nvue", tmp_path / "edited")
    more = (tmp_path / "edited" / "dpu1.yaml").read_text().replace("dpu1", "dpu77")
    (tmp_path / "edited" / "dpu77.yaml").write_text(more)
    found = read_back(small, tmp_path / "edited", names, tmp_path / "fresh")
    assert "dpu77 was read, and there is none" in found.differences


TO_DB = "to_host_d7b1db1e37_ipv4:\n        type: ipv4\n        rule:\n"
SSH = "match: {conntrack: {new: {}, established: {}}, ip: {source-ip: %s, protocol: tcp}}"


def first(*rules: str) -> Change:
    """Rules before all others of the list that is asked of what goes to the database."""
    lines = "".join(f"          '{at}': {{{rule}}}\n" for at, rule in enumerate(rules, 1))

    def change(text: str) -> str:
        head, _, tail = text.partition(TO_DB)
        own, rest = re.match(r"((?: {10}'\d+': .*\n)+)((?:.*\n)*)", tail).groups()  # type: ignore[union-attr]
        later = re.sub(r"^( {10}')(\d+)'", lambda m: f"{m[1]}{int(m[2]) + 1000}'", own, flags=re.M)
        return f"{head}{TO_DB}{lines}{later}{rest}"

    return change


def test_entries_that_are_made_anew_are_not_taken_for_each_other(
    small: Program, tmp_path: Path
) -> None:
    denied = f"action: {{deny: {{}}}}, {SSH % '10.0.0.18/32'}"
    permitted = f"action: {{permit: {{}}}}, {SSH % '10.0.0.19/32'}"
    found = edited(small, tmp_path, first(denied, permitted))
    assert any("deny, and as read permit" in one for one in found.differences)


def test_lists_keep_the_entries_that_they_give() -> None:
    """Whoever compares goes by which entry it is: one that is made anew is another."""
    at = Span("a.yaml", 1)
    like = AccessEntry(0, "permit", (), (), 6, (), (), (), "", (), at)
    table = np.array([(1, 0, 1, -1, -1, -1, 22), (2, 0, 2, -1, -1, -1, 23)], np.int32).T
    acl = AccessList("a", 4, EntryColumns("a.yaml", 1, (like,), (), table), "deny", at)
    port = InterfaceFacts("p", "port", "default", (), None, None, None, True, at)
    asked = AclBinding("a", "p", "", "in", False, "", at)
    device = Device("d", "nvue", at, interfaces=(port,), acls=(acl,), bindings=(asked,))
    lists = Lists.of(device, "p", "in", 4)
    assert lists is not None
    assert [e.dports for e in lists.entries] == [((22, 22),), ((23, 23),)]
    assert all(a is b for a, b in zip(lists.entries, lists.entries, strict=True))


@pytest.mark.parametrize("state", ["established", "related", "invalid"])
def test_packets_of_every_state_are_compared(state: str, small: Program, tmp_path: Path) -> None:
    match = f"match: {{conntrack: {{{state}: {{}}}}, ip: {{source-ip: 0.0.0.0/0}}}}"
    rule = f"action: {{permit: {{}}}}, {match}"
    found = edited(small, tmp_path, first(rule))
    assert any(f", {state}: deny, and as read permit" in one for one in found.differences)


VRF = "        ip:\n          vrf: vrf10001\n"
NEIGHBOUR = "          neighbor: {ipv4: {10.0.0.3: {lladdr: {'00:00:00:00:00:01': {}}}}}\n"
LINES: dict[str, Change] = {
    "a mirror": swap("    system:\n", "    system:\n      port-mirror: {session: {'1': {}}}\n"),
    "protodown": swap("      p0_if:\n", "      p0_if:\n        link: {protodown: on}\n"),
    "port security": swap(
        "      pf0vf0_if:\n", "      pf0vf0_if:\n        port-security: {mac-limit: 1}\n"
    ),
    "a static neighbour": swap(VRF, f"{VRF}{NEIGHBOUR}"),
    "no discovery": swap(VRF, f"{VRF}          neighbor-discovery: {{enable: off}}\n"),
    "a rate": swap("{permit: {}}", "{permit: {}, police: {mode: packet, rate: 1, burst: 1}}"),
    "another VRF": swap("{permit: {}}", "{permit: {}, set: {vrf: vrf10002}}"),
}


@pytest.mark.parametrize("what", LINES)
def test_lines_of_which_nothing_is_compared(what: str, small: Program, tmp_path: Path) -> None:
    found = edited(small, tmp_path, LINES[what])
    assert not found.equal


VXLAN = "      vxlan:\n"
IN_NOTHING = "                pf0hpf_if:\n                  type: "
WORDS: dict[str, tuple[Change, str]] = {
    "a distance": (
        swap("            10.0.0.2/32:\n", "            10.0.0.2/32:\n              distance: {'255': {}}\n"),  # noqa: E501
        "static 10.0.0.2/32 distance 255` of dpu1 would not be written",
    ),
    "a way into nothing": (swap(f"{IN_NOTHING}interface", f"{IN_NOTHING}blackhole"), "has 10.0.0.2"),  # noqa: E501
    "a way of no kind": (swap(f"{IN_NOTHING}interface", f"{IN_NOTHING}interfacex"), "has 10.0.0.2"),
    "another port of tunnels": (
        swap(VXLAN, f"{VXLAN}        port: 4790\n"), "`nve vxlan port 4790` of dpu1"
    ),
    "two VNIs": (
        swap("            '10001': {}\n", "            '10001': {}\n            '10002': {}\n"),
        "`vrf vrf10001 evpn vni 10002` of dpu1",
    ),
    "a router-id of others": (
        swap("          bgp:\n", "          bgp:\n            router-id: 10.255.0.6\n"),
        "`vrf default router bgp router-id 10.255.0.6` of dpu1",
    ),
    "as others have it": (
        swap("                aspath-ignore: on\n", ""), "aspath-ignore on` of dpu1 is not there"
    ),
    "another path": (
        swap("                  ebgp: 64\n", "                  ebgp: 1\n"), "ebgp 64` of dpu1 is not there"  # noqa: E501
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WORDS)
def test_a_word_that_is_another_is_told(what: str, small: Program, tmp_path: Path) -> None:
    change, wanted = WORDS[what]
    found = edited(small, tmp_path, change)
    assert not found.equal
    assert any(wanted in one for one in (*found.differences, *found.unknown)), found


def test_a_password_is_told_and_not_shown(small: Program, tmp_path: Path) -> None:
    group = "              fabric:\n"
    found = edited(small, tmp_path, swap(group, f"{group}                password: hush\n"))
    assert any("fabric password …`" in one for one in found.unknown), found.unknown
    assert "hush" not in str(found)


@pytest.mark.parametrize("border", ["border1", "border2"])
def test_an_endpoint_is_compared_wherever_it_is(border: str, tmp_path: Path) -> None:
    office = {"addresses": ["198.51.100.0/24"], "border": ["border1", "border2"]}
    path = write_fabric(
        tmp_path,
        {"a": vrf("100.64.0.0/24", default_route="zone2", advertise=["100.64.0.0/24"])},
        {"a": ["shop/db@host1"]},
        zones={"zone2": {"endpoints": {"office": office}}},
    )
    program = of_file(path)
    names = write(program, "nvue", tmp_path / "fresh").interfaces(program)
    write(program, "nvue", tmp_path / "edited")
    file = tmp_path / "edited" / f"{border}.yaml"
    rule = "{action: {permit: {}}, match: {ip: {source-ip: 0.0.0.0/0, protocol: tcp}}}"
    text = file.read_text()
    changed = re.sub(
        r"( {6}to_host_\w+:\n +type: ipv4\n +rule:\n)", rf"\1          '0': {rule}\n", text
    )
    assert changed != text
    file.write_text(changed)
    found = read_back(program, tmp_path / "edited", names, tmp_path / "fresh")
    first = re.compile(rf"at {border} .* ports \d+ to \d+: deny, and as read permit")
    assert any(map(first.search, found.differences)), found
