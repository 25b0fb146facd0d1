"""Nodes and cables that a fabric file writes down, beside a Clos that it counts or instead of one.

Rules that hold here:

1. A name is one node's. Nodes have the names that they are given, without a site before them.
2. A cable joins two nodes, at ports that no other cable has; a port that is left out is the next
   free one, `swp1` and so on. Of its ends the lower tier comes first, of one tier the first that is
   written.
3. A host sits in one DPU (`host:` of the DPU, or a cable), or where leaves encapsulate is cabled to
   one leaf. It has no other cables, and a DPU has one host at most.
4. A cable between sites at the top is a `dci` link, any other between speakers of BGP one of the
   fabric.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fabric.diagnostics import Diagnostics, Span, did_you_mean
from fabric.file.spec import FabricSpec, Site, SiteCable
from fabric.io.visible import visible
from fabric.wiring.cable_ends import ends_of
from fabric.wiring.multigraph import Multigraph
from fabric.wiring.topology import RANK, Role

PORT = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_./]{0,62}")
HINTS = 20
"""Mistakes that get a hint of what was meant: to look for each among all nodes takes long."""
ONE_DPU = "a host has one DPU here: write another host for the other one"
FORM = 'write "node:port -- node:port"; a port may be left out'


@dataclass(frozen=True, slots=True)
class WrittenCable:
    """A cable as it is written: names of nodes, and of ports where they are said."""

    ends: tuple[tuple[str, str | None], tuple[str, str | None]]
    speed: int | None
    site: Site
    span: Span | None


@dataclass(frozen=True, slots=True)
class WrittenPlaces:
    """Where nodes are written, themselves or as the hosts of DPUs."""

    spec: FabricSpec
    paths: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, spec: FabricSpec) -> WrittenPlaces:
        """Of all of a file."""
        paths: dict[str, tuple[str, ...]] = {}
        for site_name, site in spec.sites.items():
            for name, node in site.nodes.items():
                paths[name] = "sites", site_name, "nodes", name
                if node.host is not None:
                    paths.setdefault(node.host, (*paths[name], "host"))
        return cls(spec, paths)

    def span(self, name: str) -> Span | None:
        """Where a node stands; None for one of a Clos that is counted."""
        path = self.paths.get(name)
        if path is None:
            return None
        return self.spec.at(*path) if path[4:] else self.spec.at_key(*path)


def written(spec: FabricSpec, whole: Multigraph) -> None:
    """Put everything that is written down into the wiring. Raises `InputError` with all that is
    wrong."""
    if not any(site.nodes or site.cables for site in spec.sites.values()):
        return
    found = Diagnostics()
    add_nodes(spec, whole, found)
    used: dict[tuple[str, str], Span | None] = {}
    for cable in cables(spec, found):
        if ends := known_ends(cable, whole, used, found):
            add_cable(spec, whole, cable, ends)
    places = WrittenPlaces.of(spec)
    for name in whole.nodes:
        attached(spec, whole, name, places, found)
    found.check()


def add_nodes(spec: FabricSpec, whole: Multigraph, found: Diagnostics) -> None:
    """Nodes, and the hosts of DPUs (rule 1)."""
    for site_name, site in spec.sites.items():
        for name, node in site.nodes.items():
            span = spec.at_key("sites", site_name, "nodes", name)
            where = {"site": site_name, "pod": node.pod, "rack": node.rack or ""}
            if name in whole.nodes:
                found.error("C346", f'"{name}" is a node already', span, "names are unique")
                continue
            role = Role(node.role)
            whole.add_node(name, role=role.value, rank=RANK[role], **where)
            if node.host is None:
                continue
            span = spec.at("sites", site_name, "nodes", name, "host")
            if role is not Role.DPU:
                found.error("C348", f'"{name}" is no DPU, and sits in no host', span)
            elif (other := whole.nodes.get(node.host)) is not None:
                dpus = [n for n in whole.neighbors(node.host) if other["role"] == Role.HOST]
                if dpus:
                    found.error("C348", f"host {node.host} has {dpus[0]} already", span, ONE_DPU)
                    continue
                found.error("C346", f'"{node.host}" is a node already', span, "names are unique")
            else:
                whole.add_node(node.host, role="host", rank=RANK[Role.HOST], **where)
                key, speed = f"{node.host}--{name}", site.speeds.host
                whole.add_edge(node.host, name, key, a=node.host, b=name, speed=speed, kind="host")


def cables(spec: FabricSpec, found: Diagnostics) -> Iterator[WrittenCable]:
    """The cables of all sites that can be read."""
    for site_name, site in spec.sites.items():
        for number, cable in enumerate(site.cables):
            span = spec.at("sites", site_name, "cables", number)
            texts, ends = ends_of(cable)
            if ends is None:
                text = visible(" -- ".join(texts))
                found.error("C347", f'"{text}" is no cable', span, FORM)
                continue
            speed = cable.speed if isinstance(cable, SiteCable) else None
            yield WrittenCable(ends, speed, site, span)


def known_ends(
    cable: WrittenCable,
    whole: Multigraph,
    used: dict[tuple[str, str], Span | None],
    found: Diagnostics,
) -> list[tuple[str, str | None]]:
    """Both ends in order of tiers, if there are such nodes and ports (rule 2)."""
    before = len(found.items)
    for name, port in cable.ends:
        if name not in whole.nodes:
            hint = did_you_mean(name, whole.nodes) if before < HINTS else None
            found.error("C347", f'no node is called "{visible(name)}"', cable.span, hint)
        elif port is not None and not PORT.fullmatch(port):
            what = f'"{visible(port)}" cannot be a port'
            found.error("C347", what, cable.span, "such as swp1, p0 or Ethernet1/1; 63 letters")
        elif port is not None and (name, port) in used:
            other = used[name, port]
            hint = f"the other one: {other}" if other else None
            found.error("C347", f"{name}:{port} has a cable already", cable.span, hint)
        elif port is not None:
            used[name, port] = cable.span
    if cable.ends[0][0] == cable.ends[1][0]:
        found.error("C347", f"{cable.ends[0][0]} is cabled to itself", cable.span)
    if len(found.items) > before:
        return []
    return sorted(cable.ends, key=lambda end: int(whole.nodes[end[0]]["rank"]))


def add_cable(
    spec: FabricSpec, whole: Multigraph, cable: WrittenCable, ends: list[tuple[str, str | None]]
) -> None:
    """Add a cable to the wiring (rule 4)."""
    (a, a_port), (b, b_port) = ends
    below, above = whole.nodes[a], whole.nodes[b]
    tops = min(below["rank"], above["rank"]) >= RANK[Role.SPINE]
    kind = "host" if below["role"] == Role.HOST else "fabric"
    kind = "dci" if tops and below["site"] != above["site"] else kind
    speeds = cable.site.speeds
    default = {0: speeds.host, 1: speeds.host, 2: speeds.leaf}.get(below["rank"], speeds.spine)
    number = whole.number_of_edges(a, b) + 1
    name = f"{a}--{b}" if number == 1 else f"{a}--{b}#{number}"
    ports = {key: port for key, port in (("a_port", a_port), ("b_port", b_port)) if port}
    whole.add_edge(a, b, name, a=a, b=b, speed=cable.speed or default, kind=kind, **ports)


def attached(
    spec: FabricSpec, whole: Multigraph, name: str, places: WrittenPlaces, found: Diagnostics
) -> None:
    """Rule 3."""
    role, others = whole.nodes[name]["role"], [*whole.neighbors(name)]
    if role == Role.HOST:
        wanted = Role(spec.vtep)
        good = [o for o in others if whole.nodes[o]["role"] == wanted]
        if len(good) != 1 or len(others) != 1 or whole.degree(name) != 1:
            twice = {o: " twice" for o in others if whole.number_of_edges(name, o) > 1}
            are = ", ".join(f"{o}{twice.get(o, '')}" for o in others) or "nothing"
            what = f"host {name} is cabled to {are}, and has to be to one {wanted}"
            hint = f"write host: {name} at its DPU" if not good and wanted is Role.DPU else None
            found.error("C348", what, places.span(name), hint)
        return
    hosts = [o for o in others if whole.nodes[o]["role"] == Role.HOST]
    if role == Role.DPU and len(hosts) > 1:
        what = f"DPU {name} sits in {' and in '.join(hosts)}"
        found.error("C348", what, places.span(name), "a DPU has one")


def lonely(spec: FabricSpec, whole: Multigraph) -> Iterator[tuple[str, Span | None]]:
    """Nodes that are written down and speak BGP, without a cable to another one that does."""
    places = WrittenPlaces.of(spec)
    for name, data in whole.nodes.items():
        others = (whole.nodes[o]["role"] for o in whole.neighbors(name))
        if data["role"] != Role.HOST and all(role == Role.HOST for role in others):
            yield name, places.span(name)
