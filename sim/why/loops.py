"""Where cables lead from one VTEP to another and BGP does not: the AS numbers that are in the way.

A node drops a path that holds its own AS number (RFC 4271 §9.1.2), and a session needs two
different ones. The spines of a site share a number (RFC 7938 §5.2), so a path down and up again is
lost; numbers that are pinned alike lose more. Only the best path is announced, so another one that
would do is not heard of.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fabric.wiring.topology import Role

if TYPE_CHECKING:
    from fabric.building.network import Network
    from fabric.diagnostics import Span


@dataclass(frozen=True, slots=True)
class Loop:
    """Nodes on a way along cables that share an AS number; `span` is what gives it to them."""

    way: tuple[str, ...]
    nodes: tuple[str, ...]
    asn: int
    span: Span | None


def loop(network: Network, here: int, there: int) -> Loop | None:
    """Where a path to `there` ends on its way to `here`, and whose number ends it."""
    found = border(network, here, there)
    if found is None:
        return None
    way, drops, asn = found
    names, numbers = network.fabric.nodes, network.plan.asn
    alike = [n for n in way if numbers[n] == asn and n != drops]
    nodes = tuple(names[n].name for n in (drops, *alike))
    return Loop(tuple(names[n].name for n in way), nodes, asn, place(network, nodes))


def border(network: Network, here: int, there: int) -> tuple[list[int], int, int] | None:
    """From `here` over cables to the first node that drops what its neighbour knows about `there`:
    the whole way, that node, and its AS number."""
    fabric, underlay, asn = network.fabric, network.underlay, network.plan.asn
    beside: dict[int, list[int]] = {}
    for link in fabric.links:
        if link.kind != "host" and link.index not in fabric.down_links | fabric.down_sessions:
            beside.setdefault(link.a, []).append(link.b)
            beside.setdefault(link.b, []).append(link.a)
    came, waiting = {here: here}, deque([here])
    while waiting:
        node = waiting.popleft()
        for other in sorted(beside.get(node, ())):
            if other in came or {node, other} & {*fabric.down_nodes}:
                continue
            if fabric.nodes[other].role is Role.DPU and other != there:
                continue
            if underlay.reachable(other, there):
                path = [other, *down_to(network, other, there)]
                if asn[node] in {asn[n] for n in path}:
                    return [*back(came, node), *path], node, asn[node]
                continue
            came[other] = node
            waiting.append(other)
    return None


def down_to(network: Network, node: int, there: int) -> list[int]:
    """The best path from a node, which comes first no more."""
    out = []
    while node != there:
        node = network.underlay.parent(node, there)
        out.append(node)
    return out


def back(came: dict[int, int], node: int) -> list[int]:
    """The way from the start of a search to a node."""
    way = [node]
    while came[way[-1]] != way[-1]:
        way.append(came[way[-1]])
    return way[::-1]


def place(network: Network, nodes: tuple[str, ...]) -> Span | None:
    """The pin that gives one of the nodes its number, else the site's wiring."""
    spec = network.spec
    for name in reversed(nodes):
        tier = f"{name.rstrip('0123456789')}s"
        for key in (name, tier):
            if key in spec.pins.asn:
                return spec.at("pins", "asn", key)
    return spec.at_key("sites", network.fabric.node(nodes[-1]).site)
