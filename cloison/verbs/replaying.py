"""Sending traffic through a world's tables: captures, every pair, or random flows.

What follows is the same for `cloison replay` and for `cloison.replay`. Captures have replies, so a
flow table remembers flows, unless it is not wanted; generated flows are new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloison.render.files import apart, writing
from cloison.render.table import Table
from cloison.views.caveats.diagnosed import diagnosed
from cloison.views.caveats.diagnosed import doubtful as told
from cloison.views.caveats.unknowns import as_rows, brief, notes
from cloison.views.packets import replayed
from cloison.views.world import World
from fabric.building.inputs import input_files
from fabric.building.network import Network, refuse_devices
from fabric.diagnostics import Diagnostic, InputError, did_you_mean
from fabric.kubernetes.unmodelled.unevaluated import pending
from fabric.values.inventory import wherever_written
from sim.packets.headers import Packets
from sim.packets.pcap import Reader
from sim.pipeline.arrivals import Arrivals, attach
from sim.pipeline.conntrack import FlowTable
from sim.pipeline.conversations import Conversations
from sim.pipeline.datapath import Datapath
from sim.pipeline.dropped import DroppedPackets
from sim.pipeline.flow_verdicts import FlowVerdicts
from sim.pipeline.replay import ReplayReport, Sink
from sim.pipeline.replay import replay as send
from sim.pipeline.traffic import all_pairs, random_flows, with_replies


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is sent: captures, whose packets enter `vrf` where theirs is not known; or generated:
    `pairs`, `count` random flows, of which a share is `permitted`, repeated by `zipf`, with
    `replies`. Packets that are dropped are written into the file `dropped`."""

    captures: Sequence[Reader] = ()
    vrf: str | None = None
    pairs: bool = False
    count: float | None = None
    seed: int = 0
    zipf: float | None = None
    permitted: float = 0.0
    replies: bool = False
    dropped: Path | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Replay:
    """What became of traffic. `known` are the flows at its end, if there was a flow table. The
    speed in its document is the simulator's, never a DPU's."""

    world: World
    report: ReplayReport
    by_flow: FlowVerdicts
    elsewhere: int = 0
    known: FlowTable | None = None

    @property
    def verdict(self) -> str:
        """Computed; unknown where something that is not evaluated may decide otherwise."""
        return verdict(self.world)

    def __bool__(self) -> bool:
        """An answer of more than two kinds is neither true nor false."""
        raise TypeError(f"compare .verdict, which is {self.verdict}: it is not true or false")

    @property
    def verdicts(self) -> Table:
        """Packets by what became of them."""
        return self._told(replayed.verdict_table(self.report))

    @property
    def flows(self) -> Table:
        """What became of each flow, busiest first."""
        return self._told(replayed.by_flow_table(self.by_flow, self.world.network))

    @property
    def rules(self) -> Table:
        """The rules that decided packets, busiest first."""
        return Table(tuple(replayed.rule_rows(self.report, self.world.blocks)), "Rules")

    @property
    def links(self) -> Table:
        """What each link carried, by direction."""
        network = self.world.network
        return replayed.link_table(self.report, network, len(self.report.links))

    def document(self) -> dict[str, Any]:
        """Everything as `cloison replay -o json` has it."""
        return document(self.world, self.report, self.by_flow, self.elsewhere)

    def _told(self, table: Table) -> Table:
        beside = (*doubtful(self.report, self.elsewhere), *notes(self.world.network.not_evaluated))
        return Table(table.rows, table.title, table.columns, beside)

    def __repr__(self) -> str:
        report, left_out = self.report, brief(self.world.network.not_evaluated)
        doubts = told(self.world.network)
        return f"{report.delivered:,} of {report.packets:,} packets delivered{left_out}{doubts}"

    def _repr_html_(self) -> str:
        return self.verdicts._repr_html_() + self.flows._repr_html_()


def verdict(world: World) -> str:
    """Computed; unknown where something that is not evaluated may decide otherwise."""
    return "unknown" if pending(world.network.not_evaluated) else "computed"


def document(
    world: World, report: ReplayReport, by_flow: FlowVerdicts | None, elsewhere: int
) -> dict[str, Any]:
    """What became of traffic, as `cloison replay -o json` has it, but for what captures hold."""
    found = replayed.document(report, world.network, world.blocks, by_flow)
    return {
        "schema": "cloison/replay/1",
        "captures": {},
        "replay": found | {"outer_source_elsewhere": elsewhere},
        "verdict": verdict(world),
        "not_evaluated": as_rows(world.network.not_evaluated),
        "diagnostics": diagnosed(world.network),
    }


def replay(
    world: World, asked: Traffic, *, stateless: bool = False, after: Replay | None = None
) -> Replay:
    """Traffic through the tables of a world. Flows that were known at the end of a replay `after`
    which this one comes are known, and decided again where the policy is another one."""
    refuse_devices(world.network, "a replay")
    by_flow, elsewhere = FlowVerdicts(world.blocks), Elsewhere()
    stateful = asked.captures or asked.replies or after is not None
    flows = None if stateless or not stateful else _known(world, after)
    report, _ = sent(world, asked, flows, by_flow, elsewhere)
    return Replay(world, report, by_flow, elsewhere.packets, flows)


