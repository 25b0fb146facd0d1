"""EVPN Type-5 routes (RFC 9136 §4.4.1, interface-less): who announces what under which targets.

Rules that hold here:

1. A VTEP announces, per VRF, its hosts' blocks, host routes for addresses outside their host's
   block, and the prefixes of zone endpoints. Next hop, RD, label and router MAC are the
   originator's and nobody changes them on the way. Where all that is in a prefix is behind a
   VTEP as a second choice, that one announces it with its own ASN `PREPENDED` times more: eBGP
   has no other preference that every neighbour hands on (RFC 4271 §5.1.4, §5.1.5).
2. Every route carries its VRF's native route target and its raw `export_rts`. A route inside the
   prefixes of an offer also carries the offer's target. Where an offer is narrower than a block,
   the offered prefix is announced beside the block, and the block without the offer's target.
3. A VRF imports a route when it shares a route target with it; nothing else decides.
4. Zone 2 originates the default route of each IP version that it speaks where an endpoint owns
   it, else at the borders of its first endpoint.

Routes are columns sorted by (VRF, VTEP, prefix); prefixes and sets of targets are tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fabric.diagnostics import Span
from fabric.file.spec import FabricSpec
from fabric.intent.intents import EVERYWHERE, ZONE2, vrf_spec
from fabric.intent.offers import Intent, Offer
from fabric.io.phases import phase
from fabric.plan.addressing import Instance, Plan
from fabric.plan.pools import bounds
from fabric.values.inventory import Endpoint, Prefix, Vrf

I32 = NDArray[np.int32]
Rows = dict[tuple[int, int, Prefix], Set[str]]
Spread = tuple[int, int, int]
PREPENDED = 10
"""More than the AS paths of a Clos differ by: the longest way down and up has six steps."""


@dataclass(frozen=True, slots=True)
class Type5Route:
    """One route as a person reads it; `vtep` and `vrf` are indices of the originator."""

    rd: str
    prefix: Prefix
    rts: tuple[str, ...]
    label: int
    router_mac: str
    next_hop: str
    vtep: int
    vrf: int
    prepended: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Type5:
    """Every announced route, one row each: `prefix` and `rts` index `prefixes` and `rt_sets`;
    `prepended` is by how much its AS path is longer than the way."""

    plan: Plan
    labels: tuple[int, ...]
    prefixes: tuple[Prefix, ...]
    rt_sets: tuple[tuple[str, ...], ...]
    vrf: I32
    vtep: I32
    prefix: I32
    rts: I32
    prepended: I32

    def __len__(self) -> int:
        return len(self.vrf)

    def __iter__(self) -> Iterator[Type5Route]:
        return map(self.route, range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Type5) or len(self) != len(other):
            return False
        return self._as_written(other) or list(self) == list(other)

    def _as_written(self, other: Type5) -> bool:
        """Whether rows and tables are the same: routes are then, and none is made to tell."""
        plans = ((p.rd, p.router_mac, p.loopback) for p in (self.plan, other.plan))
        tables = ((r.labels, r.prefixes, r.rt_sets) for r in (self, other))
        return all(a == b for a, b in (tuple(plans), tuple(tables))) and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("vrf", "vtep", "prefix", "rts", "prepended")
        )

    def route(self, row: int) -> Type5Route:
        """One row as an object."""
        vtep, vrf = int(self.vtep[row]), int(self.vrf[row])
        return Type5Route(
            self.plan.rd[vtep, vrf], self.prefixes[self.prefix[row]],
            self.rt_sets[self.rts[row]], self.labels[vrf], self.plan.router_mac[vtep, vrf],
            self.plan.vtep(vtep), vtep, vrf, int(self.prepended[row]),
        )  # fmt: skip

    def of(self, vtep: int) -> Iterator[Type5Route]:
        """What one VTEP announces."""
        return map(self.route, np.flatnonzero(self.vtep == vtep).tolist())


@phase("announce Type-5 routes")
def originate(
    spec: FabricSpec,
    vrfs: Sequence[Vrf],
    endpoints: Sequence[Endpoint],
    vtep_of: Mapping[str, int],
    plan: Plan,
    intents: Iterable[Intent],
) -> Type5:
    """Every route of the network (rules 1, 2 and 4); `vtep_of` maps host names to VTEPs."""
    rows: Rows = {}
    offers = offers_by_exporter(intents)
    inside = own_prefixes(vrfs, endpoints, vtep_of, plan)
    if (ZONE2, "zone2") in {(o.exporter, o.key) for some in offers.values() for o in some}:
        add_defaults(vrfs, endpoints, inside)
    for vrf in vrfs:
        written = vrf_spec(spec, vrf)
        raw = written[0].export_rts if written else ()
        targets = frozenset({plan.native_rt[vrf.index], *raw})
        for vtep, prefixes in inside.get(vrf.index, {}).items():
            for prefix in prefixes:
                rows[vrf.index, vtep, prefix] = targets
    add_offers(rows, vrfs, endpoints, plan, offers)
    return columns(rows, plan, vrfs, second_choice(rows, vrfs, endpoints))


def own_prefixes(
    vrfs: Sequence[Vrf],
    endpoints: Sequence[Endpoint],
    vtep_of: Mapping[str, int],
    plan: Plan,
) -> dict[int, dict[int, set[Prefix]]]:
    """Rule 1: prefixes per VRF and VTEP."""
    out: dict[int, dict[int, set[Prefix]]] = defaultdict(lambda: defaultdict(set))
    for (host, vrf), blocks in plan.blocks.items():
        out[vrf][vtep_of[host]].update(blocks)
    for endpoint in endpoints:
        blocks = plan.blocks.get((endpoint.host or "", endpoint.vrf), ())
        beside = [prefix for prefix in endpoint.prefixes if prefix not in blocks]
        spans = [(block.version, *bounds(block)) for block in blocks] if beside else []
        for prefix in beside:
            first, last = bounds(prefix)
            if not any(v == prefix.version and a <= first and last <= b for v, a, b in spans):
                for vtep in endpoint.vteps:
                    out[endpoint.vrf][vtep].add(prefix)
    return out


def second_choice(
    rows: Rows, vrfs: Sequence[Vrf], endpoints: Sequence[Endpoint]
) -> set[tuple[int, int, Prefix]]:
    """Routes that are announced with a longer AS path: of a zone's VTEPs that are a second choice
    for everybody there who has addresses in the prefix; for a default route of nobody's, for the
    zone's first endpoint (rule 4)."""
    out: set[tuple[int, int, Prefix]] = set()
    seconds = {(e.vrf, vtep) for e in endpoints for vtep in e.backups}
    for vrf, vtep, prefix in rows if seconds else ():
        if (vrf, vtep) in seconds:
            here = [e for e in endpoints if e.vrf == vrf and vtep in e.vteps]
            owners = [e for e in here if prefix in e.prefixes]
            if not owners and prefix in EVERYWHERE:
                owners = [next(e for e in endpoints if e.vrf == vrf)]
            owners = owners or [
                e
                for e in here
                if any(p.version == prefix.version and p.overlaps(prefix) for p in e.prefixes)
            ]
            if all(vtep in e.backups for e in owners):
                out.add((vrf, vtep, prefix))
    return out


