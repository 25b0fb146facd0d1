"""What was observed, as flows between endpoints of a world, and what the world does with each.

Rules that hold here:

1. A flow is what a connection opens: source, destination, protocol and destination port. Of TCP the
   first packet tells (SYN without ACK), Hubble marks replies; elsewhere a port of 32768 and up asks
   one below. What neither tells is not taken (`UNCLEAR`), nor is what answers.
2. A pod that a log names by namespace and name is the one of that name, else one of its workload,
   wherever the model puts it; addresses are whose they are. Who is nobody, or several, is told.
3. What was dropped where it was observed is no flow that passes, whatever the model says.
4. Every flow is decided as its first packet, by the policies and routes of the world. Where
   something that is not evaluated touches an end, nobody knows whether it passes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, InputError
from fabric.kubernetes.unmodelled.unevaluated import pending
from fabric.values.inventory import Endpoint
from fabric.values.ports import WITH_PORTS
from sim.blocks.numbering import same_rows
from sim.packets.flow_log import FlowLog, LoggedEnd, LoggedFlow
from sim.packets.headers import HEADER, Packets
from sim.packets.notation import show
from sim.packets.reasons import reasons
from sim.pipeline.arrivals import Arrivals
from sim.pipeline.datapath import Datapath
from sim.wording.verdicts import touching
from sim.worlds.world import World

TCP, EPHEMERAL, LOW = 6, 32768, 2**64 - 1
MOST = 100_000
"""Distinct flows."""
SYN, ACK = 0x02, 0x10
ANSWER, UNCLEAR, PORTLESS = "answers", "which way is not known", "ports not known"
DROPPED_THERE, NOBODY, UNKNOWN = (
    "dropped where it was observed",
    "between ends not known",
    "unknown",
)
ITSELF = "to itself"


@dataclass(frozen=True, slots=True, order=True)
class ObservedFlow:
    """Ends are endpoints, by index; `packets` of it, or lines of a log."""

    source: int
    target: int
    version: int
    src: int
    dst: int
    protocol: int
    sport: int
    dport: int
    packets: int = 1


@dataclass(slots=True)
class Observed:
    """`passing` flows, which the world lets through; `left` are others, by why: how many packets or
    lines, and one of them."""

    passing: list[ObservedFlow] = field(default_factory=list)
    left: dict[str, tuple[int, str]] = field(default_factory=dict)

    def leave(self, why: str, count: int, example: str) -> None:
        """Some packets that are not taken."""
        before, first = self.left.get(why, (0, example))
        self.left[why] = before + count, first


Key = tuple[int, int, int, int, int, int]
"""VRF, version, addresses, protocol, destination port."""


class FlowsSeen:
    """Distinct flows of a world's captures and logs, with how often each was seen."""

    def __init__(self, world: World, *, dropped_too: bool = False) -> None:
        self.world, self.dropped_too = world, dropped_too
        self.counts = Counter[Key]()
        self.sport: dict[Key, int] = {}
        self.found = Observed()
        self.places = _LoggedPods(world.network)

    def add_arrivals(self, batches: Iterable[Arrivals]) -> None:
        """The packets of captures."""
        opened = set[tuple[int, ...]]()
        for batch in batches:
            packets, opening = batch.packets, opens(batch)
            columns = [getattr(packets, name) for name in ("vrf", *HEADER)]
            of_row, sample = same_rows([*columns, opening, batch.portless])
            counts = np.bincount(of_row, minlength=len(sample)).tolist()
            order = np.argsort(-opening[sample], kind="stable").tolist()
            for at in order:
                row = int(sample[at])
                flow, says = packets.flow(row), int(opening[row])
                ends = flow.src, flow.dst, flow.sport, flow.dport
                if says > 0 and len(opened) < MOST:
                    opened |= {ends, (ends[1], ends[0], ends[3], ends[2])}
                elif says < 0 and flow.protocol == TCP and ends in opened:
                    continue  # goes on, or answers
                why = _not_taken(
                    flow.protocol, flow.sport, flow.dport, None if says < 0 else says > 0
                )
                why = PORTLESS if batch.portless[row] else why
                why = NOBODY if flow.vrf < 0 else why
                if why:
                    self.found.leave(why, counts[at], show(flow))
                    continue
                key = flow.vrf, flow.version, flow.src, flow.dst, flow.protocol, flow.dport
                self.add(key, flow.sport, counts[at])

    def add_log(self, log: FlowLog) -> None:
        """The lines of a log."""
        for line, flow in log:
            words = f"{log.path.name}:{line}"
            ends = self.places.ends(flow)
            opening = None if flow.reply is None else not flow.reply
            why = _not_taken(flow.protocol, flow.sport, flow.dport, opening)
            why = DROPPED_THERE if flow.passed is False and not self.dropped_too else why
            if why or ends is None:
                self.found.leave(why or NOBODY, 1, words)
                continue
            (source, src), (_, dst) = ends
            key = source.vrf, flow.version, src, dst, flow.protocol, flow.dport
            self.add(key, flow.sport)

    def add(self, key: Key, sport: int, count: int = 1) -> None:
        """Packets or lines of one flow."""
        self.counts[key] += count
        self.sport.setdefault(key, sport)
        if len(self.counts) > MOST:
            what = f"more than {MOST:,} different flows were observed"
            hint = "ask about some at a time"
            raise InputError(Diagnostic("C955", what, None, hint))

    def packets(self) -> Packets:
        """One of each flow, in order; there must be some."""
        return packets_of((*key, self.sport[key]) for key in sorted(self.counts))

    def judged(self) -> Observed:
        """What the world does with each (rule 4)."""
        keys = sorted(self.counts)
        if not keys:
            return self.found
        packets = self.packets()
        verdicts = Datapath.of(self.world).decide(packets)
        network, known = self.world.network, reasons(self.world.program.stages).numbered
        touch = touching(network)
        for row, key in enumerate(keys):
            ends = int(verdicts.src_endpoint[row]), int(verdicts.dst_endpoint[row])
            words, count = show(packets.flow(row)), self.counts[key]
            if not verdicts.delivered[row]:
                self.found.leave(known[int(verdicts.reason[row])].label, count, words)
            elif pending(touch.of(*(end for end in ends if end >= 0))):
                self.found.leave(UNKNOWN, count, words)
            elif ends[0] == ends[1]:
                self.found.leave(ITSELF, count, words)
            else:
                _, version, src, dst, protocol, dport = key
                flow = *ends, version, src, dst, protocol, self.sport[key], dport, count
                self.found.passing.append(ObservedFlow(*flow))
        return self.found


