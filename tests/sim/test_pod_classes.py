"""Pods of one class fare alike, as senders, as receivers, and as the other end of anybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from click.testing import CliRunner
from hypothesis import given, settings
from random_worlds import policies, worlds

from cloison.cli import main
from compiler.compile import compile_policy
from compiler.ir import Direction, Packet, Policy
from compiler.semantics import decide
from fabric.inventory import Endpoint
from fabric.network import Network
from sim.pod_classes import classes

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
    program = compile_policy(network, policy)
    hosts = [e for e in network.endpoints if all(p.num_addresses == 1 for p in e.prefixes)]
    for alike in classes(network, program, hosts):
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
