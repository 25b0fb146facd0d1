"""A model of connection tracking on a dictionary, packet by packet, and what feeds it and a flow
table with the same packets."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from naive import entries
from numpy.typing import NDArray

from compiler.compile import compile_policy
from compiler.policy.ir import Policy
from fabric.building.network import Network
from sim.blocks.blocks import build_blocks
from sim.kernels.pipeline.flow_table import OPENED_BY_B
from sim.packets.ecmp import ENTRY, choose, flow_hash
from sim.packets.headers import Flow, Packets
from sim.packets.icmp import OTHER, REPLY, REQUEST, Marks
from sim.packets.reasons import Reason
from sim.pipeline.arrivals import Arrivals
from sim.pipeline.conntrack import COUNTERS, STATE, FlowTable, Words
from sim.pipeline.datapath import Datapath
from sim.pipeline.replay import decide
from sim.pipeline.tables import tables

Answer = tuple[int, int, int, int, int]
Oracle = Callable[[Flow], Answer]


def entry(network: Network, source: int, flow: Flow) -> int:
    """The VTEP where a flow of an endpoint comes in."""
    at = entries(network, network.endpoints[source])
    return at[choose(flow_hash(flow), ENTRY, len(at))]


@dataclass(frozen=True)
class Sent:
    """A packet, and what its ICMP header says: kind, identifier, what an error quotes."""

    flow: Flow
    kind: int = 0
    ident: int = 0
    quotes: Sent | None = None

    @property
    def mark(self) -> int:
        cls = 1 if self.kind in (REQUEST, REPLY) else 0
        return self.kind << 24 | cls << 16 | self.ident


@dataclass
class Known:
    opening: Flow
    generation: int
    last: int


class Model:
    """The rules of `sim.pipeline.conntrack`. `oracle` gives route, reason and both endpoints of a
    packet that no flow knows, and what its OUT groups say."""

    def __init__(self, capacity: int, timeout: int, network: Network) -> None:
        self.capacity, self.timeout, self.network = capacity, timeout, network
        self.flows: OrderedDict[Any, Known] = OrderedDict()
        self.clock = self.generation = 0
        self.counts = dict.fromkeys(COUNTERS, 0)

    def packet(self, sent: Sent, now: int, portless: bool, oracle: Oracle) -> tuple[int, int]:
        """Reason and flow state."""
        self.age(max(self.clock, now))
        flow = sent.flow
        route, reason, source, target, out = oracle(flow)
        if portless and reason != Reason.UNKNOWN_SOURCE:
            return Reason.FRAGMENT_DROP, 0
        if route != 0:
            return reason, 0
        if sent.quotes is not None:
            return self.error(sent, reason, source, target, out, oracle)
        key = self.key(sent, source, target)
        self.decide_again(key, oracle)
        if key in self.flows:
            known = self.flows[key]
            self.flows.move_to_end(key)
            known.last = self.clock
            forth = (known.opening.src, known.opening.sport) == (flow.src, flow.sport)
            forth = forth and oracle(known.opening)[2] == source
            forth = sent.kind == REQUEST if sent.kind else forth
            self.counts["hit" if forth else "reply"] += 1
            return Reason.DELIVERED, 1 if forth else 2
        if reason == Reason.DELIVERED and sent.kind in (0, REQUEST):
            if len(self.flows) == self.capacity:
                self.flows.popitem(last=False)
                self.counts["evicted"] += 1
            self.flows[key] = Known(flow, self.generation, self.clock)
            self.counts["created"] += 1
        return reason, 0

    def key(self, sent: Sent, source: int, target: int) -> Any:
        """The name of a packet's flow; None if it can have none."""
        flow = sent.flow
        here, there = (source, flow.src), (target, flow.dst)
        if sent.kind == 0:
            ends = frozenset({(*here, flow.sport), (*there, flow.dport)})
            return ends, flow.version, flow.protocol
        asks = (here, there) if sent.kind == REQUEST else (there, here)
        return None if sent.kind == OTHER else (*asks, flow.version, sent.ident)

    def error(
        self, sent: Sent, reason: int, source: int, target: int, out: int, oracle: Oracle
    ) -> tuple[int, int]:
        assert sent.quotes is not None
        inner = quoted(self.network, sent.quotes, target)
        route, _, a, b, _ = oracle(inner.flow)
        key = self.key(inner, a, b) if route == 0 else None
        known = self.flows.get(key)
        if known is not None and known.generation != self.generation:
            self.counts["redecided"] += 1
            if oracle(known.opening)[1] != Reason.DELIVERED:
                del self.flows[key]
                self.counts["revoked"] += 1
                known = None
        ends = {vtep for e in (a, b) for vtep in self.network.endpoints[e].vteps}
        if known is None or (out and entry(self.network, source, sent.flow) not in ends):
            return (out or reason), 0
        self.counts["related"] += 1
        return Reason.DELIVERED, 3

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


def quoted(network: Network, inner: Sent, by: int) -> Sent:
    """What an error quotes, as a packet of whoever gets the error."""
    return replace(inner, flow=replace(inner.flow, vrf=network.endpoints[by].vrf, src_endpoint=by))


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
    datapath = Datapath(tables(build_blocks(compile_policy(network, policy))), threads=1)
    told = answers(datapath, [ask for ask, _ in pairs(network)])
    return [pair for pair in pairs(network) if told[pair[0]][0] == 0] or pairs(network)


