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
   what nobody knows, nor by a shorter route to where there may be a way (`covered_vteps`).
5. The way to a VTEP whose address leads elsewhere too is not known, nor that of a DPU of which not
   all is known that decides where its packets go; nor any at all where a session takes AS numbers
   out of paths: these are shorter then than there are devices on them.
6. Where numbers that nobody says decide whether there is a way, or how long, it is not known.
7. Where something fails, ways get longer: then whoever what nobody knows leads to has no known way.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compiler.imports.device_facts import DEFAULT_VRF, Device
from compiler.imports.joined.covered_vteps import CoveredVteps, Why
from compiler.imports.joined.device_places import DevicePlaces
from compiler.imports.joined.peer_sessions import PeerSessions
from compiler.imports.joined.session_doubts import setting_of, uplinks
from fabric.control.underlay import Underlay
from fabric.wiring.topology import Fabric, Link, Role

FAR = 1 << 14
"""Farther than any path is long."""
NO_OTHER_WAY = FAR // 2
"""Where a shorter route begins: farther than any path, and not nowhere (rule 4)."""
SHORTENS = frozenset(("remove-private-AS",))


@dataclass(frozen=True, slots=True)
class KnownWays:
    """`links` are those over which there is a session; `exit` is how far each node is from what
    nobody knows (`FAR`: nothing leads there), `why` says of nodes what that is. `hears` has the
    nodes that may have routes of it, with why, and `begins` those next to it. `lost` are nodes to
    which no way is known (rule 5)."""

    links: tuple[Link, ...]
    exit: NDArray[np.int32]
    why: dict[int, Why]
    hears: dict[int, Why]
    begins: frozenset[int]
    lost: dict[int, Why]

    def doubtful(self, ends: Iterable[int], underlay: Underlay, apart: Underlay) -> dict[int, Why]:
        """Nodes of `ends` such that each pair whose way is not known has one of them, with why.
        `apart` is the underlay if no two devices share an AS number that nobody says (rule 6)."""
        sorted_ends = sorted(set(ends))
        nodes = np.array(sorted_ends, np.int64)
        out = {int(node): self.lost[int(node)] for node in nodes if int(node) in self.lost}
        if not len(nodes):
            return out
        far = self.exit[nodes]
        lengths = underlay.lengths(nodes[:, None], nodes).astype(np.int32)
        out = self.by_numbers(sorted_ends, underlay, apart) | out
        if (far >= FAR).all():
            return out
        unknown = (far[:, None] + far <= lengths) | ((lengths < 0) & (far < FAR))
        unknown |= unknown.T
        np.fill_diagonal(unknown, False)
        nearer = unknown & (far[:, None] <= far)
        for node in nodes[nearer.any(axis=1)]:
            out.setdefault(int(node), self.why.get(int(node), NOT_GIVEN))
        return out

    def by_numbers(
        self, ends: Iterable[int], underlay: Underlay, apart: Underlay
    ) -> dict[int, Why]:
        """Nodes of `ends` whose ways to others depend on numbers that nobody says (rule 6)."""
        nodes = np.array(sorted(set(ends)), np.int64)
        if apart is underlay or not len(nodes):
            return {}
        here, there = (some.lengths(nodes[:, None], nodes) for some in (underlay, apart))
        return {int(node): UNNUMBERED for node in nodes[(here != there).any(axis=1)]}

    def doubtful_if_failing(self, ends: Iterable[int]) -> dict[int, Why]:
        """Nodes of `ends` whose ways to others are not known any more when these get longer."""
        out = {node: self.why.get(node, NOT_GIVEN) for node in sorted(set(ends))}
        return {node: why for node, why in out.items() if self.exit[node] < NO_OTHER_WAY}


NOT_GIVEN: Why = ("what is between them is not given", None)
UNNUMBERED: Why = ("it depends on AS numbers of devices in transit, which nobody says", None)


