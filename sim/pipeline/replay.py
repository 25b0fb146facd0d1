"""replay: traffic → verdicts, counters, link loads, and how fast that went.

The speed is the simulator's. It says nothing about any DPU.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.policy.ir import Condition
from compiler.program.program import conditions_of
from fabric.building.network import Network
from fabric.io.phases import phase
from fabric.io.uncollected import uncollected
from sim.packets.headers import Packets
from sim.packets.reasons import Reason, reasons
from sim.pipeline.arrivals import Arrivals
from sim.pipeline.conntrack import FlowTable
from sim.pipeline.datapath import Counters, Datapath, Verdicts
from sim.worlds.world import World

Traffic = Packets | Arrivals
Progress = Callable[[int], None]
Sink = Callable[[Traffic, Verdicts], None]


@dataclass(frozen=True, slots=True)
class Imbalance:
    """How unevenly a node loads the links of one tier above it: the busiest link's bytes over the
    mean of all. 1.0 is even."""

    node: str
    links: int
    ratio: float
    busiest: str


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """`verdicts` counts packets by reason; `entries` (packets, bytes) by entry id; `links` the same
    per link and direction: row `2 * link` up, `2 * link + 1` down; `flows` the flow table's
    counters when there was one; `conditions` what some permits ask for besides what a header tells:
    packets are counted as if it held. `seconds` is the time in the datapath alone."""

    packets: int
    bytes: int
    verdicts: Mapping[Reason, int]
    entries: NDArray[np.uint64]
    links: NDArray[np.uint64]
    seconds: float
    threads: int
    flows: Mapping[str, int] | None = None
    conditions: tuple[Condition, ...] = ()

    @property
    def delivered(self) -> int:
        """Packets that arrived."""
        return self.verdicts[Reason.DELIVERED]

    @property
    def packets_per_second(self) -> float:
        """The simulator's speed, on all threads together."""
        return self.packets / self.seconds if self.seconds else 0.0


@phase("replay")
def replay(
    world: World,
    traffic: Traffic | Iterable[Traffic],
    *,
    threads: int = 2,
    flow_table: FlowTable | None = None,
    progress: Progress | None = None,
    sink: Sink | None = None,
) -> ReplayReport:
    """Send batches through the datapath. With a `flow_table` replies and later packets of known
    flows skip the groups. `progress` hears how many headers are done, `sink` gets every batch with
    its verdicts."""
    datapath = Datapath.of(world, threads)
    _warm(datapath, flow_table)
    total = Counters.zero(datapath.tables)
    seconds, done = 0.0, 0
    for batch in _batches(traffic):
        start = time.perf_counter()
        packets = batch.packets if isinstance(batch, Arrivals) else batch
        verdicts, counters = _counted(datapath, batch, flow_table, kept=sink is not None)
        total.add(counters)
        seconds += time.perf_counter() - start
        done += len(packets)
        if sink is not None:
            sink(batch, verdicts)
        if progress is not None:
            progress(done)
    return ReplayReport(
        int(total.reasons[:, 0].sum()),
        int(total.reasons[:, 1].sum()),
        {
            reason: int(total.reasons[reason, 0])
            for reason in reasons(world.program.stages).in_order
        },
        total.entries(world.blocks.dec_entries, world.program.n_entries),
        total.links,
        seconds,
        threads,
        flow_table.counts() if flow_table is not None else None,
        conditions_of(world.program),
    )


@phase("load kernels")
@uncollected()
def _warm(datapath: Datapath, flow_table: FlowTable | None) -> None:
    """Load (or compile) the kernels of this replay, and no others, so that nobody times that."""
    _counted(datapath, Packets.of([]), flow_table, kept=False)


def _counted(
    datapath: Datapath, batch: Traffic, flow_table: FlowTable | None, *, kept: bool
) -> tuple[Verdicts, Counters]:
    """Verdicts and counters of one batch: in one pass where the groups alone decide."""
    if flow_table is None and not isinstance(batch, Arrivals):
        return datapath.decide_and_count(batch, kept=kept)
    if flow_table is None and isinstance(batch, Arrivals) and not batch.portless.any():
        return datapath.decide_and_count(batch.packets, kept=kept)
    packets = batch.packets if isinstance(batch, Arrivals) else batch
    verdicts = decide(datapath, batch, flow_table)
    return verdicts, datapath.count(packets, verdicts)


def decide(datapath: Datapath, batch: Traffic, flow_table: FlowTable | None = None) -> Verdicts:
    """Verdicts of one batch: the flow table's word where it has one, and no word on packets whose
    ports nobody knows."""
    if isinstance(batch, Arrivals):
        packets, time, portless, icmp = batch.packets, batch.time, batch.portless, batch.icmp
    else:
        packets, n, icmp = batch, len(batch), None
        time, portless = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    if flow_table is None:
        verdicts = datapath.decide(packets)
    else:
        verdicts = flow_table.decide(datapath, packets, time, portless, icmp)
    if portless.any():
        blind = portless & (verdicts.reason != Reason.UNKNOWN_SOURCE)
        verdicts.reason[blind] = verdicts.route[blind] = Reason.FRAGMENT_DROP
        verdicts.out_decision[blind] = verdicts.in_decision[blind] = -1
    return verdicts


def imbalances(network: Network, links: NDArray[np.uint64]) -> list[Imbalance]:
    """Per node with several links to the tier above that carried anything: worst first. Where load
    goes by the speeds of links, so does the comparison."""
    fabric, speeds = network.fabric, network.underlay.speeds
    groups: dict[tuple[int, str], list[int]] = {}
    for link in fabric.links:
        if link.kind != "host":
            groups.setdefault((link.a, fabric.nodes[link.b].role), []).append(link.index)
    found = []
    for (node, _), members in groups.items():
        load = links[2 * np.array(members), 1].astype(float)
        load /= 1 if speeds is None else np.array(speeds)[members]
        if len(members) > 1 and load.any():
            busiest = fabric.links[members[int(load.argmax())]].name
            ratio = float(load.max() / load.mean())
            found.append(Imbalance(fabric.nodes[node].name, len(members), ratio, busiest))
    return sorted(found, key=lambda i: (-i.ratio, i.node))


def _batches(traffic: Traffic | Iterable[Traffic]) -> Iterator[Traffic]:
    if isinstance(traffic, Packets | Arrivals):
        yield traffic
    else:
        yield from traffic
