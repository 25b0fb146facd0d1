"""A node's `NODE.sh` carried out on a kernel without VRF devices: every VRF is a namespace.

An interpreter of exactly the lines that `compiler.targets.hosts.linux` writes; one that it does not
know is an error, never skipped. A VRF's devices are made in its namespace, the tunnel below the
node first: its socket and its routes stay there. The VRF's own device is one end of a cable to
nowhere:
routes of other VRFs point at it, in FRR. Packets are not sent. On a kernel with VRF devices the
script is run as it is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator

DOCUMENTS = (
    "sysctl -q -p -", "ip -batch -", "bridge -batch -", "tc -batch -", "ip -6 -batch -",
)  # fmt: skip
NAME = r"[A-Za-z0-9._-]+"
PORT_SWITCH = rf"net/ipv4/conf/(?!all/|default/){NAME}/rp_filter = 0"
SWITCH = r"net/ipv[46]/[a-z_/]+ = \d"
TUNNEL = r"link add (vni(\d+)) mtu \d+ type vxlan id (\d+) local [0-9.]+ dstport 4789 nolearning"
TAKEN = (
    r"qdisc add dev br\d+ clsact",
    r"filter add dev br\d+ ingress protocol all matchall action skbedit ptype host",
)
"""What packets are taken: left out, because no packets are sent here."""
NODE = (
    r"link set lo up",
    r"addr add [0-9.]+/32 dev lo",
    rf"link set {NAME} mtu \d+ up",
    r"rule add pref 32765 table local",
    r"rule del pref 0",
)
"""Lines that are the node's own and stay as they are."""


def documents(text: str) -> dict[str, list[str]]:
    """What a script hands to each of its commands, comments left out; it does nothing else."""
    found: dict[str, list[str]] = {}
    lines = iter(text.splitlines())
    assert next(lines) == "#!/bin/sh"
    for line in lines:
        if line.startswith("#") or line == "set -eu":
            continue
        command = re.fullmatch(r"(.*) <<'END'", line)
        assert command is not None and command[1] in DOCUMENTS and command[1] not in found, line
        found[command[1]] = [x for x in _document(lines) if not x.startswith("#")]
    return found


def _document(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line == "END":
            return
        yield line
    raise AssertionError("a document without an end")


def vrfs(text: str) -> list[str]:
    """The VRFs that a script makes."""
    lines = documents(text)["ip -batch -"]
    return [line.split()[2] for line in lines if re.match(r"link add \S+ type vrf ", line)]


class Spaces:
    """What is to be done in each namespace, of one node: `space` names that of a VRF, None the
    node's own."""

    def __init__(self, text: str, space: Callable[[str | None], str]) -> None:
        self.space = space
        self.at: dict[str, str] = {}
        """Namespace of each device and table of a VRF."""
        self.switches: dict[str, list[str]] = defaultdict(list)
        self.batches: dict[tuple[str, str], list[str]] = {}
        """Lines by namespace and option of `ip`, in the order in which they can be run."""
        found = documents(text)
        assert "bridge -batch -" not in found, "a single VXLAN device"
        for line in found.get("tc -batch -", ()):
            assert any(re.fullmatch(form, line) for form in TAKEN), line
        lines = found["ip -batch -"]
        self._places(lines)
        for line in lines:
            self._line(line)
        for line in found.get("ip -6 -batch -", ()):
            assert any(re.fullmatch(form, line) for form in NODE[3:]), line
            self._add(None, "-6", line)
        for line in found["sysctl -q -p -"]:
            self._switch(line)

    def _switch(self, line: str) -> None:
        everywhere = re.fullmatch(SWITCH, line) is not None
        assert everywhere or re.fullmatch(PORT_SWITCH, line), line
        below = {*self.at.values()} if everywhere else set()
        for space in (self.space(None), *sorted(below)):
            self.switches[space].append(line)

    def _places(self, lines: list[str]) -> None:
        """Who is below whom, whatever the order: VRF, its table, its bridge, the bridge's port."""
        for line in lines:
            if made := re.fullmatch(r"link add (vrf\d+) type vrf table (\d+)", line):
                assert made[1] not in self.at and f"table {made[2]}" not in self.at, line
                self.at[made[1]] = self.at[f"table {made[2]}"] = self.space(made[1])
        for kind in ("vrf", "br"):
            for line in lines:
                if below := re.fullmatch(
                    rf"link set (\w+) master ({kind}\d+) addrgenmode none", line
                ):
                    self.at[below[1]] = self.at[below[2]]

    def _add(self, space: str | None, family: str, line: str) -> None:
        self.batches.setdefault((space or self.space(None), family), []).append(line)

    def _line(self, line: str, family: str = "") -> None:
        if any(re.fullmatch(form, line) for form in NODE):
            self._add(None, family, line)
        elif re.fullmatch(r"link add vrf\d+ type vrf table \d+", line):
            name = line.split()[2]
            self._add(self.at[name], family, "link set lo up")
            self._add(self.at[name], family, f"link add {name} type veth peer name {name}-end")
            self._add(self.at[name], family, f"link set {name}-end up")
        elif re.fullmatch(r"link set vrf\d+ up", line):
            self._add(self.at[line.split()[2]], family, line)
        elif end := re.fullmatch(r"(route add unreachable \S+) (table \d+) (metric \d+)", line):
            self._add(self.at[end[2]], family, f"{end[1]} {end[3]}")
        elif bridge := re.fullmatch(r"(link set (br\d+)) master (vrf\d+) (addrgenmode none)", line):
            self._add(self.at[bridge[2]], family, f"{bridge[1]} {bridge[4]}")
        elif tunnel := re.fullmatch(TUNNEL, line):
            assert tunnel[2] == tunnel[3], line
            self._add(None, family, line)
            self._add(None, family, f"link set {tunnel[1]} netns {self.at[tunnel[1]]}")
        elif device := (
            re.fullmatch(
                r"link add (br\d+) address [0-9a-f:]{17} mtu \d+ type bridge stp_state 0", line
            )
            or re.fullmatch(r"link set (vni\d+) master br\d+ addrgenmode none", line)
            or re.fullmatch(
                r"link set (vni\d+) type bridge_slave learning off neigh_suppress on", line
            )
            or re.fullmatch(r"link set (vni\d+) up", line)
            or re.fullmatch(r"link set (br\d+) promisc on up", line)
        ):
            self._add(self.at[device[1]], family, line)
        else:
            raise AssertionError(f"no line that we know: {line}")
