"""The stateful stage against a model on a dictionary, packet by packet."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_worlds import policies, worlds
from wired import wired

from compiler.blocks import build_blocks
from compiler.compile import compile_policy
from compiler.ir import Policy
from fabric.network import Network
from sim.attach import Arrivals
from sim.classifier import tables
from sim.conntrack import COUNTERS, GENERATIONS, FlowTable, opening_packets
from sim.datapath import Datapath
from sim.packets import Flow, Packets
from sim.reasons import Reason
from sim.replay import decide

Answer = tuple[int, int, int, int]
Oracle = Callable[[Flow], Answer]


@dataclass
class Known:
    opening: Flow
    generation: int
    last: int


class Model:
    """Rules 1 to 5 of `sim.conntrack`. `oracle` gives route, reason and both endpoints of a packet
    that no flow knows."""

    def __init__(self, capacity: int, timeout: int) -> None:
        self.capacity, self.timeout = capacity, timeout
        self.flows: OrderedDict[Any, Known] = OrderedDict()
        self.clock = self.generation = 0
        self.counts = dict.fromkeys(COUNTERS, 0)

    def packet(self, flow: Flow, now: int, portless: bool, oracle: Oracle) -> tuple[int, int]:
        """Reason and flow state."""
        self.age(max(self.clock, now))
        route, reason, source, target = oracle(flow)
        if portless and reason != Reason.UNKNOWN_SOURCE:
            return Reason.FRAGMENT_DROP, 0
        if route != 0:
            return reason, 0
        ends = {(source, flow.src, flow.sport), (target, flow.dst, flow.dport)}
        key = frozenset(ends), flow.version, flow.protocol
        self.decide_again(key, oracle)
        if key in self.flows:
            known = self.flows[key]
            self.flows.move_to_end(key)
            known.last = self.clock
            forth = (known.opening.src, known.opening.sport) == (flow.src, flow.sport)
            forth = forth and oracle(known.opening)[2] == source
            self.counts["hit" if forth else "reply"] += 1
            return Reason.DELIVERED, 1 if forth else 2
        if reason == Reason.DELIVERED:
            if len(self.flows) == self.capacity:
                self.flows.popitem(last=False)
                self.counts["evicted"] += 1
            self.flows[key] = Known(flow, self.generation, self.clock)
            self.counts["created"] += 1
        return reason, 0

    def age(self, clock: int) -> None:
        self.clock = clock
        silent = [k for k, f in self.flows.items() if clock - f.last > self.timeout]
        for key in silent:
            del self.flows[key]
        self.counts["aged"] += len(silent)

    def decide_again(self, key: Any, oracle: Oracle) -> None:
        known = self.flows.get(key)
        if known is None or known.generation == self.generation:
            return
        self.counts["redecided"] += 1
        known.generation = self.generation
        if oracle(known.opening)[1] != Reason.DELIVERED:
            del self.flows[key]
            self.counts["revoked"] += 1


def pairs(network: Network) -> list[tuple[Flow, Flow]]:
    """Packets between any two addresses, each with its reply."""
    return [
        (ask, ask.reply(b.vrf))
        for a in network.endpoints
        for b in network.endpoints
        for p in a.prefixes
        for q in b.prefixes
        if p.version == q.version
        for ask in (Flow(a.vrf, p.version, int(p[0]), int(q[-1]), 6, 2000, 80),)
    ]


def routed(network: Network, policy: Policy) -> list[tuple[Flow, Flow]]:
    """Those that arrive unless a policy denies them; every one if there are none."""
    datapath = Datapath(tables(build_blocks(compile_policy(network, policy)), network), threads=1)
    told = answers(datapath, [ask for ask, _ in pairs(network)])
    return [pair for pair in pairs(network) if told[pair[0]][0] == 0] or pairs(network)


def answers(datapath: Datapath, flows: Sequence[Flow]) -> dict[Flow, Answer]:
    """What the stateless datapath says of each flow."""
    v = datapath.decide(Packets.of(flows), complete=True)
    columns = (v.route, v.reason, v.src_endpoint, v.dst_endpoint)
    return dict(zip(flows, zip(*(c.tolist() for c in columns), strict=True), strict=True))


class Both:
    """A flow table and the model, fed with the same packets."""

    def __init__(self, network: Network, programs: Sequence[Policy], capacity: int, timeout: int):
        compiled = (build_blocks(compile_policy(network, policy)) for policy in programs)
        self.datapaths = [Datapath(tables(blocks, network), threads=1) for blocks in compiled]
        self.table, self.model = FlowTable(capacity, timeout), Model(capacity, timeout)
        self.policy = 0

    def bump(self, policy: int) -> None:
        self.policy = policy
        self.table.bump()
        self.model.generation += 1

    def batch(self, flows: Sequence[Flow], time: Sequence[int], portless: Sequence[bool]) -> None:
        """Verdicts, counters and live flows are the same on both sides."""
        datapath, none, n = self.datapaths[self.policy], None, len(flows)
        every = {*flows, *(known.opening for known in self.model.flows.values())}
        told = answers(datapath, list(every))
        expected = [
            self.model.packet(flow, now, blind, told.__getitem__)
            for flow, now, blind in zip(flows, time, portless, strict=True)
        ]
        times, blind = np.array(time, np.int64), np.array(portless, np.bool_)
        source: Any = none
        arrivals = Arrivals(Packets.of(flows), times, blind, np.arange(n), source)
        verdicts = decide(datapath, arrivals, self.table)
        found = zip(verdicts.reason.tolist(), verdicts.flow_state.tolist(), strict=True)
        assert list(found) == expected
        assert self.table.counts() == {**self.model.counts, "create_failed": 0}
        opened = opening_packets(self.table.flows(), datapath.tables.ep_vrf)
        live = {replace(opened.flow(i), src_endpoint=-1) for i in range(len(opened))}
        assert live == {known.opening for known in self.model.flows.values()}
        assert len(self.table) == len(self.model.flows)


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
