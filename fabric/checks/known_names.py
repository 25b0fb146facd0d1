"""The names that a fabric file makes: nodes, tenants, VRFs, zone endpoints; and lookups in them.

Counting follows `fabric.wiring.clos` without building the graph, so that a check stays fast.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fabric.file.spec import FabricSpec, Site
from fabric.intent.intents import select_vrfs
from fabric.plan.per_namespace import NODES
from fabric.values.wildcard import GLOB, fits

ZONES = ("zone0", "zone2")
ZONE_VRFS = tuple(f"{zone}/main" for zone in ZONES)


@dataclass(frozen=True, slots=True)
class KnownNames:
    """What exists. `dynamic` tenants have one VRF per namespace, known only from manifests; `vrfs`
    then lists the namespaces that the file mentions. Whether they are is found in the end
    (`fabric.plan.per_namespace`)."""

    hosts: tuple[str, ...]
    borders: tuple[str, ...]
    nodes: frozenset[str]
    tenants: tuple[str, ...]
    vrfs: tuple[str, ...]
    dynamic: frozenset[str]
    zone_endpoints: tuple[str, ...]

    def open(self, pattern: str) -> bool:
        """Whether a pattern of VRFs may name some that only manifests tell."""
        tenant, slash, _ = pattern.partition("/")
        return bool(slash) and any(fits(name, tenant) for name in self.dynamic)

    def vrf(self, name: str) -> bool:
        """Whether a name is a VRF's, or may be one that only manifests tell."""
        return name in self.vrfs or name in ZONE_VRFS or (self.open(name) and name.count("/") == 1)

    def select(self, pattern: str) -> tuple[str, ...]:
        """Tenant VRFs that a pattern of a leak or peering names."""
        return select_vrfs([pattern], self.vrfs)


def survey(spec: FabricSpec) -> KnownNames:
    """The names of a file."""
    dynamic = frozenset(t for t, s in spec.tenants.items() if s.vrf_per == "namespace")
    own = written_nodes(spec)
    hosts = (*site_names(spec, "host"), *(name for name, role in own if role == "host"))
    borders = (*site_names(spec, "border"), *(name for name, role in own if role == "border"))
    return KnownNames(
        hosts=hosts,
        borders=borders,
        nodes=frozenset((*hosts, *borders, *devices(spec), *(name for name, _ in own))),
        tenants=tuple(spec.tenants),
        vrfs=tuple(vrf_names(spec, dynamic)),
        dynamic=dynamic,
        zone_endpoints=(
            *(f"zone0/{name}" for name in spec.zones.zone0.endpoints),
            *(f"zone2/{name}" for name in spec.zones.zone2.endpoints),
        ),
    )


def written_nodes(spec: FabricSpec) -> list[tuple[str, str]]:
    """Names and roles of what is written down, hosts of DPUs among them."""
    found: list[tuple[str, str]] = []
    for site in spec.sites.values():
        for name, node in site.nodes.items():
            found += [(node.host, "host")] if node.host else []
            found.append((name, node.role))
    return found


def count(site: Site, stem: str) -> int:
    """How many hosts (so many DPUs) or borders a site has."""
    if stem == "border":
        return 0 if site.clos == "none" else site.borders
    if site.clos == "none":
        return 0
    pods = site.pods if site.clos == "three-tier" else 1
    return pods * -(-site.leaves // 2) * site.hosts_per_pair


def site_names(spec: FabricSpec, stem: str) -> Iterator[str]:
    """`host1 …`, `dpu1 …` or `border1 …` of all sites."""
    for name, site in spec.sites.items():
        start = spec.prefix_of(name) + stem
        yield from (f"{start}{number}" for number in range(1, count(site, stem) + 1))


def devices(spec: FabricSpec) -> Iterator[str]:
    """DPUs and switches of all sites."""
    if spec.vtep == "dpu":
        yield from site_names(spec, "dpu")
    for name, site in spec.sites.items():
        start = spec.prefix_of(name)
        three = site.clos == "three-tier"
        if site.clos == "none":
            continue
        for pod in [f"pod{n}-" for n in range(1, site.pods + 1)] if three else [""]:
            yield from (f"{start}{pod}leaf{n}" for n in range(1, site.leaves + 1))
            yield from (f"{start}{pod}spine{n}" for n in range(1, site.spines + 1))
        if three:
            yield from (f"{start}superspine{n}" for n in range(1, site.superspines + 1))


def vrf_names(spec: FabricSpec, dynamic: Iterable[str]) -> Iterator[str]:
    """`tenant/vrf` of every tenant."""
    mentioned = sorted({p for p in mentions(spec) if "/" in p and not GLOB & set(p)})
    for tenant, settings in spec.tenants.items():
        if tenant not in dynamic:
            yield from (f"{tenant}/{name}" for name in settings.vrfs)
            continue
        names = {p for p in mentioned if p.partition("/")[0] == tenant}
        for vrf in settings.vrfs.values():
            entries = (e for e in vrf.prefixes if not isinstance(e, str))
            names |= {f"{tenant}/{n}" for e in entries for n in e.namespaces if n}
        yield from sorted({*names, f"{tenant}/{NODES}"})


def mentions(spec: FabricSpec) -> Iterator[str]:
    """VRF patterns in peerings and leaks."""
    for peering in spec.peerings:
        yield from peering.between
    for leak in spec.leaks:
        yield leak.from_
        yield from leak.to
