"""A twin straight from YAML == definition == entries == blocks == kernels == reachability, on
random clusters with policies of their administrators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from random import Random

import numpy as np
import pytest
from generators_admin_netpol import admin_cluster, node_flows
from generators_netpol import PORTS, Flow, flows, text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naive_admin_netpol import AdminTwin
from netpol_cases import CLIENT, PROTOCOLS, Cluster, objects_of, share_of_v6

from compiler.policy.source import with_unclaimed
from compiler.sources import SOURCES
from fabric.building.cluster import cluster_network
from sim.packets.headers import Flow as Sent
from sim.packets.headers import Packets
from sim.packets.reasons import reasons
from sim.pipeline.datapath import Datapath
from sim.proof.pairs.reachability import Reach, reachability
from sim.worlds.world import World

CLUSTERS, FLOWS, PARTS = 800, 30, 4
PROBES = [
    *((protocol, port) for protocol in ("TCP", "UDP", "SCTP")
      for port in sorted({1, 65535, *(p + step for p in PORTS[1:-1] for step in (-1, 0, 1))})),
    ("ICMP", 0),
]  # fmt: skip
DROPS = {"admin": "admin_drop", "workload": "policy_drop", "baseline": "baseline_drop"}


class Case:
    """One random cluster, read by the twin and by us."""

    def __init__(self, rng: Random, path: Path) -> None:
        path.write_text(text(rng, admin_cluster(rng)))
        self.objects = objects_of(path)
        self.made = Cluster.of(cluster_network([path]))
        network = self.made.network
        left = with_unclaimed(network, SOURCES).not_evaluated
        assert {record.kind for record in left} <= {"Namespace"}, "objects that were left out"
        pods = {
            name: ips for name, ips in self.made.addresses.items() if not name.startswith("@node")
        }
        self.twin = AdminTwin(self.objects, pods)
        self.flows = list(flows(rng, self.objects, pods, FLOWS))
        self.flows += node_flows(rng, self.objects, pods, FLOWS // 5)

    def expected(self, flow: Flow, protocol: str, port: int) -> tuple[bool, str]:
        """What the twin says, and the counter that it names."""
        src, dst = self.twin.at(flow.src_ip), self.twin.at(flow.dst_ip)
        out, into = (True, "nobody"), (True, "nobody")
        if src is not None:
            out = self.twin.tier("egress", src, dst, flow.dst_ip, dst, protocol, port)
        if dst is not None:
            into = self.twin.tier("ingress", dst, src, flow.src_ip, dst, protocol, port)
        denied = [who for allowed, who in (out, into) if not allowed]
        return (False, DROPS[denied[0]]) if denied else (True, "delivered")

    def replayed(self, asked: Iterable[Flow]) -> list[str]:
        """What the kernels say."""
        packets = Packets.of([self.sent(flow) for flow in asked])
        verdicts = Datapath.of(self.world(), threads=1).decide(packets)
        numbered = reasons(self.made.program.policy.stages).numbered
        return [numbered[int(number)].label for number in verdicts.reason]

    def sent(self, flow: Flow) -> Sent:
        src, dst = ip_address(flow.src_ip), ip_address(flow.dst_ip)
        owner = self.made.owner(flow.src_ip)
        protocol = PROTOCOLS[flow.protocol]
        ports = (CLIENT, flow.port) if flow.port else (0, 0)
        return Sent(0, src.version, int(src), int(dst), protocol, *ports, owner.index)

    def world(self) -> World:
        return World.compiled(self.made.program, self.made.blocks)


def reached(reach: Reach, case: Case, flow: Flow) -> set[tuple[str, int]]:
    """The probes that reachability delivers between two addresses."""
    src, dst = ip_address(flow.src_ip), ip_address(flow.dst_ip)
    ends = case.made.owner(flow.src_ip).index, case.made.owner(flow.dst_ip).index
    cells = reach.cells_of(*ends, src.version, every=True)
    for cell, places in zip(cells.tolist(), reach.classes(cells), strict=True):
        if all(
            any(low <= int(ip) <= high for low, high in reach.refinements.ranges(place))
            for ip, place in zip((src, dst), places, strict=True)
        ):
            some, sure = (reach.sets[x[cell]] for x in (reach.cells.some, reach.cells.sure))
            assert np.array_equal(some, sure), "one way between two addresses"
            return {
                (protocol, port)
                for protocol, port in PROBES
                if some[reach.space.atom(PROTOCOLS[protocol], CLIENT if port else 0, port)]
            }
    return set()


def compare(rng: Random, path: Path) -> list[tuple[Flow, str]]:
    """Flows of one random cluster with what became of them, on which all agree."""
    case = Case(rng, path)
    out = []
    for flow in case.flows:
        allowed, counter = case.expected(flow, flow.protocol, flow.port)
        protocol = PROTOCOLS[flow.protocol]
        found = case.made.allows_between(flow.src_ip, flow.dst_ip, protocol, flow.port)
        assert found == allowed, flow
        out.append((flow, counter))
    assert case.replayed(case.flows) == [counter for _, counter in out]
    reach = reachability(case.world())
    for flow in case.flows[::4]:
        probed = {p for p in PROBES if case.expected(flow, *p)[0]}
        assert reached(reach, case, flow) == probed, flow
    return out


@pytest.mark.slow
@pytest.mark.slices(PARTS)
@pytest.mark.parametrize("part", range(PARTS))
def test_many_clusters_many_flows(tmp_path: Path, part: int) -> None:
    seen = [
        pair
        for seed in range(part, CLUSTERS, PARTS)
        for pair in compare(Random(seed), tmp_path / "c.yaml")
    ]
    assert len(seen) >= 16_000 // PARTS
    became = Counter(counter for _, counter in seen)
    assert {*became} == {"delivered", *DROPS.values()}
    assert min(became.values()) / len(seen) > 0.03, became
    assert 0.15 < share_of_v6(flow for flow, _ in seen) < 0.8


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.randoms(use_true_random=False))
def test_any_cluster(tmp_path: Path, rng: Random) -> None:
    compare(rng, tmp_path / "c.yaml")
