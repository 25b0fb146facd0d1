"""What building a world would need, estimated before anything is built, and what it may need.

A fabric file of 80 bytes can ask for a network that no machine holds. Sizes follow from the file by
arithmetic, so they are known in time: a world beyond the budget is refused with the estimate and
the limit. `--budget N` multiplies every limit (docs/limits.md lists them).

Bytes are peaks as measured on CPython 3.11 with numpy 2, rounded up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from fabric.diagnostics import Diagnostic, InputError, Span, UndecidedError
from fabric.wiring.topology import Fabric, Role

if TYPE_CHECKING:
    from fabric.file.spec import FabricSpec, Site

MEMORY = 4 << 30
"""Bytes for the wiring and the underlay; for the paths between all nodes, for who asks for them."""
ENDPOINTS = 200_000
"""Pods of all tenants."""
INSTANCES = 1_200_000
"""(VTEP, VRF)s that tenants have, each with a node, routes of its own and a FIB: 4 KB each."""
ROUTES = 1 << 28
"""Cells of FIBs: instances that share what they choose have them once; of tables by address atom
every instance has its own."""
MOST_HOPS = (1 << 31) - 1
"""Next hops of all pairs of points or nodes: they are numbered in 32 bits."""
STEPS = 1_000_000_000
"""Of a converging underlay, summed over all failures that expectations ask for: (session, speaker)
pairs."""
STEP = 150e-9
"""Seconds of one of them."""
HINT = "--budget N multiplies the limits, if the machine can take it"
_factor: ContextVar[float] = ContextVar("budget", default=1.0)


@contextmanager
def multiplied(factor: float) -> Iterator[None]:
    """Inside the block every limit is this many times as high."""
    token = _factor.set(factor)
    try:
        yield
    finally:
        _factor.reset(token)


def factor() -> float:
    """How many times as high every limit is."""
    return _factor.get()


def afford(code: str, need: float, limit: int, what: str, span: Span | None = None) -> None:
    """Raise when `need` is more than the budget has; `what` is a text with {need} and {limit}."""
    most = limit * _factor.get()
    if need > most:
        numbers = [
            f"{n / 2**30:,.1f} GiB" if limit == MEMORY else f"{n:,.0f}" for n in (need, most)
        ]
        message = what.format(need=numbers[0], limit=numbers[1])
        raise InputError(Diagnostic(code, message, span, HINT))


@dataclass(frozen=True, slots=True)
class Wiring:
    """How much there is of a fabric: all nodes, those that speak BGP, all links, BGP sessions; and
    the least of points (`fabric.control.attachments`) and of sessions between them, where nothing
    has failed and DPUs of one rack are attached alike."""

    nodes: int
    speakers: int
    links: int
    sessions: int
    points: int
    between: int

    @property
    def memory(self) -> int:
        """Bytes at the peak, of paths between points and of objects."""
        objects = 2500 * self.nodes + 1700 * self.links
        return paths_memory(self.points, 2 * self.between) + objects


def paths_memory(points: int, announced: int) -> int:
    """Bytes at the peak of paths between points, over so many directions of sessions: per direction
    and point whose next hops are known, per pair of points in the finished tables."""
    return 28 * announced * points + 34 * points**2


def wiring(spec: FabricSpec) -> Wiring:
    """The sizes of what `fabric.wiring.clos` would make."""
    parts = [of_site(site, spec.vtep) for site in spec.sites.values()]
    tops = [top(site) for site in spec.sites.values()]
    between = sum(min(pair) for pair in combinations(tops, 2))
    return Wiring(
        sum(p.nodes for p in parts),
        sum(p.speakers for p in parts),
        sum(p.links for p in parts) + between,
        sum(p.sessions for p in parts) + between,
        sum(p.points for p in parts),
        sum(p.between for p in parts) + between,
    )


def top(site: Site) -> int:
    """Nodes of a site's top tier."""
    if site.clos == "none":
        return 0
    return site.spines if site.clos == "leaf-spine" else site.superspines


