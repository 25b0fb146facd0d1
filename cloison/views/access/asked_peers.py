"""Who is asked about, in a cluster: patterns of workloads, pods by their own names, and addresses.

Rules that hold here:

1. `namespace/workload` with globs is a workload; what is none may be pods (`namespace/pod`).
2. A pod is asked about only at the end that names it, so that its rows double nobody else's.
3. Names may stand as fabrics have them, with the tenant in front (`cluster/namespace/pod`).
4. An address is whose it is: a pod's or a node's asks about these, any other about the outside.
   Several addresses are those of the outside among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from cloison.views.world import World
from fabric.building.cluster import CLUSTER, EXTERNAL
from fabric.kubernetes.networking.services import Service
from fabric.kubernetes.pods.workloads import Pod
from fabric.values.address_sets import AddressSet, address_in, addresses_in
from fabric.values.door_names import door_in
from fabric.values.interval_sets import intersect
from fabric.values.ports import PortRange, parse_ports
from sim.names.cluster_names import ClusterNames, fault, split
from sim.names.led_by import portless
from sim.names.services import offers
from sim.names.wanted_ports import split_port
from sim.reach.connectivity import OUTSIDE, Connectivity, Peer
from sim.reach.doors_of_clusters import EVERYBODY, Door
from sim.reach.outside_ranges import range_words


def short(text: str) -> str:
    """A name without its tenant."""
    return re.sub(rf"^(\[?){CLUSTER}/(?=[^/]+/)", r"\1", text)


def as_named(names: ClusterNames, text: str) -> str:
    """What a text, maybe with a port behind it, says by name, where it is one address (rule 4)."""
    name, port = split_port(text)
    address = address_in(name)
    if address is None or address not in names.at:
        return short(text)
    return f"{names.at[address].name}:{port}" if port else names.at[address].name


def stands_for(names: ClusterNames, to: str | None) -> list[str | None]:
    """What a destination means: of a door every workload behind it with a port where it gets what
    the door is sent, or pods, where others of their workload are not behind it."""
    name, port = split_port(to) if to else ("", "")
    door = door_in(name)
    if to is None or door is None:
        return [to]
    if not door.has_ports:
        if port:
            raise portless(door)
        found = [(pod, at) for pod, _, at in names.led(door)]
    else:
        found = [*_behind(names, name, port)]
    chosen = {f"{pod.namespace}/{pod.name}" for pod, _ in found}
    out: dict[str | None, None] = {}
    for pod, at in found:
        peers = names.workloads[pod.namespace, pod.workload][pod.workload_kind]
        whole = f"{pod.namespace}/{pod.workload}[{pod.workload_kind}]"
        text = whole if {m.name for m in peers} <= chosen else f"{pod.namespace}/{pod.name}"
        out[f"{text}:{at}"] = None
    return [*out]


def _behind(names: ClusterNames, name: str, port: str) -> Iterator[tuple[Pod, PortRange]]:
    """The pods behind a Service and where each gets what is sent to a port of it."""
    service = names.service(name, *split(name)[:2])
    running = {f"{pod.namespace}/{pod.name}": pod for pod, _ in names.labelled}
    for protocol, number, asked in _ports(service, name, port):
        for end in names.behind(service, protocol, number):
            own = asked if end.port is None else PortRange(protocol, end.port, end.port)
            yield running[end.name], own


def _ports(service: Service, name: str, port: str) -> list[tuple[int, int, PortRange]]:
    """The ports of a Service that a text means, each with what is asked for at its pods where none
    is translated."""
    try:
        ranges = parse_ports(port) if port else (PortRange(),)
    except ValueError:
        ranges = ()
    if service.headless and ranges:
        return [(r.protocol, r.first, r) for r in ranges]
    called = port.partition("/")[0]
    found = [
        (p.protocol, p.port, PortRange(p.protocol, p.port, p.port))
        for p in service.ports
        if (called and p.name == called) or any(offers(p, r) for r in ranges)
    ]
    if not found:
        raise fault(f"{name} has no such port: {port}" if port else f"{name} has no ports")
    return found


def asked_pods(world: World, text: str | None) -> frozenset[Peer]:
    """The pods that a text names, where no workload is called so."""
    if text is None or addresses_in(text) is not None:
        return frozenset()
    running = ClusterNames(world.network).labelled
    if any(called(Peer(p.workload_kind, p.namespace, p.workload), text) for p, _ in running):
        return frozenset()
    pods = (Peer("Pod", pod.namespace, pod.name) for pod, _ in running)
    return frozenset(pod for pod in pods if called(pod, text))


def sought(found: Connectivity, peer: Peer, text: str | None) -> bool:
    """Whether a peer is asked about; a pod only by a name that is no workload's."""
    if peer in found.pods and (text is None or any(called(p, text) for p in found.workloads)):
        return False
    return text is None or called(peer, text)


def leads(found: Connectivity, door: Door, name: str) -> bool:
    """Whether a way in leads to what is called so, or to a workload whose pod is."""
    ends = {i for pod in found.pods if called(pod, name) for i in found.members[pod]}
    return called(door.target, name) or not ends.isdisjoint(found.members.get(door.target, ()))


def takes(door: Door, source: str | None) -> bool:
    """Whether a way in is open to what asks, as far as it is known: all or some of the outside."""
    if source in (None, "external", EXTERNAL):
        return True
    block = addresses_in(source or "")
    if block is None or door.open_to is None or door.open_to == EVERYBODY:
        return block is not None
    return within(replace(OUTSIDE, ranges=door.open_to), block).ranges != ()


def called(peer: Peer, pattern: str) -> bool:
    """Whether a pattern means this peer: `namespace/workload` with globs; of what is outside
    `external` or some of its addresses."""
    if peer.kind == "External":
        return pattern in ("external", EXTERNAL) or within(peer, addresses_in(pattern)).ranges != ()
    plain = f"{peer.namespace}/{peer.name}"
    return fnmatchcase(plain, pattern) or str(peer) == pattern


def within(peer: Peer, asked: AddressSet | None) -> Peer:
    """Those addresses of the outside that are among some."""
    whole = addresses_in(", ".join(peer.ranges))
    if asked is None or whole is None:
        return replace(peer, ranges=())
    found = (
        text
        for version in (4, 6)
        for span in intersect(whole.of(version), asked.of(version))
        for text in range_words(version, *span)
    )
    return replace(peer, ranges=tuple(found))


def title(found: Connectivity, of: Peer) -> str:
    """A peer for people: its kind is left out where that is clear."""
    if of.kind == "External":
        return ", ".join(of.ranges) or "external"
    plain = f"{of.namespace}/{of.name}"
    return str(of) if plain in found.homonyms else plain
