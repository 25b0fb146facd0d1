"""A site as operators have it: NVUE per DPU, a list of cables, kubectl dumps of three clusters.

Servers are those of `cluster_servers`, with configurations of `dpu_configurations`; leaves have two
to four uplinks, spines run no configuration that anybody handed over. What a number of DPUs writes
never changes (`digest`), so that figures of different days are of the same site.

`cluster_servers.FAULTS` are what is wrong on the site of that name, each on one device alone:

* `foreign-import`: a DPU of cluster `batch` imports the routes of `train` too, and the other way;
* `lost-vlan`: a node's pods have no route on its DPU;
* `swapped-cable`: the list of cables says another leaf than LLDP heard;
* `other-asn`: the inventory has another AS number for a DPU than its configuration.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from cluster_servers import CLUSTERS, Server, draw, guilty, leaves_of, servers
from dpu_configurations import nvue

APPS = (("worker", 2), ("store", 1), ("metrics", 1))
"""Workloads of a customer, and how many pods of each are on every node."""
SPINES = 4


def files(count: int, faults: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Path and text of every file of the site."""
    found = servers(count)
    for server in found:
        yield f"configs/{server.dpu}.yaml", nvue(server, found, faults)
    yield "inventory/devices.csv", devices(found, faults)
    yield "inventory/cables.csv", cables(found, faults)
    if "swapped-cable" in faults:
        yield from heard(found)
    for cluster in CLUSTERS:
        yield f"clusters/{cluster}/dump.json", dump(cluster, found)


def write(folder: Path, count: int, faults: tuple[str, ...] = ()) -> None:
    """The site in a folder."""
    for path, text in files(count, faults):
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


def digest(count: int, faults: tuple[str, ...] = ()) -> str:
    """What stands in all files, in twelve digits."""
    whole = hashlib.sha256()
    for path, text in files(count, faults):
        whole.update(f"{path}\0{text}\0".encode())
    return whole.hexdigest()[:12]


def devices(found: list[Server], faults: tuple[str, ...]) -> str:
    """An inventory's list of devices."""
    rows = ["name,role,site,rack,asn,host"]
    for server in found:
        asn = server.asn
        if "other-asn" in faults and server is guilty(found, "other-asn"):
            asn = 4_200_000_007
        rows.append(f"{server.dpu},DPU,fra1,r{server.rack},{asn},{server.name}")
    rows += [f"{leaf},ToR,fra1,{leaf[5:-1]},," for leaf in leaves_of(found)]
    rows += [f"spine-{n},Spine,fra1,,65000," for n in range(1, SPINES + 1)]
    return "\n".join(rows) + "\n"


def ends(found: list[Server]) -> Iterator[tuple[str, str, str, str]]:
    """Both ends of every cable."""
    used: dict[str, int] = {}

    def port(node: str) -> str:
        used[node] = used.get(node, 0) + 1
        return f"swp{used[node]}"

    for server in found:
        for n, leaf in enumerate(server.leaves):
            yield server.dpu, f"p{n}_if", leaf, port(leaf)
    for leaf in leaves_of(found):
        for n in range(2 + draw("uplinks", leaf) % 3):
            spine = f"spine-{n + 1}"
            yield leaf, port(leaf), spine, port(spine)


def cables(found: list[Server], faults: tuple[str, ...]) -> str:
    """An inventory's list of cables."""
    rows = ["from,from_port,to,to_port,speed"]
    swapped = guilty(found, "swapped-cable").dpu if "swapped-cable" in faults else ""
    for a, a_port, b, b_port in ends(found):
        if a == swapped and a_port == "p0_if":
            b, b_port = next(s.leaves[0] for s in found if b not in s.leaves), "swp60"
        rows.append(f"{a},{a_port},{b},{b_port},{400 if b.startswith('spine') else 200}")
    return "\n".join(rows) + "\n"


def heard(found: list[Server]) -> Iterator[tuple[str, str]]:
    """What LLDP hears on the DPU whose cable the list has wrong."""
    server = guilty(found, "swapped-cable")
    there = [(p, b, q) for a, p, b, q in ends(found) if a == server.dpu]
    entries = [
        {port: {"chassis": {leaf: {"id": {"type": "local", "value": leaf}}},
                "port": {"id": {"type": "ifname", "value": far}}}}
        for port, leaf, far in there
    ]  # fmt: skip
    text = json.dumps({"lldp": {"interface": entries}}, indent=1)
    yield f"inventory/lldp/{server.dpu}.json", text + "\n"


def dump(cluster: str, found: list[Server]) -> str:
    """`kubectl get namespaces,nodes,networkpolicies,pods -A -o json` of a cluster."""
    items: list[object] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        for name in spaces(found, cluster)
    ]
    mine = [server for server in found if server.cluster == cluster]
    for server in mine:
        address = {"type": "InternalIP", "address": str(server.link[2])}
        items.append(
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": server.name},
             "status": {"addresses": [address]}}
        )  # fmt: skip
    for space in spaces(found, cluster):
        items += policies(space)
    for server in mine:
        items += pods(server)
    whole = {"apiVersion": "v1", "kind": "List", "items": items}
    return json.dumps(whole, indent=1, sort_keys=True) + "\n"


def pods(server: Server) -> Iterator[object]:
    """The pods on a node, with their addresses."""
    place = 0
    for app, many in APPS:
        for _ in range(many):
            place += 1
            owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": app, "uid": app,
                     "controller": True}  # fmt: skip
            container = {"name": "c", "image": "i", "ports": [{"containerPort": 8080}]}
            yield {
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": f"{app}-{server.index}-{place}", "namespace": server.space,
                             "labels": {"app": app}, "ownerReferences": [owner]},
                "spec": {"nodeName": server.name, "containers": [container]},
                "status": {"phase": "Running", "hostIP": str(server.link[2]),
                           "podIP": str(server.pods[place]),
                           "podIPs": [{"ip": str(server.pods[place])}]},
            }  # fmt: skip


def spaces(found: list[Server], cluster: str) -> list[str]:
    """The namespaces of a cluster."""
    return sorted({server.space for server in found if server.cluster == cluster})


def policies(space: str) -> Iterator[object]:
    """The policy of a customer: workers are asked by the store alone."""
    peers = [{"podSelector": {"matchLabels": {"app": "store"}}}]
    ports = [{"protocol": "TCP", "port": 8080}]
    yield {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "workers", "namespace": space},
        "spec": {"podSelector": {"matchLabels": {"app": "worker"}}, "policyTypes": ["Ingress"],
                 "ingress": [{"from": peers, "ports": ports}]},
    }  # fmt: skip
