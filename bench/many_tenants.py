"""A fabric of many small tenants with random rules, to measure proofs and updates on.

Every tenant has a VRF with the same addresses as all others, some applications of one or two pods,
and NetworkPolicy-like rules of its own: an application opens ports (out of 400) to another one, or
to an address block. Every third tenant mounts shared storage through a leak. No rule speaks of
another tenant, so isolation holds.
"""

from __future__ import annotations

import random
import tempfile
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

from compiler.compile import read_policy
from compiler.policy.ir import (
    L4,
    Action,
    Cidr,
    Direction,
    Origin,
    OwnNode,
    Pods,
    Policy,
    Requirement,
    Rule,
    Selection,
    Stage,
)
from compiler.policy.origin_kinds import DEFAULT, NETWORK_POLICY
from fabric.building.build import build
from fabric.building.load import load_fabric
from fabric.building.network import Network

PORTS = [*range(8000, 8360), *range(20, 60)]
FABRIC = """\
cloison: 1
name: many
sites:
  ams1: {{ clos: three-tier, pods: 4, leaves: 8, spines: 4, superspines: 4, hosts_per_pair: 16,
           borders: 2 }}
pools:
  blocks: {{ v4: 28, v6: 112 }}
  prefixes:
    nodes4: [100.64.0.0/12]
    nodes6: ["fd64::/40"]
tenants:
  t{{0001..{tenants:04}}}:
    manifests: [apps.yaml]
    vrfs:
      main:
        prefixes:
          - 10.0.0.0/16
          - fd00:10::/64
          - {{ pool: nodes4, length: 26, use: nodes }}
          - {{ pool: nodes6, length: 64, use: nodes }}
  shared:
    manifests: [store.yaml]
    vrfs:
      storage:
        prefixes: [172.20.0.0/16, "fd20::/64"]
leaks:
  - name: nfs
    from: shared/storage
    to: [{clients}]
    clients: [nodes]
    ports: [2049/tcp]
"""
APP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{ name: {name}, namespace: web }}
spec:
  replicas: {replicas}
  selector: {{ matchLabels: {{ app: {name} }} }}
  template:
    metadata: {{ labels: {{ app: {name} }} }}
    spec: {{ containers: [ {{ name: c, image: i }} ] }}
"""


def many_tenants(tenants: int, rules: int, apps: int = 8) -> tuple[Network, Policy]:
    """A network of so many tenants, and a policy of so many rules of theirs."""
    pods = [APP.format(name=f"a{i}", replicas=1 + i % 2) for i in range(apps)]
    clients = ", ".join(f"t{t:04}/main" for t in range(1, tenants + 1, 3))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fabric.yaml"
        path.write_text(FABRIC.format(tenants=tenants, clients=clients))
        (path.parent / "apps.yaml").write_text("---\n".join(pods))
        (path.parent / "store.yaml").write_text(APP.format(name="nfs", replicas=2))
        network = build(load_fabric(path), lock=False)
    chance = random.Random(1)
    found = [random_rule(f"t{1 + n % tenants:04}", n, apps, chance) for n in range(rules)]
    own_node = [
        replace(r, order=0, remote=(OwnNode(),), l4=(), origin=Origin(DEFAULT, "own node"))
        for r in found
    ]
    closed = {
        (r.local, r.direction): Selection(r.stage, r.direction, r.local, Action.DENY, r.origin)
        for r in found
    }
    distinct = {(r.local, r.direction): r for r in own_node if r.direction is Direction.IN}
    more = Policy((*distinct.values(), *found), tuple(closed.values()))
    return network, read_policy(network) + more


def random_rule(tenant: str, number: int, apps: int, chance: random.Random) -> Rule:
    """One application of a tenant opens some ports to another one or to an address block."""
    peer = (
        Cidr(ip_network((0x0A000000 | chance.getrandbits(8) << 6, 26)))
        if chance.random() < 0.25
        else Pods(tenant, _app(apps, chance), "web")
    )
    first = chance.choice(PORTS)
    return Rule(
        Stage.WORKLOAD,
        Direction.IN if chance.random() < 0.8 else Direction.OUT,
        1 + number,
        (Pods(tenant, _app(apps, chance), "web"),),
        (peer,),
        (L4(chance.choice((6, 6, 17)), first, first + chance.choice((0, 0, 0, 9))),),
        Action.PERMIT,
        Origin(NETWORK_POLICY, f"{tenant}/web/p{number}", 0),
    )


def _app(apps: int, chance: random.Random) -> tuple[Requirement, ...]:
    return (Requirement("app", "In", frozenset({f"a{chance.randrange(apps)}"})),)
