"""Numbers and routes of a network from several sources: what devices say, and what follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address

from compiler.imports.joined.joining import Joining
from compiler.imports.sites.host_ends import ways
from compiler.imports.sites.import_targets import exported, imported, in_evpn, pairs
from compiler.imports.sites.site import WRITTEN, Draught, Places, Rows, announced, leak_rows, native
from fabric.control.evpn import Import, Imports
from fabric.plan.addressing import Plan, asn_key, written_by_name
from fabric.values.inventory import Endpoint
from fabric.wiring.topology import Fabric, Role

MADE_UP = 4_294_900_000
"""AS numbers of nodes of which nobody says one begin here; the last ones before the reserved."""


def numbers(site: Joining, fabric: Fabric, outside: set[int]) -> Plan:
    """The numbers that devices and tables say, and others where nobody says any; those are told by
    no verb."""
    asn, loopback = [0] * len(fabric.nodes), [0] * len(fabric.nodes)
    said = said_numbers(site, fabric)
    for node in fabric.nodes:
        if node.role is Role.HOST:
            continue
        device = site.places.device(node.index)
        asn[node.index] = said[node.index] or MADE_UP + node.index
        vtep = None if device is None else device.vtep or device.router_id
        loopback[node.index] = int(vtep) if isinstance(vtep, IPv4Address) else 1 + node.index
    node_of = site.places.node_of
    places = {(node_of[d], n) for n, table in enumerate(site.tables) for d, _ in table.members}
    places |= {(site.unseen, n) for n in outside}
    rd = {(node, n): f"{fabric.nodes[node].name}:{n}" for node, n in places}
    for n, table in enumerate(site.tables):
        rd |= {(node_of[d], n): v.rd for d, v in table.members if v.rd and v.rd != "auto"}
    mac = {
        (a, n): f"02:{a >> 16 & 255:02x}:{a >> 8 & 255:02x}:{a & 255:02x}:{n >> 8 & 255:02x}"
        f":{n & 255:02x}"
        for a, n in places
    }
    targets = tuple(native(n) for n in range(len(site.tables)))
    return Plan(tuple(asn), tuple(loopback), tuple(sorted(places)), rd, mac, targets, {}, {})


def said_numbers(site: Joining, fabric: Fabric) -> list[int]:
    """The AS numbers that devices, the file and tables say, or sessions with a node want of it, by
    node; 0 where nobody does."""
    written = {name: node.asn for name, node in written_by_name(site.spec)}
    devices = (site.places.device(node.index) for node in fabric.nodes)
    return [
        (site.sessions.asn.get(node.index) or written.get(node.name) or 0)
        if device is None
        else device.asn or 0
        for node, device in zip(fabric.nodes, devices, strict=True)
    ]


def with_shared_numbers(site: Joining, fabric: Fabric, plan: Plan) -> Plan:
    """The plan if spines of a tier whose number nobody says have one together, as they often do:
    with no more ways than it has. The same one where that makes no difference."""
    first: dict[str, int] = {}
    asn = list(plan.asn)
    for node, said in zip(fabric.nodes, said_numbers(site, fabric), strict=True):
        if node.role is not Role.HOST and not said and node.index != site.unseen:
            key = asn_key(node, site.spec.prefix_of(node.site))
            asn[node.index] = first.setdefault(key, asn[node.index])
    return plan if tuple(asn) == plan.asn else replace(plan, asn=tuple(asn))


def routes(
    site: Joining, draught: Draught, ends: Iterable[Endpoint]
) -> tuple[Rows, Imports, Places]:
    """What every VRF has and announces, what it takes over, and which routes are a second choice
    (`compiler.imports.sites.site.routes`)."""
    rows: Rows = {}
    second: Places = set()
    node_of = site.places.node_of
    draught.vrfs = [(t.members[0][0], t.facts) for t in site.tables]
    wanted: list[dict[str, tuple[Import, ...]]] = [
        {native(n): (Import(native(n), "", t.facts.span),)} for n, t in enumerate(site.tables)
    ]
    exports: list[tuple[int, tuple[str, ...]]] = []
    for n, table in enumerate(site.tables):
        if table.whole:
            for (device, vrf), own in zip(table.members, table.routes, strict=True):
                targets = exported(site.devices[device], vrf)
                exports.append((n, targets))
                for route in own:
                    place = n, node_of[device], route.prefix
                    rows.setdefault(place, {native(n)}).update(targets)
    whole = {n for n, table in enumerate(site.tables) if table.whole}
    for end in ends:
        for prefix in end.prefixes if end.kind == "zone" else ():
            rows.setdefault((end.vrf, end.vtep, prefix), {native(end.vrf)})
            second.add((end.vrf, end.vtep, prefix))
    for n, table in enumerate(site.tables):
        number, vrf = table.members[0]
        at, node = site.devices[number], node_of[number]
        if n in whole:
            continue
        for prefix in ways(at, vrf):
            rows.setdefault((n, node, prefix), {native(n)})
        if not in_evpn(at, vrf):
            continue
        targets = exported(at, vrf)
        exports.append((n, targets))
        for prefix, more, longer in announced(draught, n, at, vrf):
            rows.setdefault((n, node, prefix), {native(n)}).update((*targets, *more))
            exports.append((n, more))
            if longer:
                second.add((n, node, prefix))
    index = {(t.members[0][0], t.facts.name): n for n, t in enumerate(site.tables) if not t.whole}
    leaks(draught, rows, index, wanted, node_of)
    takers = (
        (n, target)
        for n, table in enumerate(site.tables)
        if in_evpn(site.devices[table.members[0][0]], table.facts)
        for target in imported(table.facts)
    )
    for importer, target, why in pairs(dict.fromkeys(exports), takers):
        wanted[importer][target] = (Import(target, WRITTEN, why.span),)
    return rows, tuple(wanted), second


def leaks(
    draught: Draught,
    rows: Rows,
    index: Mapping[tuple[int, str], int],
    wanted: list[dict[str, tuple[Import, ...]]],
    node_of: tuple[int, ...],
) -> None:
    """Routes that one VRF takes over from another one of its device."""
    for n, (number, vrf) in enumerate(draught.vrfs):
        for leak in vrf.leaks:
            other = index.get((number, leak.from_vrf))
            if other is not None:
                target = f"leak:{other}:{n}"
                wanted[n][target] = (Import(target, WRITTEN, leak.span),)
    found: Rows = {}
    leak_rows(draught, found, dict(index))
    for (vrf_, number, prefix), targets in found.items():
        rows.setdefault((vrf_, node_of[number], prefix), {native(vrf_)}).update(targets)
