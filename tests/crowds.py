"""Random clusters in which many are alike, and some almost."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import generators_netpol as netpol


def crowd(rng: Random) -> list[dict[str, Any]]:
    """A cluster in which many are alike: replicas, copies of workloads under other names, of pods
    at other addresses, hosts' pods, and nodes."""
    objects: list[dict[str, Any]] = netpol.cluster(rng)
    number = iter(range(100, 250))
    for found in [o for o in objects if o["kind"] != "NetworkPolicy"]:
        if "replicas" in found.get("spec", {}):
            found["spec"]["replicas"] = rng.randint(1, 4)
        if found["kind"] != "Namespace":
            objects += [copied(rng, found, next(number)) for _ in range(rng.randint(0, 2))]
    if netpol.chance(rng, 30):
        template = netpol.deployment(rng, "agent")["spec"]["template"]
        template["spec"]["hostNetwork"] = netpol.chance(rng, 50)
        meta = {"name": "agent", "namespace": rng.choice(netpol.NAMESPACES)}
        spec = {"template": template}
        objects.append(
            {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta, "spec": spec}
        )
    if netpol.chance(rng, 40):
        objects += [
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
             "status": {"addresses": [{"type": "InternalIP", "address": f"192.0.2.{200 + n}"}]}}
            for n, name in enumerate(netpol.NODES)
        ]  # fmt: skip
    return objects


def copied(rng: Random, found: dict[str, Any], number: int) -> dict[str, Any]:
    """The same under another name, maybe with one thing changed."""
    new: dict[str, Any] = json.loads(json.dumps(found))
    new["metadata"]["name"] += f"-{number}"
    for address in new.get("status", {}).get("podIPs", ()):
        low, middle, _ = address["ip"].rpartition("." if "." in address["ip"] else ":")
        address["ip"] = f"{low}{middle}{number}"
    if "status" in new:
        new["status"]["podIP"] = new["status"]["podIPs"][0]["ip"]
        if netpol.chance(rng, 20):
            new["status"] = {"phase": "Running"}
    pod = new if new["kind"] == "Pod" else new["spec"]["template"]
    match rng.randrange(8):
        case 0:
            pod["metadata"]["labels"] = netpol.labels(rng, netpol.LABELS)
        case 1:
            pod["spec"]["containers"] = netpol.containers(rng)
        case 2:
            new["metadata"]["namespace"] = rng.choice(netpol.NAMESPACES)
        case 3:
            pod["spec"]["nodeName"] = rng.choice(netpol.NODES)
    return new
