"""Pods of one class fare alike, as senders, as receivers, and as the other end of anybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from fabric_files import write_fabric
from hypothesis import given, settings
from hypothesis import strategies as st
from random_worlds import policies, worlds

import cloison
from cloison.cli import main
from compiler.policy.ir import Direction, Packet, Policy
from compiler.policy.semantics import decide
from fabric.building.network import Network
from fabric.diagnostics import InputError
from fabric.values.inventory import Endpoint
from sim.names.ends import endpoints, targets
from sim.why.explain import between
from sim.why.one_answer import explain
from sim.why.pod_classes import classes
from sim.worlds.world import World

PORTS = ((6, 80), (6, 443), (17, 53), (132, 9), (1, 0))
CLUSTER = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: node, namespace: db }
spec:
  replicas: 3
  template: { metadata: { labels: { app: node } }, spec: { containers: [{ name: c }] } }
---
apiVersion: v1
kind: Pod
metadata: { name: backup, namespace: db, labels: { app: backup } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: backup, namespace: db }
spec:
  podSelector: { matchLabels: { app: backup } }
  ingress:
    - from: [{ podSelector: { matchLabels: { apps.kubernetes.io/pod-index: "1" } } }]
"""


def fates(policy: Policy, network: Network, one: Endpoint) -> Iterator[object]:
    """What is decided about packets of an endpoint's, at its own side and at all others'."""
    for other in network.endpoints:
        for version in (4, 6):
            own = [p for p in one.prefixes if p.version == version]
            theirs = [p for p in other.prefixes if p.version == version]
            for protocol, port in PORTS if own and theirs else ():
                for direction in Direction:
                    l4 = protocol, 40000, port
                    remote = int(theirs[0].network_address)
                    here = Packet(direction, one.index, version, remote, other.vrf, *l4)
                    mine = int(own[0].network_address)
                    there = Packet(direction, other.index, version, mine, one.vrf, *l4)
                    yield decide(policy, network, here).permit
                    if other.index != one.index:
                        yield other.index, decide(policy, network, there).permit


@settings(max_examples=25)
@given(worlds(), policies())
def test_a_class_fares_alike(network: Network, policy: Policy) -> None:
    world = World(network, policy)
    hosts = [e for e in network.endpoints if all(p.num_addresses == 1 for p in e.prefixes)]
    for alike in classes(world, hosts):
        others = {e.index for e in alike}
        known = [
            [f for f in fates(policy, network, e) if not (isinstance(f, tuple) and f[0] in others)]
            for e in alike
        ]
        assert all(found == known[0] for found in known) or len(alike) == 1


def test_explain_answers_for_each_class(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(CLUSTER)
    shown = CliRunner().invoke(main, ["explain", str(tmp_path), "db/node", "db/backup:80"]).stdout
    assert "deny  db/node-0 -> db/backup (2 pairs of pods)" in shown
    assert "allow db/node-1 -> db/backup" in shown
    back = CliRunner().invoke(main, ["explain", str(tmp_path), "db/node-2", "db/node:80"]).stdout
    assert "allow" in back
    assert "deny" not in back


def test_a_class_that_talks_to_itself_is_looked_at(tmp_path: Path) -> None:
    policy = CLUSTER[CLUSTER.rindex("---") :].replace("app: backup", "app: node")
    (tmp_path / "all.yaml").write_text(CLUSTER + policy.replace("name: backup", "name: node"))
    shown = CliRunner().invoke(main, ["explain", str(tmp_path), "db/node", "db/node:80"]).stdout
    assert "deny  db/node-0 -> db/node-2, db/node-1 (4 pairs of pods)" in shown
    assert "alike" not in shown


def test_python_answers_for_all_or_for_none(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(CLUSTER)
    world = cloison.build(tmp_path)
    with pytest.raises(InputError) as caught:
        cloison.explain(world, "db/node", "db/backup:80")
    (told,) = caught.value.diagnostics
    assert told.code == "C460"
    assert "db/node-0 -> cluster/db/backup: deny" in told.message
    assert "db/node-1 -> cluster/db/backup: allow" in told.message
    assert cloison.explain(world, "db/node-0", "db/backup:80").verdict == "deny"
    assert cloison.explain(world, "db/backup", "db/node:80").verdict == "allow"
    assert cloison.explain(world, "db/node", "db/node:80").verdict == "allow"


@settings(max_examples=25)
@given(worlds(), policies(), st.data())
def test_one_answer_is_that_of_every_pair(
    network: Network, policy: Policy, data: st.DataObject
) -> None:
    world = World(network, policy)
    workloads = sorted({f"{e.name.rpartition('/')[0]}/{e.workload}" for e in network.endpoints
                        if e.workload})  # fmt: skip
    if not workloads:
        return
    one, two = (data.draw(st.sampled_from(workloads)) for _ in "ab")
    fares = set()
    for source in endpoints(network, one):
        for target in targets(network, f"{two}:80"):
            if target.endpoint is not source:
                try:
                    fares.add(between(world, source, target).verdict)
                except InputError:
                    fares.add("none")
    try:
        assert fares == {explain(world, one, f"{two}:80").verdict}
    except InputError as error:
        codes = [d.code for d in error.diagnostics]
        assert codes == (["C460"] if fares - {"none"} else ["C712"])


def test_a_host_in_several_vrfs_has_an_answer_where_they_agree(tmp_path: Path) -> None:
    nodes = {"cidr": "100.64.0.0/24", "use": "nodes"}, {"cidr": "100.65.0.0/24", "use": "nodes"}
    vrfs = {f"v{n}": {"prefixes": [f"10.{n}.0.0/16", own], "namespaces": [f"n{n}"]}
            for n, own in enumerate(nodes)}  # fmt: skip
    rule = {"name": "a", "from": "*/@node/*", "to": "zone0/api", "ports": ["6443/tcp"]}
    zone0 = {"prefixes": ["198.18.0.0/24"], "serves": ["t/v0"], "services": [rule],
             "endpoints": {"api": {"addresses": ["198.18.0.10"]}}}  # fmt: skip
    tenants = {"t": {"hosts": ["host1"], "vrfs": vrfs}}
    world = cloison.build(write_fabric(tmp_path, tenants, {}, zones={"zone0": zone0}))
    with pytest.raises(InputError) as caught:
        cloison.explain(world, "t/@node/host1", "zone0/api:6443")
    (told,) = caught.value.diagnostics
    assert told.code == "C460"
    assert "t/@node/host1@v1 -> zone0/api: deny" in told.message
    assert cloison.explain(world, "t/@node/host1@v0", "zone0/api:6443").verdict == "allow"
