"""Flows that were permitted: their later packets and replies skip the policy groups.

Rules that hold here:

1. The first packet of a flow is decided by the groups of both ends; if they permit it, the flow is
   known in both directions. Denied packets open nothing.
2. Routing is never skipped: a known flow whose route is gone is dropped like any other.
3. A flow that was silent for longer than the timeout is unknown again. Time is that of the packets
   (simulated), never the machine's.
4. A policy change opens a new generation: every flow is decided again, in the direction in which it
   was opened, and forgotten if it is denied now.
5. The table is bounded. When it is full, permitted packets pass but open no flow, as on a DPU.

Packets are handled strictly in order. Kernel: `sim.kernels.flows`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.classifier import headers
from sim.packets import Packets

if TYPE_CHECKING:
    from sim.datapath import Datapath, Verdicts

SECOND = 10**9
TIMEOUT = 120 * SECOND
CAPACITY = 1 << 20
WORDS = 8
STATE, LAST = 6, 7
COUNTERS = ("created", "hit", "reply", "aged", "create_failed", "used")


@dataclass(slots=True)
class FlowTable:
    """At most `capacity` flows, silent for at most `timeout` ns. Counters are cumulative."""

    capacity: int = CAPACITY
    timeout: int = TIMEOUT
    generation: int = 0
    redecided: int = 0
    revoked: int = 0
    counters: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(COUNTERS), np.int64))
    table: NDArray[np.uint64] = field(init=False)

    def __post_init__(self) -> None:
        self.table = self._empty()

    def __len__(self) -> int:
        return int((self.table[:, STATE] & np.uint64(1)).sum())

    def track(self, packets: Packets, verdicts: Verdicts, time: NDArray[np.int64]) -> None:
        """Overrule verdicts (made with `complete=True`) of packets of known flows, in place;
        `time` is ns per packet."""
        from sim.kernels.flows import track

        used = COUNTERS.index("used")
        if len(time) and self.counters[used] > self.capacity // 2:
            self._keep(self.flows(int(time[0])))
        track(
            self.table, headers(packets), verdicts, time, self.timeout, self.capacity, self.counters
        )

    def flows(self, now: int | None = None) -> NDArray[np.uint64]:
        """Rows of the table that are alive (at time `now`)."""
        alive = self.table[:, STATE] & np.uint64(1) != 0
        if now is not None:
            alive &= now - self.table[:, LAST].astype(np.int64) <= self.timeout
        live: NDArray[np.uint64] = self.table[alive]
        return live

    def bump(self, datapath: Datapath) -> None:
        """A new policy generation: decide every flow again by `datapath`, in the direction in
        which it was opened; forget those that are not delivered now."""
        rows = self.flows()
        verdicts = datapath.decide(opening_packets(rows, datapath.tables.ep_vrf))
        self._keep(rows[verdicts.delivered])
        self.generation += 1
        self.redecided += len(rows)
        self.revoked += int((~verdicts.delivered).sum())

    def counts(self) -> dict[str, int]:
        """Every counter by name."""
        named = dict(zip(COUNTERS[:-1], self.counters[:-1].tolist(), strict=True))
        return {**named, "redecided": self.redecided, "revoked": self.revoked}

    def _keep(self, rows: NDArray[np.uint64]) -> None:
        from sim.kernels.flows import reinsert

        self.table = self._empty()
        reinsert(rows, self.table)
        self.counters[COUNTERS.index("used")] = len(rows)

    def _empty(self) -> NDArray[np.uint64]:
        return np.zeros((1 << (2 * self.capacity).bit_length(), WORDS), np.uint64)


def opening_packets(rows: NDArray[np.uint64], ep_vrf: NDArray[np.int32]) -> Packets:
    """The headers that opened these flows."""
    words = rows.T
    by_b = words[STATE] >> np.uint64(1) & np.uint64(1) != 0
    low = np.uint64(0xFFFF)
    a_port, b_port = words[4] >> np.uint64(16) & low, words[4] & low
    a_end = (words[5] >> np.uint64(32)).astype(np.int64)
    b_end = (words[5] & np.uint64(0xFFFFFFFF)).astype(np.int64)
    source = np.where(by_b, b_end, a_end)
    return Packets.make(
        words[4] >> np.uint64(40),
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