def add_defaults(
    vrfs: Sequence[Vrf],
    endpoints: Sequence[Endpoint],
    inside: dict[int, dict[int, set[Prefix]]],
) -> None:
    """Rule 4."""
    zone2 = next(vrf.index for vrf in vrfs if vrf.name == ZONE2)
    there = [e for e in endpoints if e.vrf == zone2]
    for default in EVERYWHERE:
        spoken = any(p.version == default.version for e in there for p in e.prefixes)
        if spoken and not any(default in prefixes for prefixes in inside[zone2].values()):
            for vtep in there[0].vteps:
                inside[zone2][vtep].add(default)


def offers_by_exporter(intents: Iterable[Intent]) -> dict[str, tuple[Offer, ...]]:
    """What each VRF exports; offers that differ in the importer alone count once."""
    out: dict[str, dict[tuple[str, tuple[Prefix, ...]], Offer]] = defaultdict(dict)
    for intent in intents:
        for offer in intent.offers:
            out[offer.exporter].setdefault((offer.key, offer.prefixes), offer)
    return {exporter: tuple(found.values()) for exporter, found in out.items()}


def add_offers(
    rows: Rows,
    vrfs: Sequence[Vrf],
    endpoints: Sequence[Endpoint],
    plan: Plan,
    offers: Mapping[str, tuple[Offer, ...]],
) -> None:
    """Rule 2: targets of offers, and prefixes that are offered out of the middle of a block."""
    intent_targets = {*plan.intent_rt.values()}
    by_vrf: dict[int, list[tuple[int, Prefix, Spread]]] = defaultdict(list)
    living: dict[Instance, list[Prefix]] = defaultdict(list)
    exporters = {vrf.index for vrf in vrfs if offers.get(vrf.name)}
    for endpoint in endpoints:
        if endpoint.vrf in exporters:
            for vtep in endpoint.vteps:
                living[vtep, endpoint.vrf] += endpoint.prefixes
    for vrf, vtep, prefix in rows:
        if vrf in exporters:
            by_vrf[vrf].append((vtep, prefix, spread(prefix)))
    for vrf_ in vrfs:
        for offer in offers.get(vrf_.name, ()):
            target = plan.intent_rt[offer.key]
            for wanted in offer.prefixes:
                asked = spread(wanted)
                for vtep, prefix, there in by_vrf[vrf_.index]:
                    if covers(asked, there):
                        rows[vrf_.index, vtep, prefix] |= {target}
                    elif covers(there, asked) and any(
                        covers(asked, spread(address)) for address in living[vtep, vrf_.index]
                    ):
                        targets = rows[vrf_.index, vtep, prefix] - intent_targets
                        place = vrf_.index, vtep, wanted
                        rows[place] = rows.get(place, targets) | {target}


