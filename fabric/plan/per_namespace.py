"""One VRF per namespace: what each of a tenant's VRFs has of the template.

Rules that hold here:

1. A tenant with `vrf_per: namespace` has a VRF for every namespace with workloads, and one more for
   its hosts: `tenant/nodes`. All are made like the first entry of `vrfs`.
2. Prefixes with `use: nodes` are in `tenant/nodes` only, which has the others just for IP versions
   that no node prefix has. A prefix with `namespaces` is in the VRFs of these only.
3. The VRFs share one address space: where two have the same prefix, no block or address of it is in
   both. So what they offer to others is not ambiguous.
4. Names of such VRFs are known when the manifests are read; a name that is none is an error then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fabric.diagnostics import Diagnostics, Span, did_you_mean
from fabric.file.spec import FabricSpec, VrfPrefix
from fabric.values.inventory import Vrf
from fabric.values.wildcard import fits

NODES = "nodes"
Entry = tuple[int, VrfPrefix]


def dynamic(spec: FabricSpec, tenant: str) -> bool:
    """Whether a tenant has one VRF per namespace."""
    settings = spec.tenants.get(tenant)
    return settings is not None and settings.vrf_per == "namespace"


def entries(spec: FabricSpec, tenant: str, name: str) -> tuple[Entry, ...]:
    """The prefixes of a tenant's VRF as the file writes them, each with its place in the list."""
    settings = spec.tenants[tenant]
    template = dynamic(spec, tenant) or name not in settings.vrfs
    written = settings.vrfs[next(iter(settings.vrfs)) if template else name].prefixes
    every = [(n, VrfPrefix(cidr=p) if isinstance(p, str) else p) for n, p in enumerate(written)]
    if not dynamic(spec, tenant):
        return tuple(every)
    own = [entry for entry in every if entry[1].use == "nodes"]
    others = [e for e in every if e[1].use != "nodes" and name in (e[1].namespaces or [name])]
    if name != NODES:
        return tuple(others)
    covered = {version for _, entry in own for version in versions(spec, entry)}
    rest = [e for e in others if e[1].use == "pods" and not covered & versions(spec, e[1])]
    return tuple(sorted(own + rest, key=lambda entry: entry[0]))


def versions(spec: FabricSpec, entry: VrfPrefix) -> set[int]:
    """The IP versions that a prefix may have."""
    texts = [entry.cidr] if entry.cidr else spec.pools.prefixes.get(entry.pool or "", [])
    found = {6 if ":" in text else 4 for text in texts}
    return found - {4} if (entry.length or 0) > 32 else found


def unknown_names(spec: FabricSpec, vrfs: Sequence[Vrf], problems: Diagnostics) -> None:
    """Rule 4, for every pattern that names VRFs of such tenants."""
    there = [vrf.name for vrf in vrfs if vrf.zone == 1]
    for pattern, span, code in written_names(spec):
        tenant, slash, _ = pattern.partition("/")
        if not any(dynamic(spec, name) and fits(name, tenant) for name in spec.tenants):
            continue
        if slash and not any(fits(name, pattern) for name in there):
            mine = [name for name in there if fits(name.partition("/")[0], tenant)]
            hint = did_you_mean(pattern, mine) or f"there are {', '.join(mine[:5]) or 'none'}"
            problems.error(code, f'no VRF is called "{pattern}"', span, hint)


def written_names(spec: FabricSpec) -> Iterator[tuple[str, Span | None, str]]:
    """Patterns of VRFs in peerings, leaks and `serves`, with the code for those that are none."""
    for i, peering in enumerate(spec.peerings):
        for side, name in enumerate(peering.between):
            yield name, spec.at("peerings", i, "between", side), "C301"
    for i, leak in enumerate(spec.leaks):
        yield leak.from_, spec.at("leaks", i, "from"), "C301"
        for k, name in enumerate(leak.to):
            yield name, spec.at("leaks", i, "to", k), "C301"
    for i, name in enumerate(spec.zones.zone0.serves):
        yield name, spec.at("zones", "zone0", "serves", i), "C311"
