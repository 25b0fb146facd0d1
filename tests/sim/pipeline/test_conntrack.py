"""The stateful stage against a model on a dictionary, packet by packet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from part_alone import alone
from random_worlds import policies, worlds
from tracking_model import Both, Sent, answers, pairs, pings, routed
from wired import wired

from compiler.policy.ir import Policy
from fabric.building.network import Network
from sim.kernels.pipeline import flow_table
from sim.kernels.pipeline.flow_table import ALIVE, KEY_ROWS
from sim.packets.headers import Flow
from sim.packets.icmp import ERROR, OTHER
from sim.pipeline.conntrack import GENERATIONS, FlowTable

find = alone(flow_table.find)
STEP = st.tuples(
    st.integers(0, 2**16),
    st.booleans(),
    st.sampled_from([0, 0, 1, 5, -3]),
    st.sampled_from(["", "", "", "", "", "cut", "bump", "swap", "portless"]),
)


@settings(max_examples=40)
@given(worlds(), policies(), policies(), st.lists(STEP, min_size=25, max_size=80), st.data())
def test_stage_behaves_like_the_model(
    world: Network, one: Policy, two: Policy, steps: list[Any], data: Any
) -> None:
    network = wired(world)
    capacity, timeout = (
        data.draw(st.sampled_from([1, 2, 5, 64])),
        data.draw(st.sampled_from([4, 99])),
    )
    few = data.draw(st.lists(st.sampled_from(routed(network, one)), min_size=1, max_size=8))
    both, clock = Both(network, [one, two], capacity, timeout), 0
    batch: list[tuple[Flow, int, bool]] = []
    for number, back, pause, action in [*steps, (0, False, 0, "cut")]:
        clock += pause
        batch.append((few[number % len(few)][back], max(clock, 0), action == "portless"))
        if action not in ("", "portless"):
            both.batch(*zip(*batch, strict=True))
            batch.clear()
        if action in ("bump", "swap"):
            both.bump(both.policy ^ (action == "swap"))


@pytest.mark.slices(2)
@settings(max_examples=40)
@given(worlds(), policies(), policies(), st.integers(0, 2**32), st.sampled_from([2, 6, 64]))
def test_icmp_queries_and_errors_behave_like_the_model(
    world: Network, one: Policy, two: Policy, seed: int, capacity: int
) -> None:
    """Queries by identifier and asker; errors that quote any of the packets before, sent by an end
    of the flow or by somebody else, to whoever sent the packet or to somebody else."""
    network, rng = wired(world), np.random.default_rng(seed)
    both, clock = Both(network, [one, two], capacity, 50), 0
    some = [pair for pair in routed(network, one) if pair[0].src != pair[0].dst]
    few = [some[i] for i in rng.integers(0, len(some), 3)]
    stock = [Sent(flow) for pair in few for flow in pair]
    for ask, reply in few:
        vrf = network.vrfs[reply.vrf].index
        stock += [replace(p, flow=replace(p.flow, vrf=vrf)) if p.flow.src == reply.src else p
                  for p in pings(ask)]  # fmt: skip
    for _ in range(6):
        sent: list[Sent] = []
        for number in rng.integers(0, len(stock), 30).tolist():
            p = stock[number]
            if rng.random() < 0.4:
                about, by = stock[int(rng.integers(len(stock)))], few[int(rng.integers(3))]
                if about.kind != OTHER:
                    back = about.flow.reply(by[1].vrf) if rng.random() < 0.7 else by[0]
                    icmp = 1 if about.flow.version == 4 else 58
                    to = replace(back, dst=about.flow.src, protocol=icmp, sport=0, dport=0)
                    if to.version == about.flow.version:
                        p = Sent(to, ERROR, 0, about)
            sent.append(p)
        times = (clock + np.cumsum(rng.integers(0, 4, len(sent)))).tolist()
        clock = times[-1]
        both.batch(sent, times, [False] * len(sent))
        if rng.random() < 0.5:
            both.bump(int(rng.integers(2)))


@settings(max_examples=6)
@given(worlds(), policies(), policies(), st.integers(0, 2**32), st.sampled_from([3, 250, 5000]))
def test_many_flows_in_large_batches(
    world: Network, one: Policy, two: Policy, seed: int, capacity: int
) -> None:
    network = wired(world)
    rng, both = np.random.default_rng(seed), Both(network, [one, two], capacity, 900)
    some, clock = routed(network, one), 0
    some = [some[i] for i in rng.integers(0, len(some), 4)]
    for size in (700, 3000, 10, 257, 2000):
        flows, times = [], []
        for port in rng.integers(1024, 1200, size).tolist():
            ask, reply = some[int(rng.integers(len(some)))]
            clock += int(rng.integers(0, 3))
            ask, reply = replace(ask, sport=port), replace(reply, dport=port)
            flows.append(reply if rng.random() < 0.5 else ask)
            times.append(clock)
        both.batch(flows, times, rng.random(size) < 0.01)  # type: ignore[arg-type]
        both.bump(int(rng.integers(2)))


@pytest.mark.parametrize("word", range(6))
def test_a_flow_is_known_by_all_of_its_key(word: int) -> None:
    """Two flows that meet in one place of the table differ in one word."""
    u = np.uint64
    table, q = np.zeros(32, u), np.zeros((KEY_ROWS, 2), u)
    q[:6, 0] = q[:6, 1] = range(11, 17)
    q[word, 1] += u(1)
    at = int(find(table, q, u(0)))
    table[at : at + 6], table[at + 6] = q[:6, 0], ALIVE
    assert find(table, q, u(0)) == at
    assert find(table, q, u(1)) != at


@settings(max_examples=2)
@given(worlds(), policies())
def test_the_least_recent_flow_makes_room(world: Network, policy: Policy) -> None:
    """One flow more than fit, over and over: each is evicted just before it comes again."""
    both = Both(wired(world), [policy], 300, 10**9)
    ask = max(pairs(wired(world)), key=lambda p: answers(both.datapaths[0], p)[p[0]][1] == 0)[0]
    turn = [replace(ask, sport=port) for port in range(1, 302)]
    both.batch(turn * 3, range(903), [False] * 903)


def test_generations_may_wrap_around() -> None:
    table = FlowTable(4)
    table.table[6], table.generation = np.uint64(1 | 1 << 2 | 9 << 22), GENERATIONS - 1
    table.bump()
    assert (table.generation, int(table.table[6])) == (GENERATIONS, 1 | 9 << 22)


def test_a_table_for_no_flow_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        FlowTable(0)
