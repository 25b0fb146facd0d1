"""Configurations that somebody edited: what they mean beside what would be written now."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from nvue_written import TOPOLOGIES, of_file, write

from compiler.program.program import Program
from sim.round_trip.read_back import Readback, read_back

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
    assert all(
        "of a known connection: permit, and as read deny" in one for one in found.differences
    )
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
