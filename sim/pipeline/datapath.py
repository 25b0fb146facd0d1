"""What happens to packets: the DPU pipeline at both ends and the fabric between them.

Definition (kernel, `sim.pipeline.trace`, proof and lab agree on it):

1. OUT at the source's VTEP: anti-spoof, FIB in the source's VRF, next hop by flow hash, policy
   groups on (destination address, the next hop's VRF).
2. VXLAN to the next hop's VTEP with the flow's hash as outer source port; ECMP node by node.
3. IN there, in the VRF of the VNI: a route that leads on from there ends the packet; else bind the
   destination to an endpoint of this VTEP, see behind which VRF the source lies (the route back
   must lead to the outer source VTEP), policy groups.

`Datapath` needs numba; a caller that follows one packet uses `sim.pipeline.trace`, which does not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fabric.control.rewrites import Rewrite, rewritten_columns
from fabric.io.phases import phase
from fabric.io.uncollected import uncollected
from sim.blocks.field_classes import PLAIN, PROTOCOLS, FieldClasses
from sim.packets.headers import Packets, Row
from sim.packets.reasons import LIMIT, Reason
from sim.pipeline.lane_tables import LaneTables, lane_tables
from sim.pipeline.one_piece import in_one_piece
from sim.pipeline.tables import Tables, headers, tables_of
from sim.pipeline.underlay_routes import Routes, routes
from sim.worlds.world import World

SLICE = 1 << 16
SMALL = 1 << 13
"""Packets that are not worth a thread of their own."""
LINE = 64
BLOCK = 256
"""Packets that a kernel takes step by step: few enough to stay in the nearest cache."""


OVERHEAD_V4 = np.uint64(50)
"""Bytes that VXLAN over IPv4 adds to an inner IP packet: Ethernet 14, IP 20, UDP 8, VXLAN 8."""


class Verdicts(NamedTuple):
    """One row per packet.

    `reason` is a `Reason`; `route` what routing alone says (0: both ends found); decisions index
    `Blocks.dec_*` and are -1 where the packet did not come so far; `entry` is the VTEP where it
    came in and `next_hop` the one that it was sent to, node indices or -1; `path` is a hash over
    the links taken (0: none).
    """

    reason: NDArray[np.uint8]
    route: NDArray[np.uint8]
    out_decision: NDArray[np.int32]
    in_decision: NDArray[np.int32]
    src_endpoint: NDArray[np.int32]
    dst_endpoint: NDArray[np.int32]
    entry: NDArray[np.int32]
    next_hop: NDArray[np.int32]
    outer_sport: NDArray[np.uint16]
    path: NDArray[np.uint32]
    flow_state: NDArray[np.uint8]

    @property
    def delivered(self) -> NDArray[np.bool_]:
        """Which packets arrived."""
        arrived: NDArray[np.bool_] = self.reason == Reason.DELIVERED
        return arrived

    @staticmethod
    def empty(n: int) -> Verdicts:
        """Room for `n` packets, in one piece: the system hands out large pages."""
        u8, i32 = np.uint8, np.int32
        types: Any = (u8, u8, i32, i32, i32, i32, i32, i32, np.uint16, np.uint32, u8)
        sizes = [n * np.dtype(dtype).itemsize for dtype in types]
        places = np.cumsum([0, *(-(-size // LINE) * LINE for size in sizes)]).tolist()
        room = np.zeros(places[-1], u8)
        columns: list[Any] = [
            room[at : at + size].view(dtype)
            for at, size, dtype in zip(places, sizes, types, strict=False)
        ]
        return Verdicts(*columns)


class Counters(NamedTuple):
    """Packets and bytes (last axis) per decision, drop reason and link direction."""

    decisions: NDArray[np.uint64]
    reasons: NDArray[np.uint64]
    links: NDArray[np.uint64]

    @staticmethod
    def zero(tables: Tables) -> Counters:
        """Counters of a world, all zero."""
        sizes = (len(tables.dec_reason), LIMIT, 2 * len(tables.link_a))
        return Counters(*(np.zeros((n, 2), np.uint64) for n in sizes))

    def entries(self, dec_entries: NDArray[np.int32], n_entries: int) -> NDArray[np.uint64]:
        """Packets and bytes per entry of the program: a decision counts for every entry in it."""
        out = np.zeros((n_entries, 2), np.uint64)
        for stage in dec_entries.T:
            known = stage >= 0
            np.add.at(out, stage[known], self.decisions[: len(stage)][known])
        return out

    def add(self, other: Counters) -> None:
        """Add in place."""
        for mine, theirs in zip(self, other, strict=True):
            mine += theirs


@dataclass(frozen=True, slots=True)
class Datapath:
    """Runs batches through the kernels, in slices over `threads` threads. `fields` are the classes
    of further fields that the tables' wide protocols are made of; kernels see the tables of one
    class at a time, in which a wide protocol is the protocol. `rewrites` are disjoint ones."""

    tables: Tables
    threads: int = 2
    fields: FieldClasses = PLAIN
    rewrites: tuple[Rewrite, ...] = ()
    lanes: LaneTables = field(init=False)
    routes: Routes = field(init=False)

    @staticmethod
    def of(world: World, threads: int = 2) -> Datapath:
        """The datapath of a world."""
        return Datapath(world.once(tables_of), threads, world.blocks.l4.fields, world.network.moves)

    def __post_init__(self) -> None:
        if len(self.tables.proto_class) != self.fields.size * PROTOCOLS:
            raise ValueError("the tables are of other classes of further fields")
        object.__setattr__(self, "lanes", in_one_piece(lane_tables(self.tables)))
        object.__setattr__(self, "routes", in_one_piece(routes(self.tables)))

    @phase("load kernels")
    @uncollected()
    def warm(self) -> None:
        """Load (or compile) the kernels that decide and count, so that nobody times that."""
        self.decide_and_count(Packets.of([]))

    def decide(self, packets: Packets, *, complete: bool = False) -> Verdicts:
        """Verdicts of packets as if each opened a flow; nothing is counted. With `complete` the
        destination's side is filled in although the source's side denies."""
        if self.fields == PLAIN:
            return self._decide(self.tables, packets, complete)
        out = Verdicts.empty(len(packets))
        classes = self.fields.numbers(packets.fields, len(packets))
        for number in np.unique(classes).tolist():
            rows = np.flatnonzero(classes == number)
            found = self._decide(self.of_class(number), packets.take(rows), complete)
            for name in Verdicts._fields:
                getattr(out, name)[rows] = getattr(found, name)
        return out

    def columns(self, packets: Packets) -> Row:
        """What kernels see of packets: destinations are rewritten."""
        if self.rewrites:
            ends = packets.version, packets.dst_hi, packets.dst_lo
            hi, lo = rewritten_columns(self.rewrites, *ends)
            packets = replace(packets, dst_hi=hi, dst_lo=lo)
        return headers(packets)

    def of_class(self, number: int) -> Tables:
        """The tables as packets of a class of further fields see them."""
        wide = self.tables.proto_class.reshape(-1, PROTOCOLS)
        return self.tables._replace(proto_class=wide[number].copy())

    def runs(self, packets: Packets) -> list[tuple[int, Tables]]:
        """Where each stretch of packets of one class ends, with its tables, in order."""
        if self.fields == PLAIN:
            return [(len(packets), self.tables)]
        classes = self.fields.numbers(packets.fields, len(packets))
        ends_ = [*(np.flatnonzero(np.diff(classes)) + 1).tolist(), len(packets)]
        return [(end, self.of_class(int(classes[end - 1]) if end else 0)) for end in ends_]

    def _decide(self, tables: Tables, packets: Packets, complete: bool) -> Verdicts:
        from sim.kernels.pipeline.path import forward

        out, columns = Verdicts.empty(len(packets)), self.columns(packets)

        def work(begin: int, end: int) -> None:
            forward(tables, self.lanes, columns, complete, begin, end, block(), out)

        self._slices(len(packets), work)
        return out

    def decide_and_count(
        self, packets: Packets, *, kept: bool = False
    ) -> tuple[Verdicts, Counters]:
        """Verdicts and counters in one pass, a block of packets after the other; verdicts of no
        packet unless they are `kept`: nothing is written then but counters."""
        if self.fields != PLAIN or self.tables.hairpin.any():
            verdicts = self.decide(packets)
            counters = self.count(packets, verdicts)
            return verdicts if kept else Verdicts.empty(0), counters
        from sim.kernels.pipeline.account import forward_and_count, split, tally_rows

        reasons, n = self.tables.dec_reason, len(packets)
        in_from, n_rows = tally_rows(len(reasons))
        out = Verdicts.empty(n if kept else 0)
        columns = self.columns(packets), packets.length, packets.count
        tables = self.tables, self.lanes, self.routes
        rooms = deque(ThreadCounts.of(n_rows, self._sides) for _ in range(self.threads))

        def work(begin: int, end: int) -> None:
            room = rooms.pop()
            forward_and_count(*tables, *columns, begin, end, in_from, *room, kept, out)
            rooms.append(room)

        self._slices(n, work)
        decided, links = (sum(one[at] for one in rooms) for at in (2, 3))
        by_reason, decisions = split(reasons, decided)
        return out, Counters(decisions, by_reason, self._links(links))

    def count(self, packets: Packets, verdicts: Verdicts) -> Counters:
        """Counters of packets decided without `complete`; fills the `path` column."""
        reasons, decisions = self.tally(packets, verdicts)
        return Counters(decisions, reasons, self.walk(packets, verdicts))

    def tally(
        self, packets: Packets, verdicts: Verdicts
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Packets and bytes per reason, and per decision."""
        from sim.kernels.pipeline.account import split, tally, tally_rows

        reasons = self.tables.dec_reason
        in_from, n_rows = tally_rows(len(reasons))
        found = [ThreadCounts.of(n_rows, 0) for _ in range(self.threads)]
        columns = verdicts, packets.length, packets.count

        def work(part: int, begin: int, end: int) -> None:
            w, pairs, decided, _ = found[part]
            tally(*columns, begin, end, in_from, w, pairs, decided)

        self._parts(len(packets), work)
        return split(reasons, sum(room.decided for room in found))

    def walk(self, packets: Packets, verdicts: Verdicts) -> NDArray[np.uint64]:
        """Packets and bytes per link direction; fills the `path` column."""
        from sim.kernels.pipeline.account import walk
        from sim.kernels.pipeline.hairpins import walk_on

        passed_on = self.columns(packets) if self.tables.hairpin.any() else None
        found = [ThreadCounts.of(0, self._sides) for _ in range(self.threads)]
        t, r, sizes = self.tables, self.routes, (packets.length, packets.count)

        def work(part: int, begin: int, end: int) -> None:
            w, pairs, _, links = found[part]
            walk(t, r, verdicts, *sizes, begin, end, w, pairs, links)
            if passed_on is not None:
                walk_on(t, r, passed_on, verdicts, *sizes, begin, end, links)

        self._parts(len(packets), work)
        return self._links(sum(room.links for room in found))

    @property
    def _sides(self) -> int:
        """Directions of links, and one that nobody reads."""
        return 2 * len(self.tables.link_a) + 1

    @staticmethod
    def _links(flat: Any) -> NDArray[np.uint64]:
        """Packets and bytes per direction of a link."""
        links: NDArray[np.uint64] = flat.reshape(-1, 2)[:-1].copy()
        links[:, 1] += OVERHEAD_V4 * links[:, 0]
        return links

    def _parts(self, n: int, work: Callable[[int, int, int], None]) -> None:
        """A part of the rows for each thread."""
        step = -(-n // self.threads)
        self._parallel(work, [(i, i * step, min(i * step + step, n)) for i in range(self.threads)])

    def _slices(self, n: int, work: Callable[[int, int], None]) -> None:
        """A slice after the other for whoever is free; a batch of few packets in one slice each."""
        each = -(-n // self.threads // BLOCK) * BLOCK if self.threads > 1 else SLICE
        step = min(SLICE, max(SMALL, each))
        self._parallel(work, [(at, min(at + step, n)) for at in range(0, max(n, 1), step)])

    def _parallel(self, work: Callable[..., None], jobs: list[tuple[int, ...]]) -> None:
        if len(jobs) == 1 or self.threads == 1:
            for job in jobs:
                work(*job)
            return
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(lambda job: work(*job), jobs))


class ThreadCounts(NamedTuple):
    """What a thread needs to count: a block, what its packets weigh, and counters of its own
    (`sim.kernels.pipeline.account`)."""

    w: NDArray[np.uint32]
    pairs: NDArray[np.uint64]
    decided: NDArray[np.uint64]
    links: NDArray[np.uint64]

    @staticmethod
    def of(rows: int, sides: int) -> ThreadCounts:
        """For so many rows of decisions and directions of links."""
        return ThreadCounts(block(), *(np.zeros(2 * n, np.uint64) for n in (BLOCK, rows, sides)))


def block(more: int = 0) -> NDArray[np.uint32]:
    """Room for what kernels know about a block of packets (`sim.kernels.pipeline.block_rows`), and
    so many rows more."""
    from sim.kernels.pipeline.block_rows import ROWS

    return np.zeros((ROWS + more, BLOCK + 8), np.uint32)
