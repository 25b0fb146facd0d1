"""Devices together: a network with policy, which every verb takes, without any fabric file.

Rules that hold here:

1. Every VRF of every device is a routing instance of its own (`VRF/device`): nothing says that two
   of one name are one, but what they import of each other.
2. Between devices there is a fabric that nobody gave: a node `@unseen`. What comes from there, or
   has to cross it, is not known: behind every VRF that speaks to it lies `VRF/device/outside`,
   which may own every address that nobody here has, and whoever has to do with it is unknown.
3. A VRF takes over routes by route targets (`compiler.imports.sites.import_targets`) that their
   device announces (`compiler.imports.sites.announcements`); where that is not decided, it takes
   them over and the answer is unknown.
4. Everything that is not known of a device makes unknown whom it may concern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, ip_network

from compiler.imports.config_folder import Imported
from compiler.imports.device_facts import DEFAULT_VRF, Device, FilterUse, VrfFacts
from compiler.imports.sites.acl_rules import rules_of
from compiler.imports.sites.announcements import OwnRoute, into_evpn, own_routes, passes
from compiler.imports.sites.host_ends import HostEnd, host_ends, ways
from compiler.imports.sites.import_targets import exported, imported, in_evpn, pairs
from compiler.imports.sites.unseen import OUTSIDE, not_known, record
from compiler.policy.ir import Policy, Rule, Selection
from compiler.policy.stages import ON_DEVICES
from fabric.building.network import Network
from fabric.control.evpn import Import, Imports, columns
from fabric.control.fib_filling import build_fib
from fabric.control.underlay import converge
from fabric.diagnostics import Diagnostic, InputError
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from fabric.plan.addressing import Plan
from fabric.values.inventory import Endpoint, Prefix, Vrf
from fabric.wiring.multigraph import Multigraph
from fabric.wiring.topology import Fabric, Link, Node, Role

UNSEEN = "@unseen"
WRITTEN = "configured"
"""Why a VRF takes over the routes of another one: its configuration says so."""
SITE = "imported"
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:~+-]{0,63}\Z")
EVERYWHERE: tuple[Prefix, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))


@dataclass(frozen=True, slots=True)
class ImportedSite:
    """A network and its policy."""

    network: Network
    policy: Policy


@dataclass(slots=True)
class Draught:
    """A site in the making. `vrfs` are (device number, facts); nodes are devices and `@unseen`."""

    devices: tuple[Device, ...]
    vrfs: list[tuple[int, VrfFacts]] = field(default_factory=list)
    ends: list[tuple[int, HostEnd | None]] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    selections: list[Selection] = field(default_factory=list)
    records: list[Unevaluated] = field(default_factory=list)
    unsure: set[int] = field(default_factory=set)

    @property
    def unseen(self) -> int:
        """The node of what nobody gave."""
        return len(self.devices)


def site(found: Imported) -> ImportedSite:
    """The network of what was imported. Raises `InputError` for names that no answer can use."""
    draught = Draught(found.devices)
    named(found.devices)
    for number, device in enumerate(found.devices):
        draught.vrfs += [(number, vrf) for vrf in with_default(device)]
    vrfs = tuple(
        Vrf(i, f"{vrf.name}/{found.devices[n].name}", vrf.name, 1, vrf.vni or 0, (), vrf.span)
        for i, (n, vrf) in enumerate(draught.vrfs)
    )
    endpoints = everybody(draught)
    plan = numbers(draught)
    fabric = wiring(found.devices)
    rows, wanted, second = routes(draught, endpoints)
    underlay = converge(fabric, plan)
    type5 = columns(rows, plan, vrfs, second)
    fib = build_fib(type5, wanted, underlay)
    draught.records += not_known(
        [
            (end, found.devices[n], draught.vrfs[end.vrf][1], host)
            for end, (n, host) in zip(endpoints, draught.ends, strict=True)
        ]
    )
    network = Network.bare(
        SITE, fabric=fabric, vrfs=vrfs, endpoints=endpoints, underlay=underlay, fib=fib, plan=plan
    )
    network = replace(
        network,
        routes=type5,
        not_evaluated=tuple(dict.fromkeys(draught.records)),
        warnings=(
            *((REPLIES,) if draught.rules else ()),
            *((SPECIFIC,) if any(host is None for _, host in draught.ends) else ()),
        ),
        of_devices=True,
    )
    return ImportedSite(
        network, Policy(tuple(draught.rules), tuple(draught.selections), ON_DEVICES)
    )


REPLIES = Diagnostic(
    "C840",
    "access lists keep no state: a reply is asked by them again, and no answer about a first packet"
    " says whether it passes",
    None,
    "ask for it: explain … carrying state established",
    "warning",
)


SPECIFIC = Diagnostic(
    "C843",
    "neighbours whose configuration is not given are taken to announce nothing more specific than"
    " the networks that devices have themselves",
    None,
    "give their configurations too",
    "warning",
)


def named(devices: Iterable[Device]) -> None:
    """Names of devices, VRFs and interfaces stand in answers and patterns."""
    wrong = [
        Diagnostic("C841", f'"{name[:40]}" is no name that answers can use', span, NAME_HINT)
        for device in devices
        for name, span in (
            (device.name, device.span),
            *((v.name, v.span) for v in device.vrfs),
            *((i.name, i.span) for i in device.interfaces),
        )
        if not NAME.match(name)
    ]
    if wrong:
        raise InputError(*wrong)


NAME_HINT = "letters, digits, dots, dashes, underlines, colons and plus signs, 64 at most"


def with_default(device: Device) -> list[VrfFacts]:
    """The VRFs of a device; the global table is one, whatever stands there."""
    known = {vrf.name for vrf in device.vrfs}
    used = {i.vrf for i in device.interfaces} | {DEFAULT_VRF}
    missing = [
        VrfFacts(name, None, False, None, (), (), (), (), (), (), (), (), device.span)
        for name in sorted(used - known)
    ]
    return [*device.vrfs, *missing]


def everybody(draught: Draught) -> tuple[Endpoint, ...]:
    """Hosts behind every VRF, and what may be outside."""
    out: list[Endpoint] = []
    for index, (number, vrf) in enumerate(draught.vrfs):
        device = draught.devices[number]
        for end in host_ends(device, vrf):
            name = f"{vrf.name}/{device.name}/{end.name}"
            out.append(
                Endpoint(
                    len(out), name, "pod", vrf.name, index, 1, number, None, end.prefixes,
                    namespace=device.name, workload=end.name.partition("~")[0],
                    workload_kind="interface", span=end.span,
                )
            )  # fmt: skip
            draught.ends.append((number, end))
            for said in rules_of(device, end, name):
                (draught.rules if isinstance(said, Rule) else draught.selections).append(said)  # type: ignore[arg-type]
        if reaches_out(device, vrf):
            out.append(
                Endpoint(
                    len(out), f"{vrf.name}/{device.name}/{OUTSIDE}", "zone", vrf.name, index, 2,
                    draught.unseen, None, EVERYWHERE, namespace=device.name, workload=OUTSIDE,
                    span=vrf.span,
                )
            )  # fmt: skip
            draught.ends.append((number, None))
    return tuple(out)


def reaches_out(device: Device, vrf: VrfFacts) -> bool:
    """Whether routes of others may come into a VRF, or its own leave it: by neighbours of its own,
    by EVPN or from other VRFs."""
    speaks = any(s.vrf == vrf.name and not s.down for s in device.sessions)
    return speaks or (vrf.name != DEFAULT_VRF and (in_evpn(device, vrf) or bool(vrf.leaks)))


def numbers(draught: Draught) -> Plan:
    """The numbers of the plan: those of the configurations, and others where they say none."""
    devices = draught.devices
    places = [(number, index) for index, (number, _) in enumerate(draught.vrfs)]
    places += [(draught.unseen, index) for index in range(len(draught.vrfs))]
    instances = tuple(sorted(places))
    rd = {(n, i): f"{devices[n].name if n < len(devices) else UNSEEN}:{i}" for n, i in instances}
    for index, (number, vrf) in enumerate(draught.vrfs):
        if vrf.rd and vrf.rd != "auto":
            rd[number, index] = vrf.rd
    mac = {
        (n, i): f"02:00:{n >> 8 & 255:02x}:{n & 255:02x}:{i >> 8 & 255:02x}:{i & 255:02x}"
        for n, i in instances
    }
    loopbacks = tuple(
        int(d.vtep) if isinstance(d.vtep, IPv4Address) else int(d.router_id or 0) or 1 + n
        for n, d in enumerate(devices)
    )
    return Plan(
        (*(1 + n for n in range(len(devices))), len(devices) + 1),
        (*loopbacks, 0),
        instances,
        rd,
        mac,
        tuple(native(i) for i in range(len(draught.vrfs))),
        {},
        {},
    )


def native(index: int) -> str:
    """The target under which a VRF has its own routes."""
    return f"own:{index}"


def wiring(devices: tuple[Device, ...]) -> Fabric:
    """Every device has a way into what nobody gave."""
    graph = Multigraph()
    nodes = [Node(n, d.name, Role.DPU, SITE) for n, d in enumerate(devices)]
    nodes.append(Node(len(devices), UNSEEN, Role.BORDER, SITE))
    for node in nodes:
        rank = 1 if node.role is Role.DPU else 2
        graph.add_node(
            node.name, role=node.role.value, rank=rank, site=SITE, pod=0, rack="", index=node.index
        )
    links = []
    for n, device in enumerate(devices):
        name = f"{device.name}--{UNSEEN}"
        ports = {"a": device.name, "a_port": "uplinks", "b": UNSEEN, "b_port": f"to{n}"}
        graph.add_edge(device.name, UNSEEN, name, **ports, speed=0, index=n, kind="fabric")
        links.append(Link(n, name, n, "uplinks", len(devices), f"to{n}", 1))
    return Fabric(tuple(nodes), tuple(links), graph)


Rows = dict[tuple[int, int, Prefix], set[str]]


Places = set[tuple[int, int, Prefix]]


def routes(draught: Draught, endpoints: tuple[Endpoint, ...]) -> tuple[Rows, Imports, Places]:
    """What every VRF has and announces, what it takes over, and which routes are a second choice:
    they have a longer AS path than the way, or lead to what nobody gave."""
    rows: Rows = {}
    second: Places = set()
    index = {(n, vrf.name): i for i, (n, vrf) in enumerate(draught.vrfs)}
    wanted: list[dict[str, tuple[Import, ...]]] = [
        {native(i): (Import(native(i), "", vrf.span),)} for i, (_, vrf) in enumerate(draught.vrfs)
    ]
    for end in endpoints:
        for prefix in end.prefixes if end.workload == OUTSIDE else ():
            rows.setdefault((end.vrf, end.vtep, prefix), {native(end.vrf)})
            second.add((end.vrf, end.vtep, prefix))
    for i, (number, vrf) in enumerate(draught.vrfs):
        for prefix in ways(draught.devices[number], vrf):
            rows.setdefault((i, number, prefix), {native(i)})
    exports = []
    for i, (number, vrf) in enumerate(draught.vrfs):
        device = draught.devices[number]
        if in_evpn(device, vrf):
            targets = exported(device, vrf)
            exports.append((i, targets))
            for prefix, more, longer in announced(draught, i, device, vrf):
                rows.setdefault((i, number, prefix), {native(i)}).update((*targets, *more))
                exports.append((i, more))
                if longer:
                    second.add((i, number, prefix))
        for leak in vrf.leaks:
            other = index.get((number, leak.from_vrf))
            if other is not None:
                target = f"leak:{other}:{i}"
                wanted[i][target] = (Import(target, WRITTEN, leak.span),)
    takers = (
        (i, w)
        for i, (number, vrf) in enumerate(draught.vrfs)
        if in_evpn(draught.devices[number], vrf)
        for w in imported(vrf)
    )
    for importer, target, why in pairs(exports, takers):
        wanted[importer][target] = (Import(target, WRITTEN, why.span),)
    leak_rows(draught, rows, index)
    return rows, tuple(wanted), second


def announced(
    draught: Draught, index: int, device: Device, vrf: VrfFacts
) -> Iterator[tuple[Prefix, tuple[str, ...], int]]:
    """The prefixes of a VRF that leave its device as Type-5 routes, with the targets that they have
    beside those of their VRF, and by how much their AS path is longer."""
    sessions = [s for s in device.sessions if s.family("evpn") is not None and not s.down]
    for route in own_routes(device, vrf):
        if f"ipv{route.prefix.version}" not in vrf.announces:
            continue
        answers = {
            passes(device, uses.outbound, route) for s in sessions if (uses := s.family("evpn"))
        }
        into = into_evpn(device, vrf, route)
        if answers == {"deny"} or into.said == "deny":
            continue
        if route.unsure or answers != {"permit"} or into.said != "permit":
            unsure(draught, index, route, "may not be announced: a filter that is not decided")
        yield route.prefix, into.targets, into.longer


def leak_rows(draught: Draught, rows: Rows, index: dict[tuple[int, str], int]) -> None:
    """Routes that one VRF takes over from another one of its device."""
    for i, (number, vrf) in enumerate(draught.vrfs):
        device = draught.devices[number]
        for leak in vrf.leaks:
            other = index.get((number, leak.from_vrf))
            if other is None:
                continue
            facts = draught.vrfs[other][1]
            rules = next((m for m in device.route_maps if m.name == leak.route_map), None)
            for route in own_routes(device, facts):
                if f"ipv{route.prefix.version}" != leak.family:
                    continue
                said = leaked(device, leak.route_map, rules is None, route)
                said = "unknown" if route.unsure and said == "permit" else said
                if said == "unknown":
                    unsure(draught, i, route, f"may be leaked from {leak.from_vrf}")
                if said != "deny":
                    rows.setdefault((other, number, route.prefix), {native(other)}).add(
                        f"leak:{other}:{i}"
                    )


def leaked(device: Device, name: str | None, gone: bool, route: OwnRoute) -> str:
    """Whether a route is leaked."""
    if name is None:
        return "permit"
    return "unknown" if gone else passes(device, (FilterUse("route-map", name, route.span),), route)


def unsure(draught: Draught, index: int, route: OwnRoute, what: str) -> None:
    """A route of which nobody knows whether it is there."""
    number, vrf = draught.vrfs[index]
    draught.records.append(
        record("Route", vrf.name, draught.devices[number].name, str(route.prefix), route.span, what)
    )
