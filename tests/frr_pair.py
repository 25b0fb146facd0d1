"""Two leaves back to back with the same two VRFs, run by a release of FRR: small enough to try what
a release does with one line of configuration, and with devices of either kind.

VRFs are namespaces (`zebra -n`) or, where `devices` says so, VRF devices; these with a bridge and a
VXLAN device per VNI, or with `single`, one VLAN-aware bridge and one VXLAN device for all VNIs.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from frr_daemons import load, run, start
from frr_releases import Release
from frr_sweep import swept

LEAVES = (1, 2)
VNIS = {"red": 5001, "blue": 5002}
SWITCHES = (
    "net/ipv4/conf/all/rp_filter=0", "net/ipv4/conf/default/rp_filter=0", "net/ipv4/ip_forward=1",
    "net/ipv6/conf/all/forwarding=1", "net/ipv6/conf/default/accept_dad=0",
)  # fmt: skip

UNDERLAY = """\
router bgp 6500{leaf}
 bgp router-id 10.0.0.{leaf}
 no bgp default ipv4-unicast
 neighbor up1 interface remote-as external
 neighbor up1 timers connect 1
 address-family ipv4 unicast
  network 10.0.0.{leaf}/32
  neighbor up1 activate
 exit-address-family
 address-family l2vpn evpn
  neighbor up1 activate
  advertise-all-vni
 exit-address-family
!
"""
OVERLAY = """\
router bgp 6500{leaf} vrf {vrf}
 bgp router-id 10.0.0.{leaf}
 no bgp default ipv4-unicast
 no bgp network import-check
 address-family ipv4 unicast
  network {prefix}
{lines} exit-address-family
 address-family l2vpn evpn
  rd 10.0.0.{leaf}:{vni}
  advertise ipv4 unicast
  route-target import 65000:{vni}
{imports}  route-target export 65000:{vni}
 exit-address-family
