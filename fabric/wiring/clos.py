"""Clos sites and what joins them, as a graph of nodes and cables, without loading networkx.

Rules that hold here:

1. DPUs are dual-homed to their pair of leaves (`vtep: dpu`), or hosts are single-homed, alternating
   in the pair (`vtep: leaf`). With an odd number of leaves the last one stands alone.
2. Borders are cabled like leaves: to every spine, in a three-tier site to every superspine.
3. Tops of several sites (spines or superspines) are linked index by index.
4. Ports are `swp1`, `swp2`, … in order of cabling, lower tiers first. A link is called
   `lower--upper`; parallel ones get `#2`, `#3`, …. What is written down has the names and ports
   that it says (`fabric.wiring.written_wiring`).

Nodes and edges carry the attributes that `fabric.wiring.topology` documents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from fabric.diagnostics import Diagnostic, Diagnostics, InputError, did_you_mean
from fabric.file.spec import FabricSpec, Site
from fabric.io.phases import phase
from fabric.wiring.budget import afford_wiring
from fabric.wiring.link_settings import set_links
from fabric.wiring.multigraph import Attributes, Multigraph
from fabric.wiring.risk_groups import risk_groups
from fabric.wiring.topology import RANK, Fabric, Link, Node, Role
from fabric.wiring.written_wiring import written


class _Cabling:
    """A site under construction; hosts are numbered through all of its pods."""

    def __init__(self, size: Site, vtep: str, site: str, prefix: str) -> None:
        self.wiring = Multigraph()
        self.size, self.vtep, self.site, self.prefix = size, vtep, site, prefix
        self.hosts = 0

    def nodes(self, role: Role, stem: str, count: int, pod: int = 0) -> list[str]:
        """Add `stem1 … stemN`."""
        names = [f"{self.prefix}{stem}{number}" for number in range(1, count + 1)]
        for name in names:
            self.node(role, name, pod)
        return names

    def node(self, role: Role, name: str, pod: int) -> str:
        where = {"site": self.site, "pod": pod, "rack": ""}
        self.wiring.add_node(name, role=role.value, rank=RANK[role], **where)
        return name

    def link(self, a: str, b: str, speed: int, kind: str = "fabric") -> None:
        number = self.wiring.number_of_edges(a, b) + 1
        name = f"{a}--{b}" if number == 1 else f"{a}--{b}#{number}"
        self.wiring.add_edge(a, b, name, a=a, b=b, speed=speed, kind=kind)

    def uplinks(self, node: str, tops: Iterable[str], speed: int, count: int) -> None:
        """Cable a node to every one above it, `count` times."""
        for top in tops:
            for _ in range(count):
                self.link(node, top, speed)

    def pod(self, stem: str, pod: int) -> list[str]:
        """Hosts, leaves and spines of one pod (of the whole of a two-tier site); its spines."""
        leaves = self.nodes(Role.LEAF, f"{stem}leaf", self.size.leaves, pod)
        for first in range(0, len(leaves), 2):
            self.pair(leaves[first : first + 2], pod)
        spines = self.nodes(Role.SPINE, f"{stem}spine", self.size.spines, pod)
        for leaf in leaves:
            self.uplinks(leaf, spines, self.size.speeds.leaf, self.size.uplinks)
        return spines

    def pair(self, leaves: list[str], pod: int) -> None:
        """The hosts behind one pair of leaves."""
        speed = self.size.speeds.host
        for place in range(self.size.hosts_per_pair):
            self.hosts += 1
            host = self.node(Role.HOST, f"{self.prefix}host{self.hosts}", pod)
            if self.vtep == "leaf":
                self.link(host, leaves[place % len(leaves)], speed, "host")
                continue
            dpu = self.node(Role.DPU, f"{self.prefix}dpu{self.hosts}", pod)
            self.link(host, dpu, speed, "host")
            self.uplinks(dpu, leaves, speed, 1)

    def borders(self, tops: list[str]) -> None:
        """Border nodes under the top tier."""
        for border in self.nodes(Role.BORDER, "border", self.size.borders):
            self.uplinks(border, tops, self.size.speeds.leaf, self.size.uplinks)


def site_wiring(name: str, site: Site, *, vtep: str, prefix: str) -> Multigraph:
    """One site as the fabric file describes it.

    >>> found = site_wiring("", Site(hosts_per_pair=1, borders=0), vtep="dpu", prefix="").graph()
    >>> sorted(found)
    ['dpu1', 'host1', 'leaf1', 'leaf2', 'spine1', 'spine2']
    >>> sorted(name for _, _, name in found.edges("dpu1", keys=True))
    ['dpu1--leaf1', 'dpu1--leaf2', 'host1--dpu1']
    """
    plan = _Cabling(site, vtep, name, prefix)
    if site.clos == "none":
        return plan.wiring
    if site.clos == "leaf-spine":
        tops = plan.pod("", 0)
    else:
        lower = [s for pod in range(1, site.pods + 1) for s in plan.pod(f"pod{pod}-", pod)]
        tops = plan.nodes(Role.SUPERSPINE, "superspine", site.superspines)
        for spine in lower:
            plan.uplinks(spine, tops, site.speeds.spine, 1)
    plan.borders(tops)
    return plan.wiring


def wired(spec: FabricSpec) -> Multigraph:
    """All sites, joined at their tops, and what is written beside them; names of a Clos carry the
    site when there are several."""
    whole = Multigraph()
    tops: list[tuple[list[str], Site]] = []
    for name, site in spec.sites.items():
        if site.clos == "three-tier" and not site.superspines:
            raise InputError(
                Diagnostic(
                    "C330",
                    f'three-tier site "{name}" has no superspines, so its pods cannot meet',
                    spec.at("sites", name),
                    "set superspines to 1 or more",
                )
            )
        part = site_wiring(name, site, vtep=spec.vtep, prefix=spec.prefix_of(name))
        top = Role.SPINE if site.clos == "leaf-spine" else Role.SUPERSPINE
        if site.clos != "none":
            tops.append(([n for n, data in part.nodes.items() if data["role"] == top], site))
        for node, data in part.nodes.items():
            whole.add_node(node, **data)
        for a, b, key, data in part.edges():
            whole.add_edge(a, b, key, **data)
    for (ours, site), (theirs, _) in combinations(tops, 2):
        for a, b in zip(ours, theirs, strict=False):
            whole.add_edge(a, b, f"{a}--{b}", a=a, b=b, speed=site.speeds.spine, kind="dci")
    written(spec, whole)
    set_links(spec, whole)
    return whole


@phase("wire nodes and links")
def build_fabric(spec: FabricSpec, down: Iterable[str] = (), drained: Iterable[str] = ()) -> Fabric:
    """The wiring of a fabric file; `down` names nodes, links (either way round) and risk groups
    that failed, `drained` nodes."""
    afford_wiring(spec)
    wiring = wired(spec)
    order = sorted(wiring.nodes, key=lambda name: wiring.nodes[name]["rank"])
    index = {name: number for number, name in enumerate(order)}
    nodes = []
    for number, name in enumerate(order):
        data = wiring.nodes[name]
        data["index"] = number
        where = data["site"], data["pod"], data["rack"]
        nodes.append(Node(number, name, Role(data["role"]), *where))
    links = tuple(_links(wiring, index))
    weighted = spec.ecmp == "bandwidth"
    by_hand = any(site.nodes for site in spec.sites.values())
    vtep = Role(spec.vtep)
    fabric = Fabric(tuple(nodes), links, wiring, vtep, weighted=weighted, by_hand=by_hand)
    fabric = replace(fabric, risk_groups=risk_groups(spec, fabric))
    return drain(take_down(fabric, down), drained)


def _links(wiring: Multigraph, index: dict[str, int]) -> Iterator[Link]:
    """Number links and ports, lower tiers first."""
    used: dict[str, int] = defaultdict(int)
    edges = [(name, data) for _, _, name, data in wiring.edges()]
    given = {(data[end], data[f"{end}_port"]) for _, data in edges for end in "ab"
             if f"{end}_port" in data}  # fmt: skip

    def port(data: Attributes, end: str) -> str:
        node = data[end]
        known: str | None = data.get(f"{end}_port")
        while known is None or (f"{end}_port" not in data and (node, known) in given):
            used[node] += 1
            known = f"swp{used[node]}"
        return known

    edges.sort(key=lambda e: wiring.nodes[e[1]["a"]]["rank"])
    for number, (name, data) in enumerate(edges):
        a, b = data["a"], data["b"]
        data.update(index=number, a_port=port(data, "a"), b_port=port(data, "b"))
        yield Link(
            number, name, index[a], data["a_port"], index[b], data["b_port"],
            data["speed"], data["kind"],
        )  # fmt: skip


def take_down(fabric: Fabric, down: Iterable[str]) -> Fabric:
    """The same fabric with these nodes, links, risk groups and BGP sessions (`leaf1~spine1`) down,
    and nothing else. A host is the whole machine, its DPU with it. Where leaves encapsulate what is
    on one that is down would seem to answer, so it may not be, and no link to a host either."""
    links, sessions = fabric.links_by_name, fabric.sessions_by_name
    groups = {group.name: group for group in fabric.risk_groups}
    down_nodes, down_links, down_groups, down_sessions = set(), set(), set(), set()
    problems = Diagnostics()
    for name in down:
        if name in fabric.wiring.nodes and fabric.node(name).role is Role.HOST:
            end = fabric.vtep_of(name)
            if end.role is Role.DPU:
                down_nodes.add(end.index)
                continue
            what = f'"{name}" is a host, and that one behind {end.name} is down is not looked at'
            problems.error("C331", what, hint=f"what it is attached to may be: {end.name}")
        elif name in links and fabric.links[links[name]].kind == "host":
            what = f'"{name}" leads to a host, and that it is down is not looked at'
            problems.error("C331", what, hint="links between devices that speak BGP may be")
        elif name in fabric.wiring.nodes:
            down_nodes.add(fabric.node(name).index)
        elif name in links:
            down_links.add(links[name])
        elif name in sessions:
            down_sessions.add(sessions[name])
        elif name in groups:
            down_groups.add(name)
            down_nodes |= groups[name].nodes
            down_links |= groups[name].links
        else:
            named = [*sessions] if "~" in name else [*fabric.wiring.nodes, *links, *groups]
            hint = did_you_mean(name, named)
            kinds = "node, link or risk group" if groups else "node or link"
            kinds = "session" if "~" in name else kinds
            problems.error("C331", f'no {kinds} is called "{name}"', hint=hint)
    problems.check()
    return replace(
        fabric,
        down_nodes=frozenset(down_nodes),
        down_links=frozenset(down_links),
        down_groups=frozenset(down_groups),
        down_sessions=frozenset(down_sessions),
    )


def drain(fabric: Fabric, names: Iterable[str]) -> Fabric:
    """The same fabric with exactly these nodes drained."""
    problems, found = Diagnostics(), set()
    speakers = [node.name for node in fabric.nodes if node.role is not Role.HOST]
    for name in names:
        if name not in speakers:
            hint = did_you_mean(name, speakers)
            what = f'no node that speaks BGP is called "{name}", so it cannot be drained'
            problems.error("C344", what, hint=hint)
        else:
            found.add(fabric.node(name).index)
    problems.check()
    return replace(fabric, drained=frozenset(found))


def refuse_idle(fabric: Fabric, down: Sequence[str]) -> None:
    """C331 for names of which the fabric is as it would be without them: a cable of a node that is
    down as well, a node of a risk group that is, whatever is named twice. Of each other they may
    be the same, so the first of them stays. C344 for nodes that are drained and down."""
    problems, kept = Diagnostics(), list(down)
    for node in sorted(fabric.drained & fabric.down_nodes):
        what = f'"{fabric.nodes[node].name}" is down, so draining it changes nothing'
        problems.error("C344", what)
    for name in reversed(down):
        others = [*kept[: kept.index(name)], *kept[kept.index(name) + 1 :]]
        if _fallen(take_down(fabric, others)) == _fallen(take_down(fabric, kept)):
            kept = others
            what = f'"{name}" is down already, with what else is'
            problems.error("C331", what, hint=f"--down {', --down '.join(kept)} says as much")
    problems.check()


def _fallen(fabric: Fabric) -> tuple[frozenset[int], ...]:
    """The nodes, links and sessions that nothing passes any more, whatever was named."""
    nodes = fabric.down_nodes
    links = {link.index for link in fabric.links if link.a in nodes or link.b in nodes}
    links |= fabric.down_links
    return nodes, frozenset(links), frozenset(links | fabric.down_sessions)
