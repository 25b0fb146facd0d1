"""Random pairs of worlds for the law of `sim.diff.diff`: what pull requests and live clusters do.

Everything comes from one `random.Random`. A pair is two documents of the same kind, the second
made from the first by a few edits: policies written, edited, removed; workloads added, removed,
renamed, scaled, moved, restarted, relabelled, put on the network of their nodes; and in fabrics
tenants, leaks, zone rules, zone endpoints, states of hosts, imported route targets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import generators_netpol as netpol
import yaml
from compiled import compile_network
from naive_worlds import World

from compiler.policy.ir import Cidr, InVrf
from compiler.program.program import Program
from fabric.building.build import build
from fabric.building.cluster import cluster_network
from fabric.building.load import load_fabric
from fabric.building.network import Network

Objects = list[dict[str, Any]]
WORKLOADS = ("Pod", "Deployment", "StatefulSet")


def cluster_pair(rng: Random) -> tuple[Objects, Objects]:
    """Two versions of the manifests of a cluster."""
    old = netpol.cluster(rng)
    return old, edited(rng, old)


def edited(rng: Random, objects: Objects) -> Objects:
    """The objects after a few edits."""
    new = deepcopy(objects)
    for number in range(rng.choice((1, 1, 1, 2, 3, 5))):
        edit: Callable[[Random, Objects, int], None] = rng.choice(EDITS)
        edit(rng, new, number)
    return new


def some(rng: Random, objects: Objects, *kinds: str) -> dict[str, Any] | None:
    found = [o for o in objects if o["kind"] in kinds]
    return rng.choice(found) if found else None


def write_policy(rng: Random, objects: Objects, number: int) -> None:
    objects.append(netpol.policy(rng, f"more{number}"))


def edit_policy(rng: Random, objects: Objects, number: int) -> None:
    found = some(rng, objects, "NetworkPolicy")
    if found:
        other = netpol.policy(rng, found["metadata"]["name"])
        key = rng.choice(("podSelector", "ingress", "egress", "policyTypes"))
        found["spec"].pop(key, None)
        if key in other["spec"]:
            found["spec"][key] = other["spec"][key]


def remove(kinds: Iterable[str]) -> Callable[[Random, Objects, int], None]:
    def edit(rng: Random, objects: Objects, number: int) -> None:
        found = some(rng, objects, *kinds)
        pods = [o for o in objects if o["kind"] in WORKLOADS]
        if found and (found["kind"] == "NetworkPolicy" or len(pods) > 1):
            objects.remove(found)

    return edit


def add_workload(rng: Random, objects: Objects, number: int) -> None:
    if rng.random() < 0.5:
        objects.append(netpol.deployment(rng, f"e{number}"))
    else:
        objects.append(netpol.pod(rng, f"q{number}", 90 + number, rng.random() < 0.5))


def scale(rng: Random, objects: Objects, number: int) -> None:
    found = some(rng, objects, "Deployment", "StatefulSet")
    if found:
        found["spec"]["replicas"] = rng.randint(1, 4)


def rename(rng: Random, objects: Objects, number: int) -> None:
    found = some(rng, objects, *WORKLOADS)
    if found:
        found["metadata"]["name"] = f"r{number}"


def move(rng: Random, objects: Objects, number: int) -> None:
    found = some(rng, objects, *WORKLOADS)
    if found:
        if rng.random() < 0.5:
            found["metadata"]["namespace"] = rng.choice(netpol.NAMESPACES)
        else:
            podspec(found)["nodeName"] = rng.choice((*netpol.NODES, "n3"))


def relabel(rng: Random, objects: Objects, number: int) -> None:
    found = some(rng, objects, *WORKLOADS, "Namespace")
    if found and found["kind"] == "Namespace":
        found["metadata"]["labels"] = netpol.labels(rng, netpol.NAMESPACE_LABELS)
    elif found:
        about = found["spec"].get("template", found)
        about["metadata"]["labels"] = netpol.labels(rng, netpol.LABELS)


def restart(rng: Random, objects: Objects, number: int) -> None:
    found = some(rng, objects, "Pod")
    if found and "hostNetwork" not in found["spec"] and "podIPs" in found["status"]:
        ips = [f"10.1.{rng.randint(0, 1)}.{60 + number}"]
        if len(found["status"]["podIPs"]) > 1:
            ips.append(f"fd01::{60 + number}")
        found["status"].update(podIP=ips[0], podIPs=[{"ip": ip} for ip in ips])


def reports(rng: Random, objects: Objects, number: int) -> None:
    """A named port means another number, or nothing."""
    found = some(rng, objects, *WORKLOADS)
    if found:
        podspec(found)["containers"] = netpol.containers(rng)


def on_host(rng: Random, objects: Objects, number: int) -> None:
    found = some(rng, objects, *WORKLOADS)
    if found:
        spec = podspec(found)
        if not spec.pop("hostNetwork", False):
            spec["hostNetwork"] = True
            spec.setdefault("nodeName", rng.choice(netpol.NODES))


def podspec(found: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = found["spec"]
    return spec["template"]["spec"] if "template" in spec else spec


EDITS: list[Callable[[Random, Objects, int], None]] = [
    write_policy, edit_policy, edit_policy, remove(("NetworkPolicy",)), remove(WORKLOADS),
    add_workload, scale, scale, rename, move, relabel, restart, reports, on_host,
]  # fmt: skip


def cluster_world(folder: Path, objects: Objects) -> tuple[Network, Program]:
    """The world of manifests."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = {"apiVersion": "v1", "kind": "List", "items": objects}
    (folder / "all.yaml").write_text(json.dumps(listed, indent=1))
    network = cluster_network([folder])
    return network, compile_network(network)


