"""Build a lab and remove it.

Its id is on record (`sim.lab.state`) before the first namespace is made and is part of every name,
so that `remove` finds everything whenever and however the building stopped.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_network

from compiler.program.dpu import elsewhere
from compiler.program.program import Program
from compiler.targets.hosts.nft_maps import tunnel_mac
from compiler.targets.hosts.nftables import ruleset
from compiler.targets.hosts.port_names import ports_of
from fabric.building.network import Network
from fabric.control.weights import weights
from fabric.diagnostics import Diagnostic, UndecidedError
from sim.lab import kernel, state
from sim.lab.kernel import PLAIN, SYSCTLS, Spaces
from sim.lab.layout import (
    HOST_GATEWAY,
    JOIN_GATEWAY,
    Hop,
    Layout,
    RouteLine,
    gateway,
    mac,
)

CABLE, ENDPOINT, HOST, JOIN = 0xC2, 0xC3, 0xC4, 0xC5
ORPHAN = 0.2
"""Seconds after which a process that a killed builder left has made its last namespace."""
Tell = Callable[..., None]


def up(program: Program, layout: Layout, about: state.About, tell: Tell) -> None:
    """Everything, from cables to rules; all of it, or nothing is left."""
    if elsewhere(program):
        message = "what others than DPUs enforce is not in force in a lab"
        raise UndecidedError(Diagnostic("C853", message, None, None, "unknown"))
    kernel.require()
    state.write(layout.id, about)
    with undone(layout.id), kernel.willing():
        for done, space in enumerate(layout.spaces):
            tell("namespaces", done, len(layout.spaces))
            kernel.create(space, PLAIN if space.endswith(".ends") else SYSCTLS)
        with Spaces() as spaces:
            tell("underlay")
            underlay(layout, spaces)
            for done, instance in enumerate(layout.instances):
                tell("VRFs", done, len(layout.instances))
                instance_up(layout, spaces, *instance)
            for node in layout.nodes:
                joins(layout, spaces, node)
            endpoints(layout, spaces)
            for done, instance in enumerate(layout.instances):
                tell("routes", done, len(layout.instances))
                routes(layout, spaces, *instance)
        tell("rules")
        for space, text in rules(program, layout) if about.rules else ():
            kernel.nft(space, text)


@contextmanager
def undone(lab: str) -> Iterator[None]:
    """When the block fails, nothing of the lab is left."""
    try:
        yield
    except BaseException:
        remove(lab)
        raise


def remove(lab: str) -> int:
    """Remove a lab by its id, whatever is left of it; how many namespaces there were."""
    found = set[str]()
    for pause in (0.0, ORPHAN):
        time.sleep(pause)
        left = {space for space in kernel.existing() if space.startswith(f"cln-{lab}-")}
        for space in left:
            kernel.remove(space)
        found |= left
    state.forget(lab)
    return len(found)


def underlay(layout: Layout, spaces: Spaces) -> None:
    """Cables, loopbacks, and on every node the ECMP routes to every VTEP. `InputError` C869 where a
    port has a name that no interface may have."""
    network = layout.network
    for node in layout.nodes:
        ports_of(network, node)
    for link in layout.cables:
        ends = (link.a, link.a_port), (link.b, link.b_port)
        names = [(layout.space(node), port) for node, port in ends]
        macs = [mac(CABLE, 2 * link.index + side) for side in (0, 1)]
        spaces.cable(*names[0], macs[0], *names[1], macs[1])
        for side, (space, port) in enumerate(names):
            spaces.address(space, port, f"{_link_local(link.index, side)}/64")
            spaces.neighbour(space, port, _link_local(link.index, 1 - side), macs[1 - side])
    vteps = sorted({node for node, _ in layout.instances})
    for vtep in vteps:
        spaces.address(layout.space(vtep), "lo", f"{network.plan.vtep(vtep)}/32")
    for node in layout.nodes:
        for vtep in vteps:
            if node != vtep and (line := underlay_line(network, node, vtep)):
                spaces.route(layout.space(node), line)


def underlay_line(network: Network, node: int, vtep: int) -> RouteLine | None:
    """A node's route to a VTEP's loopback, over all equal next hops with their weights."""
    hops = []
    found = [index for _, index in network.underlay.ecmp(node, vtep)]
    for index, weight in zip(found, weights(network.underlay, found), strict=True):
        link = network.fabric.links[index]
        near = 0 if link.a == node else 1
        port = link.a_port if near == 0 else link.b_port
        hops.append(Hop(port, _link_local(index, 1 - near), weight))
    prefix = ip_network(network.plan.vtep(vtep))
    return RouteLine(254, prefix, tuple(hops)) if hops else None


def _link_local(link: int, side: int) -> str:
    return f"fe80::2:{2 * link + side:x}"


def instance_up(layout: Layout, spaces: Spaces, node: int, vrf: int) -> None:
    """The tunnel of an instance with its far ends, and which table decides about what enters."""
    network, space = layout.network, layout.instance_space(node, vrf)
    plan, home = network.plan, layout.space(node)
    device, vni = f"vx{vrf}", network.vrfs[vrf].vni
    spaces.tunnel(home, device, vni, plan.vtep(node), tunnel_mac(network, node, vrf))
    if not layout.vrf_devices:
        spaces.move(home, device, space)
    for entry in layout.entries(node, vrf):
        if layout.vrf_devices:
            spaces.vrf(space, entry.name, entry.table)
        for way in (entry.name,) if layout.vrf_devices else entry.devices:
            spaces.rule(space, way, entry.table)
        if layout.vrf_devices and device in entry.devices:
            spaces.enslave(space, device, entry.name)
    spaces.up(space, device)
    for hop in layout.tunnels(node, vrf):
        spaces.neighbour(space, device, gateway(hop.vtep), hop.router_mac)
        spaces.behind(space, device, hop.router_mac, plan.vtep(hop.vtep))


def joins(layout: Layout, spaces: Spaces, node: int) -> None:
    """Veth pairs between instances of a VTEP; one serves both directions."""
    for join in layout.joins[node]:
        if join.a > join.b:
            continue
        a, b = (layout.instance_space(node, vrf) for vrf in (join.a, join.b))
        near, far = mac(JOIN, join.a << 12 | join.b), mac(JOIN, join.b << 12 | join.a)
        spaces.cable(a, join.near, near, b, join.far, far)
        if layout.vrf_devices:
            spaces.enslave(a, join.near, f"in{join.b}t{join.a}")
            spaces.enslave(b, join.far, f"in{join.a}t{join.b}")
        spaces.neighbour(a, join.near, JOIN_GATEWAY, far)
        spaces.neighbour(b, join.far, JOIN_GATEWAY, near)


def endpoints(layout: Layout, spaces: Spaces) -> None:
    """A veth pair per endpoint, from its instance to the hosts' side."""
    for node, endpoint in layout.lived:
        k, space = endpoint.index, layout.instance_space(node, endpoint.vrf)
        ends = layout.ends_space(node)
        spaces.cable(space, f"ep{k}", mac(ENDPOINT, k), ends, f"h{k}", mac(HOST, k))
        if layout.vrf_devices:
            spaces.enslave(space, f"ep{k}", f"vrf{endpoint.vrf}")
        spaces.neighbour(space, f"ep{k}", HOST_GATEWAY, mac(HOST, k))


