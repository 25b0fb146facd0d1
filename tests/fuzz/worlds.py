"""Random fabric files, and what they ask for, counted here and not by cloison."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import yaml

NAMESPACES = ("web", "db", "ops")
BLOCK = 26


@dataclass
class Asked:
    """A fabric file on the disk and what must come of it."""

    path: Path
    document: dict[str, Any]
    nodes: dict[str, int] = field(default_factory=dict)
    hosts: list[str] = field(default_factory=list)
    pods: dict[str, set[str]] = field(default_factory=dict)

    @property
    def lock(self) -> Path:
        return self.path.with_suffix(".lock.yaml")

    def write(self) -> None:
        self.path.write_text(yaml.safe_dump(self.document, sort_keys=False))


def asked(rng: Random, folder: Path) -> Asked:
    """A small fabric file with manifests; most are right, some are too tight for what they hold."""
    sites = {name: site(rng) for name in rng.sample(["ams", "fra"], rng.choice([1, 1, 1, 2]))}
    document: dict[str, Any] = {
        "cloison": 1,
        "name": "fuzz",
        "vtep": rng.choice(["dpu", "dpu", "leaf"]),
        "sites": sites,
        "pools": {"blocks": {"v4": BLOCK, "v6": 112}, "prefixes": {"p": ["10.64.0.0/12"]}},
    }
    made = Asked(folder / "f.yaml", document)
    count(made, sites, document["vtep"])
    names = rng.sample(["acme", "globex", "initech", "umbrella"], rng.randint(1, 4))
    document["tenants"] = {name: tenant(rng, name, number) for number, name in enumerate(names)}
    for name in names:
        made.pods[name] = manifests(rng, made, folder / f"{name}.yaml")
    if len(names) > 1 and rng.random() < 0.5:
        ends = [f"{name}/{next(iter(document['tenants'][name]['vrfs']))}" for name in names[:2]]
        document["peerings"] = [{"name": "peer", "between": ends, "ports": ["443/tcp"]}]
    if rng.random() < 0.3:
        document["pins"] = pins(rng, made)
    made.write()
    return made


def site(rng: Random) -> dict[str, Any]:
    three = rng.random() < 0.3
    more = {"clos": "three-tier", "pods": rng.randint(1, 2), "superspines": rng.randint(1, 2)}
    return {
        "spines": rng.randint(1, 2),
        "leaves": rng.randint(1, 4),
        "hosts_per_pair": rng.randint(1, 3),
        "uplinks": rng.randint(1, 2),
        "borders": rng.randint(0, 2),
        **(more if three else {}),
    }


def count(made: Asked, sites: dict[str, Any], vtep: str) -> None:
    """Nodes by role, host by host, as a person would count them."""
    roles = dict.fromkeys(("leaf", "spine", "superspine", "border", "host", "dpu"), 0)
    for name, s in sites.items():
        prefix = f"{name}-" if len(sites) > 1 else ""
        number = 0
        for _ in range(s.get("pods", 1)):
            roles["leaf"] += s["leaves"]
            roles["spine"] += s["spines"]
            for first in range(0, s["leaves"], 2):
                assert first < s["leaves"]
                for _ in range(s["hosts_per_pair"]):
                    number += 1
                    made.hosts.append(f"{prefix}host{number}")
        roles["superspine"] += s.get("superspines", 0)
        roles["border"] += s["borders"]
    roles["host"] = len(made.hosts)
    roles["dpu"] = len(made.hosts) if vtep == "dpu" else 0
    made.nodes = {role: n for role, n in roles.items() if n}


def tenant(rng: Random, name: str, number: int) -> dict[str, Any]:
    own = rng.random() < 0.5
    second = 16 + number if own else 16
    prefixes: list[Any] = [rng.choice([f"10.{second}.0.0/18", {"pool": "p", "length": 20}])]
    if rng.random() < 0.4:
        prefixes.append(f"fd00:{number:x}::/64")
    vrfs: dict[str, Any] = {"main": {"prefixes": prefixes}}
    if rng.random() < 0.3:
        more = {"prefixes": [f"10.{48 + number}.0.0/18"], "namespaces": ["db"]}
        vrfs["data"] = more
    if rng.random() < 0.15:
        vrfs["main"]["vni"] = 20_000 + number
    return {"vrfs": vrfs, "manifests": [f"{name}.yaml"]}


def manifests(rng: Random, made: Asked, path: Path) -> set[str]:
    """Writes a tenant's manifests; the pods that must come of them (`namespace/pod`)."""
    objects: list[dict[str, Any]] = []
    pods: set[str] = set()
    for number in range(rng.randint(1, 4)):
        namespace, name = rng.choice(NAMESPACES), f"w{number}"
        kind = rng.choice(["Pod", "Deployment", "StatefulSet", "DaemonSet"])
        spec = {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 443}]}]}
        about = {"name": name, "namespace": namespace}
        labels = {"app": rng.choice(["a", "b"])}
        if kind == "Pod":
            objects.append(kube("v1", kind, {**about, "labels": labels}, spec))
            pods.add(f"{namespace}/{name}")
            continue
        replicas = rng.randint(0, 6)
        body: dict[str, Any] = {"template": {"metadata": {"labels": labels}, "spec": spec}}
        if kind != "DaemonSet":
            body["replicas"] = replicas
            # what is scaled to none may be scaled up: its pod is judged
            pods |= {f"{namespace}/{name}-{n}" for n in range(max(replicas, 1))}
        else:
            pods |= {f"{namespace}/{name}-{host}" for host in made.hosts}
        objects.append(kube("apps/v1", kind, about, body))
    if rng.random() < 0.6:
        objects.append(policy(rng))
    path.write_text("\n---\n".join(map(json.dumps, objects)))
    return pods


def kube(version: str, kind: str, about: dict[str, Any], spec: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": about, "spec": spec}


def policy(rng: Random) -> dict[str, Any]:
    """A NetworkPolicy that isolates some pods."""
    peers = [{"podSelector": {"matchLabels": {"app": rng.choice("ab")}}}]
    spec = {
        "podSelector": rng.choice([{}, {"matchLabels": {"app": "a"}}]),
        "ingress": [{"from": peers, "ports": [{"port": rng.choice([80, 443])}]}],
    }
    about = {"name": "np", "namespace": rng.choice(NAMESPACES)}
    return kube("networking.k8s.io/v1", "NetworkPolicy", about, spec)


def pins(rng: Random, made: Asked) -> dict[str, Any]:
    """A pin that is right, or one that takes what something else has."""
    tenants = [*made.document["tenants"]]
    first = f"{tenants[0]}/main"
    choices: list[dict[str, Any]] = [
        {"vni": {first: rng.choice([10001, 10002, 20000, 30000])}},
        {"loopback": {"leaf1": rng.choice(["10.255.0.1", "10.255.7.7", "10.255.0.2"])}},
        {"rt": {first: rng.choice(["65000:10001", "65000:10002", "65000:40000"])}},
    ]
    return rng.choice(choices)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every scalar of a document with its place."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in items:
        if isinstance(below, dict | list):
            yield from leaves(below, (*path, key))
        else:
            yield (*path, key), below
