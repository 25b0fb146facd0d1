"""Cluster-wide policies straight from YAML, as slowly as the API text reads, around the twin of
NetworkPolicy.

The admin tier is asked first, then whoever of the namespace isolates the pod in this direction,
then the baseline tier. `allows` and `one_way` answer as those of the twin do; `tier` says who
decided.
"""

from __future__ import annotations

from typing import Any

from naive_netpol import Pod, Twin, container_ports, inside, matches

KINDS = ("AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy")
SIDES = {"ingress": "from", "egress": "to"}
KNOWN = {
    "ingress": ("namespaces", "pods"),
    "egress": ("namespaces", "pods", "nodes", "networks"),
}


class AdminTwin(Twin):
    """The twin of a cluster with tiers around its NetworkPolicies."""

    def __init__(self, objects: list[dict[str, Any]], addresses: dict[str, list[str]]) -> None:
        self.nodes = {o["metadata"]["name"]: o for o in objects if o["kind"] == "Node"}
        wide = [o for o in objects if o["kind"] in KINDS]
        super().__init__([o for o in objects if o["kind"] not in (*KINDS, "Node")], addresses)
        first = [o["spec"] for o in wide if not behind(o)]
        last = [o["spec"] for o in wide if behind(o)]
        self.first = sorted(first, key=lambda spec: spec["priority"])
        self.last = sorted(last, key=lambda spec: spec.get("priority", 0))

    def at(self, ip: str) -> Pod | None:
        """A pod, or a node by its address inside, which looks like a pod on it that nothing
        selects."""
        for name in self.nodes:
            if ip in self.node_addresses(name, "InternalIP"):
                return Pod("", {}, {"hostNetwork": True, "nodeName": name, "containers": []}, (ip,))
        return super().at(ip)

    def node_addresses(self, name: str, *kinds: str) -> list[str]:
        found = (self.nodes[name].get("status") or {}).get("addresses") or []
        return [
            a["address"] for a in found if is_ip(a["address"]) and (not kinds or a["type"] in kinds)
        ]

    def one_way(
        self, key: str, peers_key: str, local: Pod, remote: Pod | None, remote_ip: str,
        target: Pod | None, protocol: str, port: int,
    ) -> bool:  # fmt: skip
        return self.tier(key, local, remote, remote_ip, target, protocol, port)[0]

    def tier(
        self, key: str, local: Pod, remote: Pod | None, remote_ip: str,
        target: Pod | None, protocol: str, port: int,
    ) -> tuple[bool, str]:  # fmt: skip
        """Whether the flow passes in one direction, and who says so."""
        if local.on_host:
            return True, "nobody"
        asked = (key, local, remote, remote_ip, target, protocol, port)
        said = self.decided(self.first, *asked)
        if said != "Pass":
            return said == "Accept", "admin"
        if self.chosen(key, local):
            rest = local, remote, remote_ip, target, protocol, port
            return super().one_way(key, SIDES[key], *rest), "workload"
        said = self.decided(self.last, *asked)
        return said != "Deny", "nobody" if said == "Pass" else "baseline"

    def decided(
        self, tier: list[dict[str, Any]], key: str, local: Pod, remote: Pod | None, ip: str,
        target: Pod | None, protocol: str, port: int,
    ) -> str:  # fmt: skip
        """Accept or Deny of the first rule that says one, else Pass."""
        for spec in tier:
            if not self.subject(spec["subject"], local):
                continue
            for rule in spec.get(key) or []:
                action = "Accept" if rule["action"] == "Allow" else rule["action"]
                peers = rule[SIDES[key]]
                if any(not set(peer) & set(KNOWN[key]) for peer in peers):
                    if action == "Accept":
                        continue
                    return "Deny"
                if not any(self.peer(peer, remote, ip) for peer in peers):
                    continue
                if ports_match(rule.get("ports") or rule.get("protocols"), target, protocol, port):
                    return action
        return "Pass"

    def subject(self, subject: dict[str, Any], pod: Pod) -> bool:
        return not pod.on_host and self.named(subject, pod)

    def named(self, item: dict[str, Any], pod: Pod) -> bool:
        space = {
            **self.namespaces.get(pod.namespace, {}),
            "kubernetes.io/metadata.name": pod.namespace,
        }
        if "namespaces" in item:
            return matches(item["namespaces"], space)
        pods = item["pods"]
        return matches(pods["namespaceSelector"], space) and matches(
            pods["podSelector"], pod.labels
        )

    def peer(self, item: dict[str, Any], remote: Pod | None, ip: str) -> bool:
        if "networks" in item:
            return any(inside(ip, cidr) for cidr in item["networks"])
        if "nodes" in item:
            return any(
                ip in self.node_addresses(name)
                and matches(item["nodes"], node["metadata"].get("labels") or {})
                for name, node in self.nodes.items()
            )
        return remote is not None and not remote.on_host and self.named(item, remote)


def is_ip(text: str) -> bool:
    return text.replace(".", "").isdigit() or ":" in text


def behind(item: dict[str, Any]) -> bool:
    return item["kind"] == KINDS[1] or item["spec"].get("tier") == "Baseline"


def ports_match(
    ports: list[dict[str, Any]] | None, target: Pod | None, protocol: str, port: int
) -> bool:
    return not ports or any(port_matches(item, target, protocol, port) for item in ports)


def port_matches(item: dict[str, Any], target: Pod | None, protocol: str, port: int) -> bool:
    """One item of either API: `ports` of the older, `protocols` of the newer."""
    ((key, value),) = item.items()
    if key in ("namedPort", "destinationNamedPort"):
        return target is not None and (value, protocol, port) in container_ports(target)
    if key == "portNumber":
        return (value.get("protocol", "TCP"), value["port"]) == (protocol, port)
    if key == "portRange":
        return value.get("protocol", "TCP") == protocol and value["start"] <= port <= value["end"]
    wanted = value["destinationPort"]
    if key.upper() != protocol:
        return False
    if "number" in wanted:
        return bool(wanted["number"] == port)
    return bool(wanted["range"]["start"] <= port <= wanted["range"]["end"])