def of_site(site: Site, vtep: str) -> Wiring:
    """The sizes of one Clos, and of what is written beside it."""
    own = of_written(site)
    if site.clos == "none":
        return own
    pods = site.pods if site.clos == "three-tier" else 1
    leaves, spines = pods * site.leaves, pods * site.spines
    pairs = pods * -(-site.leaves // 2)
    hosts = pairs * site.hosts_per_pair
    dpus = hosts if vtep == "dpu" else 0
    upper = site.superspines if site.clos == "three-tier" else 0
    core = leaves + spines + upper + site.borders
    above = (
        leaves * site.spines * site.uplinks
        + spines * upper
        + site.borders * top(site) * site.uplinks
    )
    sessions = above + (leaves * site.hosts_per_pair if dpus else 0)
    standing = min(2, site.hosts_per_pair) if dpus else 0
    return Wiring(
        core + dpus + hosts + own.nodes,
        core + dpus + own.speakers,
        sessions + hosts + own.links,
        sessions + own.sessions,
        core + pairs * standing + own.points,
        above + leaves * standing + own.between,
    )


def of_written(site: Site) -> Wiring:
    """The sizes of what is written down; of its DPUs every one may be attached as another is."""
    inside = sum(node.host is not None for node in site.nodes.values())
    speakers = sum(node.role != "host" for node in site.nodes.values())
    core = sum(node.role not in ("host", "dpu") for node in site.nodes.values())
    cables = len(site.cables)
    return Wiring(len(site.nodes) + inside, speakers, cables + inside, cables, core, 0)


def afford_wiring(spec: FabricSpec) -> None:
    """C114 for a fabric that is too large to be built."""
    need = wiring(spec)
    size = f"{need.nodes:,} nodes and {need.links:,} links"
    what = f"{size} need about {{need}} of memory, and the budget is {{limit}}"
    afford("C114", need.memory, MEMORY, what, spec.at("sites"))


def afford_paths(points: int, announced: int) -> None:
    """C114 for paths between so many points, over so many directions of sessions between them."""
    countable_hops(points**2)
    what = f"paths between {points:,} points of the underlay need about {{need}} of memory, and "
    afford("C114", paths_memory(points, announced), MEMORY, what + "the budget is {limit}")


def afford_pairs(nodes: int, hops: int) -> None:
    """C114 for tables of all pairs of nodes with so many next hops in them."""
    countable_hops(hops)
    what = f"paths between all pairs of {nodes:,} nodes need about {{need}} of memory, and "
    afford("C114", 20 * nodes**2 + 8 * hops, MEMORY, what + "the budget is {limit}")


def countable_hops(hops: int) -> None:
    """C114 for more next hops between nodes, or pairs of them, than tables number, whatever the
    budget."""
    if hops > MOST_HOPS:
        message = f"{hops:,} next hops between nodes are more than can be numbered ({MOST_HOPS:,})"
        raise InputError(Diagnostic("C114", message, None, "fewer nodes, or fewer uplinks of each"))


def afford_choices(cells: int) -> None:
    """C693 for so many cells of FIBs: of one VRF points of the underlay × routes; or of all VRFs
    prefixes × instances that choose otherwise than those beside them, or address atoms × instances
    for who asks about packets."""
    afford("C693", cells, ROUTES, "FIBs need {need} cells, and the budget is {limit}")


def afford_pods(pods: int) -> None:
    """C692 for manifests of one cluster that ask for too many pods."""
    what = "the manifests ask for {need} pods, and the budget is {limit}"
    afford("C692", pods, ENDPOINTS, what)


def afford_contents(
    spec: FabricSpec, pods: Mapping[str, int], hosts: Mapping[str, int], vrfs: Mapping[str, int]
) -> None:
    """C692 and C693 for tenants with too many pods, or on too many hosts; all by tenant."""
    what = "the pods of all tenants are {need}, and the budget is {limit}"
    afford("C692", sum(pods.values()), ENDPOINTS, what, spec.at("tenants"))
    what = "VRFs × hosts are about {need} FIBs, and the budget is {limit}"
    instances = sum(vrfs[t] * hosts[t] for t in pods)
    afford("C693", instances, INSTANCES, what, spec.at("tenants"))


def afford_packets(atoms: Iterable[tuple[int, int]]) -> None:
    """C693 for who asks about packets, before rules are compiled; of each VRF there are at least
    so many address atoms, those that its routes tell apart, at so many instances."""
    need = sum(count * instances for count, instances in atoms)
    what = "to ask about packets takes at least {need} cells of FIBs, and the budget is {limit}"
    afford("C693", need, ROUTES, what)


def too_many_failures(fabric: Fabric, failures: int) -> str | None:
    """What it takes to try so many failures, if that is more than the budget has."""
    sessions = sum(link.kind != "host" for link in fabric.links)
    steps = failures * sessions * sum(node.role is not Role.HOST for node in fabric.nodes)
    most = STEPS * _factor.get()
    if steps <= most:
        return None
    return (
        f"to try {failures:,} failures takes {steps:,} steps, about "
        f"{steps * STEP / 60:,.0f} minutes, and the budget is {most:,.0f}"
    )


def afford_failures(fabric: Fabric, failures: int) -> None:
    """C694, which leaves the answer unknown, for more failures than can be tried."""
    if said := too_many_failures(fabric, failures):
        raise UndecidedError(Diagnostic("C694", said, None, HINT, "unknown"))
