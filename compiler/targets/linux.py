"""linux: one `NODE.sh` per BGP speaker, which makes a Linux machine that node before FRR starts.

    sh NODE.sh        # once after a boot, as root; it ends at the first thing that it cannot do

One script, because operators and tests run the same thing as it is: switches go to `sysctl -p -`,
devices to `ip -batch -`, which takes a thousand lines a second where a process per line takes a
dozen. What they read is in here-documents with a quoted end: the shell looks at no word of it. Of
the words of these lines only names of ports may be a stranger's; such that are no names of Linux
interfaces are refused.

What is set up is FRR's own recipe for symmetric routing with a device per VNI (its user guide,
EVPN), and the kernel's for VRFs (Documentation/networking/vrf.rst):

1. The loopback address; ports up, with a larger MTU than tunnels.
2. Per VRF a device `vrf<VNI>` with a table of its own that ends in *unreachable*: what a VRF does
   not know is never looked up in the underlay, whose local addresses are looked up last.
3. Per VNI a bridge `br<VNI>` in its VRF, whose address is the router MAC, and in it the VXLAN
   device `vni<VNI>`, which learns nothing and asks no neighbours.

Cables are not set up, nor the ports to hosts and what is behind them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from compiler.program.program import Program
from fabric.diagnostics import Diagnostic, InputError
from fabric.io.visible import visible
from fabric.network import Network
from fabric.topology import Role

PORT_MTU, TUNNEL_MTU = 9216, 9100
END = 4278198272
"""Metric of a table's end: whatever else there is wins (vrf.rst; FRR reads distance 255)."""
RESERVED, PAST_VNIS = 256, 1 << 24
"""Tables below are the kernel's own; no VNI has 25 bits."""
DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}")
SWITCHES = (
    "net/ipv4/ip_forward = 1",
    "net/ipv4/conf/all/rp_filter = 0",
    "net/ipv4/conf/default/rp_filter = 0",
    "net/ipv4/fib_multipath_hash_policy = 1",
    "net/ipv6/conf/all/forwarding = 1",
    "net/ipv6/fib_multipath_hash_policy = 1",
)


def nodes(program: Program) -> tuple[int, ...]:
    """Who gets a file: every BGP speaker, spines included."""
    return tuple(n.index for n in program.network.fabric.nodes if n.role is not Role.HOST)


def remarks(program: Program) -> tuple[Diagnostic, ...]:
    """Nothing: the kernel does what these files say."""
    return ()


def render(program: Program, node: int) -> str:
    """The script of one node."""
    return script(program.network, node)


def script(network: Network, node: int) -> str:
    """As `render`; policies do not matter here. `InputError` C869 where a port's name is none of a
    Linux interface."""
    vrfs = [vrf for vtep, vrf in network.plan.instances if vtep == node]
    ports = sorted(ports_of(network, node))
    lines = [
        "#!/bin/sh",
        f"# {network.fabric.nodes[node].name}  set-up of fabric {network.spec.name}, before FRR",
        "# Ports to hosts, and routes to what is behind them, are not set up here.",
        "set -eu",
        *_document(
            "sysctl -q -p -", [*SWITCHES, *(f"net/ipv4/conf/{p}/rp_filter = 0" for p in ports)]
        ),
        *_document(
            "ip -batch -", [*_underlay(network, node, ports), *_tunnels(network, node, vrfs)]
        ),
    ]
    if vrfs:
        lines += _document("ip -6 -batch -", LOCAL_LAST)
    return "".join(f"{visible(line)}\n" for line in lines)


def ports_of(network: Network, node: int) -> Iterator[str]:
    """The ports of a node that lead to other speakers."""
    for link in network.fabric.links:
        for end, port in ((link.a, link.a_port), (link.b, link.b_port)):
            if end == node and link.kind != "host":
                if not DEVICE.fullmatch(port):
                    name = network.fabric.nodes[node].name
                    message = f'"{port}", a port of {name}, is no name of a Linux interface'
                    raise InputError(
                        Diagnostic("C869", message, None, "15 of a-z, 0-9, dot, dash, underline")
                    )
                yield port


LOCAL_LAST = ("rule add pref 32765 table local", "rule del pref 0")
"""A VRF's own table comes before local addresses of the underlay (vrf.rst)."""


def _document(command: str, lines: Iterable[str]) -> Iterator[str]:
    """A command and what it reads; no line of ours is the end."""
    yield f"{command} <<'END'"
    yield from lines
    yield "END"


def _underlay(network: Network, node: int, ports: Iterable[str]) -> Iterator[str]:
    yield "link set lo up"
    yield f"addr add {network.plan.vtep(node)}/32 dev lo"
    for port in ports:
        yield f"link set {port} mtu {PORT_MTU} up"


def table(vni: int) -> int:
    """The number of a VRF's table: its VNI, where the kernel has no table of that number."""
    return vni if vni >= RESERVED else PAST_VNIS + vni


def _tunnels(network: Network, node: int, vrfs: list[int]) -> Iterator[str]:
    if vrfs:
        yield from LOCAL_LAST
    for vrf in vrfs:
        vni, loopback = network.vrfs[vrf].vni, network.plan.vtep(node)
        yield f"# vrf{vni} is {network.vrfs[vrf].name}"
        yield f"link add vrf{vni} type vrf table {table(vni)}"
        yield f"link set vrf{vni} up"
        for everything in ("0.0.0.0/0", "::/0"):
            yield f"route add unreachable {everything} table {table(vni)} metric {END}"
        mac = network.plan.router_mac[node, vrf]
        yield f"link add br{vni} address {mac} mtu {TUNNEL_MTU} type bridge stp_state 0"
        yield f"link set br{vni} master vrf{vni} addrgenmode none"
        yield (
            f"link add vni{vni} mtu {TUNNEL_MTU} type vxlan id {vni} local {loopback} "
            "dstport 4789 nolearning"
        )
        yield f"link set vni{vni} master br{vni} addrgenmode none"
        yield f"link set vni{vni} type bridge_slave learning off neigh_suppress on"
        yield f"link set vni{vni} up"
        yield f"link set br{vni} up"
