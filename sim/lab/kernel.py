"""Netlink, one namespace at a time: what pyroute2 calls look like for the few things a lab needs.

Everything is static: permanent neighbours, no duplicate address detection, no learning. `Spaces`
holds one socket per namespace and must be closed.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from socket import AF_INET, AF_INET6
from typing import Any

from fabric.diagnostics import MachineError
from sim.lab.layout import Hop, RouteLine

NODAD = 2
PERMANENT = 0x80
SYSCTLS = {
    "ipv4/ip_forward": 1,
    "ipv4/conf/all/rp_filter": 0,
    "ipv4/conf/default/rp_filter": 0,
    "ipv4/fib_multipath_hash_policy": 1,
    "ipv6/conf/all/forwarding": 1,
    "ipv6/conf/default/forwarding": 1,
    "ipv6/conf/default/accept_dad": 0,
    "ipv6/conf/default/accept_ra": 0,
    "ipv6/conf/default/router_solicitations": 0,
    "ipv6/fib_multipath_hash_policy": 1,
}
PLAIN = {"ipv6/conf/default/disable_ipv6": 1}
"""For the hosts' side, which must not say anything of its own accord."""


class Spaces:
    """Namespaces that exist, with a netlink socket to each that is used."""

    def __init__(self) -> None:
        self._sockets: dict[str, Any] = {}
        self._index: dict[tuple[str, str], int] = {}

    def __enter__(self) -> Spaces:
        return self

    def __exit__(self, *_: object) -> None:
        for socket in self._sockets.values():
            socket.close()
        self._sockets.clear()

    def socket(self, space: str) -> Any:
        """The netlink socket of a namespace."""
        from pyroute2.iproute.linux import IPRoute

        if space not in self._sockets:
            with inside(space):
                self._sockets[space] = IPRoute()
        return self._sockets[space]

    def index(self, space: str, device: str) -> int:
        """Interface index."""
        if (space, device) not in self._index:
            found = self.socket(space).link_lookup(ifname=device)
            if not found:
                raise MachineError(f"{device} has gone from {space}: another lab, or another hand")
            self._index[space, device] = found[0]
        return self._index[space, device]

    def cable(self, a: str, a_device: str, a_mac: str, b: str, b_device: str, b_mac: str) -> None:
        """A veth pair across two namespaces, both ends up."""
        self.socket(a).link(
            "add",
            ifname=a_device,
            kind="veth",
            address=a_mac,
            mtu=9216,
            peer={"ifname": b_device, "net_ns_fd": b, "address": b_mac, "mtu": 9216},
        )
        for space, device in ((a, a_device), (b, b_device)):
            self.up(space, device)

    def tunnel(self, space: str, device: str, vni: int, local: str, address: str) -> None:
        """A VXLAN device without learning, not up yet."""
        self.socket(space).link(
            "add",
            ifname=device,
            kind="vxlan",
            vxlan_id=vni,
            vxlan_local=local,
            vxlan_port=4789,
            vxlan_learning=False,
            address=address,
            mtu=9100,
        )

    def move(self, space: str, device: str, to: str) -> None:
        """Put a device into another namespace."""
        self.socket(space).link("set", index=self.index(space, device), net_ns_fd=to)
        del self._index[space, device]

    def vrf(self, space: str, device: str, table: int) -> None:
        """A VRF device."""
        self.socket(space).link("add", ifname=device, kind="vrf", vrf_table=table)
        self.up(space, device)

    def enslave(self, space: str, device: str, master: str) -> None:
        """Put a device below another; it forgets its addresses, so do this before it is up."""
        index, above = self.index(space, device), self.index(space, master)
        self.socket(space).link("set", index=index, master=above)

    def up(self, space: str, device: str) -> None:
        """Bring a device up."""
        self.socket(space).link("set", index=self.index(space, device), state="up")

    def address(self, space: str, device: str, address: str) -> None:
        """Give a device an address, as `address/length`."""
        ip, _, length = address.partition("/")
        self.socket(space).addr(
            "add",
            index=self.index(space, device),
            address=ip,
            prefixlen=int(length),
            flags=NODAD if ":" in ip else 0,
        )

    def neighbour(self, space: str, device: str, address: str, mac: str) -> None:
        """A permanent neighbour."""
        self.socket(space).neigh(
            "add",
            family=AF_INET6,
            ifindex=self.index(space, device),
            dst=address,
            lladdr=mac,
            state=PERMANENT,
        )

    def behind(self, space: str, device: str, mac: str, vtep: str) -> None:
        """Behind which VTEP a MAC lives."""
        self.socket(space).fdb("add", ifindex=self.index(space, device), lladdr=mac, dst=vtep)

    def route(self, space: str, line: RouteLine) -> None:
        """A route of either family over link-local next hops; without any, unreachable."""
        six = line.prefix.version == 6
        how: dict[str, Any] = {"family": AF_INET6 if six else AF_INET, "table": line.table}
        ways = [self._way(space, hop, six) for hop in line.hops]
        if not ways:
            how["type"] = "unreachable"
        elif len(ways) == 1:
            how |= ways[0]
        else:
            shares = (hop.weight - 1 for hop in line.hops)
            how["multipath"] = [
                way | {"hops": share} for way, share in zip(ways, shares, strict=True)
            ]
        self.socket(space).route("add", dst=str(line.prefix), **how)

    def _way(self, space: str, hop: Hop, six: bool) -> dict[str, Any]:
        oif = self.index(space, hop.device)
        if six:
            return {"gateway": hop.gateway, "oif": oif}
        return {"via": {"family": AF_INET6, "addr": hop.gateway}, "oif": oif}

    def unreachable(self, space: str, table: int) -> None:
        """End a table: what it does not know goes nowhere."""
        for family, everything in ((AF_INET, "0.0.0.0/0"), (AF_INET6, "::/0")):
            self.socket(space).route(
                "add",
                family=family,
                dst=str(ip_network(everything)),
                type="unreachable",
                table=table,
                priority=0xFFFF_0000,
            )

    def rule(self, space: str, device: str, table: int) -> None:
        """Packets that came in by a device look into a table and nowhere else."""
        for family in (AF_INET, AF_INET6):
            self.socket(space).rule("add", family=family, priority=100, iifname=device, table=table)


