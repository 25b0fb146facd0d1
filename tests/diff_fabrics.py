"""Random pairs of fabric files for the law of `sim.diff.diff` (see `diff_worlds`)."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

import generators_netpol as netpol
from diff_worlds import edited

Document = dict[str, Any]
OWN = {"a": "100.64.0.0/24", "b": "100.65.0.0/24", "c": "100.66.0.0/24"}
NODES = {"a": "100.68.0.0/24", "b": "100.68.1.0/24", "c": "100.68.2.0/24"}
HOSTS = {"a": ["host1", "host2"], "b": ["host2", "host3"], "c": ["host3", "host4"]}
PORTS = ("80/tcp", "81/tcp", "53/udp", "443/tcp")


def fabric_pair(rng: Random) -> tuple[Document, Document]:
    """Two versions of a fabric."""
    old = fabric(rng)
    new = deepcopy(old)
    for number in range(rng.choice((1, 1, 2, 3))):
        edit: Callable[[Random, Document, int], None] = rng.choice(EDITS)
        edit(rng, new, number)
    return old, new


def fabric(rng: Random) -> Document:
    """One or two tenants, perhaps a leak between them, and zones."""
    names = rng.choice((["a"], ["a", "b"], ["a", "b"]))
    document: Document = {
        "cloison": 1,
        "name": "random",
        "sites": {"s": {"spines": 1, "leaves": 2, "hosts_per_pair": 4, "borders": 1}},
        "pools": {"blocks": {"v4": 28, "v6": 112}},
        "tenants": {name: tenant(rng, name) for name in names},
        "zones": {
            "zone0": {
                "prefixes": ["198.18.0.0/24"],
                "endpoints": {"dns": {"addresses": ["198.18.0.53"]}},
                "services": [
                    {"name": "dns", "from": "*/@node/*", "to": "zone0/dns", "ports": ["53/udp"]}
                ],
            },
            "zone2": {
                "endpoints": {"inet": {"addresses": ["0.0.0.0/0"]}},
                "rules": [rule(rng, f"r{n}", names) for n in range(rng.randint(0, 2))],
            },
        },
    }
    if len(names) == 2 and rng.random() < 0.6:
        document["leaks"] = [leak(rng)]
    return document


def tenant(rng: Random, name: str) -> Document:
    """Pods without addresses of their own, on any of its hosts."""
    prefixes: list[Any] = ["10.0.0.0/24", {"cidr": OWN[name], "namespaces": ["x"]}]
    if rng.random() < 0.7:
        prefixes.append({"cidr": NODES[name], "use": "nodes"})
    if rng.random() < 0.3:
        prefixes.append("fd00:a::/64")
    main: Document = {"prefixes": prefixes}
    if rng.random() < 0.7:
        main["default_route"] = "zone2"
        main["advertise"] = [OWN[name]]
    return {"hosts": HOSTS[name], "objects": objects(rng, name), "vrfs": {"main": main}}


def objects(rng: Random, name: str) -> list[Document]:
    """A small cluster on the tenant's hosts."""
    out: list[Document] = [netpol.deployment(rng, f"d{n}") for n in range(rng.randint(1, 2))]
    out += [pod(rng, f"p{n}", name) for n in range(rng.randint(0, 2))]
    out += [netpol.policy(rng, f"np{n}") for n in range(rng.randint(0, 3))]
    return out


def pod(rng: Random, called: str, name: str) -> Document:
    """A pod that says on which host it runs, and nothing about addresses."""
    found = netpol.pod(rng, called, 10, False)
    found["spec"]["nodeName"] = rng.choice(HOSTS[name])
    found["status"] = {"phase": "Running"}
    return found


def leak(rng: Random) -> Document:
    """Namespace x of tenant a for the hosts and pods of b."""
    found: Document = {
        "name": "wares", "from": "a/main", "prefixes": [OWN["a"]], "to": ["b/main"],
        "clients": [OWN["b"]], "ports": [rng.choice(PORTS)],
    }  # fmt: skip
    return found


