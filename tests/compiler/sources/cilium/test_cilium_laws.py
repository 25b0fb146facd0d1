"""A twin straight from YAML == definition == entries == blocks == kernels == reachability, on
random clusters in which Cilium enforces its policies, NetworkPolicies and an administrator's."""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address
from pathlib import Path
from random import Random

import pytest
from generators_admin_netpol import node_flows
from generators_cilium import cilium_cluster
from generators_netpol import Flow, flows, text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naive_cilium import CiliumTwin
from netpol_cases import CLIENT, PROTOCOLS, Cluster, objects_of, share_of_v6

from compiler.policy.ir import Direction, Packet
from compiler.policy.semantics import decide
from compiler.program.walk import verdict
from fabric.building.cluster import cluster_network
from sim.packets.headers import Flow as Sent
from sim.packets.headers import Packets
from sim.packets.reasons import reasons
from sim.pipeline.datapath import Datapath
from sim.proof.pairs.reachability import reachability
from sim.worlds.world import World

CLUSTERS, FLOWS, PARTS = 800, 30, 4
DROPS = {
    "admin": "admin_drop", "cilium": "cilium_drop", "baseline": "baseline_drop",
    "default": "cilium_default_drop",
}  # fmt: skip


class Case:
    """One random cluster, read by the twin and by us."""

    def __init__(self, rng: Random, path: Path) -> None:
        path.write_text(text(rng, cilium_cluster(rng)))
        self.objects = objects_of(path)
        self.made = Cluster.of(cluster_network([path], dialect="cilium-1.20"))
        pods = {
            name: ips for name, ips in self.made.addresses.items() if not name.startswith("@node")
        }
        self.twin = CiliumTwin(self.objects, pods)
        self.flows = list(flows(rng, self.objects, pods, FLOWS))
        self.flows += node_flows(rng, self.objects, pods, FLOWS // 5)

    def expected(self, flow: Flow) -> tuple[bool, str, set[str]]:
        """What the twin says, the counter that it names, and what is asked for."""
        src, dst = self.twin.at(flow.src_ip), self.twin.at(flow.dst_ip)
        said, besides = [], set()
        for key, local, remote, ip in (
            ("egress", src, dst, flow.dst_ip), ("ingress", dst, src, flow.src_ip),
        ):  # fmt: skip
            if local is not None:
                asked = (key, local, remote, ip, dst, flow.protocol, flow.port)
                said.append(self.twin.tier(*asked))
                besides |= self.twin.besides(*asked)
        denied = [who for allowed, who in said if not allowed]
        return (False, DROPS[denied[0]], set()) if denied else (True, "delivered", besides)

    def besides(self, flow: Flow) -> set[str]:
        """What the definition and the entries ask for, of a flow that passes."""
        source, target = (self.made.owner(ip).index for ip in (flow.src_ip, flow.dst_ip))
        found = set()
        for direction, local, remote in (
            (Direction.OUT, source, flow.dst_ip), (Direction.IN, target, flow.src_ip),
        ):  # fmt: skip
            ip = ip_address(remote)
            packet = Packet(
                direction,
                local,
                ip.version,
                int(ip),
                0,
                PROTOCOLS[flow.protocol],
                CLIENT,
                flow.port,
            )
            said = decide(self.made.program.policy, self.made.network, packet)
            walked = verdict(self.made.program, packet)
            assert said.conditions == walked.conditions
            found.update(said.conditions)
        return {"authentication" if "authentication" in one else "request" for one in found}

    def sent(self, flow: Flow) -> Sent:
        src, dst = ip_address(flow.src_ip), ip_address(flow.dst_ip)
        owner = self.made.owner(flow.src_ip)
        protocol = PROTOCOLS[flow.protocol]
        ports = (CLIENT, flow.port) if flow.port else (0, 0)
        return Sent(0, src.version, int(src), int(dst), protocol, *ports, owner.index)

    def replayed(self) -> list[str]:
        """What the kernels say."""
        packets = Packets.of([self.sent(flow) for flow in self.flows])
        verdicts = Datapath.of(self.world(), threads=1).decide(packets)
        numbered = reasons(self.made.program.policy.stages).numbered
        return [numbered[int(number)].label for number in verdicts.reason]

    def world(self) -> World:
        return World.compiled(self.made.program, self.made.blocks)


def compare(rng: Random, path: Path) -> list[tuple[Flow, str, frozenset[str]]]:
    """Flows of one random cluster with what became of them, on which all agree."""
    case = Case(rng, path)
    out = []
    for flow in case.flows:
        allowed, counter, besides = case.expected(flow)
        protocol = PROTOCOLS[flow.protocol]
        found = case.made.allows_between(flow.src_ip, flow.dst_ip, protocol, flow.port)
        assert found == allowed, flow
        if allowed:
            assert case.besides(flow) == besides, flow
        out.append((flow, counter, frozenset(besides)))
    assert case.replayed() == [counter for _, counter, _ in out]
    proved(case, [(flow, counter == "delivered", asked) for flow, counter, asked in out[::4]])
    return out


def proved(case: Case, seen: list[tuple[Flow, bool, frozenset[str]]]) -> None:
    """Reachability delivers the same, and for certain what asks for nothing."""
    reach = reachability(case.world())
    for flow, allowed, besides in seen:
        src, dst = ip_address(flow.src_ip), ip_address(flow.dst_ip)
        ends = case.made.owner(flow.src_ip).index, case.made.owner(flow.dst_ip).index
        atom = reach.space.atom(PROTOCOLS[flow.protocol], CLIENT if flow.port else 0, flow.port)
        cells = reach.cells_of(*ends, src.version, every=True)
        some = sure = False
        for cell, places in zip(cells.tolist(), reach.classes(cells), strict=True):
            if all(
                any(low <= int(ip) <= high for low, high in reach.refinements.ranges(place))
                for ip, place in zip((src, dst), places, strict=True)
            ):
                some = bool(reach.sets[reach.cells.some[cell]][atom])
                sure = bool(reach.sets[reach.cells.sure[cell]][atom])
        assert (some, sure) == (allowed, allowed and not besides), flow


@pytest.mark.slow
@pytest.mark.slices(PARTS)
@pytest.mark.parametrize("part", range(PARTS))
def test_many_clusters_many_flows(tmp_path: Path, part: int) -> None:
    seen = [
        row
        for seed in range(part, CLUSTERS, PARTS)
        for row in compare(Random(seed), tmp_path / "c.yaml")
    ]
    assert len(seen) >= 16_000 // PARTS
    became = Counter(counter for _, counter, _ in seen)
    assert {*became} == {"delivered", *DROPS.values()}
    assert min(became.values()) / len(seen) > 0.01, became
    asked = Counter(one for _, _, besides in seen for one in besides)
    assert min(asked["request"], asked["authentication"]) / len(seen) > 0.0005, asked
    assert 0.15 < share_of_v6(flow for flow, _, _ in seen) < 0.8


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.randoms(use_true_random=False))
def test_any_cluster(tmp_path: Path, rng: Random) -> None:
    compare(rng, tmp_path / "c.yaml")
