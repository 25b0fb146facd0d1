"""What Cilium lets through, straight from YAML: identities are lists of labels, and policies match
them, as in its documentation; around the twin of cluster-wide policies.

`tier` says whether a flow passes in one direction, and who decided; `besides` what it asks for.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from naive_admin_netpol import AdminTwin, ports_match
from naive_netpol import Pod, container_ports, inside, matches
from naive_netpol import ports_match as plain_ports_match

OWN = ("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy")
LISTS = {"ingress": ("ingress", "ingressDeny"), "egress": ("egress", "egressDeny")}
ENDS = {"ingress": "from", "egress": "to"}
NAMESPACE, SPACE_LABELS = "io.kubernetes.pod.namespace", "io.cilium.k8s.namespace.labels."
ENTITIES = {
    "world": ("world-ipv4", "world-ipv6"),
    "world-ipv4": ("world-ipv4",),
    "world-ipv6": ("world-ipv6",),
    "host": ("host",),
    "remote-node": ("remote-node",),
    "cluster": ("host", "remote-node", "pod"),
    "all": ("host", "remote-node", "pod", "world-ipv4", "world-ipv6"),
    "none": (),
}
Labels = list[tuple[str, str, str]]


class CiliumTwin(AdminTwin):
    """The twin of a cluster in which Cilium enforces all policies."""

    def __init__(self, objects: list[dict[str, Any]], addresses: dict[str, list[str]]) -> None:
        super().__init__([o for o in objects if o["kind"] not in OWN], addresses)
        self.own = [
            (o["metadata"].get("namespace"), spec)
            for o in objects
            if o["kind"] in OWN
            for spec in [*([o["spec"]] if "spec" in o else []), *o.get("specs", [])]
        ]

    def tier(
        self, key: str, local: Pod, remote: Pod | None, remote_ip: str,
        target: Pod | None, protocol: str, port: int,
    ) -> tuple[bool, str]:  # fmt: skip
        if local.on_host:
            return True, "nobody"
        asked = (key, local, remote, remote_ip, target, protocol, port)
        said = self.decided(self.first, *asked)
        if said != "Pass":
            return said == "Accept", "admin"
        allowing, denying = self.union(*asked)
        if denying:
            return False, "cilium"
        if allowing:
            return True, "cilium"
        said = self.decided(self.last, *asked)
        if said != "Pass":
            return said == "Accept", "baseline"
        own = key == "ingress" and self.kind(local, remote, remote_ip) == "host"
        return own or not self.closed(key, local), "default"

    def besides(
        self, key: str, local: Pod, remote: Pod | None, remote_ip: str,
        target: Pod | None, protocol: str, port: int,
    ) -> set[str]:  # fmt: skip
        """What a flow that passes in one direction asks for: "request", "authentication"."""
        asked = (key, local, remote, remote_ip, target, protocol, port)
        if local.on_host or self.decided(self.first, *asked) != "Pass":
            return set()
        allowing, _ = self.union(*asked)
        out = set()
        if allowing and all("http" in rules for _, rules in allowing):
            out.add("request")
        if any(mode == "required" for mode, _ in allowing):
            out.add("authentication")
        return out

    def union(
        self, key: str, local: Pod, remote: Pod | None, ip: str,
        target: Pod | None, protocol: str, port: int,
    ) -> tuple[list[tuple[str, dict[str, Any]]], bool]:  # fmt: skip
        """What allows a flow (mode of authentication, rules for a proxy), and whether one denies
        it."""
        allowing: list[tuple[str, dict[str, Any]]] = []
        denied = False
        for namespace, spec in self.own:
            if not self.about(spec, namespace, local):
                continue
            for name in LISTS[key]:
                for rule in spec.get(name) or []:
                    if not self.at_end(rule, ENDS[key], namespace, local, remote, ip):
                        continue
                    for item in rule.get("toPorts") or [None]:
                        if item is None or in_ports(item["ports"], target, protocol, port):
                            denied |= name.endswith("Deny")
                            mode = (rule.get("authentication") or {}).get("mode", "")
                            allowing.append((mode, (item or {}).get("rules", {})))
                            if name.endswith("Deny"):
                                allowing.pop()
        allowing += [
            ("", {})
            for spec in self.isolating(key, local)
            for rule in spec.get(key) or []
            if self.plain_end(rule.get(ENDS[key]), local, remote, ip)
            and plain_ports_match(rule.get("ports"), target, protocol, port)
        ]
        return allowing, denied

    def closed(self, key: str, local: Pod) -> bool:
        """Whether some policy denies what none allows."""
        for namespace, spec in self.own:
            said = (spec.get("enableDefaultDeny") or {}).get(key, True)
            if said and any(spec.get(n) for n in LISTS[key]) and self.about(spec, namespace, local):
                return True
        return bool(self.isolating(key, local))

    def isolating(self, key: str, local: Pod) -> list[dict[str, Any]]:
        """NetworkPolicies that isolate a pod, whatever types they name where they have rules."""
        out = []
        for namespace, spec in self.policies:
            if namespace != local.namespace or not matches(spec.get("podSelector"), local.labels):
                continue
            kinds = spec.get("policyTypes") or []
            typed = key.capitalize() in kinds or (key == "ingress" and "Egress" not in kinds)
            if spec.get(key) or typed:
                out.append(spec)
        return out

    def about(self, spec: dict[str, Any], namespace: str | None, pod: Pod) -> bool:
        own = namespace in (None, pod.namespace)
        return own and selected(spec["endpointSelector"], self.labels_of(pod))

    def at_end(
        self, rule: dict[str, Any], end: str, namespace: str | None, local: Pod,
        remote: Pod | None, ip: str,
    ) -> bool:  # fmt: skip
        """Whether the other end is among a rule's peers."""
        lists = [key for key in rule if key.startswith(end) and key != "toPorts"]
        if not lists:
            return "toPorts" in rule
        ((key),) = lists
        kind = self.kind(local, remote, ip)
        if key == f"{end}Entities":
            return any(kind in ENTITIES[name] for name in rule[key])
        if key == f"{end}Endpoints":
            labels = self.labels_of(remote) if kind == "pod" else [("reserved", kind, "")]
            assert remote is not None or kind != "pod"
            return any(endpoint(chosen, namespace, kind, labels) for chosen in rule[key])
        if not kind.startswith("world"):
            return False
        blocks = [b if isinstance(b, dict) else {"cidr": b} for b in rule[key]]
        return any(
            inside(ip, widened(b["cidr"])) and not any(inside(ip, h) for h in b.get("except") or [])
            for b in blocks
        )

    def plain_end(
        self, peers: list[dict[str, Any]] | None, local: Pod, remote: Pod | None, ip: str
    ) -> bool:
        """Whether the other end is among the peers of a NetworkPolicy."""
        kind = self.kind(local, remote, ip)
        for peer in peers or []:
            if "ipBlock" in peer:
                holes = peer["ipBlock"].get("except") or []
                if (
                    kind.startswith("world")
                    and inside(ip, peer["ipBlock"]["cidr"])
                    and not any(inside(ip, hole) for hole in holes)
                ):
                    return True
            elif kind == "pod" and self.peers_match([peer], local, remote, ip):
                return True
        return not peers

    def kind(self, local: Pod, remote: Pod | None, ip: str) -> str:
        """What the other end is to a pod."""
        node = None
        if remote is not None and remote.on_host:
            node = remote.spec.get("nodeName") or f"of {ip}"
        for name in self.nodes:
            if ip in self.node_addresses(name):
                node = node or name
        if node is not None:
            return "host" if node == local.spec.get("nodeName") else "remote-node"
        if remote is not None:
            return "pod"
        return f"world-ipv{ip_address(ip).version}"

    def labels_of(self, pod: Pod | None) -> Labels:
        """The labels of a pod's identity."""
        assert pod is not None
        spaces = {
            **self.namespaces.get(pod.namespace, {}),
            "kubernetes.io/metadata.name": pod.namespace,
        }
        account = pod.spec.get("serviceAccountName", "default")
        return [
            *(("k8s", key, value) for key, value in pod.labels.items()),
            ("k8s", NAMESPACE, pod.namespace),
            *(("k8s", SPACE_LABELS + key, value) for key, value in spaces.items()),
            ("k8s", "io.cilium.k8s.policy.cluster", "default"),
            ("k8s", "io.cilium.k8s.policy.serviceaccount", account),
        ]

    def decided(
        self, tier: list[dict[str, Any]], key: str, local: Pod, remote: Pod | None, ip: str,
        target: Pod | None, protocol: str, port: int,
    ) -> str:  # fmt: skip
        """Peers of unknown kinds stand for themselves, and networks mean the world alone."""
        world = self.kind(local, remote, ip).startswith("world")
        for spec in tier:
            if not self.subject(spec["subject"], local):
                continue
            for rule in spec.get(key) or []:
                if not ports_match(rule.get("protocols"), target, protocol, port):
                    continue
                known = [p for p in rule[ENDS[key]] if {*p} & {"namespaces", "pods", "networks"}]
                if len(known) < len(rule[ENDS[key]]) and rule["action"] != "Accept":
                    return "Deny"
                if any(self.peer(p, remote, ip) and ("networks" not in p or world) for p in known):
                    return str(rule["action"])
        return "Pass"


