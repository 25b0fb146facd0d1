"""Doors of a cluster: where they open, where they lead, and who gets in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cloison.cli import main

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "n", "labels": {"app": "web"}},
    "spec": {"containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 8080}]}]},
}


def service(kind: str, **more: Any) -> dict[str, Any]:
    ports = [{"port": 80, "targetPort": "http", "nodePort": 30080}]
    spec = {"type": kind, "selector": {"app": "web"}, "ports": ports, **more}
    about = {"name": "front", "namespace": "n"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": spec}


def policy(*blocks: str) -> dict[str, Any]:
    rule = {"from": [{"ipBlock": {"cidr": block}} for block in blocks]}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress"],
            "ingress": [rule] if blocks else [],
        },
    }


LOCAL = {"externalTrafficPolicy": "Local"}
LAN, ALL = "192.0.2.0/24", "0.0.0.0/0"


@pytest.mark.parametrize(
    ("objects", "open_to"),
    [
        ([service("NodePort")], ["everybody"]),
        ([service("NodePort"), policy(ALL)], ["everybody"]),
        ([service("NodePort"), policy(LAN)], None),
        ([service("NodePort"), policy()], None),
        ([service("NodePort", **LOCAL), policy(LAN)], [LAN]),
        ([service("NodePort", **LOCAL), policy()], []),
        ([service("NodePort", **LOCAL)], [ALL]),
    ],
)
def test_who_gets_in(tmp_path: Path, objects: list[Any], open_to: list[str] | None) -> None:
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all([POD, *objects]))
    done = CliRunner().invoke(main, ["reach", str(tmp_path), "-o", "json"])
    (door,) = json.loads(done.stdout)["doors"]
    assert (door["service"], door["at"]) == ("n/front", "every node, 30080/tcp")
    assert (door["leads_to"]["name"], door["port"]) == ("web", "8080/tcp")
    assert door["open_to"] == open_to
    assert done.exit_code == (4 if open_to is None else 0)


def test_ranges_are_names_as_they_are_printed(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all([POD, policy(LAN)]))
    for name in (LAN, "external"):
        done = CliRunner().invoke(main, ["reach", str(tmp_path), "--from", name, "-o", "json"])
        (row,) = json.loads(done.stdout)["rows"]
        assert row["source"]["ranges"] == [LAN]
    ask = ["reach", str(tmp_path), "--from", "198.51.100.0/24", "-o", "json"]
    strange = CliRunner().invoke(main, ask)
    assert (strange.exit_code, json.loads(strange.stdout)["rows"]) == (0, [])


def test_every_address_is_a_door_and_cluster_addresses_are_none(tmp_path: Path) -> None:
    balancer = service("LoadBalancer", externalIPs=["198.51.100.7", "2001:db8::7"])
    balancer["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}}
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all([POD, balancer]))
    shown = CliRunner().invoke(main, ["reach", str(tmp_path)]).stdout
    for way in ("every node, 30080/tcp", "198.51.100.7:80/tcp", "203.0.113.9:80/tcp"):
        assert any(way in line and "n/web:8080/tcp" in line for line in shown.splitlines())
    assert "[2001:db8::7]:80/tcp" in shown
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all([POD, service("ClusterIP")]))
    assert "doors" not in json.loads(
        CliRunner().invoke(main, ["reach", str(tmp_path), "-o", "json"]).stdout
    )


def ingress(**spec: Any) -> dict[str, Any]:
    about = {"name": "site", "namespace": "n"}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": about,
        "spec": spec,
    }


def route(namespace: str) -> dict[str, Any]:
    rule = {"backendRefs": [{"name": "front", "namespace": "n", "port": 80}]}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "site", "namespace": namespace},
        "spec": {"hostnames": ["shop.example"], "rules": [rule]},
    }


BACKEND = {"service": {"name": "front", "port": {"number": 80}}}


@pytest.mark.parametrize(
    ("entry", "at"),
    [
        (ingress(defaultBackend=BACKEND), "any host, any path"),
        (
            ingress(
                rules=[{"host": "a.b", "http": {"paths": [{"path": "/c", "backend": BACKEND}]}}]
            ),
            "a.b/c",
        ),
        (route("n"), "shop.example"),
        (route("edge"), "shop.example"),
    ],
)
def test_ingresses_and_routes_are_doors_of_which_nobody_knows_who_passes(
    tmp_path: Path, entry: dict[str, Any], at: str
) -> None:
    for rules in ([], [policy()], [policy(ALL)]):
        objects = [POD, service("ClusterIP"), entry, *rules]
        (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(objects))
        done = CliRunner().invoke(main, ["reach", str(tmp_path), "-o", "json"])
        (door,) = json.loads(done.stdout)["doors"]
        assert (door["kind"], door["at"], door["service"]) == (entry["kind"], at, "n/front")
        assert (door["leads_to"]["name"], door["port"]) == ("web", "8080/tcp")
        assert (door["open_to"], done.exit_code) == (None, 4)


def test_a_route_from_another_namespace_makes_verdicts_about_its_pods_unknown(
    tmp_path: Path,
) -> None:
    pods = [{**POD, "metadata": {"name": name, "namespace": name}} for name in ("a", "b")]
    objects = [POD, *pods, service("ClusterIP"), route("edge"), policy()]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(objects))
    ask = ["explain", str(tmp_path), "a/a"]
    assert CliRunner().invoke(main, [*ask, "n/web:8080"]).exit_code == 4
    assert CliRunner().invoke(main, [*ask, "b/b:8080"]).exit_code == 0


def with_host_port(**more: Any) -> dict[str, Any]:
    ports = [{"containerPort": 8080, "hostPort": 80, **more}]
    return {**POD, "spec": {"nodeName": "m1", "containers": [{"name": "c", "ports": ports}]}}


@pytest.mark.parametrize(
    ("rules", "open_to", "status"),
    [([], [ALL], 0), ([policy(ALL)], [ALL], 0), ([policy(LAN)], [LAN], 4), ([policy()], [], 4)],
)
def test_host_ports_are_open_to_whom_policies_let_in(
    tmp_path: Path, rules: list[Any], open_to: list[str], status: int
) -> None:
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all([with_host_port(), *rules]))
    done = CliRunner().invoke(main, ["reach", str(tmp_path), "-o", "json"])
    (door,) = json.loads(done.stdout)["doors"]
    assert (door["kind"], door["at"], door["service"]) == ("hostPort", "node m1, 80/tcp", None)
    assert (door["leads_to"]["name"], door["port"]) == ("web", "8080/tcp")
    assert (door["open_to"], done.exit_code) == (open_to, status)
    told = [row["what"] for row in json.loads(done.stdout)["not_evaluated"]]
    assert any("hostPort" in what for what in told) is (status == 4)


def test_a_host_port_opens_where_it_says(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(yaml.safe_dump(with_host_port(hostIP="192.0.2.9")))
    assert "192.0.2.9:80/tcp" in CliRunner().invoke(main, ["reach", str(tmp_path)]).stdout
    pod = with_host_port()
    pod["spec"]["hostNetwork"] = True
    (tmp_path / "all.yaml").write_text(yaml.safe_dump(pod))
    assert "Doors" not in CliRunner().invoke(main, ["reach", str(tmp_path)]).stdout


@pytest.mark.parametrize("kind", ["Endpoints", "EndpointSlice"])
@pytest.mark.parametrize("name", ["n/hand[Service]", "ip:10.96.0.9"])
def test_who_is_behind_endpoints_written_by_hand_is_unknown(
    tmp_path: Path, kind: str, name: str
) -> None:
    plain = {"clusterIP": "10.96.0.9", "ports": [{"port": 80}]}
    by_hand = {"apiVersion": "v1", "kind": "Service", "spec": plain}
    by_hand["metadata"] = {"name": "hand", "namespace": "n"}
    version, label = ("v1", {}) if kind == "Endpoints" else ("discovery.k8s.io/v1", "hand")
    about: dict[str, Any] = {"name": "hand", "namespace": "n"}
    about |= {"labels": {"kubernetes.io/service-name": label}} if label else {}
    written = {"apiVersion": version, "kind": kind, "metadata": about}
    client = {**POD, "metadata": {"name": "cli", "namespace": "m"}}
    flow = {"id": 1, "src": "m/cli", "dst": name, "protocol": "TCP", "port": 80}
    (tmp_path / "q.jsonl").write_text(json.dumps(flow))
    ask = ["reach", str(tmp_path / "all.yaml"), "--flows", str(tmp_path / "q.jsonl")]
    for objects, key in (([by_hand, written], "verdict"), ([by_hand], "error")):
        (tmp_path / "all.yaml").write_text(yaml.safe_dump_all([POD, client, *objects]))
        said = json.loads(CliRunner().invoke(main, ask).stdout.splitlines()[0])
        assert key in said, said
        if key == "verdict":
            assert said["verdict"] == "unknown"
            assert said["not_evaluated"][0]["kind"] == kind
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all([POD, client, by_hand, written]))
    done = CliRunner().invoke(main, [*ask, "--accept-unevaluated", kind])
    assert "has no pods behind it" in json.loads(done.stdout.splitlines()[0])["error"]


def test_every_pod_of_a_namespace_has_its_host_ports(tmp_path: Path) -> None:
    pods = []
    for name, port in (("one", 8081), ("two", 8082)):
        port_of = {"containerPort": 8080, "hostPort": port}
        spec = {"containers": [{"name": "c", "ports": [port_of]}]}
        pods.append(POD | {"metadata": {"name": name, "namespace": "n"}, "spec": spec})
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(pods))
    done = CliRunner().invoke(main, ["reach", str(tmp_path), "-o", "json"])
    doors = json.loads(done.stdout)["doors"]
    assert [(door["leads_to"]["name"], door["at"]) for door in doors] == [
        ("one", "the pod's node, 8081/tcp"),
        ("two", "the pod's node, 8082/tcp"),
    ]