def answers(datapath: Datapath, flows: Sequence[Flow]) -> dict[Flow, Answer]:
    """What the stateless datapath says of each flow."""
    v = datapath.decide(Packets.of(flows), complete=True)
    out = datapath.tables.dec_reason[np.maximum(v.out_decision, 0)]
    columns = (v.route, v.reason, v.src_endpoint, v.dst_endpoint, out)
    return dict(zip(flows, zip(*(c.tolist() for c in columns), strict=True), strict=True))


class Both:
    """A flow table and the model, fed with the same packets."""

    def __init__(self, network: Network, programs: Sequence[Policy], capacity: int, timeout: int):
        compiled = (build_blocks(compile_policy(network, policy)) for policy in programs)
        self.datapaths = [Datapath(tables(blocks), threads=1) for blocks in compiled]
        self.table, self.model = FlowTable(capacity, timeout), Model(capacity, timeout, network)
        self.policy, self.network = 0, network

    def bump(self, policy: int) -> None:
        self.policy = policy
        self.table.bump()
        self.model.generation += 1

    def batch(
        self, packets: Sequence[Flow | Sent], time: Sequence[int], portless: Sequence[bool]
    ) -> None:
        """Verdicts, counters and live flows are the same on both sides."""
        datapath, none, n = self.datapaths[self.policy], None, len(packets)
        sent = [p if isinstance(p, Sent) else Sent(p) for p in packets]
        flows = [p.flow for p in sent]
        told = answers(datapath, flows)
        every = {*flows, *(known.opening for known in self.model.flows.values())}
        every |= {quoted(self.network, p.quotes, told[p.flow][3]).flow for p in sent if p.quotes}
        told = answers(datapath, list(every))
        expected = [
            self.model.packet(one, now, blind, told.__getitem__)
            for one, now, blind in zip(sent, time, portless, strict=True)
        ]
        times, blind = np.array(time, np.int64), np.array(portless, np.bool_)
        source: Any = none
        arrivals = Arrivals(Packets.of(flows), times, blind, np.arange(n), source, marks(sent))
        verdicts = decide(datapath, arrivals, self.table)
        found = zip(verdicts.reason.tolist(), verdicts.flow_state.tolist(), strict=True)
        got = list(found)
        wrong = [
            (i, s, g, x)
            for i, (s, g, x) in enumerate(zip(sent, got, expected, strict=True))
            if g != x
        ]
        assert not wrong, wrong[0]
        counts, wanted = self.table.counts(), {**self.model.counts, "create_failed": 0}
        assert counts == wanted, (counts, wanted)
        opened = opening_packets(self.table.flows(), datapath.tables.ep_vrf)
        live = {replace(opened.flow(i), src_endpoint=-1) for i in range(len(opened))}
        assert live == {known.opening for known in self.model.flows.values()}
        assert len(self.table) == len(self.model.flows)


def opening_packets(rows: Words, ep_vrf: NDArray[np.int32]) -> Packets:
    """The headers that opened these flows."""
    words = rows.T
    by_b = words[STATE] & OPENED_BY_B != 0
    low = np.uint64(0xFFFF) * (words[4] >> np.uint64(48) == 0).astype(np.uint64)
    a_port, b_port = words[4] >> np.uint64(16) & low, words[4] & low
    a_end = (words[5] >> np.uint64(32)).astype(np.int64)
    b_end = (words[5] & np.uint64(0xFFFFFFFF)).astype(np.int64)
    source = np.where(by_b, b_end, a_end)
    return Packets.make(
        words[4] >> np.uint64(40) & np.uint64(0xFF),
        src_endpoint=source,
        vrf=ep_vrf[source],
        src_lo=np.where(by_b, words[2], words[0]),
        src_hi=np.where(by_b, words[3], words[1]),
        dst_lo=np.where(by_b, words[0], words[2]),
        dst_hi=np.where(by_b, words[1], words[3]),
        protocol=words[4] >> np.uint64(32) & np.uint64(0xFF),
        sport=np.where(by_b, b_port, a_port),
        dport=np.where(by_b, a_port, b_port),
    )


def marks(sent: Sequence[Sent]) -> Marks | None:
    """What `sim.pipeline.arrivals` would make of these packets; None when there is nothing to
    say."""
    inner = [p.quotes for p in sent if p.quotes]
    numbers = np.cumsum([p.quotes is not None for p in sent]) - 1
    if not any(p.kind for p in sent):
        return None
    return Marks(
        np.array([p.mark for p in sent], np.uint32),
        np.where([p.quotes is not None for p in sent], numbers, -1).astype(np.int32),
        Packets.of([p.flow for p in inner]),
        np.array([p.mark for p in inner], np.uint32),
    )


def pings(ask: Flow) -> list[Sent]:
    """Between the ends of a flow: queries and replies both ways, with two identifiers."""
    to = replace(ask, protocol=1 if ask.version == 4 else 58, sport=0, dport=0)
    return [
        Sent(flow, kind, ident)
        for flow in (to, to.reply(to.vrf))
        for kind in (REQUEST, REPLY, OTHER)
        for ident in ((7, 8) if kind != OTHER else (0,))
    ]
