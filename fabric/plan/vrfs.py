"""The VRF table: which routing instances exist, with which prefixes and VNIs.

Rules that hold here:

1. A tenant's VRFs are `tenant/vrf`; with `vrf_per: namespace`, one `tenant/namespace` for every
   namespace that has workloads, and `tenant/nodes` (`fabric.plan.per_namespace`).
2. `zone0/main` and `zone2/main` exist when their zone has endpoints.
3. `Vrf.prefixes` are those of `entries`, one for one.
4. Prefixes drawn from a pool are unique in that pool.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network

from fabric.diagnostics import Diagnostics, Span
from fabric.file.spec import FabricSpec, VrfPrefix, VrfSpec
from fabric.plan.draws import Draws
from fabric.plan.per_namespace import Entry, entries
from fabric.plan.pools import FreeSpace, bounds, numbers
from fabric.values.inventory import Prefix, Vrf


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """Prefixes of a VRF that serve the same purpose: `nodes`, `pins`, or pods of `namespaces`
    (empty: of all others). What is kept per slot is looked up by identity."""

    use: str
    namespaces: frozenset[str]
    prefixes: tuple[Prefix, ...]


@dataclass(frozen=True, slots=True)
class VrfDraft:
    """A VRF before it has an index and a VNI; its prefixes with their places in the file."""

    name: str
    tenant: str
    zone: int
    written: tuple[Entry, ...]
    vni: int | None
    span: Span | None
    hairpin: bool = False


def drafts(spec: FabricSpec, namespaces: Mapping[str, Iterable[str]]) -> list[VrfDraft]:
    """Every VRF that exists, sorted by name; `namespaces` lists those with workloads per tenant."""
    out = []
    for tenant, settings in spec.tenants.items():
        if settings.vrf_per == "namespace" and settings.vrfs:
            span = spec.at("tenants", tenant, "vrfs", next(iter(settings.vrfs)))
            model = next(iter(settings.vrfs.values()))
            names = sorted({*namespaces.get(tenant, ())})
            out += [_draft(spec, tenant, name, None, span, model) for name in names]
            continue
        for name, vrf in settings.vrfs.items():
            span = spec.at("tenants", tenant, "vrfs", name)
            out.append(_draft(spec, tenant, name, vrf.vni, span, vrf))
    for number, zone in ((0, spec.zones.zone0), (2, spec.zones.zone2)):
        if zone.endpoints:
            given = spec.zones.zone0.prefixes if number == 0 else []
            texts = given or sorted({a for e in zone.endpoints.values() for a in e.addresses})
            written = tuple(enumerate(VrfPrefix(cidr=text) for text in texts))
            span = spec.at("zones", f"zone{number}")
            name, on = f"zone{number}", zone.hairpin == "permit"
            out.append(VrfDraft(f"{name}/main", name, number, written, zone.vni, span, on))
    return sorted(out, key=lambda draft: draft.name)


def _draft(
    spec: FabricSpec, tenant: str, name: str, vni: int | None, span: Span | None, model: VrfSpec
) -> VrfDraft:
    written, on = entries(spec, tenant, name), model.hairpin == "permit"
    return VrfDraft(f"{tenant}/{name}", tenant, 1, written, vni, span, on)


def vrf_table(
    spec: FabricSpec, namespaces: Mapping[str, Iterable[str]], draws: Draws
) -> tuple[tuple[Vrf, ...], tuple[tuple[Slot, ...], ...]]:
    """VRFs and, index by index, their slots."""
    table = drafts(spec, namespaces)
    problems = Diagnostics()
    prefixes = PrefixResolver(spec, draws, problems)
    resolved = [prefixes.of(draft) for draft in table]
    vnis = draw_vnis(spec, table, draws, problems)
    problems.items += draws.problems.items
    problems.check()
    vrfs = tuple(
        Vrf(index, draft.name, draft.tenant, draft.zone, vni, found, draft.span, draft.hairpin)
        for index, (draft, found, vni) in enumerate(zip(table, resolved, vnis, strict=True))
    )
    return vrfs, tuple(map(slots, table, resolved))


def draw_vnis(
    spec: FabricSpec, table: Sequence[VrfDraft], draws: Draws, problems: Diagnostics
) -> list[int]:
    """A VNI per VRF that is no other VRF's and whose native route target is nobody's."""
    given = {draft.name: draft.vni for draft in table if draft.vni is not None}
    ledger = draws.ledger("vni", "VNI", given)
    used = targets_in_use(spec, draws)
    pool = spec.pools.vni
    free = (vni for vni in numbers(pool) if f"{spec.pools.rt_asn}:{vni}" not in used)
    out = []
    for draft in table:
        vni = ledger.draw(draft.name, "vni", free)
        if vni is None:
            what = (
                f"VNI pool {pool} is exhausted: {len(table)} VRFs need one, {draft.name} got none"
            )
            problems.error("C401", what, spec.at("pools", "vni"), "enlarge the pool")
            break
        out.append(vni)
    return out + [0] * (len(table) - len(out))


def targets_in_use(spec: FabricSpec, draws: Draws) -> set[str]:
    """Route targets that a VRF's own must not fall on by chance: those that are pinned, locked, or
    written as raw ones by somebody who cannot have meant a VRF without a number."""
    return raw_targets(spec) | {*draws.pins.rt.values(), *draws.locked.rt.values()}


def raw_targets(spec: FabricSpec) -> set[str]:
    """Every raw route target that the file writes."""
    written = (v for tenant in spec.tenants.values() for v in tenant.vrfs.values())
    return {rt for vrf in written for rt in (*vrf.import_rts, *vrf.export_rts)}


def slots(draft: VrfDraft, prefixes: Sequence[Prefix]) -> tuple[Slot, ...]:
    """Prefixes grouped by purpose, in file order."""
    groups: dict[tuple[str, frozenset[str]], list[Prefix]] = {}
    for (_, written), prefix in zip(draft.written, prefixes, strict=True):
        groups.setdefault((written.use, frozenset(written.namespaces)), []).append(prefix)
    return tuple(Slot(use, only, tuple(found)) for (use, only), found in groups.items())


class PrefixResolver:
    """Resolves what the file writes to prefixes; draws from named pools (rule 4)."""

    def __init__(self, spec: FabricSpec, draws: Draws, problems: Diagnostics) -> None:
        self.spec, self.problems = spec, problems
        self.ledger = draws.ledger("prefixes", "prefix")
        self.spaces: dict[tuple[str, int], FreeSpace] = {}

    def of(self, draft: VrfDraft) -> tuple[Prefix, ...]:
        """The prefixes of one VRF, in file order."""
        return tuple(self.one(draft, n, written) for n, written in draft.written)

    def one(self, draft: VrfDraft, number: int, written: VrfPrefix) -> Prefix:
        """One prefix, given or drawn."""
        if written.cidr is not None or written.pool is None:
            return ip_network(written.cidr or "0.0.0.0/32", strict=False)
        key, pool = f"{draft.name} {written.pool} {number}", written.pool
        text = self.ledger.draw(key, key, self.candidates(pool, written.length))
        if text is None:
            pools = ", ".join(self.spec.pools.prefixes.get(pool, ())) or "which does not exist"
            self.problems.error(
                "C402",
                f'pool "{pool}" ({pools}) has no free /{written.length} for {draft.name}',
                draft.span,
                "add a prefix to the pool, or ask for a longer length",
            )
            return IPv4Network("0.0.0.0/32")
        return ip_network(text)

    def candidates(self, pool: str, length: int | None) -> Iterator[str]:
        """The next free subnet of a pool, from members that can hold such a subnet; IPv4 and IPv6
        have spaces of their own."""
        for text in self.spec.pools.prefixes.get(pool, ()):
            prefix = ip_network(text)
            wanted = length or prefix.prefixlen
            if prefix.prefixlen <= wanted <= prefix.max_prefixlen:
                found = self.space(pool, prefix.version).draw(prefix, wanted)
                if found is not None:
                    yield str(found)

    def space(self, pool: str, version: int) -> FreeSpace:
        """What is taken of a pool in one IP version."""
        known = self.spaces.get((pool, version))
        if known is None:
            known = self.spaces[pool, version] = FreeSpace()
            for taken in map(ip_network, self.ledger.taken):
                if taken.version == version:
                    known.add(*bounds(taken))
        return known
