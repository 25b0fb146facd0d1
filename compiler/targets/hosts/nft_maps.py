"""Maps of nftables: what a VTEP's routes say about an address.

For each VRF v and IP version n, `there<n>_<v>` says behind which VRF an address lies as a
destination, `own<n>_<v>` as a source on this VTEP, and `tunnel<n>_<v>`, by the inner source MAC, as
one behind each other VTEP. Values are marks: `MARK | VRF number`.
Source: nft(8).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from fabric.building.network import Network
from fabric.control import fib
from fabric.values.inventory import Vrf

Span = tuple[int, int]
MARK = 0x10000
FAMILIES = ((4, "ip", "ipv4"), (6, "ip6", "ipv6"))


def tunnel_mac(network: Network, vtep: int, vrf: int) -> str:
    """The MAC of a VTEP's tunnel into a VRF: the router MAC of its instance, or, when it only
    sends there, of its first instance."""
    known, instances = network.plan.router_mac, network.plan.instances
    return known.get((vtep, vrf)) or known[instances[bisect_left(instances, (vtep, 0))]]


def maps(network: Network, node: int, vrf: Vrf) -> Iterator[str]:
    """What the routes of an instance say about an address: behind which VRF it lies as a
    destination (`there`), as a source on this VTEP (`own`) and as one behind each other VTEP."""
    for version, _, kind in FAMILIES:
        found = [*fib.ranges(network.fib, node, vrf.index, version)]
        there, own, tunnel = _far(network, node, vrf, {number for _, number in found})
        for name, at in (("there", there), ("own", own)):
            rows = ((span, at[number]) for span, number in found if number in at)
            elements = [f"{span_text(version, *span)} : {mark_of(v)}" for span, v in _joined(rows)]
            yield from _map(f"{name}{version}_{vrf.index}", f"{kind}_addr", elements)
        elements = [
            f"{mac} . {span_text(version, *span)} : {mark}"
            for span, number in found
            for mac, mark in tunnel[number]
        ]
        yield from _map(f"tunnel{version}_{vrf.index}", f"ether_addr . {kind}_addr", elements)


def _far(
    network: Network, node: int, vrf: Vrf, numbers: Iterable[int]
) -> tuple[dict[int, int], dict[int, int], dict[int, list[tuple[str, str]]]]:
    """By next-hop set, behind which VRF an address lies: as a destination, as a source on this
    VTEP, and, as a mark, as one behind the tunnel MAC of each other VTEP."""
    there: dict[int, int] = {}
    own: dict[int, int] = {}
    tunnel: dict[int, list[tuple[str, str]]] = {}
    for number in numbers:
        hops = network.fib.nexthop_sets[number]
        there[number] = hops[0].vrf
        macs: dict[str, str] = {}
        for hop in reversed(hops):
            if hop.vtep == node:
                own[number] = hop.vrf
            else:
                macs[tunnel_mac(network, hop.vtep, vrf.index)] = mark_of(hop.vrf)
        tunnel[number] = [*macs.items()]
    return there, own, tunnel


def _joined(found: Iterable[tuple[Span, int]]) -> Iterator[tuple[Span, int]]:
    """Neighbouring ranges with one value as one range; ranges come sorted."""
    held: tuple[Span, int] | None = None
    for (low, high), value in found:
        if held and held[1] == value and held[0][1] + 1 == low:
            held = (held[0][0], high), value
            continue
        if held:
            yield held
        held = (low, high), value
    if held:
        yield held


def _map(name: str, key: str, elements: Sequence[str]) -> Iterator[str]:
    yield f"\tmap {name} {{"
    yield f"\t\ttype {key} : mark"
    yield "\t\tflags interval"
    if elements:
        yield f"\t\telements = {{ {f',{chr(10)}{chr(9) * 4}'.join(elements)} }}"
    yield "\t}"


def mark_of(vrf: int) -> str:
    return f"{MARK | vrf:#x}"


@lru_cache(2**17)
def span_text(version: int, low: int, high: int) -> str:
    """A range of addresses, or one."""
    kind = IPv4Address if version == 4 else IPv6Address
    return str(kind(low)) if low == high else f"{kind(low)}-{kind(high)}"
