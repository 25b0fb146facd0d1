"""Whom a way leads to each other that nobody follows: each pair of them is unknown, nobody else.

Rules that hold here:

1. Hosts in the global tables of two devices meet by routes of the underlay, and so do VRFs that
   take over routes of the global table, or give it theirs.
2. What a VRF takes over of another one of its device goes on into EVPN, and what the other one has
   from EVPN is taken over too (FRR); routes here end after one step.
3. VLANs of two devices that have one VNI are one: frames, and where hosts are, go between them.
4. What has no way back is delivered all the same (`compiler.imports.sites.one_way`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from compiler.imports.device_facts import DEFAULT_VRF, Device, LeakFacts
from compiler.imports.joined.joining import Joining
from compiler.imports.joined.session_doubts import uplinks
from compiler.imports.sites.import_targets import in_evpn
from compiler.imports.sites.one_way import one_way
from compiler.imports.sites.site import Rows
from compiler.imports.sites.unseen import key_of, record
from fabric.control.evpn import Imports
from fabric.control.fib import Fib
from fabric.diagnostics import Span
from fabric.kubernetes.unmodelled.unevaluated import NEIGHBOUR, Unevaluated
from fabric.values.inventory import Endpoint

MADE_HERE = ("own:", "leak:")
"""How targets begin that no device writes."""
Place = tuple[int, int]
"""A node and a VRF there."""


@dataclass(slots=True)
class Meetings:
    """The ends of a site by where they are; `number` is the VRF of a table by device and name."""

    site: Joining
    at: dict[Place, list[Endpoint]] = field(default_factory=lambda: defaultdict(list))
    number: dict[tuple[int, str], int] = field(default_factory=dict)

    @staticmethod
    def of(site: Joining, ends: Iterable[Endpoint]) -> Meetings:
        """All ends but what is outside."""
        out = Meetings(site)
        for n, table in enumerate(site.tables):
            out.number |= {(device, vrf.name): n for device, vrf in table.members}
        for end in ends:
            if end.kind != "zone" and end.vtep is not None:
                out.at[end.vtep, end.vrf].append(end)
        return out

    def there(self, device: int, vrf: str) -> list[Endpoint]:
        """Who is in a VRF of a device."""
        number = self.number.get((device, vrf), -1)
        return self.at.get((self.site.places.node_of[device], number), [])

    def within(self, tables: Iterable[int]) -> list[Endpoint]:
        """Who is in some VRFs, wherever."""
        wanted = frozenset(tables)
        return [end for (_, vrf), some in self.at.items() if vrf in wanted for end in some]

    def doubt(
        self, kind: str, mine: Iterable[Endpoint], others: Iterable[Endpoint], what: str, span: Span
    ) -> Iterator[Unevaluated]:
        """What is not known of packets between some and others; of all packets without others."""
        senders = tuple(sorted({called(end) for end in others}))
        for end in mine:
            node = self.site.places.fabric.nodes[end.vtep or 0].name
            said = record(
                kind, end.tenant, node, end.workload or end.name, span, what, end.workload or "",
                NEIGHBOUR, senders,
            )  # fmt: skip
            if end.workload_kind != "interface":
                mine_ = tuple(str(p.network_address) for p in end.prefixes)
                said = replace(said, tenant="", scope="addresses", workload="", addresses=mine_)
            yield said


def called(end: Endpoint) -> str:
    """What records call an end that sends: pods of one workload are in several places."""
    return key_of(end) if end.workload_kind == "interface" else end.name


def meetings(
    site: Joining, ends: Sequence[Endpoint], rows: Rows, wanted: Imports, fib: Fib
) -> Iterator[Unevaluated]:
    """All doubts about pairs."""
    known = Meetings.of(site, ends)
    yield from in_global_tables(known)
    yield from over_leaks(known, rows, wanted)
    yield from in_one_vlan(known)
    yield from without_answer(known, ends, fib)


def all_leaks(site: Joining) -> Iterator[tuple[int, str, LeakFacts]]:
    """What VRFs take over of others: the device, the VRF, and of which."""
    for number, device in enumerate(site.devices):
        for vrf in device.vrfs:
            yield from ((number, vrf.name, leak) for leak in vrf.leaks)


def in_global_tables(known: Meetings) -> Iterator[Unevaluated]:
    """Rule 1."""
    site = known.site
    places = [(number, DEFAULT_VRF) for number in range(len(site.devices))]
    for number, vrf, leak in all_leaks(site):
        if DEFAULT_VRF in (vrf, leak.from_vrf):
            places.append((number, leak.from_vrf if vrf == DEFAULT_VRF else vrf))
    outer = {(d.name, port) for d in site.devices for port in uplinks(d)}
    there = {
        place: [e for e in known.there(*place) if (e.namespace, e.workload) not in outer]
        for place in places
    }
    what = "how routes of the global table go from device to device is not followed"
    for (number, vrf), mine in there.items():
        device = site.devices[number]
        if not any(s.vrf == DEFAULT_VRF and not s.down for s in device.sessions):
            continue
        others = [e for (at, _), some in there.items() if at != number for e in some]
        if mine and others:
            facts = device.vrf(vrf)
            span = facts.span if facts else device.span
            yield from known.doubt("GlobalTable", mine, others, what, span)


def over_leaks(known: Meetings, rows: Rows, wanted: Imports) -> Iterator[Unevaluated]:
    """Rule 2."""
    site = known.site
    carried: dict[int, set[str]] = defaultdict(set)
    for (exporter, _, _), targets in rows.items():
        carried[exporter] |= {t for t in targets if not t.startswith(MADE_HERE)}
    for number, vrf, leak in all_leaks(site):
        names = vrf, leak.from_vrf
        taker, giver = (known.number.get((number, name), -1) for name in names)
        if -1 in (taker, giver):
            continue
        takes_part, gives_part = (speaks(site.devices[number], name) for name in names)
        beyond = others_of(carried, wanted, giver, taker, True) if gives_part else []
        if beyond:
            what = (
                f"what {leak.from_vrf} has from EVPN may be leaked into {vrf}: it is not followed"
            )
            mine = known.there(number, vrf)
            yield from known.doubt("Leak", mine, known.within(beyond), what, leak.span)
        beyond = others_of(carried, wanted, taker, giver, False) if takes_part else []
        if beyond:
            what = f"what {vrf} takes over of {leak.from_vrf} may go on by EVPN: it is not followed"
            mine = known.there(number, leak.from_vrf)
            yield from known.doubt("Leak", mine, known.within(beyond), what, leak.span)


def speaks(device: Device, name: str) -> bool:
    """Whether a VRF of a device takes part in EVPN."""
    facts = device.vrf(name)
    return facts is not None and in_evpn(device, facts)


def others_of(
    carried: Mapping[int, set[str]], wanted: Imports, near: int, far: int, into: bool
) -> list[int]:
    """The VRFs whose routes come into VRF `near`, or go out of it into them, while `far` does not
    exchange routes with them anyway."""

    def takes(one: int, other: int) -> bool:
        return not carried[other].isdisjoint(wanted[one])

    every = [n for n in range(len(wanted)) if n not in (near, far)]
    meet = [n for n in every if (takes(near, n) if into else takes(n, near))]
    return [n for n in meet if not (takes(far, n) and takes(n, far))]


def in_one_vlan(known: Meetings) -> Iterator[Unevaluated]:
    """Rule 3."""
    site = known.site
    having: dict[int, set[int]] = defaultdict(set)
    for number, device in enumerate(site.devices):
        for vlan in device.vlans:
            if vlan.vni is not None:
                having[vlan.vni].add(number)
    for number, device in enumerate(site.devices):
        for vlan in device.vlans:
            others = having[vlan.vni or 0] - {number}
            names = {i.name for i in device.interfaces if vlan.vlan in (i.vlan, i.access)}
            if not others or not names:
                continue
            mine = [
                end
                for table, host in site.at[number]
                if host.interface in names
                for end in known.at.get((site.places.node_of[number], table), ())
                if end.workload == host.name.partition("~")[0] or end.workload_kind != "interface"
            ]
            other = site.devices[min(others)].name
            what = f"VNI {vlan.vni} of its VLAN is at {other} too, and what is bridged not followed"
            yield from known.doubt("Vlan", {e.index: e for e in mine}.values(), (), what, vlan.span)


def without_answer(known: Meetings, ends: Sequence[Endpoint], fib: Fib) -> Iterator[Unevaluated]:
    """Rule 4."""
    site = known.site
    whole = {n for n, table in enumerate(site.tables) if table.whole}
    hosts = [end for end in ends if end.kind != "zone"]
    for found in one_way(fib, hosts, whole, site.unseen):
        span = found.sender.span or Span("", 0)
        if found.vrf < 0:
            what = (
                "its own device leads its address elsewhere, and whether it may send is not known"
            )
            yield from known.doubt("OneWay", [found.sender], (), what, span)
            continue
        others = [e for node in found.nodes for e in known.at.get((node, found.vrf), ())]
        if others:
            name = site.tables[found.vrf].name
            what = f"{name} has no way back to it, and packets get there all the same"
            yield from known.doubt("OneWay", [found.sender], others, what, span)
