"""Services whose addresses are somebody else's: what their cluster sends there is not his."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from fabric_files import vrf, write_fabric

from cloison.views.world import World
from sim.proof.prove import prove

SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "n"}}
ENDS = {"office": {"addresses": ["192.0.2.64/26"]}, "inet": {"addresses": ["0.0.0.0/0"]}}
RULES = [{"name": "out", "from": "red/*", "to": "zone2/*", "ports": ["any"]}]


def world(folder: Path, claims: list[Any], **spec: Any) -> World:
    own = {"cidr": "172.31.7.0/24", "use": "nodes"}
    ways = {"default_route": "zone2", "advertise": ["nodes", "10.7.0.0/24"]}
    tenants = {"red": vrf("10.7.0.0/24", own, **ways), "blue": vrf("10.8.0.0/24")}
    work = {"red": ["n/x@host1", "n/y@host2=10.7.0.9"], "blue": ["n/z@host3=10.8.0.9"]}
    path = write_fabric(
        folder,
        tenants,
        work,
        zones={"zone2": {"endpoints": ENDS, "rules": RULES}},
        peerings=[{"name": "p", "between": ["red/main", "blue/main"], "ports": ["tcp"]}],
        expect=claims,
    )
    ports = [{"port": 80, "targetPort": 8080}]
    body = SERVICE | {"spec": {"selector": {"app": "x"}, "ports": ports} | spec}
    file = folder / "red.yaml"
    file.write_text(file.read_text() + yaml.safe_dump(body))
    return World.of(path)


def balancer(address: str) -> dict[str, Any]:
    return {"type": "LoadBalancer", "loadBalancerIP": address}


@pytest.mark.parametrize(
    ("spec", "holder"),
    [
        ({"externalIPs": ["10.8.0.9"]}, "blue/n/z"),
        ({"externalIPs": ["10.7.0.9"]}, "red/n/y"),
        ({"clusterIP": "10.8.0.9"}, "blue/n/z"),
        (balancer("192.0.2.70"), "zone2/office"),
        ({"externalIPs": ["198.51.100.1"]}, None),
        ({"externalIPs": ["172.31.7.1"]}, None),
        ({"clusterIP": "192.0.2.70"}, None),
        ({"clusterIP": "None"}, None),
    ],
)
def test_whose_packets_a_service_takes(
    tmp_path: Path, spec: dict[str, Any], holder: str | None
) -> None:
    claims = [
        {"allow": f"red/@node/* -> {end}:80/tcp"} for end in ("blue/n/z", "red/n/y", "zone2/office")
    ]
    claims += [{"deny": "zone2/* -> blue/*"}, {"deny": "blue/@node/* -> red/n/x:22/udp"}]
    found = world(tmp_path, claims, **spec)
    told = [r for r in found.network.not_evaluated if r.category == "taken"]
    assert [r.what.rpartition(" ")[2] for r in told] == ([holder] if holder else [])
    proof = prove(found)
    for outcome, said in zip(proof.outcomes, proof.verdicts(), strict=True):
        mine = outcome.claim.kind == "allow" and outcome.claim.target == holder
        assert said == ("unknown" if mine else "holds"), str(outcome.claim)
    assert proof.verdict == ("unknown" if holder else "holds")
