"""Single points of failure against a twin that builds every world from the file and asks pair by
pair."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from fabric_files import POD, network_of, vrf, write_fabric
from failing_fabrics import BOTH, MEMBERS, RISKS, failing, plain, racks, stand_in
from hairpin_fabric import hairpin

from cloison.cli import main
from sim.proof.availability.spof import spof
from sim.proof.pairs.reachability import Reach, reachability
from sim.worlds.world import World

ROOT = Path(__file__).parents[4]
Pair = tuple[int, int, int]
SERVICE = """\
apiVersion: v1
kind: Service
metadata: { name: svc, namespace: n }
spec: { selector: { app: s }, ports: [{ port: 80, targetPort: 8080 }] }
"""
SINGLE = [*BOTH, *RISKS]


def access(reach: Reach) -> dict[Pair, set[int]]:
    """The atoms that get from one endpoint to another, by pair and family."""
    columns = reach.pairs.src, reach.pairs.dst, reach.pairs.version, reach.pairs.some
    rows = zip(*(c.tolist() for c in columns), strict=True)
    return {(a, b, v): set(reach.sets[some].nonzero()[0].tolist()) for a, b, v, some in rows}


@pytest.mark.slices(2)
@pytest.mark.parametrize("make", [plain, racks, stand_in, hairpin])
def test_what_is_lost_is_what_pairs_lose(tmp_path: Path, make: object) -> None:
    path = make(tmp_path)  # type: ignore[operator]
    network = network_of(path)
    before = access(reachability(World(network)))
    wanted: Counter[tuple[str, str, str]] = Counter()
    for kind in SINGLE:
        for (name,) in failing(network, kind):
            after = access(reachability(World(network_of(path, down=[name]))))
            gone = {
                e.index
                for e in network.endpoints
                if network.fabric.nodes[e.vtep].name in MEMBERS.get(name, [name])
                and not e.name.startswith("zone")
            }
            for (src, dst, version), atoms in before.items():
                if not gone & {src, dst} and atoms - after.get((src, dst, version), set()):
                    ends = (network.endpoints[e].tenant for e in (src, dst))
                    wanted[name, *ends] += 1
    found = spof(World(network), lambda what: None)
    assert {(x.failure, x.source, x.target): x.pairs for x in found.lost} == wanted
    assert found.tried == sum(len(failing(network, kind)) for kind in SINGLE)
    for lost in found.lost:
        after = access(reachability(World(network_of(path, down=[lost.failure]))))
        pair = lost.src, lost.dst, lost.version
        assert before[pair] - after.get(pair, set())
        assert lost.ports


def test_the_verb_names_the_only_border(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["spof", str(hairpin(tmp_path)), "-o", "json"])
    assert done.exit_code == 1, done.output
    told = json.loads(done.stdout)
    assert (told["verdict"], told["points"]) == ("fails", ["border1"])
    assert {(r["source"], r["destination"]) for r in told["rows"]} == {
        ("red", "zone2"),
        ("zone2", "blue"),
    }
    assert all(r["kind"] == "node" and r["ports"] == "443/tcp" for r in told["rows"])


@pytest.mark.parametrize(
    ("hosts", "gone"),
    [
        (["host1"], [("dpu1", 1)]),
        (["host1", "host1"], [("dpu1", 2)]),
        (["host1", "host2"], []),
        (["host1", "host3"], [("rack1", 2)]),
    ],
)
@pytest.mark.parametrize("verb", ["verify", "spof"])
def test_a_service_that_goes_with_one_node_is_named(
    hosts: list[str], gone: list[tuple[str, int]], verb: str, tmp_path: Path
) -> None:
    """No finding, but said: in words and in JSON."""
    path = service_on(tmp_path, hosts)
    words = CliRunner().invoke(main, [verb, str(path)])
    told = json.loads(CliRunner().invoke(main, [verb, str(path), "-o", "json"]).stdout)
    assert (words.exit_code, told["verdict"]) == (0, "holds")
    if set(hosts) == {"host1"}:
        gone = [*gone, ("rack1", len(hosts))]
    said = [f"Service a/n/svc without {node}" for node, _ in gone]
    assert all(text in words.stdout for text in said)
    assert ("No pod is left" in words.stdout) == bool(said)
    if verb == "spof":
        found = [(x["without"], x["service"], x["pods"]) for x in told["services"]]
        assert found == [(node, "a/n/svc", pods) for node, pods in gone]
    else:
        found = [(x["failure"], x["services"]) for x in told["left_out"] if x["services"]]
        assert found == [(node, ["a/n/svc"]) for node, _ in gone]


def test_the_pods_that_are_left_of_a_service_must_be_reached(tmp_path: Path) -> None:
    """host2 has one cable left, to leaf1: without leaf1 the pod there is cut off, and one on
    another node does not make up for it."""
    path = service_on(tmp_path, ["host1", "host2"])
    arguments = ["verify", str(path), "--down", "dpu2--leaf2", "-o", "json"]
    told = json.loads(CliRunner().invoke(main, arguments).stdout)
    assert told["verdict"] == "fails"
    (finding,) = told["findings"]
    assert finding["under"] == "leaf1"
    assert "a/n/client -> a/n/s1" in finding["packet"]


def service_on(folder: Path, hosts: list[str]) -> Path:
    """A client on host4, and a Service with a pod on each of these hosts, some twice."""
    text = "".join(
        POD.format(name=f"s{i}", namespace="n", host=host, status="").replace(
            "namespace: n", "namespace: n, labels: { app: s }"
        )
        for i, host in enumerate(hosts)
    )
    work = {"a": ["n/client@host4"]}
    kinds = ["any-1-node", "any-1-risk-group"]
    line = {"allow": "a/n/client -> service n/svc:80/tcp", "hold_under": kinds}
    groups = {"rack1": ["host1", "host3"]}
    tenants = {"a": vrf("10.0.0.0/16")}
    path = write_fabric(folder, tenants, work, expect=[line], risk_groups=groups)
    manifests = folder / "a.yaml"
    manifests.write_text(manifests.read_text() + text + SERVICE)
    return path


def test_nothing_is_lost_where_everything_is_double() -> None:
    done = CliRunner().invoke(main, ["spof", str(ROOT / "topologies" / "small.yaml")])
    assert done.exit_code == 0, done.output
    assert done.output.endswith("No single failure takes access from anybody else; 20 tried.\n")
