"""The law over printed names (`printed_kinds`) for what needs a world of its own: Services and
their doors, workloads on their node's network, and what `lab test` and `bench` print."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from door_fabrics import OPEN, certified, fabric, pod, policy, service, written
from printed_kinds import assert_names, claims_of, kind_of, leaves
from rule_sets.catalogue import generate

from cloison.cli import main
from cloison.cli.lab.lab_test import show
from cloison.views.lab import Lab
from cloison.views.world import World
from fabric.file.expect.expectation_spec import Expectation
from sim.checker.validity import validity
from sim.classify.classbench import write_rules
from sim.lab.comparable import LeftOut
from sim.lab.layout import Layout
from sim.lab.trial import Forecast, Trial, compare, few_ports, flows, probe
from sim.names.ends import endpoints, targets
from sim.pipeline.datapath import Datapath
from sim.proof.certificates.certificate import certificate
from sim.proof.certificates.certificate_text import digest
from sim.proof.expectations.expect import pairs_of
from sim.proof.prove import prove
from sim.reach.access import receivers

TOPOLOGIES = Path(__file__).parents[2] / "topologies"
NAMED = re.compile(r"(?:arrives|, its reply) at (\S+?)(?=,|$)")
DOOR = re.compile(r"^(Service \S+)", re.M)


def run(*arguments: object) -> str:
    done = CliRunner().invoke(main, [str(a) for a in arguments])
    assert done.exit_code in (0, 4), done.output
    return done.stdout


def daemon(name: str, app: str, port: int, **spec: Any) -> Any:
    labels = {"app": app}
    container = {"name": "c", "image": "i", "ports": [{"name": "web", "containerPort": port}]}
    return {
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "a"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels},
                         "spec": {"containers": [container], **spec}},
        },
    }  # fmt: skip


CLUSTER = [
    pod("a", "x"),
    pod("a", "y"),
    service("s", "a", "x"),
    daemon("log", "log", 9100, hostNetwork=True),
    daemon("log-agent", "agent", 9200),
    service("log", "a", "log", port={"nodePort": 30091}),
    service("log-agent", "a", "agent", port={"nodePort": 30092}),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("w")
    return written(root, fabric([OPEN], [{"deny": "blue/* -> red/a/y"}]), CLUSTER, [pod("a", "x")])


def test_services_of_every_door(path: Path) -> None:
    world = World.of(path)
    found = set(leaves(json.loads(run("reach", path, "-o", "json"))))
    services = {text for where, text in found if where.endswith("doors[].service")}
    assert services == {"a/s", "a/log", "a/log-agent"}
    assert_names(world, {(".doors[].service", text) for text in services})
    for output in ("table", "md"):
        printed = set(DOOR.findall(run("reach", path, "-o", output).replace("| ", "")))
        assert printed == {f"Service red/{text}" for text in services}
        assert_names(world, {(".doors[].service", t.removeprefix("Service ")) for t in printed})
        for text in printed:
            assert run("explain", path, "red/a/y", f"{text}:80")
            assert run("reach", path, "--to", f"{text}:80")


def test_a_daemonset_is_not_one_whose_name_begins_alike(path: Path) -> None:
    network = World.of(path).network
    for name, port, kind in (("log", 9100, "node"), ("log-agent", 9200, "pod")):
        found = targets(network, f"service red/a/{name}:80")
        assert {t.ports[0].first for t in found} == {port}
        ends = [t.endpoint for t in found if t.endpoint]
        assert {e.kind for e in ends} == {kind}
        assert {e.workload for e in ends} == ({"log-agent"} if kind == "pod" else {None})
        assert len(receivers(network, f"Service a/{name}")) == 1


@pytest.mark.parametrize(
    "name", ["red/a/log[DaemonSet]", "red/a/log", "red/a/log-agent[DaemonSet]"]
)
def test_workloads_with_their_kind(path: Path, name: str) -> None:
    network = World.of(path).network
    found = endpoints(network, name)
    assert {e.kind for e in found} == ({"pod"} if "agent" in name else {"node"})
    assert [t.endpoint for t in targets(network, f"{name}:9100")] == found


def test_an_expectation_takes_a_workload_on_nodes(path: Path) -> None:
    """As its nodes, at either end, as the pattern of its pods does."""
    world = World.of(path)
    for name in ("red/a/log", "red/*/log", "red/a/l?g", "red/@node/*"):
        for text in ("{} -> *", "* -> {}", "{} <-> blue/*"):
            lines = (Expectation(deny=text.format(x)) for x in (name, "red/a/log-host?"))
            by_name, by_pod = (
                pairs_of(c, world.network).tolist() for c in claims_of(world, *lines)
            )
            assert by_name == by_pod != []
    (only,) = claims_of(world, Expectation(only="red/a/log -> red/a/log:9100/tcp"))
    assert len(pairs_of(only, world.network)) == 4


TWICE = [
    daemon("log", "log", 9100, hostNetwork=True),
    {**daemon("log", "far", 9300), "kind": "ReplicaSet"},
    pod("a", "x"),
]


def test_workloads_of_one_name_are_all_meant(tmp_path: Path) -> None:
    """One has pods of its own addresses, the other one is on its nodes' network: a line that looked
    at the first alone would hold while the second is reached."""
    lines = [{"deny": "red/a/x -> red/a/log"}]
    world = World.of(written(tmp_path, fabric([], lines), TWICE, []))
    network = world.network
    kinds = {e.kind for e in endpoints(network, "red/a/log")}
    assert kinds == {"pod", "node"}
    assert [e.kind for e in endpoints(network, "red/a/log[ReplicaSet]")] == ["pod"]
    assert {e.kind for e in endpoints(network, "red/a/log[DaemonSet]")} == {"node"}
    (claim,) = claims_of(world, Expectation(**lines[0]))
    met = {
        network.endpoints[int(k) // 2 % len(network.endpoints)].kind
        for k in pairs_of(claim, network)
    }
    assert met == kinds


RUNNING = [pod("a", "x", host="host1"), {**daemon("log", "log", 9100, hostNetwork=True)}]


def test_a_certificate_says_what_runs_on_nodes(tmp_path: Path) -> None:
    """Whoever checks finds the workloads himself; without them the line would say nothing."""
    lines = [{"deny": "blue/* -> red/a/log"}, {"allow": "red/a/x -> red/a/log"}]
    world = World.of(written(tmp_path, fabric([], lines), RUNNING, [pod("a", "x")]))
    proof, network = prove(world), world.network
    certified(proof, network)
    body = certificate(proof)
    nodes = [row for row in body["endpoints"] if "runs" in row]
    assert {row["name"] for row in nodes} == {"red/@node/host1", "red/@node/host2"}
    assert all(row["runs"] == ["red/a/log"] for row in nodes)
    for other in ([], ["red/a/log", "red/a/x"], ["blue/a/log"]):
        nodes[1]["runs"] = other
        forged = {k: v for k, v in body.items() if k != "digest"}
        forged |= {"digest": digest(forged)}
        assert any("runs" in str(p) for p in validity(forged, network, ()).problems), other


def test_what_diff_prints_of_workloads_on_nodes(tmp_path: Path) -> None:
    """Of one that comes or goes, each name is read in the world that has it."""
    lines = [{"deny": "blue/* -> red/a/y"}]
    before = written(tmp_path / "0", fabric([OPEN], lines), CLUSTER, [pod("a", "x")])
    after = written(tmp_path / "1", fabric([OPEN], lines), CLUSTER[:3], [pod("a", "x")])
    for old, new in ((before, after), (after, before)):
        done = CliRunner().invoke(main, ["diff", str(old), str(new), "-o", "json"])
        document = json.loads(done.stdout)
        document.pop("not_evaluated")
        found = {text for where, text in leaves(document) if kind_of(where) == "endpoint"}
        assert "red/a/log" in found
        assert_names(World.of(before), {(".rows[].source", text) for text in found})


def test_names_of_a_directory_of_manifests(path: Path) -> None:
    folder = path.parent / "m" / "red"
    document = json.loads(run("reach", folder, "-o", "json"))
    peers = {
        f"{end['namespace']}/{end['name']}[{end['kind']}]"
        for row in document["rows"]
        for end in (row["source"], row["destination"])
        if end["kind"] != "External"
    }
    assert peers >= {"a/log[DaemonSet]", "a/log-agent[DaemonSet]", "a/x[Pod]"}
    for name in peers:
        other = "a/x" if name == "a/y[Pod]" else "a/y"
        assert run("explain", folder, name, f"{other}:80")
        assert run("explain", folder, other, f"{name}:80")
    doors = DOOR.findall(run("reach", folder))
    assert set(doors) == {"Service a/s", "Service a/log", "Service a/log-agent"}
    for text in doors:
        assert run("explain", folder, "a/y", f"{text}:80")
        for to in (text, f"{text}:80", f"{text}:80-90/tcp"):
            rows = json.loads(run("reach", folder, "--to", to, "-o", "json"))["rows"]
            name = {"Service a/s": "x"}.get(text, text.rpartition("/")[2])
            assert {row["destination"]["name"] for row in rows} == {name}


SHUT = policy("a", ingress=[{"ports": [{"port": 9300}]}])


@pytest.mark.parametrize(
    ("to", "met"),
    [
        ("Service a/s", {"z"}),
        ("a/s[Service]:80", {"z"}),
        ("a/s[Service]:81", set()),
        ("a/s[Service]:web", {"z"}),
        ("a/bare[Service]:9300", {"x", "z"}),
        ("a/bare[Service]:80", set()),
    ],
)
def test_a_service_of_a_directory_leads_to_its_ports(
    tmp_path: Path, to: str, met: set[str]
) -> None:
    """One pod calls 8080 what the other one calls 9300, and policies let in to the latter."""
    other = pod("a", "z")
    other["spec"]["containers"][0]["ports"][0]["containerPort"] = 9300
    other["metadata"]["labels"]["app"] = "x"
    ports = [{"name": "web", "port": 80, "targetPort": "web"}, {"name": "p", "port": 81}]
    doors = [service("s", "a", "x", ports=ports), service("bare", "a", "x", clusterIP="None")]
    for door in doors:
        door["spec"]["type"] = "ClusterIP"
    written(tmp_path, {}, [pod("a", "x"), other, pod("a", "y"), *doors, SHUT], [])
    found = run("reach", tmp_path / "m" / "red", "--from", "a/y", "--to", to, "-o", "json")
    assert {row["destination"]["name"] for row in json.loads(found)["rows"]} == met


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("a/s[Service]:82", "a/s[Service] has no such port: 82/tcp"),
        ("Service a/t", "there is no a/t[Service]"),
        ("Service a/s:web2", "a/s[Service] has no such port: web2"),
    ],
)
def test_a_service_that_is_none_is_refused(path: Path, to: str, why: str) -> None:
    done = CliRunner().invoke(main, ["reach", str(path.parent / "m" / "red"), "--to", to])
    assert done.exit_code == 2
    assert why in done.output


@pytest.mark.parametrize("name", ["small", "demo"])
def test_what_a_test_of_a_lab_prints(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a made-up kernel that loses some packets and takes others elsewhere."""
    world = World.read([TOPOLOGIES / f"{name}.yaml"])
    network = world.network
    lab = Lab(world.program, Layout(network, "0123abcd", False), True)
    packets = flows(world.blocks, few_ports(world.blocks)[:2]).take(np.arange(60))
    forecast = Forecast.of(Datapath.of(world), packets, True)
    ends = forecast.at.tolist()
    lost = dict.fromkeys(range(0, 60, 3), -1)
    elsewhere = {i: (ends[i] + 1) % len(network.endpoints) for i in range(1, 60, 3)}
    wire: Any = SimpleNamespace(at=dict(enumerate(ends)) | lost | elsewhere, back={2: 0, 5: 1})
    found, names = (
        Trial(left_out=Counter({LeftOut.SEVERAL_HOPS: 3})),
        [e.name for e in network.endpoints],
    )
    for i, source in enumerate(packets.src_endpoint.tolist()):
        compare(probe(packets, i), source, forecast, wire, names, found)
    assert len(found.differences) > 20
    show(lab, found, "json")
    rows = json.loads(capsys.readouterr().out)["rows"]
    said = {(".rows[].source", row["source"]) for row in rows}
    said |= {(".packet", row["packet"]) for row in rows}
    words = [row[key] for row in rows for key in ("kernel", "simulator")]
    said |= {(".rows[].source", end) for text in words for end in NAMED.findall(text)}
    assert {"arrives" in word for word in words} == {True, False}
    assert all(re.fullmatch("[a-z0-9_]+_drop", w) for w in words if "arrives" not in w)
    assert_names(world, said)
    show(lab, found, "table")
    assert "differences between the kernel" in capsys.readouterr().out


def test_what_bench_prints_names_nothing_of_a_network(tmp_path: Path) -> None:
    """Rule sets by their files, traces, engines and what the machine is: no name of a network."""
    write_rules(generate("policy-1k"), tmp_path / "mine.rules")
    rules = tmp_path / "mine.rules"
    printed = run("bench", "--rules", rules, "--packets", 500, "--rounds", 1, "-q", "-o", "json")
    document = json.loads(printed)
    paths = {path for path, _ in leaves({k: v for k, v in document.items() if k != "machine"})}
    assert {path.rpartition(".")[2] for path in paths} <= {
        "schema", "set", "trace", "engine", "name", "engines[]", "reasons[]"
    }  # fmt: skip
    assert {row["set"] for row in document["speeds"]} == {rules.name}
