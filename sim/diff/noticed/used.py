"""What of a world the packets of flows, and those that expectations speak of, ever meet.

Coverage by mutation asks whether an expectation would fail; this asks less: whether a packet comes
by at all. What none meets is neither tested nor used.

Rules that hold here:

1. A flow meets the entries that decide its packets at both ends, its endpoints, and what becomes of
   it: delivery or a reason for which packets are dropped. Replies to a known flow skip the entries.
2. An expectation that holds speaks of every packet between its pairs on its ports: one of each port
   that entries tell apart is sent.
3. A line is used by the packets that met an entry of its own; an isolation is by those that nothing
   else permitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Direction
from fabric.diagnostics import Diagnostic, Span, UndecidedError
from fabric.values.ports import ANY, WITH_PORTS
from sim.diff.noticed.subjects import WrittenLine
from sim.packets.headers import Packets
from sim.packets.reasons import Reason, reasons
from sim.pipeline.arrivals import Arrivals
from sim.pipeline.conntrack import FlowTable
from sim.pipeline.datapath import Verdicts
from sim.pipeline.replay import replay
from sim.pipeline.senders import Hosts, packets_between
from sim.pipeline.traffic import interesting_ports
from sim.proof.expectations.expect import Claim, pairs_of
from sim.worlds.world import World

Bits = NDArray[np.bool_]
MOST_PACKETS = 20_000_000
STEP = 1 << 18
ISOLATES = " isolates "
WAYS = {"ingress": Direction.IN, "egress": Direction.OUT}
Line = tuple[Span | None, str, Direction]
"""Where something is written, what it is called, and the direction of its entries."""


@dataclass(frozen=True, slots=True)
class Met:
    """What packets met: how many each entry, int64[entries], which endpoints, bool[endpoints], and
    how many were dropped for each reason."""

    packets: int
    entries: NDArray[np.int64]
    endpoints: Bits
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Used:
    """What flows met in a world, and what packets did of which expectations speak."""

    world: World
    by_flows: Met
    by_expectations: Met
    by_line: Mapping[Line, int]

    def line(self, subject: WrittenLine) -> int:
        """Packets of flows that met a line (rule 3)."""
        title, _, way = subject.title.partition(ISOLATES)
        directions = (WAYS[way],) if way in WAYS else tuple(Direction)
        return sum(self.by_line.get((subject.span, title, one), 0) for one in directions)

    def unmet_entries(self) -> Iterator[str]:
        """Entries that nobody met, by who wrote them, without the defaults of stages."""
        program = self.world.program
        met = (self.by_flows.entries > 0) | (self.by_expectations.entries > 0)
        for group in program.groups:
            for entry in group.entries:
                if not met[entry.id]:
                    yield f"{group.direction.name.lower()} {program.origins[entry.origin]}"

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Entries, those that flows met, those that expectations met, those that either did."""
        at = [entry.id for group in self.world.program.groups for entry in group.entries]
        flows, asked = (met.entries[at] > 0 for met in (self.by_flows, self.by_expectations))
        return len(at), int(flows.sum()), int(asked.sum()), int((flows | asked).sum())

    def unmet_endpoints(self) -> Iterator[str]:
        """Endpoints that nobody met."""
        met = self.by_flows.endpoints | self.by_expectations.endpoints
        ends = self.world.network.endpoints
        yield from (ends[at].name for at in np.flatnonzero(~met).tolist())

    def unmet_reasons(self) -> Iterator[str]:
        """Reasons for which no packet was dropped."""
        met = {**self.by_flows.reasons, **self.by_expectations.reasons}
        for reason in reasons(self.world.program.stages).in_order:
            if reason is not Reason.DELIVERED and not met.get(reason.label):
                yield reason.label


def used(world: World, traffic: Iterable[Packets | Arrivals], claims: Iterable[Claim]) -> Used:
    """What flows, and packets of expectations that hold, meet. Raises `UndecidedError`."""
    flows = _met(world, traffic, FlowTable())
    return Used(world, flows, _met(world, _asked(world, claims), None), _by_line(world, flows))


def _by_line(world: World, flows: Met) -> Mapping[Line, int]:
    """Packets of flows that met the entries of each line."""
    program = world.program
    titles = [(origin.span, str(replace(origin, span=None))) for origin in program.origins]
    found: dict[Line, int] = {}
    for group in program.groups:
        for entry in (*group.entries, group.default_entry):
            if met := int(flows.entries[entry.id]):
                line = *titles[entry.origin], group.direction
                found[line] = found.get(line, 0) + met
    return found


def _met(world: World, traffic: Iterable[Packets | Arrivals], table: FlowTable | None) -> Met:
    """Rule 1."""
    ends = np.zeros(len(world.network.endpoints) + 1, np.bool_)

    def sink(batch: Packets | Arrivals, verdicts: Verdicts) -> None:
        ends[verdicts.src_endpoint] = ends[verdicts.dst_endpoint] = True

    report = replay(world, traffic, flow_table=table, sink=sink)
    return Met(
        report.packets,
        report.entries[:, 0].astype(np.int64),
        ends[:-1],
        {reason.label: count for reason, count in report.verdicts.items() if count},
    )


def _asked(world: World, claims: Iterable[Claim]) -> Iterator[Packets]:
    """Rule 2."""
    hosts, size = Hosts.of(world.blocks), len(world.network.endpoints)
    rows: dict[tuple[int, int], int] = {}
    for row, key in enumerate(zip(hosts.endpoint.tolist(), hosts.version.tolist(), strict=True)):
        rows.setdefault(key, row)
    every, sent = interesting_ports(world.blocks), 0
    for claim in (part for whole in claims for part in whole.each):
        ports = [
            (protocol, port)
            for protocol, port in every
            if claim.kind == "only"
            or any(r.protocol in (protocol, ANY) and r.first <= port <= r.last for r in claim.ports)
        ] or [(r.protocol, r.first) for r in claim.ports]
        keys = pairs_of(claim, world.network)
        (src, dst), six = np.divmod(keys // 2, size), keys % 2
        src, dst = (
            np.array([rows.get((end, version), -1) for end, version in pairs], np.int64)
            for pairs in (_versions(column, six) for column in (src, dst))
        )
        there = (src >= 0) & (dst >= 0)
        src, dst = src[there], dst[there]
        sent += len(src) * len(ports)
        if sent > MOST_PACKETS:
            what = f"expectations speak of more than {MOST_PACKETS:,} packets"
            raise UndecidedError(Diagnostic("C717", what, None, "leave --flows away", "unknown"))
        step = max(1, STEP // len(ports))
        for at in range(0, len(src), step):
            a, b = (np.repeat(column[at : at + step], len(ports)) for column in (src, dst))
            protocol, dport = np.tile(np.array(ports), (len(a) // len(ports), 1)).T
            sport = np.where(np.isin(protocol, list(WITH_PORTS)), 40000, 0)
            yield packets_between(hosts, a, b, protocol, sport, dport, None)


def _versions(ends: NDArray[np.int64], six: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    yield from zip(ends.tolist(), (4 + 2 * six).tolist(), strict=True)
