"""The wiring: nodes, links and the immutable `Fabric` that holds them.

`Fabric.graph` is an `nx.MultiGraph` for people and for networkx's algorithms, made when it is asked
for; the tuples are for code that wants arrays. Both hold the same facts, as does `Fabric.wiring`.

* node key: the node's name. Attributes: `role` (str), `rank` (int: host 0, dpu 1, leaf and border
  2, spine 3, superspine 4), `site`, `pod` (int, 0 in a two-tier site), `rack`, `index` (int),
  and once the plan is known `asn` (int) and `loopback` (str).
* edge key: the link's name. Attributes: `a`, `a_port`, `b`, `b_port` (b is the higher tier),
  `speed` (Gbit/s), `index` (int), `kind` ("fabric", "host" for the PCIe side of a DPU, "dci").
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from fabric.wiring.multigraph import Multigraph

if TYPE_CHECKING:
    import networkx as nx


class Role(StrEnum):
    """What a node is; every role but HOST speaks BGP."""

    HOST = "host"
    DPU = "dpu"
    LEAF = "leaf"
    BORDER = "border"
    SPINE = "spine"
    SUPERSPINE = "superspine"


NUMBERS = re.compile(r"(\d+)")
RANK = {Role.HOST: 0, Role.DPU: 1, Role.LEAF: 2, Role.BORDER: 2, Role.SPINE: 3, Role.SUPERSPINE: 4}


@dataclass(frozen=True, slots=True)
class Node:
    """A device. `index` is its place in `Fabric.nodes`."""

    index: int
    name: str
    role: Role
    site: str
    pod: int = 0
    rack: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A cable from port `a_port` of node `a` up to port `b_port` of node `b` (node indices)."""

    index: int
    name: str
    a: int
    a_port: str
    b: int
    b_port: str
    speed: int
    kind: str = "fabric"


@dataclass(frozen=True, slots=True)
class RiskGroup:
    """Nodes and links (by index) that fail together (`fabric.wiring.risk_groups`)."""

    name: str
    nodes: frozenset[int]
    links: frozenset[int]


@dataclass(frozen=True)
class Fabric:
    """Nodes, links and the wiring of both. Nodes and links that are down are still listed; those of
    a risk group in `down_groups` are in `down_nodes` and `down_links` too. `down_sessions` are
    links that are up and have no BGP session. Nodes that are `drained` are up, and whoever knows
    another way takes it (`fabric.control.underlay`). Where it is `weighted`, equal paths share load
    by the speeds of links (`fabric.control.weights`). `by_hand`: some nodes are written down, which
    matters to pictures alone."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    wiring: Multigraph
    vtep_role: Role = Role.DPU
    down_nodes: frozenset[int] = field(default_factory=frozenset)
    down_links: frozenset[int] = field(default_factory=frozenset)
    risk_groups: tuple[RiskGroup, ...] = ()
    down_groups: frozenset[str] = field(default_factory=frozenset)
    down_sessions: frozenset[int] = field(default_factory=frozenset)
    drained: frozenset[int] = field(default_factory=frozenset)
    weighted: bool = False
    by_hand: bool = False

    @cached_property
    def graph(self) -> nx.MultiGraph[str]:
        """The wiring as a graph; see the module."""
        return self.wiring.graph()

    @cached_property
    def links_of(self) -> dict[int, list[Link]]:
        """The links of each node that has some, by number."""
        found: dict[int, list[Link]] = {}
        for link in self.links:
            for node in (link.a, link.b):
                found.setdefault(node, []).append(link)
        return found

    @cached_property
    def links_by_name(self) -> dict[str, int]:
        """The numbers of links, by each name that they answer to."""
        return {alias: link.index for link in self.links for alias in aliases(self, link)}

    @cached_property
    def sessions_by_name(self) -> dict[str, int]:
        """The numbers of links over which there is a BGP session, by that one's name."""
        links = self.links_by_name.items()
        return {session(a): n for a, n in links if self.links[n].kind != "host"}

    @property
    def down(self) -> tuple[str, ...]:
        """What has failed, by name: risk groups, then nodes and links in none of these, then
        sessions, each in order of their numbers."""
        groups = [g for g in self.risk_groups if g.name in self.down_groups]
        nodes = self.down_nodes.difference(*(g.nodes for g in groups))
        links = self.down_links.difference(*(g.links for g in groups))
        return (*(g.name for g in groups), *self._named(nodes, links))

    @property
    def failed(self) -> tuple[str, ...]:
        """Every node, link and session that has failed, by name."""
        return self._named(self.down_nodes, self.down_links)

    @property
    def draining(self) -> tuple[str, ...]:
        """What is drained, by name."""
        return tuple(self.nodes[i].name for i in sorted(self.drained))

    def _named(self, nodes: frozenset[int], links: frozenset[int]) -> tuple[str, ...]:
        names = (self.nodes[i].name for i in sorted(nodes))
        sessions = (session(self.links[i].name) for i in sorted(self.down_sessions))
        return (*names, *(self.links[i].name for i in sorted(links)), *sessions)

    def node(self, name: str) -> Node:
        """The node of that name; KeyError when there is none."""
        index: int = self.wiring.nodes[name]["index"]
        return self.nodes[index]

    def vtep_of(self, host: str) -> Node:
        """The node that encapsulates and enforces for `host`: its DPU, or its leaf."""
        return self._vtep_of[host]

    @cached_property
    def hosts(self) -> tuple[str, ...]:
        """Names of the hosts, in order of the fabric."""
        return tuple(node.name for node in self.nodes if node.role is Role.HOST)

    @cached_property
    def host_places(self) -> dict[str, int]:
        """The index of each host."""
        return {node.name: node.index for node in self.nodes if node.role is Role.HOST}

    @cached_property
    def _vtep_of(self) -> dict[str, Node]:
        peers = ((h, map(self.node, self.wiring.neighbors(h))) for h in self.hosts)
        return {h: next(node for node in near if node.role is self.vtep_role) for h, near in peers}


def port_order(port: str) -> tuple[str | int, ...]:
    """What ports of a node are sorted by: numbers in them count as numbers.

    >>> sorted(["swp10", "swp9", "swp9s1", "p0"], key=port_order)
    ['p0', 'swp9', 'swp9s1', 'swp10']
    """
    parts = NUMBERS.split(port)
    return tuple(int(p) if n % 2 else p for n, p in enumerate(parts))


def aliases(fabric: Fabric, link: Link) -> tuple[str, str]:
    """The names that a link answers to: lower end first, and upper end first."""
    a, b = fabric.nodes[link.a].name, fabric.nodes[link.b].name
    return link.name, f"{b}--{a}{link.name.removeprefix(f'{a}--{b}')}"


def session(link: str) -> str:
    """The name of the BGP session over a link, by the link's name."""
    return link.replace("--", "~", 1)