def sent(
    world: World,
    asked: Traffic,
    flows: FlowTable | None,
    by_flow: FlowVerdicts | None,
    elsewhere: Elsewhere,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[ReplayReport, DroppedPackets | None]:
    """Traffic through the datapath; and what was written of dropped packets."""
    traffic: Iterable[Packets | Arrivals]
    if asked.captures:
        traffic = elsewhere.counted(arrivals(world, asked.captures, asked.vrf))
    else:
        traffic = generate(world, asked)
    if asked.dropped is None:
        return send(world, traffic, flow_table=flows, sink=by_flow, progress=progress), None
    apart(asked.dropped, input_files(world.network.spec))
    with writing(asked.dropped) as file:
        dropped = DroppedPackets(file, world.blocks)
        sinks: list[Sink] = [dropped, by_flow] if by_flow is not None else [dropped]
        sink = each(sinks)
        return send(world, traffic, flow_table=flows, sink=sink, progress=progress), dropped


def each(sinks: Sequence[Sink]) -> Sink:
    """One sink that hands every batch to several."""

    def sink(traffic: Any, verdicts: Any) -> None:
        for one in sinks:
            one(traffic, verdicts)

    return sink


def _known(world: World, after: Replay | None) -> FlowTable:
    """The flow table that a replay begins with. Raises `InputError`."""
    if after is None:
        return FlowTable()
    before, now = (
        [*map(wherever_written, of.vrfs), *map(wherever_written, of.endpoints)]
        for of in (after.world.network, world.network)
    )
    if before != now:
        hint = "flows go on where endpoints stay: see World.edit"
        raise InputError(Diagnostic("C856", "worlds have different endpoints", None, hint))
    return FlowTable() if after.known is None else after.known.copy()


@dataclass(slots=True)
class Elsewhere:
    """Counts packets in tunnels whose outer source is not where their own source lives."""

    packets: int = 0

    def counted(self, batches: Iterable[Arrivals]) -> Iterator[Arrivals]:
        """The batches as they are."""
        for batch in batches:
            self.packets += int(batch.elsewhere.sum()) if batch.elsewhere is not None else 0
            yield batch


def doubtful(report: ReplayReport, elsewhere: int = 0, vrf: str | None = None) -> Iterator[str]:
    """What somebody who reads verdicts should know."""
    from sim.packets.reasons import Reason

    if (unknown := report.verdicts[Reason.UNKNOWN_SOURCE]) and vrf is None:
        yield (
            f"{unknown:,} packets have a source that no VRF or several VRFs know: "
            "--vrf names the one in which they enter."
        )
    if report.conditions:
        yield (
            f"Some rules permit only if {' and '.join(report.conditions)}, which no header tells: "
            "packets are counted as if it held."
        )
    if elsewhere:
        yield (
            f"{elsewhere:,} VXLAN packets have an outer source that is not the VTEP of their inner "
            "source. Verdicts are those of the inner packets, sent from where their source lives: "
            "whether the outer source is forged is not decided."
        )


def captured(paths: Iterable[str | Path]) -> tuple[Reader, ...]:
    """Readers of captures."""
    return tuple(Reader(Path(path)) for path in paths)


def arrivals(world: World, captures: Iterable[Reader], vrf: str | None) -> Iterator[Arrivals]:
    """The packets of captures, attached to VRFs."""
    number = None if vrf is None else vrf_index(world.network, vrf)
    known = Conversations(world)
    for reader in captures:
        for batch in reader:
            fields = world.blocks.l4.fields.names
            yield attach(world, batch, fields, number, known)


def vrf_index(network: Network, name: str) -> int:
    """The VRF of that name; a tenant's name will do when it has one."""
    named = [v.index for v in network.vrfs if name in (v.name, v.tenant)]
    if len(named) == 1:
        return named[0]
    names = [v.name for v in network.vrfs if v.tenant == name] or [v.name for v in network.vrfs]
    hint = did_you_mean(name, names) or f"there are: {', '.join(names)}"
    text = f"{name} has several VRFs" if named else f'no VRF is called "{name}"'
    raise InputError(Diagnostic("C339", text, None, hint))


def generate(world: World, asked: Traffic) -> Iterator[Packets]:
    """Every pair, or random flows; and replies, if they are wanted."""
    blocks, datapath = world.blocks, Datapath.of(world)
    parts = [all_pairs(blocks)] if asked.pairs else []
    if asked.count is not None:
        how: dict[str, Any] = {
            "seed": asked.seed,
            "zipf": asked.zipf,
            "permitted": asked.permitted,
            "datapath": datapath,
        }
        parts.append(random_flows(blocks, int(asked.count), **how))
    for batches in parts:
        yield from with_replies(batches, datapath) if asked.replies else batches
