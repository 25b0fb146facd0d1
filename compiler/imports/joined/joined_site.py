"""One network of configurations, cables and clusters. Read this first; `joined` is a list of calls.

Rules that hold here:

1. Which source counts for what (docs/imports.md has the table): where packets to an address go,
   configurations say; who has it, clusters; what is cabled to what, the file and its tables.
   Where two say different things of one matter, that is a finding with both lines.
2. Nothing rests on what was not given: who has to do with it is *unknown* (`known_ways`), or what
   is taken for granted stands in a warning of every answer.
3. Lists at an interface are asked by everybody who is behind it, but not about each other: what
   passes between them the device does not see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from compiler.imports.config_folder import Imported
from compiler.imports.device_facts import DEFAULT_VRF, Device, VrfFacts
from compiler.imports.joined.cluster_ends import BehindDpu, ClusterEnds, announced_by_hosts
from compiler.imports.joined.covered_vteps import covered
from compiler.imports.joined.device_places import DevicePlaces, placed
from compiler.imports.joined.joined_doubts import addresses, doubts, ways_not_known
from compiler.imports.joined.joined_lists import rules
from compiler.imports.joined.joined_routes import numbers, routes, with_shared_numbers
from compiler.imports.joined.joining import Joining
from compiler.imports.joined.known_ways import KnownWays, known_ways, with_links
from compiler.imports.joined.listed_vrfs import compare_listed
from compiler.imports.joined.meeting_doubts import meetings
from compiler.imports.joined.peer_sessions import PeerSessions, SessionMatcher
from compiler.imports.joined.same_tables import SameTable, same_tables
from compiler.imports.joined.unread_files import with_unread
from compiler.imports.sites.host_ends import HostEnd, host_ends
from compiler.imports.sites.import_targets import in_evpn
from compiler.imports.sites.site import (
    EVERYWHERE,
    REPLIES,
    SPECIFIC,
    UNSEEN,
    Draught,
    ImportedSite,
    named,
    with_default,
)
from compiler.imports.sites.unseen import OUTSIDE
from compiler.policy.ir import Policy
from compiler.policy.stages import ON_DEVICES
from fabric.building.network import Network
from fabric.control.evpn import columns
from fabric.control.fib_filling import build_fib
from fabric.control.underlay import converge
from fabric.diagnostics import FINDING, Diagnostic, Diagnostics, InputError
from fabric.file.spec import FabricSpec
from fabric.kubernetes.manifests import Manifests
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated, owned_by
from fabric.plan.addressing import written_by_name
from fabric.values.inventory import Endpoint, Vrf
from fabric.wiring.risk_groups import risk_groups
from fabric.wiring.topology import RANK, Fabric, Link, Node, Role


def joined(
    spec: FabricSpec,
    fabric: Fabric,
    imported_: Imported,
    manifests: Mapping[str, Manifests],
    failed: Callable[[Network], Network] | None = None,
) -> ImportedSite:
    """The network and the policy of all sources, with what `failed` lets fail. Raises `InputError`
    with everything that is wrong."""
    found = Diagnostics()
    named(imported_.devices)
    devices, silent = with_unread(spec, fabric, imported_, found)
    places = placed(spec, fabric, devices, found, silent)
    written = {name: n.asn for name, n in written_by_name(spec) if n.asn is not None}
    sessions = SessionMatcher(places, found, written).matched()
    compare_listed(spec, devices, found)
    ways = known_ways(places, sessions, covered(places, found))
    site = tables_of(spec, places, sessions, ways, found)
    clusters(site, manifests)
    found.check()
    ends, outside = everybody(site)
    network, records = connected(site, ends, outside, failed)
    policy = Policy(*rules(site, ends), ON_DEVICES)
    network = replace(
        network,
        manifests=manifests,
        not_evaluated=tuple(dict.fromkeys((*records, *of_clusters(manifests)))),
        findings=found.findings,
        warnings=(*found.warnings, *taken_for_granted(site, policy, manifests, outside)),
    )
    return ImportedSite(network, policy)


def tables_of(
    spec: FabricSpec,
    places: DevicePlaces,
    sessions: PeerSessions,
    ways: KnownWays,
    found: Diagnostics,
) -> Joining:
    """The VRFs of all devices, and who is behind each."""
    devices = places.devices
    every = ((n, vrf) for n, device in enumerate(devices) for vrf in with_default(device))
    found_ends = (((n, vrf), [*host_ends(devices[n], vrf)]) for n, vrf in every)
    kept = [pair for pair in found_ends if pair[1] or matters(devices[pair[0][0]], pair[0][1])]
    tables, ends = [table for table, _ in kept], [some for _, some in kept]
    groups = same_tables(devices, tables, ends)
    number = {id(vrf): g for g, group in enumerate(groups) for _, vrf in group.members}
    at: list[list[tuple[int, HostEnd]]] = [[] for _ in devices]
    for (n, vrf), some in zip(tables, ends, strict=True):
        at[n] += [(number[id(vrf)], end) for end in some]
    return Joining(spec, places, sessions, ways, groups, at, found)


def matters(device: Device, vrf: VrfFacts) -> bool:
    """Whether anybody may meet a table with nobody behind it: the global one only by leaks."""
    leaks = (leak for other in device.vrfs for leak in other.leaks)
    return (
        vrf.name != DEFAULT_VRF or bool(vrf.leaks) or any(one.from_vrf == vrf.name for one in leaks)
    )


def clusters(site: Joining, manifests: Mapping[str, Manifests]) -> None:
    """The nodes and pods of all clusters. Raises `InputError` (C884)."""
    taken = {vrf.name: vrf.span for table in site.tables for _, vrf in table.members}
    wrong = [
        Diagnostic(
            "C884", f'"{tenant}" is a VRF of devices and a tenant of the file',
            site.spec.at_key("tenants", tenant), f"call the tenant otherwise: {taken[tenant]}",
        )
        for tenant in manifests
        if tenant in taken
    ]  # fmt: skip
    if wrong:
        raise InputError(*wrong)
    names = [table.name for table in site.tables]
    made = ClusterEnds(site.places, site.at, site.sessions.in_vrf, names, site.found)
    for tenant, found in sorted(manifests.items()):
        made.add(site.spec, tenant, found)
    site.behind = made.behind
    site.found.items += unrouted(site)
    site.records = made.records


def unrouted(site: Joining) -> Iterator[Diagnostic]:
    """C849 for pods of which others are on other devices, in a VRF that has no way there."""
    where: dict[tuple[str, str], set[int]] = defaultdict(set)
    first: dict[tuple[str, int], BehindDpu] = {}
    for one in site.behind:
        where[one.endpoint.tenant, one.end.vrf].add(one.device)
        first.setdefault((one.end.vrf, one.device), one)
    for (vrf, device), one in first.items():
        at = site.devices[device]
        facts = next(v for v in with_default(at) if v.name == vrf)
        others = where[one.endpoint.tenant, vrf] - {device}
        there = at.interface(one.end.interface)
        if others and vrf != DEFAULT_VRF and not in_evpn(at, facts):
            what = f"{one.endpoint.name} is in {vrf} of {at.name}, which has no L3VNI in EVPN"
            hint = f"others are on {site.devices[min(others)].name}: {facts.span}"
            yield Diagnostic("C849", what, one.endpoint.span, hint, FINDING)
        if there is not None and there.kind == "svi" and one.end.ports == (there.name,):
            what = f"{one.endpoint.name} is behind {there.name} of {at.name}, and no port is there"
            hint = f"no interface is in VLAN {there.vlan}: {there.span}"
            yield Diagnostic("C849", what, one.endpoint.span, hint, FINDING)


def everybody(site: Joining) -> tuple[list[Endpoint], set[int]]:
    """All endpoints in order of their names, and the VRFs that reach what nobody knows."""
    out = [one.endpoint for one in site.behind]
    taken = {(e.vrf, prefix) for e in out for prefix in e.prefixes}
    for number, at in enumerate(site.at):
        device, node = site.devices[number], site.places.node_of[number]
        for table, host in at:
            prefixes = tuple(p for p in host.prefixes if (table, p) not in taken)
            if prefixes:
                out.append(
                    Endpoint(
                        -1, f"{host.vrf}/{device.name}/{host.name}", "pod", host.vrf, table, 1,
                        node, None, prefixes, namespace=device.name,
                        workload=host.name.partition("~")[0], workload_kind="interface",
                        span=host.span,
                    )
                )  # fmt: skip
    outside = {n for n, table in enumerate(site.tables) if leads_out(site, table)}
    for n in sorted(outside):
        facts = site.tables[n].facts
        place = site.tables[n].name.rpartition("/")[2]
        out.append(
            Endpoint(
                -1, f"{facts.name}/{place}/{OUTSIDE}", "zone", facts.name, n, 2, site.unseen, None,
                EVERYWHERE, namespace=place, workload=OUTSIDE, span=facts.span,
            )
        )  # fmt: skip
    out.sort(key=lambda end: end.name)
    for index, end in enumerate(out):
        object.__setattr__(end, "index", index)  # nobody else has one yet
    return out, outside


def leads_out(site: Joining, table: SameTable) -> bool:
    """Whether routes of what nobody knows may come into a VRF, or its own get there."""
    for device, vrf in table.members:
        node = site.places.node_of[device]
        if (device, vrf.name) in site.sessions.in_vrf:
            return True
        speaks = vrf.name == DEFAULT_VRF or in_evpn(site.devices[device], vrf) or bool(vrf.leaks)
        if speaks and node in site.ways.hears:
            return True
    return False


def connected(
    site: Joining,
    ends: list[Endpoint],
    outside: set[int],
    failed: Callable[[Network], Network] | None,
) -> tuple[Network, list[Unevaluated]]:
    """The network: routes, the underlay, FIBs, and what of it is not known."""
    fabric = wired(site, bool(outside))
    vrfs = tuple(
        Vrf(n, t.name, t.facts.name, 1, t.facts.vni or 0, (), t.facts.span)
        for n, t in enumerate(site.tables)
    )
    apart = numbers(site, fabric, outside)
    plan = with_shared_numbers(site, fabric, apart)
    underlay = converge(fabric, plan)
    other = underlay if plan is apart else converge(fabric, apart)
    draught = Draught(site.devices)
    rows, wanted, second = routes(site, draught, ends)
    type5 = columns(rows, plan, vrfs, second)
    fib = build_fib(type5, wanted, underlay)
    network = Network.bare(
        site.spec.name, fabric=fabric, vrfs=vrfs, endpoints=tuple(ends), underlay=underlay,
        fib=fib, plan=plan,
    )  # fmt: skip
    unsure = site.ways.doubtful(vteps(site), underlay, other)
    records = [
        *site.records,
        *about_pods(draught.records, site),
        *announced_by_hosts(site.behind),
        *ways_not_known(site.places, ends, site.behind, unsure),
        *doubts(site.places, site.sessions, site.ways, site.tables, ends, site.behind),
        *meetings(site, ends, rows, wanted, fib),
    ]
    longer = site.ways.doubtful_if_failing(vteps(site))
    ways = ways_not_known(site.places, ends, site.behind, longer)
    failing = tuple(replace(record, under=FAILING) for record in ways)
    network = replace(network, spec=site.spec, routes=type5, of_devices=True, if_failing=failing)
    if failed is not None:
        network = failed(network)
        other = network.underlay if plan is apart else converge(network.fabric, apart)
        unsure = site.ways.by_numbers(vteps(site), network.underlay, other)
        records += [
            *network.not_evaluated,
            *ways_not_known(site.places, ends, site.behind, unsure),
        ]
    return network, records


FAILING = "under a failure"


def about_pods(records: Iterable[Unevaluated], site: Joining) -> Iterator[Unevaluated]:
    """Doubts about a VRF of a device, and the same ones about nodes and pods there."""
    for one in records:
        yield one
        there = [
            b
            for b in site.behind
            if (b.end.vrf, site.devices[b.device].name) == (one.tenant, one.namespace)
        ]
        if there:
            yield replace(one, scope="addresses", addresses=addresses(there))


def vteps(site: Joining) -> Iterator[int]:
    """The nodes of devices that somebody is behind."""
    yield from (site.places.node_of[n] for n, at in enumerate(site.at) if at)


def wired(site: Joining, out: bool) -> Fabric:
    """The wiring with the cables that have sessions, and a way into what nobody knows."""
    fabric = with_links(site.places.fabric, site.ways.links)
    if out:
        node = Node(site.unseen, UNSEEN, Role.BORDER, next(iter(site.spec.sites)))
        wiring = fabric.wiring
        wiring.add_node(
            UNSEEN, role=node.role.value, rank=RANK[node.role], site=node.site, pod=0, rack="",
            index=node.index,
        )  # fmt: skip
        links = list(fabric.links)
        near = {*site.ways.begins}
        near |= {site.places.node_of[device] for device, _ in site.sessions.in_vrf}
        for at in sorted(near):
            name, number = fabric.nodes[at].name, len(links)
            key, ports = f"{name}--{UNSEEN}", {"a_port": "uplinks", "b_port": f"to{number}"}
            wiring.add_edge(
                name, UNSEEN, key, a=name, b=UNSEEN, **ports, speed=0, index=number, kind="fabric"
            )
            links.append(Link(number, key, at, "uplinks", node.index, ports["b_port"], 1))
        fabric = replace(fabric, nodes=(*fabric.nodes, node), links=tuple(links))
    return replace(fabric, risk_groups=risk_groups(site.spec, fabric))


def of_clusters(manifests: Mapping[str, Manifests]) -> Iterator[Unevaluated]:
    """What of clusters is not evaluated."""
    for tenant, found in manifests.items():
        yield from owned_by(tenant, found.not_evaluated)


def taken_for_granted(
    site: Joining, policy: Policy, manifests: Mapping[str, Manifests], outside: set[int]
) -> Iterator[Diagnostic]:
    """Rule 2: what every answer rests on and nobody gave."""
    if policy.rules:
        yield REPLIES
    if outside:
        yield SPECIFIC
    if site.places.transit:
        some = len(site.places.transit)
        are = "device is" if some == 1 else "devices are"
        what = (
            f"{some:,} {are} taken to hand on every route and packet, and to have none of their own"
        )
        hint = "give their configurations too"
        yield Diagnostic("C848", what, site.spec.at("devices", "transit"), hint, "warning")
    what = "DPUs are taken to announce their own routes, and nothing that they heard"
    hint = "a filter of each session that permits these alone would say so"
    yield Diagnostic("C887", what, site.spec.at("devices"), hint, "warning")
    if manifests:
        what = "network policies are taken to be enforced by the network plugin of each cluster"
        hint = "nothing that was given says so"
        yield Diagnostic("C886", what, site.spec.at_key("tenants"), hint, "warning")
