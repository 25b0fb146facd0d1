"""Which addresses an endpoint might as well have, where its own was drawn by rule; and which rules
tell these apart.

Rules that hold here:

1. In a fabric an address is drawn from the prefixes of its VRF that serve its purpose
   (`fabric.plan.vrfs.Slot`): these are its pool, in both IP versions.
2. A rule *cuts* a pool when it matches some of its addresses and not all of them.
3. Pods of a lone cluster (`fabric.building.cluster`) might have any address at all: every workload
   policy that goes by address cuts their pool.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from compiler.policy.ir import Origin, Stage
from compiler.policy.stages import Owner
from compiler.program.program import ANY_VRF, Entry, goes_by_address
from compiler.program.space import intersect, of_prefixes, union
from fabric.building.cluster import CLUSTER
from fabric.building.network import Network
from fabric.plan.vrfs import Slot, drafts, slots
from fabric.values.inventory import Endpoint, Prefix

Pool = tuple[int, tuple[Prefix, ...]] | tuple[()]
"""The index of a VRF and prefixes of it; empty for any address at all."""


def pools_of(network: Network) -> list[Pool | None]:
    """The pool of each endpoint; None where its address is not drawn."""
    if CLUSTER in network.manifests:
        return [() if "address" in e.assumed else None for e in network.endpoints]
    if network.spec is None or not any("address" in e.assumed for e in network.endpoints):
        return [None] * len(network.endpoints)
    namespaces: dict[str, set[str]] = defaultdict(set)
    for endpoint in network.endpoints:
        if endpoint.namespace is not None:
            namespaces[endpoint.tenant].add(endpoint.namespace)
    written = {draft.name: draft for draft in drafts(network.spec, namespaces)}
    by_vrf = {
        v.index: [(slot, _ranges(slot)) for slot in slots(written[v.name], v.prefixes)]
        for v in network.vrfs
        if v.name in written
    }
    return [
        _pool(e, by_vrf.get(e.vrf, ())) if "address" in e.assumed else None
        for e in network.endpoints
    ]


def _ranges(slot: Slot) -> list[tuple[int, int, int]]:
    """IP version, first and last address of each of its prefixes."""
    return [(p.version, int(p[0]), int(p[-1])) for p in slot.prefixes]


def _pool(endpoint: Endpoint, found: Iterable[tuple[Slot, Sequence[tuple[int, int, int]]]]) -> Pool:
    own = [(p.version, int(p.network_address)) for p in endpoint.prefixes]
    around = {
        prefix
        for slot, ranges in found
        if any(
            version == other and first <= address <= last
            for version, address in own
            for other, first, last in ranges
        )
        for prefix in slot.prefixes
    }
    order = sorted(around, key=lambda p: (p.version, int(p.network_address), p.prefixlen))
    return endpoint.vrf, tuple(order)


def by_address(entry: Entry, origin: Origin) -> bool:
    """Whether an entry of this origin may go by address at all."""
    return origin.kind.leads or goes_by_address(entry)


def cut(stage: Stage, entry: Entry, origin: Origin, pool: Pool, version: int) -> bool:
    """Whether an entry of this stage and origin cuts a pool (rules 2 and 3)."""
    if not pool:
        return stage.owner is Owner.CLUSTER and goes_by_address(entry)
    leads = origin.kind.leads
    vrf, prefixes = pool
    whole = of_prefixes(prefixes, version)
    meant = [r for r in entry.regions if r.vrf == ANY_VRF or (leads and r.vrf == vrf)]
    found = intersect(union(*(r.v4 if version == 4 else r.v6 for r in meant)), whole)
    return bool(found) and found != whole
