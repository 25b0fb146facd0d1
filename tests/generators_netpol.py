"""Random clusters as YAML text, and flows that try what their policies say.

Everything comes from one `random.Random`, so hypothesis can shrink it (`st.randoms`) and a loop
over seeds can count it. Names, labels, ports and blocks come from small sets, so that policies meet
pods, pods meet blocks, and named ports mean different numbers in different pods.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from random import Random
from typing import Any

import yaml

NAMESPACES = ("x", "y", "z-1")
LABELS = {"app": ("web", "db", "cache"), "tier": ("front", "back"), "on": ("1",)}
NAMESPACE_LABELS = {"team": ("red", "blue"), "env": ("prod",)}
PORT_NAMES = ("http", "dns", "metrics")
PORTS = (1, 53, 80, 81, 8080, 65535)
PROTOCOLS = ("TCP", "UDP", "SCTP")
NODES = ("n1", "n2")
BLOCKS = {
    "0.0.0.0/0": ("10.0.0.0/8", "10.1.0.0/24", "203.0.113.7/32"),
    "10.1.0.0/16": ("10.1.0.0/24", "10.1.0.11/32", "10.1.1.0/25"),
    "10.1.0.0/24": ("10.1.0.11/32", "10.1.0.12/30"),
    "10.1.0.11/32": (),
    "192.0.2.0/24": ("192.0.2.128/25",),
    "203.0.113.0/24": ("203.0.113.7/32",),
    "::/0": ("fd01::/64", "2001:db8::/32"),
    "fd01::/64": ("fd01::10/124",),
    "2001:db8::/32": ("2001:db8:1::/48",),
}


@dataclass(frozen=True)
class Flow:
    """From an address of `src` to one of `dst`: `namespace/pod`, or "" for the outside."""

    src: str
    src_ip: str
    dst: str
    dst_ip: str
    protocol: str
    port: int


def chance(rng: Random, percent: int) -> bool:
    return rng.randrange(100) < percent


def some(rng: Random, items: Any, most: int) -> list[Any]:
    return rng.sample(list(items), rng.randint(0, min(most, len(items))))


def labels(rng: Random, pool: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {key: rng.choice(pool[key]) for key in some(rng, sorted(pool), 2)}


def cluster(rng: Random) -> list[dict[str, Any]]:
    """Objects of one cluster: namespaces, workloads, policies."""
    objects = [
        {"apiVersion": "v1", "kind": "Namespace",
         "metadata": {"name": name, "labels": labels(rng, NAMESPACE_LABELS)}}
        for name in NAMESPACES[: rng.randint(1, 3)] if chance(rng, 80)
    ]  # fmt: skip
    dual = chance(rng, 60)
    numbers = iter(range(10, 99))
    objects += [pod(rng, f"p{n}", next(numbers), dual) for n in range(rng.randint(2, 5))]
    objects += [deployment(rng, f"d{n}") for n in range(rng.randint(0, 2))]
    objects += [policy(rng, f"np{n}") for n in range(rng.randint(2, 6))]
    rng.shuffle(objects)
    return objects


def containers(rng: Random) -> list[dict[str, Any]]:
    ports = [
        {"name": name, "containerPort": rng.choice(PORTS),
         **({"protocol": rng.choice(PROTOCOLS)} if chance(rng, 50) else {})}
        for name in some(rng, PORT_NAMES, 2)
    ]  # fmt: skip
    return [{"name": "c", "image": "none", **({"ports": ports} if ports else {})}]


def pod(rng: Random, name: str, number: int, dual: bool) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": containers(rng)}
    if chance(rng, 40):
        sidecar = {"name": "i", "ports": [{"name": "dns", "containerPort": 53, "protocol": "UDP"}]}
        sidecar |= {"restartPolicy": "Always"} if chance(rng, 60) else {}
        spec["initContainers"] = [sidecar]
    if chance(rng, 70):
        spec["nodeName"] = rng.choice(NODES)
    ips = [f"10.1.{rng.randint(0, 1)}.{number}"]
    if dual:
        ips.append(str(ip_address("fd01::") + number))
    if chance(rng, 15):
        spec["hostNetwork"] = True
        ips = [f"192.0.2.{number}"]
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": rng.choice(NAMESPACES), "labels": labels(rng, LABELS),
        },
        "spec": spec,
        "status": {"phase": "Running", "podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips]},
    }  # fmt: skip


def deployment(rng: Random, name: str) -> dict[str, Any]:
    template = {
        "metadata": {"labels": labels(rng, LABELS)},
        "spec": {"containers": containers(rng)},
    }
    return {
        "apiVersion": "apps/v1", "kind": rng.choice(("Deployment", "StatefulSet")),
        "metadata": {"name": name, "namespace": rng.choice(NAMESPACES)},
        "spec": {"replicas": rng.randint(1, 2), "template": template},
    }  # fmt: skip


def selector(rng: Random, pool: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if chance(rng, 50):
        out["matchLabels"] = dict([one(rng, pool)])
    if chance(rng, 30):
        key, value = one(rng, pool)
        operator = rng.choice(("In", "NotIn", "Exists", "DoesNotExist"))
        values = {"values": [value, *some(rng, pool[key], 1)]} if operator.endswith("In") else {}
        out["matchExpressions"] = [{"key": key, "operator": operator, **values}]
    return out


def one(rng: Random, pool: dict[str, tuple[str, ...]]) -> tuple[str, str]:
    key = rng.choice(sorted(pool))
    return key, rng.choice(pool[key])


def peer(rng: Random) -> dict[str, Any]:
    kind = rng.randrange(4)
    if kind == 0:
        cidr = rng.choice(sorted(BLOCKS))
        holes = some(rng, BLOCKS[cidr], 2)
        return {"ipBlock": {"cidr": cidr, **({"except": holes} if holes else {})}}
    named = {**NAMESPACE_LABELS, "kubernetes.io/metadata.name": NAMESPACES}
    out = {}
    if kind != 1:
        out["namespaceSelector"] = selector(rng, named)
    if kind != 2:
        out["podSelector"] = selector(rng, LABELS)
    return out


def port(rng: Random) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if chance(rng, 60):
        out["protocol"] = rng.choice(PROTOCOLS)
    kind = rng.randrange(4)
    if kind == 0:
        out["port"] = rng.choice(PORT_NAMES)
    elif kind != 1:
        out["port"] = rng.choice(PORTS)
        if chance(rng, 30):
            out["endPort"] = rng.choice([p for p in (80, 8080, 65535) if p >= out["port"]])
    return out


def rule(rng: Random, key: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if chance(rng, 88):
        out[key] = [peer(rng) for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3)))]
    if chance(rng, 60):
        out["ports"] = [port(rng) for _ in range(rng.randint(0, 2))]
    return out


def policy(rng: Random, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    if chance(rng, 90):
        spec["podSelector"] = selector(rng, LABELS)
    if chance(rng, 60):
        spec["policyTypes"] = rng.choice((["Ingress"], ["Egress"], ["Ingress", "Egress"]))
    for key, peers in (("ingress", "from"), ("egress", "to")):
        if chance(rng, 65):
            spec[key] = [rule(rng, peers) for _ in range(rng.randint(0, 3))]
        elif chance(rng, 10):
            spec[key] = None
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": rng.choice(NAMESPACES)}, "spec": spec,
    }  # fmt: skip


def text(rng: Random, objects: list[dict[str, Any]]) -> str:
    """The objects as a file that people may have written: documents or a List, YAML or JSON."""
    kind = rng.randrange(3)
    if kind == 0:
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}, indent=1)
    flow = kind == 1
    return yaml.dump_all(objects, Dumper=yaml.CSafeDumper, default_flow_style=flow, sort_keys=False)


def bounds(objects: list[dict[str, Any]]) -> dict[int, list[str]]:
    """Addresses at and around the ends of every block that occurs, by IP version."""
    found: dict[int, set[str]] = {4: {"198.51.100.9"}, 6: {"2001:db9::9"}}
    written = json.dumps(objects)
    for cidr in (*BLOCKS, *(hole for holes in BLOCKS.values() for hole in holes)):
        if f'"{cidr}"' in written:
            net = ip_network(cidr)
            for end in (net.network_address, net.broadcast_address):
                for step in (-1, 0, 1):
                    if 0 <= int(end) + step < 2**net.max_prefixlen:
                        found[net.version].add(str(end + step))
    return {version: sorted(ips) for version, ips in found.items()}


def flows(
    rng: Random, objects: list[dict[str, Any]], addresses: dict[str, list[str]], count: int
) -> Iterator[Flow]:
    """Flows between pods, and between pods and addresses that blocks begin or end at."""
    outside = bounds(objects)
    owned = {ip for ips in addresses.values() for ip in ips}
    for _ in range(count):
        src, dst = rng.choice(sorted(addresses)), rng.choice(sorted(addresses))
        version = 4 if chance(rng, 55) else 6
        foreign = rng.choice([ip for ip in outside[version] if ip not in owned])
        mine, theirs = (of_version(addresses[name], version) for name in (src, dst))
        way = rng.randrange(4)
        protocol = rng.choice((*PROTOCOLS, "TCP", "ICMP"))
        number = 0 if protocol == "ICMP" else rng.choice([*PORTS, 52, 54, 79, 8079, 8081, 65534])
        if way == 0 and theirs:
            yield Flow("", foreign, dst, rng.choice(theirs), protocol, number)
        elif way == 1 and mine:
            yield Flow(src, rng.choice(mine), "", foreign, protocol, number)
        elif src != dst and mine and theirs and not {*mine} & {*theirs}:
            yield Flow(src, rng.choice(mine), dst, rng.choice(theirs), protocol, number)


def of_version(addresses: list[str], version: int) -> list[str]:
    return [ip for ip in addresses if ip_address(ip).version == version]