def known_ways(places: DevicePlaces, sessions: PeerSessions, covered: CoveredVteps) -> KnownWays:
    """The sessions of a site, and how near what nobody knows is to everybody."""
    fabric = places.fabric
    links = tuple(link for link in fabric.links if carries(link, places, sessions))
    begin: dict[int, tuple[int, Why]] = {}
    unsure: dict[int, Why] = {}
    for node in places.unknown:
        if fabric.nodes[node].role is not Role.DPU:
            begin[node] = 0, (f"the configuration of {fabric.nodes[node].name} is not given", None)
    for number, device in enumerate(places.devices):
        node = places.node_of[number]
        found = not_known_of(device)
        if found is not None:
            why = f"{device.name}: {found[0]}", found[1]
            far = int(fabric.nodes[node].role is Role.DPU)
            begin.setdefault(node, (far, why))
            unsure |= {node: why} if far else {}
    for node, why in sessions.undecided.items():
        begin.setdefault(node, (1, why))
    near = neighbours(fabric.links)
    lost = shortened(places, near) | unsure | covered.lost
    near = neighbours(links)
    shorter = {node: (NO_OTHER_WAY, why) for node, why in covered.covers.items()}
    exit_, why_ = distances(fabric, near, shorter | begin)
    silent: dict[int, Why] = {
        node: (f"the configuration of {fabric.nodes[node].name} is not given", None)
        for node in sorted(places.unknown)
        if fabric.nodes[node].role is Role.DPU
    }
    heard = flooded(fabric, near, {n: why_[n] for n in sorted(begin)}, silent)
    beside = {other for node in silent for other in near.get(node, ())}
    return KnownWays(links, exit_, why_, heard, frozenset((*begin, *beside)), lost)


def shortened(places: DevicePlaces, near: dict[int, list[int]]) -> dict[int, Why]:
    """Everybody who may hear of paths that a session takes AS numbers out of (rule 5)."""
    out: dict[int, Why] = {}
    for number, device in enumerate(places.devices):
        for session in device.sessions:
            span = setting_of(session, SHORTENS)
            if session.vrf == DEFAULT_VRF and not session.down and span is not None:
                what = f"{device.name} takes AS numbers out of paths to {session.peer}"
                out.setdefault(places.node_of[number], (what, span))
    waiting = deque(out)
    while waiting:
        node = waiting.popleft()
        for other in near.get(node, ()):
            if other not in out:
                out[other] = out[node]
                waiting.append(other)
    return out


def neighbours(links: Iterable[Link]) -> dict[int, list[int]]:
    """The nodes at the other ends of each node's sessions."""
    near: dict[int, list[int]] = defaultdict(list)
    for link in links:
        if link.kind != "host":
            near[link.a].append(link.b)
            near[link.b].append(link.a)
    return near


def flooded(
    fabric: Fabric, near: dict[int, list[int]], begin: dict[int, Why], silent: dict[int, Why]
) -> dict[int, Why]:
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


def not_known_of(device: Device) -> Why | None:
    """What of a device is not known and may decide where packets of the underlay go, with its
    line."""
    outer = uplinks(device)
    for one in device.unknowns:
        here = one.vrf in ("", DEFAULT_VRF) and not one.interface
        if one.about != "acl" and (here or one.interface in outer):
            return one.what or one.kind, one.span
    for binding in device.bindings:
        here = not binding.interface and binding.vrf in ("", DEFAULT_VRF)
        if not binding.control and (here or binding.interface in outer):
            return f"list {binding.acl} is asked about what it forwards", binding.span
    return None


def distances(
    fabric: Fabric, near: dict[int, list[int]], begin: dict[int, tuple[int, Why]]
) -> tuple[NDArray[np.int32], dict[int, Why]]:
    """Rules 2 and 3: how far every node is from what nobody knows, and what that is."""
    out = np.full(len(fabric.nodes), FAR, np.int32)
    why: dict[int, Why] = {}
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