def packets_of(rows: Iterable[tuple[int, ...]]) -> Packets:
    """A packet for each VRF, version, addresses, protocol, destination and source port."""
    columns = list(zip(*rows, strict=True))
    vrf, version, src, dst, protocol, dport, sport = columns
    return Packets.make(
        np.array(version, np.uint8),
        vrf=np.array(vrf, np.int32),
        src_hi=np.array([a >> 64 for a in src], np.uint64),
        src_lo=np.array([a & LOW for a in src], np.uint64),
        dst_hi=np.array([a >> 64 for a in dst], np.uint64),
        dst_lo=np.array([a & LOW for a in dst], np.uint64),
        protocol=np.array(protocol, np.uint8),
        sport=np.array(sport, np.uint16),
        dport=np.array(dport, np.uint16),
        length=64,
    )


def _not_taken(protocol: int, sport: int, dport: int, opening: bool | None) -> str | None:
    """Rule 1: why a packet opens nothing."""
    if opening is not None:
        return None if opening else ANSWER
    if protocol not in WITH_PORTS or (dport < EPHEMERAL <= sport):
        return None
    return ANSWER if sport < EPHEMERAL <= dport else UNCLEAR


def opens(batch: Arrivals) -> NDArray[np.int8]:
    """Of each packet whether its TCP flags say that it opens a connection (1), that it answers what
    does (0), or nothing (-1), int8[packets]."""
    header, data, records = batch.source.header, batch.source.data, batch.source.records
    out = np.full(len(batch.packets), -1, np.int8)
    found = np.flatnonzero(batch.packets.protocol == TCP)
    frame = batch.row[found]
    at, end = header.ip[frame], (records.offset + records.captured)[frame]
    four = header.version[frame] == 4
    whole = (header.fragment[frame] == 0) & (at + 40 <= end)
    found, at, end, four = found[whole], at[whole], end[whole], four[whole]
    plain = four | (data[at + 6] == TCP)
    flags_at = at + np.where(four, (data[at] & 15).astype(np.int64) * 4, 40) + 13
    there = plain & (flags_at < end)
    flags = data[flags_at[there]]
    out[found[there]] = np.where(flags & (SYN | ACK) == SYN, 1, np.where(flags & SYN, 0, -1))
    return out


class _LoggedPods:
    """Whom logs mean (rule 2)."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.pods: dict[tuple[str, str], list[Endpoint]] = defaultdict(list)
        self.owners: dict[tuple[int, int], list[Endpoint]] = {}
        for end in network.endpoints:
            if end.namespace is not None and end.kind == "pod":
                self.pods[end.namespace, end.name.rpartition("/")[2]].append(end)
                if end.workload:
                    self.pods[end.namespace, end.workload].append(end)

    def ends(self, flow: LoggedFlow) -> tuple[tuple[Endpoint, int], tuple[Endpoint, int]] | None:
        """Both ends with their addresses; None where either is nobody, or several tenants'."""
        sources, targets = (self._some(end, flow.version) for end in (flow.source, flow.target))
        pairs = [(a, b) for a in sources for b in targets]
        if len(pairs) > 1:
            pairs = [
                (a, b) for a, b in pairs if a[0].tenant == b[0].tenant or a[0].zone != b[0].zone
            ]
        return pairs[0] if len(pairs) == 1 else None

    def _some(self, end: LoggedEnd, version: int) -> list[tuple[Endpoint, int]]:
        """One of each tenant that has somebody so called."""
        if end.namespace is not None and end.named:
            names = ([end.pod] if end.pod else []) + list(end.workloads)
            for name in names:
                tenants: dict[str, tuple[Endpoint, int]] = {}
                for pod in self.pods.get((end.namespace, name), ()):
                    for prefix in pod.prefixes:
                        if prefix.version == version:
                            tenants.setdefault(pod.tenant, (pod, int(prefix.network_address)))
                if tenants:
                    return list(tenants.values())
            return []
        key = version, end.address
        if key not in self.owners:
            self.owners[key] = [*self._owning(*key)]
        return [(owner, end.address) for owner in self.owners[key]]

    def _owning(self, version: int, address: int) -> Iterator[Endpoint]:
        """Who has an address, by the longest prefix."""
        best: list[tuple[int, Endpoint]] = []
        for end in self.network.endpoints:
            for prefix in end.prefixes:
                first = int(prefix.network_address)
                if prefix.version == version and first <= address < first + prefix.num_addresses:
                    best.append((prefix.prefixlen, end))
        longest = max((length for length, _ in best), default=0)
        yield from (end for length, end in best if length == longest)
