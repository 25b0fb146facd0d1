"""Flows that were permitted: their later packets and replies skip the policy groups.

Rules that hold here:

1. The first packet of a flow is decided by the groups of both ends; if they permit it, the flow is
   known in both directions. Denied packets open nothing.
2. Routing is never skipped: a known flow whose route is gone is dropped like any other.
3. A flow that was silent for longer than the timeout is unknown again. Time is that of the packets
   (simulated), never the machine's; where it runs backwards, it stands still.
4. Other tables than those of the packets before are a change of policy, which opens a new
   generation. The next packet of an older flow has the flow decided again, in the direction in
   which it was opened; if it is denied now, the flow is revoked, and the packet is the first of a
   new one. What its packets carry besides addresses and ports is not remembered: it is decided as
   if they carried what this one does.
5. An ICMP query is a flow by its identifier, and an ICMP error about a packet of a known flow
   passes too, without counting as one of its packets (`sim.packets.icmp`).
6. The table is bounded. When it is full, a new flow takes the place of the one whose last packet
   came first.

Packets are handled strictly in order: verdicts and counters do not depend on how a sequence is cut
into batches. Kernels: `sim.kernels.pipeline.flows`, `sim.kernels.pipeline.flow_table`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.packets.headers import Packets, Row
from sim.packets.icmp import Marks
from sim.pipeline.tables import Tables, headers

if TYPE_CHECKING:
    from sim.pipeline.datapath import Datapath, Verdicts

SECOND = 10**9
TIMEOUT = 120 * SECOND
CAPACITY = 1 << 20
MIN_SLOTS = 1 << 10
WORDS, LINE = 8, 64
STATE, LAST = 6, 7
ALIVE = np.uint64(1)
GENERATION_SHIFT, GENERATIONS = 2, (1 << 20) - 1
COUNTERS = ("created", "hit", "reply", "aged", "evicted", "redecided", "revoked", "related")
CLOCK, SEEN, USED, FILLED, HEAD = range(len(COUNTERS), len(COUNTERS) + 5)
Words = NDArray[np.uint64]


class Queries(NamedTuple):
    """What the kernel gets of ICMP: `sim.packets.icmp.Marks` in columns."""

    mark: NDArray[np.uint32]
    inner: NDArray[np.int32]
    quoted: Row
    quoted_marks: NDArray[np.uint32]


class Flows(NamedTuple):
    """What the kernel gets of a table, and room for the packets that replies answer. `queue` is
    uint64 [n, 2]: who has been silent longest, as slot and state; `room` how many slots may be
    taken."""

    table: Words
    queue: Words
    counters: NDArray[np.int64]
    stamp: np.uint64
    timeout: int
    room: int
    capacity: int
    keys: Words
    headers: Row
    verdicts: Verdicts
    scratch: NDArray[np.uint32]


@dataclass(slots=True)
class FlowTable:
    """At most `capacity` flows, silent for at most `timeout` ns. Counters are cumulative."""

    capacity: int = CAPACITY
    timeout: int = TIMEOUT
    generation: int = 0
    counters: NDArray[np.int64] = field(init=False)
    table: Words = field(init=False)
    queue: Words = field(init=False)
    _by: Tables | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.capacity < 1:
            raise ValueError(f"a flow table holds at least one flow, not {self.capacity}")
        self.counters = np.zeros(len(COUNTERS) + 5, np.int64)
        self._fill(np.zeros((0, WORDS), np.uint64))

    def __len__(self) -> int:
        return len(self.flows())

    def decide(
        self,
        datapath: Datapath,
        packets: Packets,
        time: NDArray[np.int64],
        portless: NDArray[np.bool_],
        icmp: Marks | None = None,
    ) -> Verdicts:
        """Verdicts of packets in order, by the groups or by the flow that each belongs to. `time`
        is ns per packet; `portless` ones neither use nor open a flow; `icmp` is what ICMP packets
        say, if it is known."""
        from sim.kernels.pipeline.flow_blocks import MORE_ROWS
        from sim.kernels.pipeline.flow_table import BLOCK_ROWS
        from sim.kernels.pipeline.flows import track
        from sim.pipeline.datapath import BLOCK, Verdicts, block

        if self._by is not None and self._by is not datapath.tables:
            self.bump()
        self._by = datapath.tables
        columns, out = datapath.columns(packets), Verdicts.empty(len(packets))
        marks = icmp or Marks.unknown(len(packets))
        queries = Queries(marks.mark, marks.inner, headers(marks.quoted), marks.quoted_marks)
        asked = headers(Packets.make(np.zeros(BLOCK + 1, np.uint8)))
        answers, scratch = Verdicts.empty(BLOCK + 1), block()
        stamp = np.uint64(self._stamp() << GENERATION_SHIFT) | ALIVE
        w, keys, at = block(MORE_ROWS), np.empty((BLOCK_ROWS, BLOCK), np.uint64), 0
        for end, tables in datapath.runs(packets):
            while True:
                flows = Flows(
                    self.table, self.queue, self.counters, stamp, self.timeout, self._room,
                    self.capacity, keys, asked, answers, scratch,
                )  # fmt: skip
                arguments = columns, time, portless, queries, at, end, flows, w, out
                at = int(track(tables, datapath.lanes, *arguments))
                if at == end:
                    break
                if self.counters[FILLED] >= self._room:
                    self._fill(self._rows())
                else:
                    self._line_up()
        return out

    def flows(self) -> Words:
        """Rows of the table that are alive now, by the clock of the packets seen so far."""
        rows = self._rows()
        silent = self.counters[CLOCK] - rows[:, LAST].astype(np.int64)
        live: Words = rows[silent <= self.timeout]
        return live

    def copy(self) -> FlowTable:
        """The same flows and counters in a table of their own."""
        twin = FlowTable(self.capacity, self.timeout, self.generation)
        twin.counters, twin._by = self.counters.copy(), self._by
        twin._fill(self._rows())
        return twin

    def bump(self) -> None:
        """A new policy generation: from now on every flow is decided again, once."""
        self.generation += 1
        if self.generation % GENERATIONS == 0:
            mask = np.uint64(GENERATIONS << GENERATION_SHIFT)
            self.table.reshape(-1, WORDS)[:, STATE] &= ~mask
            self.queue = self.queue[:0]

    def counts(self) -> dict[str, int]:
        """Every counter by name; `create_failed` is 0 since flows are evicted."""
        named = dict(zip(COUNTERS, self.counters.tolist(), strict=False))
        named["aged"] += int(self.counters[USED]) - len(self)
        return {**named, "create_failed": 0}

    @property
    def _room(self) -> int:
        """How many slots may be taken: few while that costs little memory, since every slot that a
        search must pass is a line that nobody has asked for."""
        slots = len(self.table) // WORDS
        return slots // 8 * (3 if slots < 2 * self.capacity else 6)

    def _stamp(self) -> int:
        """The generation as entries store it; 0 is none's."""
        return 1 + self.generation % GENERATIONS

    def _rows(self) -> Words:
        rows = self.table.reshape(-1, WORDS)
        taken: Words = rows[rows[:, STATE] & ALIVE != 0]
        return taken

    def _fill(self, rows: Words) -> None:
        """Put these flows into a table of their own with room for more."""
        from sim.kernels.pipeline.flow_table import KEY_ROWS, reinsert

        slots = 1 << (min(4 * len(rows), 2 * self.capacity)).bit_length()
        slots = max(MIN_SLOTS, slots)
        words = np.zeros(slots * WORDS + LINE // WORDS, np.uint64)
        first = -words.ctypes.data % LINE // words.itemsize
        self.table = words[first : first + slots * WORDS]
        reinsert(rows, rows.T[:KEY_ROWS].copy(), self.table)
        self.counters[USED] = self.counters[FILLED] = len(rows)
        self.queue = np.zeros((0, 2), np.uint64)

    def _line_up(self) -> None:
        """Everyone, the longest silent first. Whose state has changed when its turn comes has sent
        since, and so has whoever is not in the queue."""
        state = self.table[STATE::WORDS]
        taken = np.flatnonzero(state & ALIVE)
        order = taken[np.argsort(state[taken] >> np.uint64(22))]
        self.queue = np.stack([order.astype(np.uint64) * np.uint64(WORDS), state[order]], 1)
        self.counters[HEAD] = 0
