"""What is not known of a network from several sources: whom each doubt concerns, and nobody else.

A doubt about a device concerns everybody behind it: hosts by the name of their interface, nodes and
pods by their addresses, since workloads have pods elsewhere too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from compiler.imports.device_facts import Device, NotKnown, VrfFacts
from compiler.imports.joined.cluster_ends import BehindDpu
from compiler.imports.joined.covered_vteps import Why
from compiler.imports.joined.device_places import DevicePlaces
from compiler.imports.joined.known_ways import KnownWays
from compiler.imports.joined.peer_sessions import PeerSessions
from compiler.imports.joined.same_tables import SameTable
from compiler.imports.sites.host_ends import HostEnd
from compiler.imports.sites.unseen import (
    OUTSIDE,
    concerns,
    lists_not_known,
    record,
    statics_not_followed,
)
from fabric.diagnostics import Span
from fabric.kubernetes.unmodelled.unevaluated import NEIGHBOUR, Unevaluated
from fabric.values.inventory import Endpoint


def doubts(
    places: DevicePlaces,
    sessions: PeerSessions,
    ways: KnownWays,
    tables: Sequence[SameTable],
    ends: Sequence[Endpoint],
    behind: Sequence[BehindDpu],
) -> Iterator[Unevaluated]:
    """All of them, but those about ways between devices."""
    at_device, by_node = by_place(ends, behind)
    for number, device in enumerate(places.devices):
        node = places.node_of[number]
        yield from of_device(device, tables, by_node[node], at_device[number])
    for end in ends:
        if end.kind == "zone":
            yield outside(end, tables[end.vrf], places, sessions, ways)


def ways_not_known(
    places: DevicePlaces,
    ends: Iterable[Endpoint],
    behind: Iterable[BehindDpu],
    unsure: Mapping[int, Why],
) -> Iterator[Unevaluated]:
    """Whoever is at a node with ways to others that are not known, with why."""
    at_device, by_node = by_place(ends, behind)
    for number, device in enumerate(places.devices):
        node = places.node_of[number]
        if node in unsure:
            why, span = unsure[node]
            what = f"the way to other devices is not known: {why}"
            yield from about(
                "Underlay", device, span or device.span, what, NEIGHBOUR, by_node[node],
                at_device[number],
            )  # fmt: skip


def by_place(
    ends: Iterable[Endpoint], behind: Iterable[BehindDpu]
) -> tuple[dict[int, list[BehindDpu]], dict[int, list[Endpoint]]]:
    """Nodes and pods by device, and hosts by node."""
    at_device: dict[int, list[BehindDpu]] = defaultdict(list)
    for one in behind:
        at_device[one.device].append(one)
    by_node: dict[int, list[Endpoint]] = defaultdict(list)
    for end in ends:
        if end.workload_kind == "interface":
            by_node[end.vtep].append(end)
    return at_device, by_node


def of_device(
    device: Device,
    tables: Sequence[SameTable],
    hosts: Sequence[Endpoint],
    behind: Sequence[BehindDpu],
) -> Iterator[Unevaluated]:
    """What the configuration of a device says and nobody models, and lists that are not there."""
    for one in (*device.unknowns, *statics_not_followed(device)):
        category = NEIGHBOUR if one.about == "routes" else "device"
        mine = [h for h in hosts if touches(one, h)]
        theirs = [b for b in behind if concerns(one, facts_of(b.end.vrf), b.end)]
        name = one.interface or one.vrf or device.name
        yield from about(one.kind, device, one.span, one.what, category, mine, theirs, name)
    for host in hosts:
        end = HostEnd(
            host.name.rpartition("/")[2], host.tenant, host.workload or "",
            (host.workload or "",), (), (), host.span or device.span,
        )  # fmt: skip
        yield from lists_not_known(device, end, host)
    by_end: dict[str, list[BehindDpu]] = defaultdict(list)
    for guest in behind:
        by_end[guest.end.name].append(guest)
    for some in by_end.values():
        shown = replace(some[0].end, name=some[0].end.name.partition("~")[0])
        for said in lists_not_known(device, shown, some[0].endpoint):
            yield replace(said, scope="addresses", addresses=addresses(some), senders=())


def touches(one: NotKnown, host: Endpoint) -> bool:
    """Whether what is not known has to do with a host."""
    return one.vrf in ("", host.tenant) and one.interface in ("", host.workload)


def facts_of(vrf: str) -> VrfFacts:
    """A VRF of which only the name counts."""
    return VrfFacts(vrf, None, False, None, (), (), (), (), (), (), (), (), Span("", 0))


def about(
    kind: str,
    device: Device,
    span: Span | None,
    what: str,
    category: str,
    hosts: Iterable[Endpoint],
    behind: Sequence[BehindDpu],
    name: str = "",
) -> Iterator[Unevaluated]:
    """A doubt as records of everybody that it concerns."""
    for host in hosts:
        yield record(
            kind, host.tenant, device.name, name or host.workload or "", span, what,
            host.workload or "", category,
        )  # fmt: skip
    if behind:
        yield Unevaluated(
            "", kind, device.name, name or device.name, span, category, what, "addresses",
            addresses=addresses(behind),
        )  # fmt: skip


def addresses(behind: Iterable[BehindDpu]) -> tuple[str, ...]:
    """The addresses of nodes and pods."""
    return tuple(str(p.network_address) for one in behind for p in one.endpoint.prefixes)


def outside(
    end: Endpoint,
    table: SameTable,
    places: DevicePlaces,
    sessions: PeerSessions,
    ways: KnownWays,
) -> Unevaluated:
    """Why a VRF may reach what nobody knows: the nearest place where that begins."""
    heard = [m for m in table.members if places.node_of[m[0]] in ways.hears] or table.members
    nearest = min(heard, key=lambda m: (int(ways.exit[places.node_of[m[0]]]), m[0]))
    device, vrf = places.devices[nearest[0]], nearest[1]
    node = places.node_of[nearest[0]]
    session = sessions.in_vrf.get((nearest[0], vrf.name))
    found = sessions.undecided.get(node) or ways.hears.get(node, ("", None))
    why, span = found[0], found[1] or device.span
    if session is not None:
        why, span = f"{session.peer} in {vrf.name} is no device that is given", session.span
    what = f"what comes from there is not known: {why}"
    return record("Neighbour", end.tenant, end.namespace or "", device.name, span, what, OUTSIDE)
