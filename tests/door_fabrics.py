"""Fabrics of two tenants whose clusters have pods, Services and policies, below zones that let some
in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from fabric.building.network import Network
from sim.checker.consistency import inconsistencies
from sim.checker.validity import validity
from sim.proof.certificates.certificate import certificate
from sim.proof.prove import Proof

SHARED = {"name": "shared", "from": "zone2/office", "ports": ["30090/tcp"]}
OPEN = {"name": "in", "from": "zone2/inet", "to": "red/@node/*", "ports": ["30090/tcp"]}
DENY = {"deny": "zone2/inet -> red/a/x"}


def pod(namespace: str, name: str, *, host: str | None = None, own_network: bool = True) -> Any:
    port = {"name": "web", "containerPort": 8080}
    spec: dict[str, Any] = {"containers": [{"name": "c", "image": "i", "ports": [port]}]}
    spec |= {"nodeName": host} if host else {}
    spec |= {} if own_network else {"hostNetwork": True}
    about = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}


def service(name: str, namespace: str, app: str, **spec: Any) -> Any:
    port = {"port": 80, "targetPort": "web", "nodePort": 30090} | spec.pop("port", {})
    port = {k: v for k, v in port.items() if v is not None}
    body = {"type": "NodePort", "selector": {"app": app}, "ports": [port]} | spec
    about = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": body}


def policy(namespace: str, **spec: Any) -> Any:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"p-{namespace}", "namespace": namespace},
        "spec": {"podSelector": {}, **spec},
    }


def block(cidr: str) -> Any:
    wider = cidr == "0.0.0.0/0"
    return {"ipBlock": {"cidr": cidr, **({"except": ["192.0.2.0/25"]} if wider else {})}}


def fabric(rules: list[Any], expect: list[Any], families: int = 2, **more: Any) -> dict[str, Any]:
    def tenant(name: str, number: int, hosts: str) -> dict[str, Any]:
        prefixes = [
            f"10.{number}.0.0/24",
            f"fd00:{number}::/64",
            {"cidr": f"172.31.{number}.0/24", "use": "nodes"},
            {"cidr": f"fd31:{number}::/64", "use": "nodes"},
        ]
        ways = {"default_route": "zone2", "advertise": ["nodes", *prefixes[:families]]}
        return {
            "hosts": [hosts],
            "manifests": [f"m/{name}"],
            "vrfs": {"main": {"prefixes": prefixes, **ways}},
        }

    ends = {
        "inet": {"addresses": ["0.0.0.0/0", "::/0"]},
        "office": {"addresses": ["192.0.2.64/26"]},
    }
    return {
        "cloison": 1,
        "name": "w",
        "sites": {"s": {"spines": 1, "leaves": 2, "hosts_per_pair": 4, "borders": 1}},
        "tenants": {"red": tenant("red", 7, "host[1-2]"), "blue": tenant("blue", 8, "host[3-4]")},
        "zones": {"zone2": {"endpoints": ends, "rules": rules}},
        "expect": expect,
        **more,
    }


def written(root: Path, spec: dict[str, Any], red: list[Any], blue: list[Any]) -> Path:
    for name, objects in {"red": red, "blue": blue}.items():
        folder = root / "m" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "all.yaml").write_text(yaml.safe_dump_all(objects))
    path = root / "w.yaml"
    path.write_text(yaml.safe_dump(spec))
    return path


def front(tmp_path: Path, *objects: Any, rules: list[Any], **more: Any) -> Path:
    spec = fabric(rules, [DENY, {"allow": "red/a/x -> red/a/y:80/tcp"}], **more)
    red = [pod("a", "x", host="host1"), pod("a", "y", host="host2"), *objects]
    return written(tmp_path, spec, red, [pod("a", "x")])


def certified(proof: Proof, network: Network) -> None:
    """Its certificate agrees with itself, and with whoever computes it anew."""
    body = certificate(proof)
    assert not inconsistencies(body)
    assert not validity(body, network, ()).problems
