"""Whatever kind of object opens a door to a pod, `deny` does not hold past it; what opens none
leaves it as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from fabric_files import vrf, write_fabric

from cloison.views.world import World
from sim.proof.prove import prove

PORT = {"port": 80, "targetPort": "web", "nodePort": 30090}
WEB = {"name": "web", "containerPort": 8080}
RULE = {
    "name": "in",
    "from": "zone2/inet",
    "to": "red/@node/*",
    "ports": ["30000-31000/tcp", "30090/sctp"],
}
DENY = {"deny": "zone2/inet -> red/a/x", "hold_under": ["any-1-node"]}


def item(kind: str, namespace: str, name: str, version: str = "v1", **content: Any) -> Any:
    about = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return {"apiVersion": version, "kind": kind, "metadata": about, **content}


def pod(namespace: str, name: str, ports: list[Any] | None = None, **spec: Any) -> Any:
    containers = [{"name": "c", "image": "i", "ports": [WEB] if ports is None else ports}]
    return item("Pod", namespace, name, spec={"nodeName": "host1", "containers": containers} | spec)


def service(namespace: str = "a", ports: Any = PORT, **spec: Any) -> Any:
    body = {"type": "NodePort", "selector": {"app": "x"}, "ports": [ports]} | spec
    return item("Service", namespace, "s", spec=body)


def at(address: str, **spec: Any) -> Any:
    made = service(type="LoadBalancer", **spec)
    return made | {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}


HTTP = item(
    "HTTPRoute",
    "b",
    "r",
    "gateway.networking.k8s.io/v1",
    spec={"rules": [{"backendRefs": [{"name": "s", "namespace": "a", "port": 80}]}]},
)
SLICE = item(
    "EndpointSlice",
    "b",
    "s-1",
    "discovery.k8s.io/v1",
    addressType="IPv4",
    endpoints=[{"addresses": ["10.7.0.9"]}],
    ports=[{"port": 8080}],
)
X = pod("a", "x") | {"status": {"podIP": "10.7.0.9"}}
INSIDE = service(type="ClusterIP", ports={"port": 80, "targetPort": "web"})
SIDECAR = {"name": "i", "image": "i", "restartPolicy": "Always", "ports": [WEB]}
IDLE = item(
    "Deployment",
    "a",
    "x",
    "apps/v1",
    spec={
        "replicas": 0,
        "selector": {"matchLabels": {"app": "x"}},
        "template": {"metadata": {"labels": {"app": "x"}}, "spec": X["spec"]},
    },
)
OPEN: dict[str, list[Any]] = {
    "node port": [X, service()],
    "its client's address is kept": [X, service(externalTrafficPolicy="Local")],
    "a port that is drawn": [X, service(ports={"port": 80, "targetPort": "web"})],
    "SCTP": [X, service(ports=PORT | {"protocol": "SCTP", "targetPort": 8080})],
    "both IP versions": [X, service(ipFamilyPolicy="PreferDualStack", ipFamilies=["IPv6", "IPv4"])],
    "clients stay": [X, service(sessionAffinity="ClientIP", internalTrafficPolicy="Local")],
    "before it is ready": [X, service(publishNotReadyAddresses=True)],
    "load balancer": [X, at("198.51.100.7", allocateLoadBalancerNodePorts=False)],
    "a sidecar's port": [pod("a", "x", [], initContainers=[SIDECAR]), service()],
    "one name for two protocols": [pod("a", "x", [WEB | {"protocol": "UDP"}, WEB]), service()],
    "host port": [pod("a", "x", [WEB | {"hostPort": 30090}])],
    "no pods now": [IDLE, service()],
    "a route of another namespace": [X, INSIDE, HTTP],
    "endpoints by hand": [X, service("b", selector=None), SLICE],
    "in a list": [{"apiVersion": "v1", "kind": "List", "items": [X, service()]}],
}
SHUT: dict[str, list[Any]] = {
    "cluster IP": [X, INSIDE],
    "another port": [X, service(ports=PORT | {"nodePort": 32000})],
    "another pod": [X, service(selector={"app": "y"})],
    "no selector": [X, service(selector={})],
    "a name for a name": [X, service("b", type="ExternalName", externalName="s.a.svc")],
    "another namespace's": [X, service("b")],
    "a port that no pod has": [X, service(ports=PORT | {"targetPort": "other"})],
}


def verdicts(folder: Path, objects: list[Any], down: tuple[str, ...] = ()) -> tuple[str, list[str]]:
    own = {"cidr": "172.31.7.0/24", "use": "nodes"}
    red = vrf("10.7.0.0/24", own, default_route="zone2", advertise=["nodes", "10.7.0.0/24"])
    zone = {"endpoints": {"inet": {"addresses": ["0.0.0.0/0"]}}, "rules": [RULE]}
    work = {"red": ["b/y@host2"]}
    site = {"spines": 2, "leaves": 2, "hosts_per_pair": 2, "borders": 1}
    path = write_fabric(
        folder, {"red": red}, work, sites={"s": site}, zones={"zone2": zone}, expect=[DENY]
    )
    file = folder / "red.yaml"
    file.write_text(file.read_text() + yaml.safe_dump_all(objects))
    proof = prove(World.of(path, down=down))
    return proof.verdict, [*proof.verdicts()]


@pytest.mark.parametrize("kind", OPEN)
def test_deny_is_unknown_past_a_door(tmp_path: Path, kind: str) -> None:
    assert verdicts(tmp_path, OPEN[kind]) == ("unknown", ["unknown"])


@pytest.mark.parametrize("kind", SHUT)
def test_deny_holds_where_nothing_opens(tmp_path: Path, kind: str) -> None:
    assert verdicts(tmp_path, SHUT[kind]) == ("holds", ["holds"])


def test_nobody_gets_in_through_a_border_that_failed(tmp_path: Path) -> None:
    assert verdicts(tmp_path, OPEN["node port"], ("border1",)) == ("holds", ["holds"])
