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
    strange = CliRunner().invoke(main, ["reach", str(tmp_path), "--from", "198.51.100.0/24"])
    assert (strange.exit_code, "C710" in strange.stderr) == (2, True)


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