@contextmanager
def inside(space: str) -> Iterator[None]:
    """Run in a namespace: sockets and processes made here belong to it."""
    from pyroute2 import netns

    netns.pushns(space)
    try:
        yield
    finally:
        netns.popns()


def create(space: str, sysctls: dict[str, int]) -> None:
    """A namespace with its switches set and its loopback up."""
    from pyroute2 import netns
    from pyroute2.iproute.linux import IPRoute

    netns.create(space)
    with inside(space):
        for name, value in sysctls.items():
            path = Path("/proc/sys/net", name)
            if path.exists():
                path.write_text(str(value))
        with IPRoute() as socket:
            socket.link("set", index=1, state="up")


def remove(space: str) -> None:
    """Remove a namespace with all that is in it; nothing happens when there is none."""
    from pyroute2 import netns

    try:
        netns.remove(space)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EINVAL):
            raise


def nft(space: str, ruleset: str) -> None:
    """Load a ruleset in a namespace, whole or not at all."""
    with inside(space):
        done = subprocess.run(
            [tool("nft"), "-f", "-"], input=ruleset, text=True, capture_output=True
        )
    if done.returncode:
        first = (done.stderr.strip().splitlines() or ["no message"])[0]
        raise MachineError(f"nft refuses the rules of {space}: {first}")


def abilities(space: str) -> tuple[bool, bool]:
    """Whether this kernel has VRF devices, and whether nft can filter IP here (some kernels only
    have it for bridges); tried in a namespace that is gone afterwards."""
    from pyroute2.iproute.linux import IPRoute
    from pyroute2.netlink.exceptions import NetlinkError

    vrf_devices = rules = True
    create(space, {})
    try:
        with inside(space), IPRoute() as socket:
            socket.link("add", ifname="probe", kind="vrf", vrf_table=1)
    except NetlinkError:
        vrf_devices = False
    try:
        nft(space, "table inet probe {\n}\n")
    except MachineError:
        rules = False
    remove(space)
    return vrf_devices, rules


@contextmanager
def willing() -> Iterator[None]:
    """What the kernel refuses becomes a MachineError."""
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        yield
    except (NetlinkError, PermissionError) as error:
        raise MachineError(f"this kernel, or this container, refuses: {error}") from error


def require() -> None:
    """MachineError unless namespaces can be made and nft runs here."""
    if os.geteuid() != 0:
        raise MachineError("a lab needs root: it makes network namespaces (sudo cloison lab …)")
    tool("nft")


def tool(name: str) -> str:
    """The path of a program, or MachineError."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise MachineError(f"{name} is not installed (Debian: apt-get install nftables)")
    return path


def existing() -> set[str]:
    """Names of all namespaces."""
    from pyroute2 import netns

    return set(netns.listnetns())