def fabric_world(
    folder: Path, document: dict[str, Any], down: Iterable[str] = ()
) -> tuple[Network, Program]:
    """The world of a fabric file; manifests stand in it as `objects`."""
    folder.mkdir(parents=True, exist_ok=True)
    document = deepcopy(document)
    for name, tenant in document["tenants"].items():
        listed = {"apiVersion": "v1", "kind": "List", "items": tenant.pop("objects")}
        (folder / f"{name}.yaml").write_text(json.dumps(listed, indent=1))
        tenant["manifests"] = [f"{name}.yaml"]
    path = folder / "fabric.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    network = build(load_fabric(path), lock=False, down=tuple(down))
    return network, compile_network(network)


def twin_world(world: tuple[Network, Program], alone: bool) -> World:
    """The same for the twin."""
    network, program = world
    return World(network, program.policy, alone)


def axis(*worlds: tuple[Network, Program]) -> dict[int, list[int]]:
    """An address of every range that an endpoint, a route, a rule or a VRF begins or ends."""
    out = {}
    for version in (4, 6):
        prefixes = set()
        points = {0}
        for network, program in worlds:
            prefixes |= {p for e in network.endpoints for p in e.prefixes}
            prefixes |= {p for v in network.vrfs for p in v.prefixes}
            for matcher in (m for r in program.policy.rules for m in (*r.local, *r.remote)):
                if isinstance(matcher, Cidr):
                    prefixes |= {matcher.prefix, *matcher.excepts}
                if isinstance(matcher, InVrf):
                    prefixes |= {*(matcher.prefixes or ())}
            for vrf in network.vrfs:
                points |= set(network.fib.boundaries(vrf.index)[version == 6])
        of_family = [p for p in prefixes if p.version == version]
        points |= {int(p.network_address) for p in of_family}
        points |= {int(p.broadcast_address) + 1 for p in of_family}
        out[version] = sorted(x for x in points if x < 2 ** (32 if version == 4 else 128))
    return out


def probes(*worlds: tuple[Network, Program]) -> list[tuple[int, int, int]]:
    """A packet of every range of ports that a rule or a named port begins or ends."""
    ports: dict[int, set[int]] = {6: {1}, 17: {1}, 132: {1}}
    sources = {40000}
    for network, program in worlds:
        names = {}
        for l4 in (l4 for r in program.policy.rules for l4 in r.l4):
            touched = ports if l4.protocol not in ports else (l4.protocol,)
            for protocol in touched:
                ports[protocol] |= {l4.first, l4.last + 1}
            names[l4.name] = True
            sources |= {l4.source_first, l4.source_last + 1}
        for named in (p for e in network.endpoints for p in e.ports if p.name in names):
            ports[named.protocol] |= {named.number, named.number + 1}
    tried = sorted(sources & {*range(65536)}) if len(sources) < 4 else [40000]
    out = [(p, s, n) for p, every in ports.items() for n in sorted(every) for s in tried]
    return [*(x for x in out if x[2] < 65536), (1, 0, 0), (58, 0, 0), (99, 0, 0)]
