"""Who reaches whom, on which ports, and because of what: the rows of `reach`.

Pods of one workload that fare alike share a row. Causes are the rules that permit (defaults left
out), at the source's and at the destination's enforcement point: NetworkPolicies, leaks, peerings,
zone rules, the tenant's own VRF.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

import numpy as np

from compiler.policy.ir import Origin
from compiler.program.ownership import owned_addresses
from fabric.building.network import Network
from fabric.io.uncollected import uncollected
from fabric.values.address_sets import addresses_in
from fabric.values.door_names import door_in
from fabric.values.interval_sets import touch
from fabric.values.inventory import Endpoint
from fabric.values.ports import PortRange
from sim.blocks.conditions import conditional
from sim.blocks.port_sets import rows as port_rows
from sim.forwarding.one_step import way_back
from sim.names.ends import both, endpoints
from sim.names.services import behind, every_port
from sim.names.wanted_ports import ports_by, split_port, split_source
from sim.packets.reasons import Reason
from sim.pipeline.trace import Trace
from sim.pipeline.ways import entered
from sim.proof.expectations.expect import selected
from sim.proof.pairs.narrow import Limits, refuse_rewritten
from sim.proof.pairs.reachability import Bits, Reach, decisions
from sim.proof.pairs.witness import on_path
from sim.reach.asked_parts import ALL, Addresses, Asked, asked_parts
from sim.reach.assumed import Assumed
from sim.why.blame import Cause, crossings
from sim.why.pod_classes import workload

ANYTHING = (PortRange(),)
PARTS = "source_addresses", "destination_addresses"
ANYWHERE = Limits()
SOME = (6, 40000, 80, ())
"""Any packet will do where only its addresses matter."""


@dataclass(frozen=True, slots=True)
class Access:
    """What `source` may open to `target`: `ports` is a set of L4 atoms, `pairs` counts endpoints'
    (source, destination, family), and it is `partial` where there are more of these. Between VRFs
    `routes` says of the first pair what brings the routes there and back across. `assumed`: it
    rests on an address that is drawn by rule (`sim.reach.assumed`). `addresses` are those that it
    is about, where these are not all of an end's (`sim.reach.asked_parts`). `conditional`: some of
    it passes only if something holds besides that no header shows."""

    source: str
    target: str
    families: tuple[int, ...]
    ports: Bits
    text: str
    ports_list: tuple[dict[str, Any], ...]
    out: tuple[Origin, ...]
    into: tuple[Origin, ...]
    pairs: int
    partial: bool = False
    routes: tuple[Cause, ...] = ()
    assumed: bool = False
    addresses: Addresses = ALL
    conditional: bool = False

    def row(self) -> dict[str, Any]:
        """As JSON, with ports both structured and as text."""
        return {
            "source": self.source,
            "destination": self.target,
            **{key: [*found] for key, found in zip(PARTS, self.addresses, strict=True) if found},
            "ports": self.text,
            "ports_list": list(self.ports_list),
            "families": [f"IPv{version}" for version in self.families],
            "pairs": self.pairs,
            "assumed": ["address"] if self.assumed else [],
            "partial": self.partial,
            **({"conditional": True} if self.conditional else {}),
            "by": [
                {
                    "direction": direction,
                    "kind": origin.kind,
                    "name": origin.name,
                    "rule": origin.rule,
                    "line": None if origin.span is None else str(origin.span),
                }
                for direction, origins in (("egress", self.out), ("ingress", self.into))
                for origin in origins
            ],
            "routes": [
                {
                    "what": cause.title,
                    "part": cause.part,
                    "line": None if cause.span is None else str(cause.span),
                }
                for cause in self.routes
            ],
        }


def asked(
    reach: Callable[[], Reach], network: Network, source: str | None, target: str | None
) -> list[Access]:
    """Everything that passes from what one text says to what the other one says, `NAME` and
    `NAME[:PORT]`: a pattern, a name, or an address; everything when there is no text. One
    `InputError` with all that is wrong with both."""
    src, parts = both(lambda: senders(network, source), lambda: receivers(network, target))
    found = reach()
    rests = Assumed(found).rests
    ends = split_source(source or "")[0], split_port(target or "")[0]
    limits = Limits(*map(addresses_in, ends))
    refuse_rewritten(network, limits)
    rows = [row for dst, ports in parts for row in access(found, src, dst, ports, rests, limits)]
    return sorted(rows, key=lambda row: (row.source, row.target)) if len(parts) > 1 else rows


def senders(network: Network, text: str | None) -> Bits:
    """The endpoints that a text stands for; a port that they send from says nothing here."""
    return _chosen(network, None if text is None else split_source(text)[0])


def receivers(network: Network, text: str | None) -> list[tuple[Bits, Sequence[PortRange]]]:
    """The endpoints that a text stands for with the ports that it means to each."""
    name, port = (None, "") if text is None else split_port(text)
    if name is not None and (door := door_in(name)) is not None:
        by_port: dict[PortRange, list[Endpoint]] = {}
        for pod, at in behind(network, door, port) if port else every_port(network, door):
            by_port.setdefault(at, []).append(pod)
        return [(_bits(network, pods), (at,)) for at, pods in by_port.items()]
    chosen = _chosen(network, name)
    if not port:
        return [(chosen, ANYTHING)]
    some = [network.endpoints[i] for i in np.flatnonzero(chosen).tolist()]
    return [(_bits(network, members), ports) for ports, members in ports_by(port, some)]


def _chosen(network: Network, name: str | None) -> Bits:
    if name is None:
        return np.ones(len(network.endpoints), np.bool_)
    chosen = selected(name, network)
    return chosen if chosen.any() else _bits(network, endpoints(network, name))


def _bits(network: Network, some: Iterable[Endpoint]) -> Bits:
    out = np.zeros(len(network.endpoints), np.bool_)
    out[[e.index for e in some]] = True
    return out


@uncollected()
def access(
    reach: Reach,
    src: Bits,
    dst: Bits,
    ports: Sequence[PortRange] = ANYTHING,
    rests: Container[int] = (),
    limits: Limits = ANYWHERE,
) -> list[Access]:
    """Everything that passes from `src` to `dst` (bool per endpoint) on `ports` from and to
    addresses within `limits`, sorted; `rests` are pairs that rest on assumed addresses."""
    space, pairs = reach.space, reach.pairs
    masks = {version: space.touching(ports, version=version) for version in (4, 6)}
    open_ = {v: np.asarray((reach.sets & masks[v]).any(axis=1))[pairs.some] for v in masks}
    passing = np.where(pairs.version == 4, open_[4], open_[6])
    row = np.flatnonzero(src[pairs.src] & dst[pairs.dst] & passing)
    names = [workload(e) for e in reach.network.endpoints]
    groups: dict[tuple[str, str, int, Addresses], list[Asked]] = {}
    told: dict[int, tuple[Bits, str, tuple[dict[str, Any], ...]]] = {}
    numbers: dict[bytes, int] = {}
    seen: dict[int, int] = {}
    for part in asked_parts(reach, row.tolist(), masks, limits):
        number = seen.get(id(part.bits))
        if number is None:
            number = seen[id(part.bits)] = numbers.setdefault(part.bits.tobytes(), len(numbers))
            told[number] = part.bits, space.text(part.bits), tuple(port_rows(space, part.bits))
        i = part.pair
        key = names[int(pairs.src[i])], names[int(pairs.dst[i])], number, part.addresses
        groups.setdefault(key, []).append(part)
    causes, all_pairs = _PathCauses(reach, masks), _AllPairs(reach.network, src, dst, limits)
    counts = reach.counts(pairs.src, pairs.dst)
    out = []
    for (source, target, number, addresses), parts in sorted(groups.items(), key=itemgetter(0)):
        members = [part.pair for part in parts]
        families = tuple(sorted(set(pairs.version[members].tolist())))
        by_out, by_in, asks = causes.of(parts)
        routes = _routes(reach, parts[0], masks[int(pairs.version[members[0]])])
        count = int(counts[members].sum())
        few = count < sum(all_pairs(source, target, version) for version in families)
        rest = any(member in rests for member in members)
        row_of = (*told[number], by_out, by_in, count, few, routes, rest, addresses, asks)
        out.append(Access(source, target, families, *row_of))
    return out


class _AllPairs:
    """How many pairs of endpoints two workloads have, of those that are asked about."""

    def __init__(self, network: Network, src: Bits, dst: Bits, limits: Limits) -> None:
        self.ends: tuple[dict[tuple[str, int], set[int]], ...] = ({}, {})
        owned = network.once(owned_addresses) if limits else {}
        ways = zip((src, dst), self.ends, (limits.source, limits.target), strict=True)
        for chosen, members, limit in ways:
            for endpoint in network.endpoints:
                if chosen[endpoint.index]:
                    versions = {prefix.version for prefix in endpoint.prefixes}
                    if limit is not None:
                        mine = owned[endpoint.index]
                        versions &= {v for v in (4, 6) if touch(mine[v == 6], limit.of(v))}
                    for version in versions:
                        key = workload(endpoint), version
                        members.setdefault(key, set()).add(endpoint.index)

    def __call__(self, source: str, target: str, version: int) -> int:
        """Of one IP version; nobody with itself."""
        left, right = self.ends[0][source, version], self.ends[1][target, version]
        return len(left) * len(right) - len(left & right)


def _routes(reach: Reach, part: Asked, mask: Bits) -> tuple[Cause, ...]:
    """What brings the routes of a pair across VRFs, on the first path that is open."""
    path = next(i for i in part.paths.tolist() if (reach.sets[reach.path_set[i]] & mask).any())
    network = reach.network
    src, dst = (network.endpoints[int(end[path])] for end in (reach.paths.src, reach.paths.dst))
    if src.vrf == dst.vrf:
        return ()
    witness = on_path(reach, path, SOME)
    flow = witness.flow
    entry, way, _ = entered(reach.world, src, flow)[witness.choice or 0]
    assert way is not None, "a path without a route"
    route, hop, _ = way.steps[0]
    back, seen = way_back(reach.network, way.end, way.before[:2])
    ends = src.index, entry, route, hop
    known = Trace(flow, Reason.DELIVERED, *ends, target=dst.index, way=way)
    found = replace(known, back=back, seen=seen)
    return tuple(cause for _, cause in crossings(network, found))


class _PathCauses:
    """Origins behind paths, worked out once per pair of block rows."""

    def __init__(self, reach: Reach, masks: Mapping[int, Bits]) -> None:
        self.reach = reach
        self.masks = masks
        self.origin: dict[int, int] = {
            entry.id: entry.origin
            for group in reach.program.groups
            for entry in (*group.entries, group.default_entry)
        }
        self.known: dict[tuple[int, int, int], tuple[frozenset[int], frozenset[int], bool]] = {}
        self.asks = conditional(reach.blocks)

    def of(self, parts: Iterable[Asked]) -> tuple[tuple[Origin, ...], tuple[Origin, ...], bool]:
        """What permits on the paths of these parts, at the source and at the destination; and if
        that is under conditions somewhere."""
        asks = False
        out: set[int] = set()
        into: set[int] = set()
        for part in parts:
            paths = zip(
                self.reach.paths.out_key[part.paths].tolist(),
                self.reach.paths.in_key[part.paths].tolist(),
                strict=True,
            )
            version = int(self.reach.pairs.version[part.pair])
            for key in {(*keys, version) for keys in paths}:
                if key not in self.known:
                    self.known[key] = self._origins(*key)
                out |= self.known[key][0]
                into |= self.known[key][1]
                asks |= self.known[key][2]
        return self._named(out), self._named(into), asks

    def _origins(
        self, out_key: int, in_key: int, version: int
    ) -> tuple[frozenset[int], frozenset[int], bool]:
        blocks = self.reach.blocks
        found = decisions(blocks, np.array([out_key, in_key]))
        both = blocks.dec_permit[found].all(axis=0) & self.masks[version]
        out, into = (self._entries(np.unique(side[both])) for side in found)
        return out, into, bool((self.asks[found].any(axis=0) & both).any())

    def _entries(self, found: Any) -> frozenset[int]:
        entries = np.unique(self.reach.blocks.dec_entries[found])
        return frozenset(self.origin[e] for e in entries.tolist() if e >= 0)

    def _named(self, origins: Iterable[int]) -> tuple[Origin, ...]:
        named = (self.reach.program.origins[o] for o in origins)
        spoken = (o for o in named if not o.kind.silent)
        return tuple(sorted(spoken, key=lambda o: o.rank))
