"""Explanations for all addresses of an end that has many: a prefix, or an endpoint that owns some.

A name or a prefix that stands for many addresses has one answer only if they all fare alike. Rules
that hold here:

1. Addresses are alike when the same routes lead there and back (those of whoever permits hairpins
   included), the same ranges of the entries that decide hold them, and the same endpoint owns them.
   One of each class is followed (`sim.why.explain`), and classes with the same verdict, reason and
   line are put together again, in every IP version.
2. Of an endpoint that owns prefixes only those addresses count that are nobody else's in the eyes
   of the other end (`sim.proof.pairs.counted_addresses`); of written addresses those that the
   other end can mean by them.
3. More than `MOST` classes are not looked at: C714.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

from compiler.policy.fields import Values
from compiler.policy.ir import Direction
from compiler.policy.semantics import owner
from compiler.program.ownership import owned_addresses
from compiler.program.program import Group, Intervals
from compiler.program.space import everything, intersect, interval, union
from fabric.building.network import Network
from fabric.control.fib import NextHop
from fabric.control.rewrites import refuse_rewrites
from fabric.diagnostics import Diagnostic, InputError
from fabric.values.address_sets import Address, AddressSet
from fabric.values.inventory import Endpoint
from sim.forwarding.one_step import Place, sets_onward
from sim.names.address_words import blocks_of
from sim.names.ends import EXAMPLES, Destination, address_of
from sim.names.wanted_ports import packet_port
from sim.packets.headers import Flow
from sim.pipeline.ways import ways
from sim.why.explain import Explanation, between
from sim.worlds.world import World

MOST = 1000
Instance = tuple[int, int]


@dataclass(frozen=True, slots=True)
class AddressClass:
    """Addresses that fare alike, one of which is followed; no ranges where an end has just one."""

    address: int | None
    ranges: Intervals = ()
    sets: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Ends:
    """Who talks to whom. `block` limits the source's addresses, `wanted.block` the other's."""

    world: World
    source: Endpoint
    wanted: Destination
    block: AddressSet | None = None

    @property
    def network(self) -> Network:
        """Where they are."""
        return self.world.network


def each(
    ends: Ends,
    version: int | None = None,
    sent_from: Address | None = None,
    sport: int | None = None,
    fields: Values = (),
) -> list[Explanation]:
    """Why flows between two ends are allowed or denied, an explanation for all addresses that fare
    alike; one where they all do. `InputError` when there is no flow."""
    if sent_from is not None:
        version = sent_from.version
    blocks = [b for b in (ends.block, ends.wanted.block) if b is not None]
    if not blocks and not is_wide(ends.source) and not _is_wide(ends.wanted):
        return [between(*_plain(ends), version, sent_from, sport, fields)]
    common = {4, 6}.intersection(*(b.versions for b in blocks))
    versions = sorted(common, key=lambda v: (v != version, v))
    if not versions:
        message = "the addresses at the two ends are of two IP versions"
        raise InputError(Diagnostic("C712", message))
    if sent_from is not None:
        versions = [sent_from.version]
    told = [[*_family(ends, v, sent_from, sport, fields)] for v in versions]
    told = [groups for groups in told if groups]
    if not told and blocks:
        message = f"no host at one of these ends sends such IPv{versions[0]} packets to the other"
        raise InputError(Diagnostic("C712", message))
    if not told:
        return [between(*_plain(ends), version, sent_from, sport, fields)]
    if all(len(groups) == 1 and not groups[0].about for groups in told):
        rest = ((one.flow.version, one.verdict) for groups in told[1:] for one in groups)
        return [replace(told[0][0], others=tuple(rest))]
    return [replace(one, others=()) for groups in told for one in groups]


def is_wide(endpoint: Endpoint) -> bool:
    """Whether it owns whole prefixes."""
    return any(p.num_addresses > 1 for p in endpoint.prefixes)


def _is_wide(wanted: Destination) -> bool:
    return wanted.endpoint is not None and wanted.address is None and is_wide(wanted.endpoint)


def _plain(ends: Ends) -> tuple[World, Endpoint, Destination]:
    return ends.world, ends.source, ends.wanted


def _family(
    ends: Ends, version: int, sent_from: Address | None, sport: int | None, fields: Values
) -> Iterator[Explanation]:
    """The explanations of one IP version, those that are alike together."""
    if packet_port(ends.wanted.ports, version) is None:
        return
    targets = _targets(ends, version)
    sources = _sources(ends, version, targets, sent_from)
    if not any(p.version == version for p in ends.source.prefixes):
        return
    if len(sources) * len(targets) > MOST:
        message = f"{len(sources) * len(targets)} kinds of addresses of these fare differently"
        raise InputError(Diagnostic("C714", message, None, "ask about a longer prefix"))
    kind = IPv4Address if version == 4 else IPv6Address
    found: dict[Hashable, tuple[Explanation, list[AddressClass], Intervals]] = {}
    for target in targets:
        by_fate: dict[Hashable, tuple[Explanation, list[AddressClass]]] = {}
        to = ends.wanted
        if target.address is not None:
            to = replace(to, address=kind(target.address))
        for source in sources:
            sent = sent_from if source.address is None else kind(source.address)
            one = between(ends.world, ends.source, to, version, sent, sport, fields)
            by_fate.setdefault(fate(one), (one, []))[1].append(source)
        for key, (one, members) in by_fate.items():
            froms = union(*(m.ranges for m in members))
            first = found.setdefault((key, froms), (one, [], froms))
            first[1].append(target)
    for one, members, froms in found.values():
        to_ranges = union(*(m.ranges for m in members))
        yield _about(one, ends, froms, to_ranges, version, len(found) > 1)


def _about(
    one: Explanation, ends: Ends, froms: Intervals, to: Intervals, version: int, several: bool
) -> Explanation:
    """The explanation with the addresses that it is about, unless these are all that there are."""
    parts = []
    for ranges, block in ((froms, ends.block), (to, ends.wanted.block)):
        whole = block is not None and ranges == block.of(version)
        parts.append(blocks_of(ranges, version) if several or (block and not whole) else ())
    return replace(one, parts=(parts[0], parts[1]))


def fate(found: Explanation) -> Hashable:
    """What must be the same for two flows to fare alike."""
    culprit = found.blame.culprit
    said = found.verdict, found.computed, found.why, found.conditions
    return *said, culprit.title, culprit.span, found.touched_by


def _targets(ends: Ends, version: int) -> list[AddressClass]:
    """Destinations of one family by class (rules 1 and 2)."""
    network, source, wanted = ends.network, ends.source, ends.wanted
    end, block = wanted.endpoint, wanted.block
    entries = [(vtep, source.vrf) for vtep in network.entries(source)]
    here = [*entries, *_hairpins(network)]
    if block is None and not _is_wide(wanted):
        mine = _address(ends, version)
        return (
            [] if mine is None else [AddressClass(None, (), _sets(ends, here, version, [mine])[0])]
        )
    space = _owned(ends, end, version)
    groups = ends.world.program.bound(Direction.OUT, source.index)
    found, strict = _FoundClasses(version), _FoundClasses(version)
    owners = () if end else _edges(network, version)
    for low, high, held, sets in _cut(ends, space, version, groups, here, owners):
        vrfs = {
            vrf
            for n, home in enumerate(entries)
            for vrf in _led_into(ends, home, version, low, sets[n : n + 1])
        }
        theirs = [] if end else [owner(network, vrf, version, low) for vrf in sorted(vrfs)]
        if source not in theirs:
            key = held, sets, tuple(e and e.index for e in theirs)
            found.add(key, low, high, sets)
            if end is None or not vrfs or end.vrf in vrfs:
                strict.add(key, low, high, sets)
    return strict.classes() or found.classes()


def _sources(
    ends: Ends, version: int, targets: Sequence[AddressClass], sent_from: Address | None
) -> list[AddressClass]:
    """Sources of one family by class (rules 1 and 2)."""
    network, source, end = ends.network, ends.source, ends.wanted.endpoint
    if sent_from is not None or not is_wide(source):
        return [AddressClass(None)]
    hops = {(hop.vtep, hop.vrf) for one in targets for hop in _hops(network, one.sets)}
    home = {(v, end.vrf) for v in network.entries(end)} if end else set[Instance]()
    egresses = sorted({*hops, *home, *_hairpins(network)})
    groups = [
        group
        for e in network.endpoints
        if any((vtep, e.vrf) in hops for vtep in e.vteps) and end in (None, e)
        for group in ends.world.program.bound(Direction.IN, e.index)
    ]
    found, strict = _FoundClasses(version), _FoundClasses(version)
    space = _owned(ends, source, version)
    for low, high, held, sets in _cut(ends, space, version, groups, egresses):
        found.add((held, sets), low, high, sets)
        seen = [(at, sets[n]) for n, at in enumerate(egresses) if at in (home or hops)]
        if any(s < 0 or source.vrf in _led_into(ends, at, version, low, [s]) for at, s in seen):
            strict.add((held, sets), low, high, sets)
    return strict.classes() or found.classes()


class _FoundClasses:
    """Collects addresses by what they are like; the class that holds the example comes first."""

    def __init__(self, version: int) -> None:
        self.example = EXAMPLES[version]
        self.found: dict[Hashable, tuple[list[tuple[int, int]], tuple[int, ...]]] = {}

    def add(self, key: Hashable, low: int, high: int, sets: tuple[int, ...]) -> None:
        """Some addresses with their next-hop sets."""
        self.found.setdefault(key, ([], sets))[0].append((low, high))

    def classes(self) -> list[AddressClass]:
        """What was collected."""
        classes = []
        for ranges, sets in self.found.values():
            holds = any(low <= self.example <= high for low, high in ranges)
            low, high = max(ranges, key=lambda span: span[1] - span[0])
            classes.append(
                AddressClass(self.example if holds else min(low + 1, high), union(ranges), sets)
            )
        return sorted(classes, key=lambda one: one.address != self.example)


def _address(ends: Ends, version: int) -> int | None:
    """The address of a destination that has just one."""
    wanted = ends.wanted
    if wanted.address is not None:
        return int(wanted.address) if wanted.address.version == version else None
    return address_of(ends.network, wanted.endpoint, version) if wanted.endpoint else None


def _owned(ends: Ends, end: Endpoint | None, version: int) -> Intervals:
    """What an end has, inside the block that was asked for."""
    block = ends.block if end is ends.source else ends.wanted.block
    limit = everything(version) if block is None else block.of(version)
    return (
        intersect(limit, owned_addresses(ends.network)[end.index][version == 6]) if end else limit
    )


def _edges(network: Network, version: int) -> Iterator[int]:
    """Where another endpoint may begin to own addresses."""
    for endpoint in network.endpoints:
        for prefix in endpoint.prefixes:
            if prefix.version == version:
                low, high = interval(prefix)
                yield from (low, high + 1)


def _cut(
    ends: Ends,
    space: Intervals,
    version: int,
    groups: Iterable[Group],
    instances: Sequence[Instance],
    more: Iterable[int] = (),
) -> Iterator[tuple[int, int, tuple[int, ...], tuple[int, ...]]]:
    """Pieces of a space that no range of these groups and no route of these instances divides:
    first and last address, which ranges hold them, and their next-hop sets by instance."""
    refuse_rewrites(ends.world.network.rewrites, "an explanation of parts of a prefix")
    numbered = {group.id: group for group in groups}
    regions = (r for group in numbered.values() for entry in group.entries for r in entry.regions)
    ranges = sorted({region.v4 if version == 4 else region.v6 for region in regions})
    edges = [[x for low, high in spans for x in (low, high + 1)] for spans in ranges]
    cuts = {*more, *(x for one in edges for x in one)}
    for _, vrf in instances:
        cuts |= {*ends.network.fib.boundaries(vrf)[version == 6]}
    inner = sorted(cuts)
    pieces: list[tuple[int, int]] = []
    for low, high in space:
        starts = [low, *inner[bisect_right(inner, low) : bisect_right(inner, high)]]
        pieces += zip(starts, (*(x - 1 for x in starts[1:]), high), strict=True)
    sets = _sets(ends, instances, version, [low for low, _ in pieces])
    for (low, high), chosen in zip(pieces, sets, strict=True):
        yield low, high, tuple(bisect_right(one, low) % 2 for one in edges), chosen


def _sets(
    ends: Ends, instances: Sequence[Instance], version: int, ips: Sequence[int]
) -> list[tuple[int, ...]]:
    """The next-hop set of each address at each instance."""
    columns = [sets_onward(ends.network, *at, version, ips).tolist() for at in instances]
    return [*zip(*columns, strict=True)] if columns else [()] * len(ips)


def _hairpins(network: Network) -> list[Instance]:
    """Who passes on what it takes out of tunnels, and by its routes decides where that goes."""
    return [at for at in network.fib.instances if network.vrfs[at[1]].hairpin]


def _led_into(ends: Ends, at: Instance, version: int, ip: int, sets: Sequence[int]) -> set[int]:
    """The VRFs into which an instance's route for an address leads in the end; `sets` has its
    next-hop set."""
    if not _hairpins(ends.network):
        return {hop.vrf for hop in _hops(ends.network, sets)}
    header = Flow(at[1], version, 0, ip, 0)
    return {way.end.vrf for way in ways(ends.world, Place(*at, header))}


def _hops(network: Network, sets: Iterable[int]) -> Iterator[NextHop]:
    for number in sets:
        yield from network.fib.nexthop_sets[number] if number >= 0 else ()