def widened(text: str) -> str:
    if "/" in text:
        return text
    return f"{text}/{32 if ip_address(text).version == 4 else 128}"


def endpoint(chosen: dict[str, Any], namespace: str | None, kind: str, labels: Labels) -> bool:
    """Whether a peer of a policy means an identity: scoped to namespaces, unless it says them."""
    keys = [key for key, _, _ in terms(chosen)]
    plain = [key.partition(":")[2] or key for key in keys]
    reserved = any(key.startswith("reserved:") for key in keys)
    if kind != "pod" and not reserved:
        return False
    if not reserved and NAMESPACE not in plain:
        mine = next((v for _, key, v in labels if key == NAMESPACE), None)
        spaced = any(key.startswith(SPACE_LABELS) for key in plain)
        if namespace is not None and not spaced and mine != namespace:
            return False
    return selected(chosen, labels)


def selected(chosen: dict[str, Any], labels: Labels) -> bool:
    return all(holds(*term, labels) for term in terms(chosen))


def terms(chosen: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    out = [(key, "In", [value]) for key, value in (chosen.get("matchLabels") or {}).items()]
    said = chosen.get("matchExpressions") or []
    return [*out, *((t["key"], t["operator"], t.get("values") or []) for t in said)]


def holds(key: str, operator: str, values: list[str], labels: Labels) -> bool:
    source, colon, name = key.partition(":")
    if not colon:
        source, name = "any", key
    found = [v for s, k, v in labels if k == name and source in ("any", s)]
    if operator in ("Exists", "DoesNotExist"):
        return bool(found) == (operator == "Exists")
    return bool(found and found[0] in values) == (operator == "In")


def in_ports(ports: list[dict[str, Any]], target: Pod | None, protocol: str, port: int) -> bool:
    return any(in_port(item, target, protocol, port) for item in ports)


def in_port(item: dict[str, Any], target: Pod | None, protocol: str, port: int) -> bool:
    wanted = item.get("protocol") or "ANY"
    if item["port"] == "0" and wanted == "ANY":
        return True
    if protocol not in ("TCP", "UDP", "SCTP") or wanted not in ("ANY", protocol):
        return False
    if not item["port"].isdigit():
        return target is not None and (item["port"], protocol, port) in container_ports(target)
    first = int(item["port"])
    return first == 0 or first <= port <= item.get("endPort", first)
