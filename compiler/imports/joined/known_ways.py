"""Between which devices the way is known: every shortest path runs over sessions that are definite.

What nobody knows is taken to be one node, which is next to whoever has a session that leads to it,
hands on everything, and is the best way wherever it might be. Rules that hold here:

1. A switch without configuration that the file does not call transit, one of whose configuration
   not all is known that decides about routes, and one that filters what it forwards, are that node.
2. A path through it is as long as from both ends to the nearest place where it begins, at least.
   The way between two devices is known where the one over definite sessions is shorter: as AS paths
   are compared, nothing that comes from elsewhere is used then, nor beside it.
3. DPUs hand on nothing but their own address. So one that is not known is no way for others; but
   it may announce routes of its own, to whoever is connected with it.
4. Who is not reached over definite sessions is not reached, if nothing leads from either end to
   what nobody knows.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compiler.imports.device_facts import DEFAULT_VRF, Device
from compiler.imports.joined.device_places import DevicePlaces
from compiler.imports.joined.peer_sessions import PeerSessions
from fabric.control.underlay import Underlay
from fabric.wiring.topology import Fabric, Link, Role

FAR = 1 << 14
"""Farther than any path is long."""


@dataclass(frozen=True, slots=True)
class KnownWays:
    """`links` are those over which there is a session; `exit` is how far each node is from what
    nobody knows (`FAR`: nothing leads there), `why` says of nodes what that is. `hears` has the
    nodes that may have routes of it, with why, and `begins` those next to it."""

    links: tuple[Link, ...]
    exit: NDArray[np.int32]
    why: dict[int, str]
    hears: dict[int, str]
    begins: frozenset[int]

    def doubtful(self, ends: Iterable[int], underlay: Underlay) -> set[int]:
        """Nodes of `ends` such that each pair whose way is not known has one of them (rule 2)."""
        nodes = np.array(sorted(set(ends)), np.int64)
        if not len(nodes) or (self.exit[nodes] >= FAR).all():
            return set()
        far = self.exit[nodes]
        lengths = underlay.lengths(nodes[:, None], nodes).astype(np.int32)
        unknown = (far[:, None] + far <= lengths) | ((lengths < 0) & (far < FAR))
        unknown |= unknown.T
        np.fill_diagonal(unknown, False)
        nearer = unknown & (far[:, None] <= far)
        return {int(node) for node in nodes[nearer.any(axis=1)]}


def known_ways(places: DevicePlaces, sessions: PeerSessions) -> KnownWays:
    """The sessions of a site, and how near what nobody knows is to everybody."""
    fabric = places.fabric
    links = tuple(link for link in fabric.links if carries(link, places, sessions))
    begin: dict[int, tuple[int, str]] = {}
    for node in places.unknown:
        if fabric.nodes[node].role is not Role.DPU:
            begin[node] = 0, f"the configuration of {fabric.nodes[node].name} is not given"
    for number, device in enumerate(places.devices):
        node = places.node_of[number]
        why = not_known_of(device)
        if why and fabric.nodes[node].role is not Role.DPU:
            begin.setdefault(node, (0, f"{device.name}: {why}"))
        elif why:
            begin.setdefault(node, (1, f"{device.name}: {why}"))
    for node, (why, _) in sessions.undecided.items():
        begin.setdefault(node, (1, why))
    near = neighbours(links)
    exit_, why_ = distances(fabric, near, begin)
    silent = {
        node: f"the configuration of {fabric.nodes[node].name} is not given"
        for node in sorted(places.unknown)
        if fabric.nodes[node].role is Role.DPU
    }
    heard = flooded(fabric, near, {n: why_[n] for n in sorted(begin)}, silent)
    beside = {other for node in silent for other in near.get(node, ())}
    return KnownWays(links, exit_, why_, heard, frozenset((*begin, *beside)))


def neighbours(links: Iterable[Link]) -> dict[int, list[int]]:
    """The nodes at the other ends of each node's sessions."""
    near: dict[int, list[int]] = defaultdict(list)
    for link in links:
        if link.kind != "host":
            near[link.a].append(link.b)
            near[link.b].append(link.a)
    return near


def flooded(
    fabric: Fabric, near: dict[int, list[int]], begin: dict[int, str], silent: dict[int, str]
) -> dict[int, str]:
    """Whom routes come to that begin at some nodes, or at DPUs that are not given, each with why
    these do (rule 3)."""
    out = begin | silent
    waiting = deque(out)
    while waiting:
        node = waiting.popleft()
        if fabric.nodes[node].role is Role.DPU and node not in silent:
            continue
        for other in near.get(node, ()):
            if other not in out:
                out[other] = out[node]
                waiting.append(other)
    return out


def carries(link: Link, places: DevicePlaces, sessions: PeerSessions) -> bool:
    """Whether there is a session over a cable: a definite one, or one between nodes without
    configurations."""
    if link.kind == "host":
        return True
    given = [node for node in (link.a, link.b) if node in places.device_at]
    if not given:
        return True
    return link.index in sessions.definite


def not_known_of(device: Device) -> str:
    """What of a device is not known and may decide where packets of the underlay go."""
    for one in device.unknowns:
        if one.about != "acl" and one.vrf in ("", DEFAULT_VRF) and not one.interface:
            return one.what or one.kind
    for binding in device.bindings:
        at = device.interface(binding.interface)
        outer = not binding.interface and binding.vrf in ("", DEFAULT_VRF)
        if not binding.control and (outer or (at is not None and is_uplink(device, at.name))):
            return f"list {binding.acl} is asked about what it forwards"
    return ""


def is_uplink(device: Device, interface: str) -> bool:
    """Whether a session of the global table runs over an interface."""
    return any(s.vrf == DEFAULT_VRF and s.peer == interface for s in device.sessions)


def distances(
    fabric: Fabric, near: dict[int, list[int]], begin: dict[int, tuple[int, str]]
) -> tuple[NDArray[np.int32], dict[int, str]]:
    """Rules 2 and 3: how far every node is from what nobody knows, and what that is."""
    out = np.full(len(fabric.nodes), FAR, np.int32)
    why: dict[int, str] = {}
    waiting = deque(sorted((far, node) for node, (far, _) in begin.items()))
    for node, (far, text) in begin.items():
        out[node], why[node] = far, text
    while waiting:
        far, node = waiting.popleft()
        if out[node] < far or (fabric.nodes[node].role is Role.DPU):
            continue
        for other in near.get(node, ()):
            if out[other] > far + 1:
                out[other], why[other] = far + 1, why[node]
                waiting.append((far + 1, other))
    return out, why


def with_links(fabric: Fabric, links: tuple[Link, ...]) -> Fabric:
    """The wiring with these of its links alone, numbered anew."""
    if len(links) == len(fabric.links):
        return fabric
    from fabric.wiring.multigraph import Multigraph

    wiring = Multigraph()
    for name, data in fabric.wiring.nodes.items():
        wiring.add_node(name, **data)
    kept = {link.name for link in links}
    numbers = {link.name: n for n, link in enumerate(links)}
    for a, b, key, data in fabric.wiring.edges():
        if key in kept:
            wiring.add_edge(a, b, key, **{**data, "index": numbers[key]})
    fewer = tuple(replace(link, index=n) for n, link in enumerate(links))
    return replace(fabric, links=fewer, wiring=wiring)