def rule(rng: Random, name: str, tenants: list[str]) -> Document:
    """From or to the internet."""
    inside = rng.choice([f"{t}/{what}" for t in tenants for what in ("*", "x/*", "@node/*")])
    ends = [inside, "zone2/inet"]
    rng.shuffle(ends)
    return {"name": name, "from": ends[0], "to": ends[1], "ports": [rng.choice(PORTS)]}


def workloads(rng: Random, document: Document, number: int) -> None:
    """What pull requests do to manifests."""
    name = rng.choice(sorted(document["tenants"]))
    found = document["tenants"][name]
    found["objects"] = edited(rng, found["objects"])
    for item in found["objects"]:
        spec = item.get("spec", {})
        spec = spec["template"]["spec"] if "template" in spec else spec
        if "nodeName" in spec:
            spec["nodeName"] = rng.choice(HOSTS[name])
        if item["kind"] == "Pod":
            item["status"] = {"phase": "Running"}


def new_tenant(rng: Random, document: Document, number: int) -> None:
    document["tenants"].setdefault("c", tenant(rng, "c"))


def gone_tenant(rng: Random, document: Document, number: int) -> None:
    if len(document["tenants"]) > 1 and "leaks" not in document:
        name = sorted(document["tenants"])[-1]
        rules = document["zones"]["zone2"]["rules"]
        rules[:] = [r for r in rules if f"{name}/" not in f"{r['from']} {r['to']}"]
        del document["tenants"][name]


def leaks(rng: Random, document: Document, number: int) -> None:
    wanted = document.pop("leaks", None) is None or rng.random() < 0.6
    if wanted and {"a", "b"} <= document["tenants"].keys():
        document["leaks"] = [leak(rng)]


def rules(rng: Random, document: Document, number: int) -> None:
    found = document["zones"]["zone2"]["rules"]
    if found and rng.random() < 0.5:
        found.pop(rng.randrange(len(found)))
    else:
        found.append(rule(rng, f"n{number}", sorted(document["tenants"])))


def zone_endpoints(rng: Random, document: Document, number: int) -> None:
    zones = document["zones"]
    match rng.randrange(4):
        case 0:
            zones["zone2"]["endpoints"]["office"] = {"addresses": ["203.0.113.0/24"]}
        case 1:
            zones["zone0"]["endpoints"]["dns"] = {"addresses": ["198.18.0.54"]}
        case 2:
            zones["zone2"]["endpoints"]["inet"] = {"addresses": ["0.0.0.0/1"]}
        case _:
            zones["zone0"]["endpoints"]["ntp"] = {"addresses": ["198.18.0.123"]}
            zones["zone0"]["services"].append(
                {"name": "ntp", "from": "*/@node/*", "to": "zone0/ntp", "ports": ["123/udp"]}
            )


def hosts(rng: Random, document: Document, number: int) -> None:
    state = rng.choice(("provisioning", "quarantined"))
    document["hosts"] = {rng.choice(("host1", "host2", "host3")): {"state": state}}


def routes(rng: Random, document: Document, number: int) -> None:
    """A default route that comes or goes."""
    main = document["tenants"][rng.choice(sorted(document["tenants"]))]["vrfs"]["main"]
    if "default_route" in main:
        del main["default_route"]
        main.pop("advertise")
    else:
        own = main["prefixes"][1]["cidr"]
        main.update(default_route="zone2", advertise=[own])


def prefixes(rng: Random, document: Document, number: int) -> None:
    """Another address plan."""
    main = document["tenants"][rng.choice(sorted(document["tenants"]))]["vrfs"]["main"]
    main["prefixes"][0] = rng.choice(("10.0.1.0/24", "10.0.0.0/23", "172.16.0.0/24"))


EDITS: list[Callable[[Random, Document, int], None]] = [
    workloads, workloads, workloads, workloads, new_tenant, gone_tenant, leaks, rules, rules,
    zone_endpoints, hosts, routes, prefixes,
]  # fmt: skip
