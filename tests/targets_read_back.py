"""What VTEPs announce under which route targets, what their VRFs take over by which, and what they
take of each other on one node: the same in configurations as read back and in the network.

That is all that configurations of FRR say of routes between VRFs: where everybody announces and
imports the same, routes are the same (`fabric.control.fib`). Sessions are compared by port.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from compiler.imports.device_facts import Device, FilterUse, VrfFacts
from compiler.imports.sites.announcements import into_evpn, own_routes, passes
from compiler.imports.sites.import_targets import exported, imported
from compiler.targets.hosts.vrf_leaks import leaks_at
from fabric.building.network import Network
from fabric.values.inventory import Prefix

Announced = dict[Prefix, tuple[frozenset[str], int]]
"""Targets of each prefix, and by how much its AS path is longer."""
Leaked = frozenset[tuple[str, Prefix]]
"""VRF and prefix of what a VRF takes of others on its node."""


def differing_targets(network: Network, devices: Mapping[str, Device]) -> Iterator[str]:
    """Where devices say otherwise, or are not there."""
    sessions: dict[int, set[str]] = {}
    for session in network.underlay.sessions:
        sessions.setdefault(session.node, set()).add(session.port)
    nodes = {vtep for vtep, _ in network.plan.instances} | sessions.keys()
    for node in sorted(nodes):
        name = network.fabric.nodes[node].name
        device = devices.get(name)
        if device is None:
            yield f"{name} was not read"
            continue
        ports = {s.peer for s in device.sessions if s.unnumbered and not s.down}
        if ports != (wanted := sessions.get(node, set())):
            yield f"{name} has sessions at {sorted(wanted)}, and as read {sorted(ports)}"
        yield from at_node(network, node, device)


def at_node(network: Network, node: int, device: Device) -> Iterator[str]:
    """What the VRFs of a node say otherwise."""
    leaks = leaked(network, node)
    for vrf in network.plan.vrfs_at(node):
        name = f"vrf{network.vrfs[vrf].vni}"
        facts, at = device.vrf(name), f"{name} at {network.fabric.nodes[node].name}"
        if facts is None or facts.vni != network.vrfs[vrf].vni or not facts.evpn:
            yield f"{at} was not read"
            continue
        if facts.rd != network.plan.rd[node, vrf]:
            yield f"{at} has the RD {network.plan.rd[node, vrf]}, and as read {facts.rd}"
        wanted, found = {*network.fib.imports[vrf]}, {t.text for t in imported(facts)}
        if wanted != found:
            yield f"{at} imports {sorted(wanted)}, and as read {sorted(found)}"
        mine, read = announced(network, node, vrf), announces(device, facts)
        for prefix in sorted(mine.keys() | read.keys(), key=str):
            if mine.get(prefix) != read.get(prefix):
                yield (
                    f"{at} announces {prefix} with {said(mine.get(prefix))}, "
                    f"and as read with {said(read.get(prefix))}"
                )
        there, here = leaks.get(vrf, frozenset()), takes(device, facts)
        for other, prefix in sorted(there ^ here, key=str):
            which = "takes" if (other, prefix) in there else "does not take"
            yield f"{at} {which} {prefix} of {other} on its node, and as read otherwise"


def announced(network: Network, node: int, vrf: int) -> Announced:
    """What a VRF of a node announces."""
    return {
        route.prefix: (frozenset(route.rts), route.prepended)
        for route in network.routes.of(node)
        if route.vrf == vrf
    }


def announces(device: Device, vrf: VrfFacts) -> Announced:
    """What a VRF of a device announces, as read; a route of which that is not decided is said to
    have the target `unknown`."""
    filters = [
        f.outbound for s in device.sessions if not s.down and (f := s.family("evpn")) is not None
    ]
    out: Announced = {}
    for route in own_routes(device, vrf):
        if f"ipv{route.prefix.version}" not in vrf.announces:
            continue
        into = into_evpn(device, vrf, route)
        answers = {passes(device, uses, route) for uses in filters} | {into.said}
        if answers == {"permit"}:
            targets = frozenset((*exported(device, vrf), *into.targets))
            out[route.prefix] = targets, into.longer
        elif "deny" not in answers:
            out[route.prefix] = frozenset(("unknown",)), 0
    return out


def leaked(network: Network, node: int) -> dict[int, Leaked]:
    """What VRFs of a node take of each other."""
    out: dict[int, set[tuple[str, Prefix]]] = {}
    for leak in leaks_at(network, node):
        other = f"vrf{network.vrfs[leak.exporter].vni}"
        out.setdefault(leak.importer, set()).update((other, r.prefix) for r in leak.routes)
    return {vrf: frozenset(found) for vrf, found in out.items()}


def takes(device: Device, vrf: VrfFacts) -> Leaked:
    """What a VRF of a device takes of others, as read: static routes into them, or what a map of
    its family lets in."""
    out = {(route.via, route.prefix) for route in vrf.statics if route.kind == "vrf"}
    for leak in vrf.leaks:
        other = device.vrf(leak.from_vrf)
        uses = (FilterUse("route-map", leak.route_map, leak.span),) if leak.route_map else ()
        for route in own_routes(device, other) if other else ():
            if (
                f"ipv{route.prefix.version}" == leak.family
                and passes(device, uses, route) != "deny"
            ):
                out.add((leak.from_vrf, route.prefix))
    return frozenset(out)


def said(what: tuple[frozenset[str], int] | None) -> str:
    """Targets, for a message."""
    if what is None:
        return "nothing: not at all"
    return f"{' '.join(sorted(what[0]))}" + (f", {what[1]} AS longer" if what[1] else "")