def spread(prefix: Prefix) -> Spread:
    """Where a prefix begins and ends, behind its IP version."""
    return prefix.version, *bounds(prefix)


def covers(outer: Spread, inner: Spread) -> bool:
    """Whether `inner` lies in `outer`; the same prefix does."""
    return outer[1] <= inner[1] and inner[2] <= outer[2] and outer[0] == inner[0]


def columns(
    rows: Mapping[tuple[int, int, Prefix], Set[str]],
    plan: Plan,
    vrfs: Sequence[Vrf],
    second: Set[tuple[int, int, Prefix]] = frozenset(),
) -> Type5:
    """Sort rows and number their prefixes and sets of targets."""
    prefixes = sorted({prefix for _, _, prefix in rows}, key=prefix_key)
    sets = [*map(frozenset, rows.values())]
    rt_sets = sorted(tuple(sorted(targets)) for targets in {*sets})
    number = {prefix: index for index, prefix in enumerate(prefixes)}
    rt_number = {frozenset(targets): index for index, targets in enumerate(rt_sets)}
    table = np.empty((5, len(rows)), np.int32)
    table[0] = [vrf for vrf, _, _ in rows]
    table[1] = [vtep for _, vtep, _ in rows]
    table[2] = [number[prefix] for _, _, prefix in rows]
    table[3] = [rt_number[targets] for targets in sets]
    table[4] = [PREPENDED * (place in second) for place in rows] if second else 0
    columns = table[:, np.lexsort((table[2], table[1], table[0]))]
    return Type5(plan, tuple(vrf.vni for vrf in vrfs), tuple(prefixes), tuple(rt_sets), *columns)


def prefix_key(prefix: Prefix) -> tuple[int, int, int]:
    """Order of prefixes: IPv4 first, then by address, shorter first."""
    return prefix.version, int(prefix.network_address), prefix.prefixlen


