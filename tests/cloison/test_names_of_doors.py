"""Whatever opens a door is printed by `reach`, in a fabric and in a directory, and read as a name
wherever names are read: it is the pods to which it leads, at the ports where it leads there.

What a controller stands before is unknown, with the name of the object: who gets to the controller
nobody knows. Who accepts that is answered about the pods.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from door_fabrics import fabric, pod, policy, service, written
from printed_kinds import claims_of

from cloison.cli import main
from cloison.views.world import World
from fabric.building.network import Network
from fabric.file.expect.claims import parse_claim
from fabric.file.expect.expectation_spec import Expectation
from fabric.values.door_names import KINDS, SERVICE
from sim.checker.consistency import inconsistencies
from sim.checker.expectations.service_targets import targets as found_by_checker
from sim.checker.validity import validity
from sim.proof.certificates.certificate import certificate
from sim.proof.prove import prove

GATEWAY = "gateway.networking.k8s.io"
WEB = {"name": "web", "containerPort": 8080}
SSH = {"name": "ssh", "containerPort": 22, "hostPort": 2222}


def item(kind: str, version: str, name: str, namespace: str = "a", **content: Any) -> Any:
    about = {"name": name, "namespace": namespace}
    return {"apiVersion": version, "kind": kind, "metadata": about, **content}


def route(kind: str, name: str, *backends: tuple[str, int], namespace: str = "a") -> Any:
    refs = [{"name": n, "namespace": "a", "port": port} for n, port in backends]
    version = f"{GATEWAY}/v1" if kind in ("HTTPRoute", "GRPCRoute") else f"{GATEWAY}/v1alpha2"
    return item(kind, version, name, namespace, spec={"rules": [{"backendRefs": refs}]})


def named(name: str, **port: Any) -> Any:
    held = pod("a", name)
    held["spec"]["containers"][0]["ports"] = [WEB | port, SSH] if name == "x" else [WEB | port]
    return held


def inside(name: str, app: str, *ports: dict[str, Any]) -> Any:
    return service(name, "a", app, type="ClusterIP", ports=list(ports))


def path_to(name: str, port: dict[str, Any]) -> Any:
    backend = {"service": {"name": name, "port": port}}
    return {"path": f"/{name}", "pathType": "Prefix", "backend": backend}


HTTP = {"name": "http", "port": 80, "targetPort": "web"}
PATHS = [
    path_to("s", {"name": "http"}),
    path_to("t", {"number": 80}),
    path_to("none", {"number": 1}),
]
OBJECTS = [
    named("x"),
    named("z", containerPort=9300),
    pod("b", "y"),
    inside("s", "x", HTTP, {"name": "ssh", "port": 22, "targetPort": "ssh"}),
    inside("t", "z", HTTP),
    service("open", "a", "x", ports=[HTTP | {"nodePort": 30090}]),
    item("Ingress", "networking.k8s.io/v1", "front",
         spec={"rules": [{"host": "shop.example", "http": {"paths": PATHS}}]}),
    route("HTTPRoute", "far", ("s", 80), ("t", 80), namespace="b"),
    route("GRPCRoute", "call", ("t", 80)),
    route("TLSRoute", "shut", ("s", 22)),
    route("TCPRoute", "raw", ("s", 22)),
    route("UDPRoute", "datagrams", ("s", 80)),
    item("Route", "route.openshift.io/v1", "old", spec={"host": "h", "to": {"name": "s"}}),
    policy("a", ingress=[{"ports": [{"port": 8080}, {"port": 22}]}]),
]  # fmt: skip
LEADS = {
    "Ingress a/front": {("x", 8080), ("z", 9300)},
    "HTTPRoute b/far": {("x", 8080), ("z", 9300)},
    "GRPCRoute a/call": {("z", 9300)},
    "TLSRoute a/shut": {("x", 22)},
    "TCPRoute a/raw": {("x", 22)},
    "UDPRoute a/datagrams": {("x", 8080)},
    "Route a/old": {("x", 8080), ("x", 22)},
    "hostPort a/x": {("x", 22)},
    "Service a/open": {("x", 8080)},
}
"""Pods and their ports."""
ROW = re.compile(rf"^((?:{'|'.join(KINDS)}) \S+)", re.MULTILINE)
ACCEPTED = [o for kind in (*KINDS, "Pod") for o in ("--accept-unevaluated", kind)]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def spelt(name: str) -> list[str]:
    kind, _, plain = name.partition(" ")
    return [name, f"{kind.lower()} {plain}", f"{plain}[{kind}]"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("w")
    return written(root, fabric([], [{"deny": "blue/* -> red/a/z"}]), OBJECTS, [pod("a", "x")])


def test_every_kind_of_door_is_printed(path: Path) -> None:
    assert {name.partition(" ")[0] for name in LEADS} == {*KINDS}
    for where, tenant in ((path.parent / "m" / "red", ""), (path, "red/")):
        wanted = {n.replace(" ", f" {tenant}") for n in LEADS}
        assert set(ROW.findall(run("reach", where).stdout)) == wanted
        doors = json.loads(run("reach", where, "-o", "json").stdout)["doors"]
        assert {f"{d['kind']} {d['name']}" for d in doors} == {*LEADS}


@pytest.mark.parametrize("name", LEADS)
def test_a_door_of_a_directory_is_its_pods(path: Path, name: str) -> None:
    where = path.parent / "m" / "red"
    for text in spelt(name):
        asked = run("reach", where, "--from", "b/y", "--to", text, "-o", "json")
        assert asked.exit_code == 4
        rows = json.loads(asked.stdout)["rows"]
        met = {row["destination"]["name"] for row in rows}
        assert met == {pod for pod, port in LEADS[name] if port in (8080, 22)}
        told = run("explain", where, "b/y", text if SERVICE not in text.title() else f"{text}:80")
        assert told.exit_code == 4
        assert name in told.stdout or name.startswith((SERVICE, "hostPort"))
    accepted = run("reach", where, "--from", "b/y", "--to", name, *ACCEPTED)
    assert accepted.exit_code == 0
    assert "Accepted, not evaluated" in accepted.stdout


@pytest.mark.parametrize("name", [n for n in LEADS if n.split()[0] != SERVICE])
def test_a_question_about_a_door_has_no_port(path: Path, name: str, tmp_path: Path) -> None:
    protocol = "TCP"
    lines = [
        {"src": "b/y", "dst": name, "protocol": protocol},
        {"src": "b/y", "dst": name, "protocol": protocol, "port": 80},
        {"src": "b/y", "dst": name, "protocol": "SCTP"},
    ]
    (tmp_path / "flows").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    asked = run("reach", path.parent / "m" / "red", "--flows", tmp_path / "flows")
    answers = [json.loads(line) for line in asked.stdout.splitlines()]
    differ = len({pod for pod, _ in LEADS[name]}) > 1
    assert "pods differ" in answers[0]["error"] if differ else answers[0]["verdict"] == "unknown"
    assert "has no ports of its own" in answers[1]["error"]
    assert "leads to no pod in this protocol" in answers[2]["error"]


def ends(network: Network, rows: Any) -> set[tuple[str, int]]:
    names = [e.name.rpartition("/")[2] for e in network.endpoints]
    return {(names[i], p[1]) for row in rows for i in row["endpoints"] for p in row["ports"]}


@pytest.mark.parametrize("name", LEADS)
def test_an_expectation_is_about_the_pods_behind_a_door(path: Path, name: str) -> None:
    """Proof and checker find them each by itself, in every spelling."""
    world = World.of(path)
    for text in [s for n in (name, name.replace(" ", " red/")) for s in spelt(n)]:
        (claim,) = claims_of(world, Expectation(allow=f"red/b/y -> {text}"))
        listed = [
            {"ports": [(p.protocol, p.first) for p in part.ports], "endpoints": part.pods}
            for part in claim.parts
        ]
        assert ends(world.network, listed) == LEADS[name]
        checked = found_by_checker(world.network, f"allow: red/b/y -> {text}")
        assert ends(world.network, checked) == LEADS[name]


@pytest.mark.parametrize("name", LEADS)
@pytest.mark.parametrize("accepted", [(), tuple({*KINDS, "Pod"})])
def test_what_is_proven_of_a_door_is_written_down(
    tmp_path: Path, name: str, accepted: tuple[str, ...]
) -> None:
    lines = [{"deny": f"blue/* -> {name}"}, {"allow": f"red/b/y -> {name}"}]
    path_ = written(tmp_path, fabric([], lines), OBJECTS, [pod("a", "x")])
    world = World.of(path_, accept_unevaluated=accepted)
    proof = prove(world)
    first, second = proof.verdicts()
    passes = all(port != 9300 for _, port in LEADS[name])
    assert second == ("fails" if not passes else "holds" if accepted else "unknown")
    assert first == ("holds" if accepted else "unknown")
    body = certificate(proof)
    assert not inconsistencies(body)
    assert not validity(body, world.network, ()).problems
    forged = json.loads(json.dumps(body["claims"][0]["targets"]))
    forged[0]["endpoints"][0] += 1
    assert forged != found_by_checker(world.network, body["claims"][0]["claim"])


def test_a_door_that_goes_with_one_node_is_named(tmp_path: Path) -> None:
    lines = [{"allow": f"red/b/y -> {name}", "hold_under": ["any-1-node"]} for name in LEADS]
    opened = policy("a", ingress=[{}])
    world = World.of(written(tmp_path, fabric([], lines), [*OBJECTS[:-1], opened], [pod("a", "x")]))
    named = {name for names in prove(world).emptied.values() for name in names}
    one = {n for n, leads in LEADS.items() if len({pod for pod, _ in leads}) == 1}
    spelt_ = {"{1}[{0}]".format(*n.replace(" ", " red/").split()) for n in one if SERVICE not in n}
    assert named == {*spelt_, "red/a/open"}
    said = run("verify", tmp_path / "w.yaml").stdout
    assert "TLSRoute red/a/shut without dpu" in " ".join(said.split())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Ingress a/none", 'no Ingress is called "a/none"'),
        ("Ingress a/front:80/tcp", "has no ports of its own"),
        ("TLSRoute a/front", 'no TLSRoute is called "a/front"'),
        ("hostPort a/z", 'no hostPort is called "a/z"'),
    ],
)
def test_a_door_that_is_none_is_an_error(path: Path, text: str, why: str) -> None:
    for where in (path, path.parent / "m" / "red"):
        for verb in (("explain", where, "b/y", text), ("reach", where, "--to", text)):
            done = run(*verb)
            assert done.exit_code == 2
            assert why in done.output


def test_a_door_opens_no_connections(path: Path) -> None:
    for name in LEADS:
        done = run("explain", path, name, "red/a/z:80")
        assert done.exit_code == 2
        assert "opens no connections" in done.output
        with pytest.raises(ValueError, match="opens no connections"):
            parse_claim(f"{name} -> red/a/z")