!
"""


def has_devices() -> bool:
    """Whether this kernel has VRF devices, and bridges that know VLANs."""
    space = f"cln-{secrets.token_hex(3)}-probe"
    run("ip", "netns", "add", space)
    try:
        tries = ("try1 type vrf table 7", "try2 type bridge vlan_filtering 1")
        command = ["ip", "-n", space, "link", "add"]
        return all(
            subprocess.run([*command, *words.split()], capture_output=True).returncode == 0
            for words in tries
        )
    finally:
        run("ip", "netns", "del", space)


@dataclass(frozen=True, slots=True)
class Pair:
    """How it is set up. `imports` are route targets beyond the VRF's own, and `lines` further lines
    of the IPv4 family, both by VRF of leaf 1; leaf 2 imports the same."""

    release: Release
    devices: bool = False
    single: bool = False
    one_mac: bool = False
    imports: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prefix: str = field(default_factory=lambda: f"cln-{secrets.token_hex(3)}-")

    @contextmanager
    def up(self) -> Iterator[Pair]:
        """Runs; nothing is left of it."""
        self.release.require()
        with swept(self.prefix, self.release.etc, self.release.run, Path(tempfile.gettempdir())):
            for leaf in LEAVES:
                self._spaces(leaf)
            cable = f"up1 mtu 9216 type veth peer name up1 mtu 9216 netns {self.name(2)}"
            run("ip", "-n", self.name(1), "link", "add", *cable.split())
            for leaf in LEAVES:
                for space, lines in self._set_up(leaf).items():
                    for tool, batch in lines.items():
                        text = "\n".join(batch) + "\n"
                        run(tool, "-n", space, "-batch", "-", stdin=text)
            for leaf in LEAVES:
                spaces = {vrf: self.name(leaf, vrf) for vrf in ([] if self.devices else VNIS)}
                start(self.release, self.name(leaf), self.config(leaf), spaces)
            load(self.release, map(self.name, LEAVES))
            yield self

    def name(self, leaf: int, vrf: str | None = None) -> str:
        """Namespace of a leaf, or where one of its VRFs is."""
        return f"{self.prefix}l{leaf}" + (f"-{vrf}" if vrf and not self.devices else "")

    def mac(self, leaf: int, vrf: str) -> str:
        """Router MAC."""
        return f"02:00:00:0{0 if self.one_mac else VNIS[vrf] - 5000}:00:0{leaf}"

    def prefix_of(self, leaf: int, vrf: str) -> str:
        """What a VRF announces at a leaf; its first address answers."""
        return f"10.{leaf}.{VNIS[vrf] - 5000}.0/24"

    def address(self, leaf: int, vrf: str) -> str:
        return self.prefix_of(leaf, vrf).replace(".0/24", ".1")

    def show(self, leaf: int, command: str) -> Any:
        """JSON answer of a leaf's daemons."""
        vtysh = self.release.command("vtysh", "-N", self.name(leaf))
        return json.loads(self.release.mended(run(*vtysh, "-c", f"{command} json")))

    def route(self, leaf: int, vrf: str, prefix: str) -> dict[str, Any] | None:
        """The route that zebra has selected, with all of its next hops."""
        entries = self.show(leaf, f"show ip route vrf {vrf}").get(prefix, [])
        return next((entry for entry in entries if entry.get("selected")), None)

    def in_kernel(self, leaf: int, vrf: str, prefix: str) -> str:
        """The kernel's words for a route; empty when there is none."""
        which = ["vrf", vrf] if self.devices else []
        return run("ip", "-n", self.name(leaf, vrf), "route", "show", prefix, *which).strip()

    def neighbours(self, leaf: int, vrf: str, vtep: str) -> list[str]:
        """Router MACs under which a VRF sends to a VTEP, whatever its devices."""
        table = run("ip", "-n", self.name(leaf, vrf), "neigh", "show", "to", vtep).splitlines()
        number, words = VNIS[vrf], [line.split() for line in table]
        return [
            w[w.index("lladdr") + 1]
            for w in words
            if w[2] in (f"br{number}", f"vlan{number - 4500}")
        ]

    def heard(self, leaf: int, vrf: str) -> set[str]:
        """Router MACs of others that zebra knows in a VRF's VNI."""
        known = self.show(leaf, "show evpn rmac vni all").get(str(VNIS[vrf]), {})
        return {mac for mac in known if ":" in mac}

    def answers(self, leaf: int, vrf: str, target: str) -> bool:
        """Whether a ping out of a VRF is answered."""
        inside = ["ip", "vrf", "exec", vrf] if self.devices else []
        source = ["-I", self.address(leaf, vrf)]
        ping = [*inside, "ping", "-c", "1", "-W", "2", *source, target]
        space = ["ip", "netns", "exec", self.name(leaf, vrf)]
        return subprocess.run([*space, *ping], capture_output=True).returncode == 0

    def _spaces(self, leaf: int) -> None:
        """Namespaces, with their switches."""
        for space in {self.name(leaf), *(self.name(leaf, vrf) for vrf in VNIS)}:
            run("ip", "netns", "add", space)
            text = "".join(f"{switch}\n" for switch in SWITCHES)
            run("ip", "netns", "exec", space, "sysctl", "-q", "-p", "-", stdin=text)
            run("ip", "-n", space, "link", "set", "lo", "up")

    def _set_up(self, leaf: int) -> dict[str, dict[str, list[str]]]:
        """Lines for `ip` and `bridge` by namespace."""
        out: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        own, loopback = out[self.name(leaf)], f"10.0.0.{leaf}"
        own["ip"] += ["link set up1 up", f"addr add {loopback}/32 dev lo"]
        if self.single:
            own["ip"] += [
                "link add br0 type bridge stp_state 0 vlan_filtering 1 vlan_default_pvid 0",
                "link add vxlan0 mtu 9100 type vxlan dstport 4789 "
                f"local {loopback} nolearning external vnifilter",
                "link set vxlan0 master br0 addrgenmode none",
                "link set br0 up",
                "link set vxlan0 up",
            ]
            own["bridge"].append(
                "link set dev vxlan0 vlan_tunnel on neigh_suppress on learning off"
            )
        for vrf, vni in VNIS.items():
            there, mac, vlan = out[self.name(leaf, vrf)], self.mac(leaf, vrf), vni - 4500
            if self.devices:
                own["ip"] += [f"link add {vrf} type vrf table {vni}", f"link set {vrf} up"]
            if self.single:
                own["ip"] += [
                    f"link add vlan{vlan} address {mac} mtu 9100 link br0 type vlan id {vlan}",
                    f"link set vlan{vlan} master {vrf}",
                    f"link set vlan{vlan} up",
                ]
                own["bridge"] += [
                    f"vlan add dev vxlan0 vid {vlan}",
                    f"vlan add dev vxlan0 vid {vlan} tunnel_info id {vni}",
                    f"vni add dev vxlan0 vni {vni}",
                    f"vlan add dev br0 vid {vlan} self",
                ]
            else:
                own["ip"].append(
                    f"link add vni{vni} mtu 9100 type vxlan id {vni} local {loopback} "
                    "dstport 4789 nolearning"
                )
                if not self.devices:
                    own["ip"].append(f"link set vni{vni} netns {self.name(leaf, vrf)}")
                there["ip"] += [
                    f"link add br{vni} address {mac} mtu 9100 type bridge stp_state 0",
                    *([f"link set br{vni} master {vrf}"] if self.devices else []),
                    f"link set vni{vni} master br{vni}",
                    f"link set vni{vni} type bridge_slave learning off neigh_suppress on",
                    f"link set vni{vni} up",
                    f"link set br{vni} up",
                ]
            device = vrf if self.devices else "lo"
            there["ip"].append(f"addr add {self.address(leaf, vrf)}/32 dev {device}")
        return out

    def config(self, leaf: int) -> str:
        """`frr.conf` of a leaf."""
        text = "frr defaults datacenter\n"
        text += "".join(f"vrf {vrf}\n vni {vni}\nexit-vrf\n" for vrf, vni in VNIS.items())
        text += UNDERLAY.format(leaf=leaf)
        for vrf, vni in VNIS.items():
            lines = self.lines.get(vrf, ()) if leaf == 1 else ()
            more = self.imports.get(vrf)
            text += OVERLAY.format(
                leaf=leaf,
                vrf=vrf,
                vni=vni,
                prefix=self.prefix_of(leaf, vrf),
                lines="".join(f"  {line}\n" for line in lines),
                imports=f"  route-target import {more}\n" if more else "",
            )
        return text