def routes(layout: Layout, spaces: Spaces, node: int, vrf: int) -> None:
    """Every table of an instance; what a table does not know goes nowhere."""
    space = layout.instance_space(node, vrf)
    for entry in layout.entries(node, vrf):
        spaces.unreachable(space, entry.table)
    for line in layout.lines(node, vrf):
        spaces.route(space, line)


def rules(program: Program, layout: Layout) -> Iterator[tuple[str, str]]:
    """The compiled rules, by namespace. VRFs as devices share one connection tracking: their flows
    are kept apart by zones."""
    busy = sorted({(node, e.vrf) for node, e in layout.lived})
    if not layout.vrf_devices:
        for node, vrf in busy:
            yield layout.instance_space(node, vrf), ruleset(program, node, vrf=vrf)
        return
    for node in sorted({node for node, _ in busy}):
        text = "\n".join(zones(layout, node)) + "\n"
        yield layout.space(node), text + ruleset(program, node, incoming="meta sdifname")


def digest(program: Program, layout: Layout) -> str:
    """Changes when anything does that a lab of this layout would hold, comments left out: they name
    files, and people call these now so, now so."""
    out = hashlib.sha256()
    for instance in layout.instances:
        out.update(repr([instance, *layout.lines(*instance)]).encode())
    for _, text in rules(program, layout):
        out.update(re.sub(r'^#.*|comment ".*"', "", text, flags=re.M).encode())
    return out.hexdigest()


def zones(layout: Layout, node: int) -> Iterator[str]:
    """Connection tracking zones of a node, by the device that a packet came in by."""
    yield "table inet cloison-lab {"
    yield "\tchain zones {"
    yield "\t\ttype filter hook prerouting priority raw; policy accept;"
    for at, vrf in layout.instances:
        if at == node:
            for entry in layout.entries(node, vrf):
                yield from (f'\t\tiifname "{way}" ct zone set {vrf + 1}' for way in entry.devices)
    yield "\t}"
    yield "}"
