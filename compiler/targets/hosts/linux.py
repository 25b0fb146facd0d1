"""linux: one `NODE.sh` per BGP speaker, which makes a Linux machine that node before FRR starts.

    sh NODE.sh        # once after a boot, as root; it ends at the first thing that it cannot do

One script, because operators and tests run the same thing as it is: switches go to `sysctl -p -`,
devices to `ip -batch -`, which takes a thousand lines a second where a process per line takes a
dozen. What they read is in here-documents with a quoted end: the shell looks at no word of it. Of
the words of these lines only names of ports may be a stranger's; such that are no names of Linux
interfaces are refused.

What is set up (the kernel's Documentation/networking/vrf.rst, FRR's user guide):

1. The loopback address; ports up, with a larger MTU than tunnels.
2. Per VRF a device `vrf<VNI>` with a table of its own that ends in *unreachable*: what a VRF does
   not know is never looked up in the underlay, whose local addresses are looked up last.
3. Per VNI an interface `br<VNI>` in its VRF, whose address is the router MAC, and VXLAN devices
   that learn nothing and ask no neighbours: one per VNI in the format `linux`, a single one in
   `linux10`, which goes with `frr10` (`vxlan_devices`).

Cables are not set up, nor the ports to hosts and what is behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from compiler.program.program import Program
from compiler.targets.hosts.port_names import ports_of
from compiler.targets.hosts.vxlan_devices import Documents, per_vni, single
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic
from fabric.io.visible import visible
from fabric.wiring.topology import Role

PORT_MTU = 9216
END = 4278198272
"""Metric of a table's end: whatever else there is wins (vrf.rst; FRR reads distance 255)."""
RESERVED, PAST_VNIS = 256, 1 << 24
"""Tables below are the kernel's own; no VNI has 25 bits."""
SWITCHES = (
    "net/ipv4/ip_forward = 1",
    "net/ipv4/conf/all/rp_filter = 0",
    "net/ipv4/conf/default/rp_filter = 0",
    "net/ipv4/fib_multipath_hash_policy = 1",
    "net/ipv6/conf/all/forwarding = 1",
    "net/ipv6/fib_multipath_hash_policy = 1",
)


Tunnels = Callable[[Network, int, Sequence[int]], Documents]
"""The VXLAN devices of a node with these VRFs."""


@dataclass(frozen=True, slots=True)
class Linux:
    """The format with one form of VXLAN devices."""

    tunnels: Tunnels

    def nodes(self, program: Program) -> tuple[int, ...]:
        """Who gets a file: every BGP speaker, spines included."""
        return tuple(n.index for n in program.network.fabric.nodes if n.role is not Role.HOST)

    def render(self, program: Program, node: int, /) -> str:
        """The script of one node."""
        return script(program.network, node, self.tunnels)

    def remarks(self, program: Program) -> tuple[Diagnostic, ...]:
        """Nothing: the kernel does what these files say."""
        return ()


def with_devices_per_vni() -> Linux:
    """The format `linux`."""
    return Linux(per_vni)


def with_a_single_device() -> Linux:
    """The format `linux10`."""
    return Linux(single)


def script(network: Network, node: int, tunnels: Tunnels = per_vni) -> str:
    """As `Linux.render`; policies do not matter here. `InputError` C869 where a port's name is none
    of a Linux interface."""
    vrfs = network.plan.vrfs_at(node)
    ports = sorted(ports_of(network, node))
    switches = [*SWITCHES, *(f"net/ipv4/conf/{p}/rp_filter = 0" for p in ports)]
    lines = [*_underlay(network, node, ports), *_vrfs(network, vrfs)]
    devices = tunnels(network, node, vrfs)
    form = " with a single VXLAN device" if tunnels is single else ""
    out = [
        "#!/bin/sh",
        f"# {network.fabric.nodes[node].name}  set-up{form} of fabric {network.spec.name}",
        "# Ports to hosts, and routes to what is behind them, are not set up here.",
        "set -eu",
        *_document("sysctl -q -p -", switches),
    ]
    for command, more in devices.items():
        out += _document(f"{command} -batch -", [*lines, *more] if command == "ip" else more)
    out += _document("ip -6 -batch -", LOCAL_LAST if vrfs else ())
    return "".join(f"{visible(line)}\n" for line in out)


LOCAL_LAST = ("rule add pref 32765 table local", "rule del pref 0")
"""A VRF's own table comes before local addresses of the underlay (vrf.rst)."""


def _document(command: str, lines: Iterable[str]) -> Iterator[str]:
    """A command and what it reads; no line of ours is the end."""
    if found := [*lines]:
        yield from (f"{command} <<'END'", *found, "END")


def _underlay(network: Network, node: int, ports: Iterable[str]) -> Iterator[str]:
    yield "link set lo up"
    yield f"addr add {network.plan.vtep(node)}/32 dev lo"
    for port in ports:
        yield f"link set {port} mtu {PORT_MTU} up"


def table(vni: int) -> int:
    """The number of a VRF's table: its VNI, where the kernel has no table of that number."""
    return vni if vni >= RESERVED else PAST_VNIS + vni


def _vrfs(network: Network, vrfs: Sequence[int]) -> Iterator[str]:
    if vrfs:
        yield from LOCAL_LAST
    for vrf in vrfs:
        vni = network.vrfs[vrf].vni
        yield f"# vrf{vni} is {network.vrfs[vrf].name}"
        yield f"link add vrf{vni} type vrf table {table(vni)}"
        yield f"link set vrf{vni} up"
        for everything in ("0.0.0.0/0", "::/0"):
            yield f"route add unreachable {everything} table {table(vni)} metric {END}"