@dataclass(frozen=True, slots=True)
class Import:
    """Why a VRF imports a route target: `intent` is None for raw ones and `""` for its own. An
    intent speaks for the routes of one `exporter` (a VRF), the others for everybody's (None)."""

    rt: str
    intent: str | None
    span: Span | None
    exporter: int | None = None

    def __str__(self) -> str:
        why = {None: "raw", "": "native"}.get(self.intent, self.intent)
        return f"import RT {self.rt} ({why})"


Imports = tuple[Mapping[str, tuple[Import, ...]], ...]


def imports(
    spec: FabricSpec, vrfs: Sequence[Vrf], plan: Plan, intents: Iterable[Intent]
) -> Imports:
    """Per VRF the route targets that it imports, and why: native first, then intents, then raw."""
    index = {vrf.name: vrf.index for vrf in vrfs}
    out: list[dict[str, tuple[Import, ...]]] = [{} for _ in vrfs]

    def add(vrf: int, why: Import) -> None:
        out[vrf][why.rt] = (*out[vrf].get(why.rt, ()), why)

    for vrf in vrfs:
        add(vrf.index, Import(plan.native_rt[vrf.index], "", vrf.span))
    for intent in intents:
        name = intent.name if intent.kind == "zone" else f"{intent.kind} {intent.name}"
        for offer in intent.offers:
            rt, span = plan.intent_rt[offer.key], offer.span or intent.span
            add(index[offer.importer], Import(rt, name, span, index[offer.exporter]))
    for vrf in vrfs:
        for rt, span in raw_targets(spec, vrf, "import_rts"):
            add(vrf.index, Import(rt, None, span))
    return tuple(out)


def why_imported(
    wanted: Mapping[str, tuple[Import, ...]], rts: Iterable[str], exporter: int
) -> Import:
    """The reason that counts for a route: native, else an intent with its exporter, else raw."""
    reasons = [why for rt in rts for why in wanted.get(rt, ())]
    fit = [why for why in reasons if why.exporter in (None, exporter)]
    if fit:
        return min(fit, key=lambda why: (why.intent is None, why.intent != "", why.rt))
    return replace(reasons[0], intent=None)


def raw_targets(spec: FabricSpec, vrf: Vrf, key: str) -> Iterator[tuple[str, Span | None]]:
    """Raw route targets of a VRF (`import_rts` or `export_rts`) and their lines."""
    written = vrf_spec(spec, vrf)
    if written is not None:
        for number, rt in enumerate(getattr(written[0], key)):
            yield rt, spec.at(*written[1], key, number)


@dataclass(frozen=True, slots=True)
class Carriers:
    """Routes by the targets that they carry: `sets` has the sets (numbers) with a target; the rows
    of set n are `order[first[n] : first[n + 1]]`, ascending. A VRF that imports little costs
    little, whatever others announce."""

    sets: Mapping[str, Sequence[int]]
    order: NDArray[np.int64]
    first: NDArray[np.int64]

    @staticmethod
    def of(routes: Type5) -> Carriers:
        """Those of all routes."""
        sets: dict[str, list[int]] = defaultdict(list)
        for number, rts in enumerate(routes.rt_sets):
            for rt in rts:
                sets[rt].append(number)
        order = np.argsort(routes.rts, kind="stable")
        first = np.searchsorted(routes.rts[order], np.arange(len(routes.rt_sets) + 1))
        return Carriers(sets, order, first)

    def imported(self, wanted: Iterable[str]) -> NDArray[np.int64]:
        """Rows that a VRF with these imports takes (rule 3), ascending."""
        found = sorted({number for rt in wanted for number in self.sets.get(rt, ())})
        parts = [self.order[self.first[n] : self.first[n + 1]] for n in found]
        return np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.int64)


def instances(
    endpoints: Iterable[Endpoint],
    blocks: Iterable[tuple[str, int]],
    vtep_of: Mapping[str, int],
) -> set[Instance]:
    """The (VTEP, VRF) pairs that exist: wherever an endpoint or a block is."""
    ends = {(vtep, e.vrf) for e in endpoints for vtep in e.vteps}
    return ends | {(vtep_of[host], vrf) for host, vrf in blocks}
