"""NetworkPolicy straight from YAML, as slowly as the API text reads: the twin of everything.

Knows nothing of our types: objects are what a YAML reader returns, pods are found by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any


@dataclass(frozen=True)
class Pod:
    """One pod as the twin sees it."""

    namespace: str
    labels: dict[str, str]
    spec: dict[str, Any]
    own_addresses: tuple[str, ...]

    @property
    def on_host(self) -> bool:
        return bool(self.spec.get("hostNetwork"))


class Twin:
    """`allows` answers for addresses; whoever has none of the pods' addresses is outside."""

    def __init__(self, objects: list[dict[str, Any]], addresses: dict[str, list[str]]) -> None:
        self.namespaces: dict[str, dict[str, str]] = {}
        self.pods: dict[str, Pod] = {}
        self.policies = []
        for item in objects:
            meta, spec = item["metadata"], item.get("spec") or {}
            namespace = meta.get("namespace", "default")
            if item["kind"] == "Namespace":
                self.namespaces[meta["name"]] = dict(meta.get("labels") or {})
            elif item["kind"] == "NetworkPolicy":
                self.policies.append((namespace, spec))
            elif item["kind"] == "Pod":
                name = f"{namespace}/{meta['name']}"
                self.pods[name] = Pod(
                    namespace, dict(meta.get("labels") or {}), spec, tuple(addresses[name])
                )
            else:
                template = spec["template"]
                for number in range(spec["replicas"]):
                    name = f"{namespace}/{meta['name']}-{number}"
                    self.pods[name] = Pod(
                        namespace, dict(template["metadata"].get("labels") or {}),
                        template["spec"], tuple(addresses[name]),
                    )  # fmt: skip

    def allows(self, src_ip: str, dst_ip: str, protocol: str, port: int) -> bool:
        src, dst = self.at(src_ip), self.at(dst_ip)
        out = src is None or self.one_way("egress", "to", src, dst, dst_ip, dst, protocol, port)
        return out and (
            dst is None or self.one_way("ingress", "from", dst, src, src_ip, dst, protocol, port)
        )

    def at(self, ip: str) -> Pod | None:
        found = [p for p in self.pods.values() if ip in p.own_addresses]
        return found[0] if found else None

    def one_way(
        self, key: str, peers_key: str, local: Pod, remote: Pod | None, remote_ip: str,
        target: Pod | None, protocol: str, port: int,
    ) -> bool:  # fmt: skip
        if local.on_host:
            return True
        chosen = self.chosen(key, local)
        if not chosen:
            return True
        if key == "ingress" and remote is not None and remote.on_host:
            node = local.spec.get("nodeName")
            if node is not None and node == remote.spec.get("nodeName"):
                return True
        return any(
            self.peers_match(rule.get(peers_key), local, remote, remote_ip)
            and ports_match(rule.get("ports"), target, protocol, port)
            for spec in chosen
            for rule in spec.get(key) or []
        )

    def chosen(self, key: str, local: Pod) -> list[dict[str, Any]]:
        """The policies that isolate a pod in a direction."""
        return [
            spec
            for namespace, spec in self.policies
            if namespace == local.namespace
            and matches(spec.get("podSelector"), local.labels)
            and key.capitalize() in types(spec)
        ]

    def peers_match(
        self, peers: list[dict[str, Any]] | None, local: Pod, remote: Pod | None, ip: str
    ) -> bool:
        if not peers:
            return True
        for peer in peers:
            if "ipBlock" in peer:
                block = peer["ipBlock"]
                if inside(ip, block["cidr"]) and not any(
                    inside(ip, hole) for hole in block.get("except") or []
                ):
                    return True
            elif remote is not None and not remote.on_host:
                if "namespaceSelector" in peer:
                    labels = self.namespaces.get(remote.namespace, {})
                    labels = {**labels, "kubernetes.io/metadata.name": remote.namespace}
                    here = matches(peer["namespaceSelector"], labels)
                else:
                    here = remote.namespace == local.namespace
                if here and matches(peer.get("podSelector"), remote.labels):
                    return True
        return False


def types(spec: dict[str, Any]) -> list[str]:
    if spec.get("policyTypes"):
        return list(spec["policyTypes"])
    return ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def matches(selector: dict[str, Any] | None, labels: dict[str, str]) -> bool:
    selector = selector or {}
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for term in selector.get("matchExpressions") or []:
        key, operator, has = term["key"], term["operator"], term["key"] in labels
        if operator == "Exists" and not has:
            return False
        if operator == "DoesNotExist" and has:
            return False
        if operator == "In" and not (has and labels[key] in term["values"]):
            return False
        if operator == "NotIn" and has and labels[key] in term["values"]:
            return False
    return True


def inside(ip: str, cidr: str) -> bool:
    address, block = ip_address(ip), ip_network(cidr)
    return address.version == block.version and address in block


def ports_match(
    ports: list[dict[str, Any]] | None, target: Pod | None, protocol: str, port: int
) -> bool:
    if not ports:
        return True
    for item in ports:
        if item.get("protocol", "TCP") != protocol:
            continue
        wanted = item.get("port")
        if wanted is None:
            return True
        if isinstance(wanted, str):
            if target is not None and (wanted, protocol, port) in container_ports(target):
                return True
        elif wanted <= port <= item.get("endPort", wanted):
            return True
    return False


def container_ports(pod: Pod) -> list[tuple[str, str, int]]:
    running = list(pod.spec["containers"])
    running += [c for c in pod.spec.get("initContainers", []) if c.get("restartPolicy") == "Always"]
    return [
        (port.get("name", ""), port.get("protocol", "TCP"), port["containerPort"])
        for container in running
        for port in container.get("ports", [])
    ]
