"""What building a world would need, estimated before anything is built, and what it may need.

A fabric file of 80 bytes can ask for a network that no machine holds. Sizes follow from the file by
arithmetic, so they are known in time: a world beyond the budget is refused with the estimate and
the limit. `--budget N` multiplies every limit (docs/limits.md lists them).

Bytes are peaks as measured on CPython 3.11 with numpy 2, rounded up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
"""Bytes for the wiring and the underlay."""
ENDPOINTS = 200_000
"""Pods and nodes of all tenants."""
ROUTES = 1 << 28
"""Entries of all FIBs: for every (VTEP, VRF) the routes of the VRF."""
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
    """How much there is of a fabric: all nodes, those that speak BGP, all links, BGP sessions."""

    nodes: int
    speakers: int
    links: int
    sessions: int

    @property
    def steps(self) -> int:
        """What one convergence costs."""
        return 2 * self.sessions * self.speakers

    @property
    def memory(self) -> int:
        """Bytes at the peak: per (session end, speaker) whose next hops are known, per pair of
        nodes in the finished tables, per object."""
        return 28 * self.steps + 34 * self.nodes**2 + 2500 * (self.nodes + self.links)


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
    hosts = pods * -(-site.leaves // 2) * site.hosts_per_pair
    dpus = hosts if vtep == "dpu" else 0
    upper = site.superspines if site.clos == "three-tier" else 0
    speakers = leaves + spines + upper + site.borders + dpus
    sessions = (
        leaves * site.spines * site.uplinks
        + (leaves * site.hosts_per_pair if dpus else 0)
        + spines * upper
        + site.borders * top(site) * site.uplinks
    )
    return Wiring(
        speakers + hosts + own.nodes,
        speakers + own.speakers,
        sessions + hosts + own.links,
        sessions + own.sessions,
    )


def of_written(site: Site) -> Wiring:
    """The sizes of what is written down."""
    inside = sum(node.host is not None for node in site.nodes.values())
    speakers = sum(node.role != "host" for node in site.nodes.values())
    cables = len(site.cables)
    return Wiring(len(site.nodes) + inside, speakers, cables + inside, cables)


def afford_wiring(spec: FabricSpec) -> None:
    """C114 for a fabric that is too large to be built."""
    need = wiring(spec)
    size = f"{need.nodes:,} nodes and {need.links:,} links"
    what = f"{size} need about {{need}} of memory, and the budget is {{limit}}"
    afford("C114", need.memory, MEMORY, what, spec.at("sites"))


def afford_pods(pods: int) -> None:
    """C692 for manifests of one cluster that ask for too many pods."""
    what = "the manifests ask for {need} pods, and the budget is {limit}"
    afford("C692", pods, ENDPOINTS, what)


def afford_contents(
    spec: FabricSpec, pods: Mapping[str, int], hosts: Mapping[str, int], vrfs: Mapping[str, int]
) -> None:
    """C692 and C693 for tenants with too many pods, or too many routes; all by tenant."""
    endpoints = sum(pods.values()) + sum(hosts[t] * vrfs[t] for t in pods)
    what = "pods and nodes of all tenants are {need} endpoints, and the budget is {limit}"
    afford("C692", endpoints, ENDPOINTS, what, spec.at("tenants"))
    routes = sum(2 * vrfs[t] * hosts[t] ** 2 for t in pods)
    what = "VRFs × hosts × routes are about {need} FIB entries, and the budget is {limit}"
    afford("C693", routes, ROUTES, what, spec.at("tenants"))


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
