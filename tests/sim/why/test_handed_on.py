"""What nodes get to by way of other nodes: `explain` and `reach` say of a pair what an expectation
that forbids it says, and nothing of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from door_fabrics import fabric, pod, policy, service, written

import cloison
from cloison.cli import main
from cloison.views.world import World
from sim.proof.prove import prove

OUTSIDE = [
    {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["172.31.0.0/16", "10.0.0.0/8"]}},
    {"ipBlock": {"cidr": "::/0", "except": ["fd00::/8"]}},
]
CLOSED_TO = [{"from": OUTSIDE}]
CLOSED = [policy(ns, policyTypes=["Ingress", "Egress"], ingress=CLOSED_TO) for ns in "ab"]
"""They let everybody in but the cluster; a pod's own node is let in anyway."""
SHUT = {"name": "no", "action": "deny", "from": "red/@node/*", "to": "red/@node/*"}
DOORS: dict[str, list[Any]] = {
    "node port": [service("s", "a", "x")],
    "drawn": [service("s", "a", "x", port={"nodePort": None})],
    "local": [service("s", "a", "x", externalTrafficPolicy="Local")],
    "load balancer": [service("s", "a", "x", type="LoadBalancer", port={"nodePort": None})],
    "of another pod": [service("s", "a", "y")],
    "inside": [service("s", "a", "x", type="ClusterIP")],
    "two": [service("s", "a", "x"), service("t", "a", "x", port={"nodePort": 30092})],
    "UDP": [service("s", "a", "x", port={"protocol": "UDP", "targetPort": 8080})],
    "none": [],
}
ENDS = [(n, p) for n in ("red/@node/host1", "red/@node/host2") for p in ("red/a/x", "red/b/z")]


def world(root: Path, doors: list[Any], expect: list[Any], zone1: list[Any]) -> World:
    red = [pod("a", "x", host="host1"), pod("b", "z", host="host2"), *CLOSED, *doors]
    spec = fabric([], expect)
    spec["zones"]["zone1"] = {"rules": zone1}
    return World.of(written(root, spec, red, [pod("a", "x")]))


@pytest.mark.slices(3)
@pytest.mark.parametrize("port", ["8080/tcp", "8080/udp"])
@pytest.mark.parametrize(
    "rules", [[], [SHUT], [SHUT | {"ports": ["30090/tcp"]}], [SHUT | {"ports": ["30091/tcp"]}]]
)
@pytest.mark.parametrize("door", DOORS)
def test_questions_are_answered_as_expectations_are(
    tmp_path: Path, door: str, rules: list[Any], port: str
) -> None:
    lines = [{"deny": f"{source} -> {target}:{port}"} for source, target in ENDS]
    found = world(tmp_path, DOORS[door], lines, rules)
    proof = prove(found)
    of_port = [door.protocol for s in found.network.manifests["red"].services for door in s.ports]
    same = {6: "tcp", 17: "udp"}.get(of_port[0] if of_port else 6) == port.rpartition("/")[2]
    for (source, target), proven in zip(ENDS, proof.verdicts(), strict=True):
        said = cloison.explain(found, source, f"{target}:{port}").verdict
        wanted = {"holds": "deny", "fails": "allow", "unknown": "unknown"}[proven]
        if proven == "unknown" and not same:
            wanted = "deny"
        assert said == wanted, (source, target)
        rows = cloison.reach(found, from_=source, to=target)
        assert rows.verdict == ("unknown" if proven == "unknown" else "computed")


def test_it_is_said_in_every_form(tmp_path: Path) -> None:
    found = world(tmp_path, DOORS["two"], [{"deny": "blue/* -> red/*"}], [])
    path = tmp_path / "w.yaml"
    for words in (
        ["explain", path, "red/@node/host2", "red/a/x:8080"],
        ["reach", path, "--from", "red/@node/host2", "--to", "red/a/x"],
        ["reach", path, "--from", "red/@node/*"],
        ["reach", path, "--to", "red/a/x"],
    ):
        for output in ("table", "json"):
            done = CliRunner().invoke(main, [*map(str, words), "-o", output])
            assert done.exit_code == 4
            assert "leads nodes from 30090/tcp of another node on to pods" in done.stdout
            assert "30092" in done.stdout
        done = CliRunner().invoke(main, [*map(str, words), "--accept-unevaluated", "Service"])
        assert done.exit_code == 0
        assert "Accepted, not evaluated: Service a/s" in done.stdout
    rows = cloison.reach(found, from_="red/@node/*").rows
    assert {row["verdict"] for row in rows} == {"computed"}
    for source, target in (("red/@node/host1", "red/a/x"), ("blue/@node/host3", "red/a/x")):
        assert cloison.explain(found, source, f"{target}:8080").verdict != "unknown"
        assert cloison.reach(found, from_=source, to=target).verdict == "computed"
    assert cloison.reach(found, from_="red/@node/host2", to="red/b/z").verdict == "computed"


@pytest.mark.slices(3)
@pytest.mark.parametrize("output", ["table", "json", "jsonl", "yaml", "csv", "md", "matrix", "dot"])
def test_a_list_of_everybody_says_what_is_not_in_it(tmp_path: Path, output: str) -> None:
    found = world(tmp_path, DOORS["two"], [{"deny": "blue/* -> red/*"}], [])
    path = str(tmp_path / "w.yaml")
    done = CliRunner().invoke(main, ["reach", path, "-o", output])
    assert done.exit_code == 0
    said = " ".join(done.stdout.split())
    assert "Not listed: what nodes get to by way of other nodes" in said
    assert "Service red/a/s, Service red/a/t" in said
    assert any("Not listed" in note for note in cloison.reach(found).notes)
    accepted = ["--accept-unevaluated", "Service"]
    done = CliRunner().invoke(main, ["reach", path, "-o", output, *accepted])
    assert "Not listed" not in done.stdout
    assert output == "dot" or "leads nodes from" in " ".join(done.stdout.split())
    world(tmp_path, DOORS["inside"], [{"deny": "blue/* -> red/*"}], [])
    done = CliRunner().invoke(main, ["reach", path, "-o", output])
    assert "Not listed" not in done.stdout


def test_a_row_about_such_a_pair_is_unknown(tmp_path: Path) -> None:
    """More ports may pass than it has."""
    some = policy(
        "a", policyTypes=["Ingress", "Egress"], ingress=[{"ports": [{"port": 22}]}, *CLOSED_TO]
    )
    red = [pod("a", "x", host="host1"), pod("b", "z", host="host2"), some, CLOSED[1]]
    red.append(service("s", "a", "x"))
    path = written(tmp_path, fabric([], [{"deny": "blue/* -> red/*"}]), red, [pod("a", "x")])
    rows = cloison.reach(path, from_="red/@node/*", to="red/a/x").rows
    assert {(row["source"], row["verdict"]) for row in rows} == {
        ("red/@node/host1", "computed"), ("red/@node/host2", "unknown")
    }  # fmt: skip
