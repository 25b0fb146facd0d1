"""Generators speak of endpoints' own addresses, are seeded, distinct, and mixed as asked."""

from __future__ import annotations

import numpy as np
import pytest
from routed import at, endpoint, routed
from wired import wired

from compiler.compile import compile_policy
from compiler.policy.ir import L4, Action, Direction, Everyone, InVrf, Origin, Policy, Rule, Stage
from compiler.policy.semantics import owner
from fabric.building.network import Network
from sim.blocks.blocks import Blocks, build_blocks
from sim.packets.headers import DTYPES, Packets
from sim.pipeline.datapath import Datapath
from sim.pipeline.senders import Hosts
from sim.pipeline.tables import tables
from sim.pipeline.traffic import all_pairs, interesting_ports, n_pairs, random_flows


def world() -> tuple[Network, Blocks]:
    """Two tenants of ten pods each; only port 443 inside a tenant is permitted."""
    pods = [
        at(i % 4, endpoint(i, f"t{i // 10}/ns/p{i}", i // 10, f"10.0.0.{i}/32", f"fd00::{i}/128"))
        for i in range(20)
    ]
    inet = at(3, endpoint(20, "zone2/inet", 2, "0.0.0.0/0", "::/0", host=None))
    tables = {
        (vtep, vrf): [
            row
            for pod in pods
            if pod.vrf == vrf
            for row in (
                (str(pod.prefixes[0]), [(pod.vtep, vrf)]),
                (str(pod.prefixes[1]), [(pod.vtep, vrf)]),
            )
        ]
        for vtep in range(4)
        for vrf in range(2)
    } | {(3, 2): [("0.0.0.0/0", [(3, 2)]), ("::/0", [(3, 2)])]}
    nodes, vrfs = ["dpu1", "dpu2", "dpu3", "border1"], ["t0/main", "t1/main", "zone2/main"]
    network = wired(routed(nodes, vrfs, [*pods, inet], tables))
    same = tuple(InVrf(frozenset({name})) for name in vrfs[:2])
    rules = tuple(
        Rule(
            Stage.ISOLATION,
            direction,
            order,
            (Everyone(),),
            remote,
            l4,
            action,
            Origin("leak", "t"),
        )
        for direction in Direction
        for order, (remote, l4, action) in enumerate(
            [(same, (L4(6, 443, 443),), Action.PERMIT), ((Everyone(),), (), Action.DENY)]
        )
    )
    return network, build_blocks(compile_policy(network, Policy(rules)))


NETWORK, BLOCKS = world()


def rows(parts: list[Packets]) -> list[tuple[int, ...]]:
    packets = Packets.concat(parts)
    names = [name for name in DTYPES if name not in ("length", "count")]
    return list(zip(*(packets.columns()[name].tolist() for name in names), strict=True))


def assert_sources_own(packets: Packets) -> None:
    for i in range(0, len(packets), 97):
        flow = packets.flow(i)
        bound = owner(NETWORK, flow.vrf, flow.version, flow.src)
        assert bound is not None
        assert bound.index == flow.src_endpoint


def test_interesting_ports_stand_on_both_sides_of_bounds() -> None:
    ports = interesting_ports(BLOCKS)
    assert {p for proto, p in ports if proto == 6} == {0, 442, 443, 444, 65535}
    assert {p for proto, p in ports if proto == 17} == {0, 65535}
    assert {(1, 0), (58, 0)} <= set(ports)


def test_hosts_are_addresses_of_endpoints() -> None:
    hosts = Hosts.of(BLOCKS)
    assert len(hosts) == 42
    assert sorted(set(hosts.size.tolist()))[0] == 1
    assert (hosts.size > 1).sum() == 2


def test_pairs_are_all_pairs() -> None:
    ports = interesting_ports(BLOCKS)
    made = list(all_pairs(BLOCKS, batch=1000))
    assert sum(map(len, made)) == 2 * 21 * 20 * (len(ports) - 1) == n_pairs(BLOCKS)
    ways = {
        (version, protocol)
        for part in made
        for version, protocol in zip(part.version.tolist(), part.protocol.tolist(), strict=True)
    }
    assert {(4, 1), (6, 58), (4, 6), (6, 6)} <= ways
    assert not ways & {(4, 58), (6, 1)}
    assert len(set(rows(made))) == len(rows(made))
    assert_sources_own(made[0])
    assert {p.version for p in map(made[0].flow, range(10))} <= {4, 6}


def test_pairs_above_the_limit_are_sampled() -> None:
    ports = [(6, 443)]
    made = rows(list(all_pairs(BLOCKS, ports, limit=100)))
    assert len(made) == 100
    assert made == rows(list(all_pairs(BLOCKS, ports, limit=100)))
    assert made != rows(list(all_pairs(BLOCKS, ports, limit=100, seed=1)))


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_random_flows_are_distinct_seeded_and_permitted_as_asked(share: float) -> None:
    datapath = Datapath(tables(BLOCKS))

    def made(seed: int) -> list[Packets]:
        return list(
            random_flows(BLOCKS, 30_000, seed=seed, permitted=share, datapath=datapath, batch=8192)
        )

    first = made(1)
    assert [len(part) for part in first] == [8192, 8192, 8192, 30_000 - 3 * 8192]
    assert len(set(rows(first))) == 30_000
    assert rows(first) == rows(made(1))
    assert rows(first) != rows(made(2))
    packets = Packets.concat(first)
    assert_sources_own(packets)
    assert {4, 6} == set(packets.version.tolist())
    assert share - 0.02 < datapath.decide(packets).delivered.mean() < share + 0.2


def test_zipf_repeats_flows() -> None:
    made = rows(list(random_flows(BLOCKS, 20_000, zipf=1.1, batch=5000)))
    assert len(made) == 20_000
    counts = np.sort(np.unique(np.array(made), axis=0, return_counts=True)[1])[::-1]
    assert counts[0] > 10 * np.median(counts)


def test_empty_worlds_make_no_traffic() -> None:
    network = wired(routed(["dpu1"], ["a/main"], [], {}))
    blocks = build_blocks(compile_policy(network, Policy()))
    assert not list(random_flows(blocks, 100))
    assert sum(map(len, all_pairs(blocks))) == n_pairs(blocks) == 0
