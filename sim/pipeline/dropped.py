"""Dropped packets → a pcapng file, each with the reason and the rule behind it as its comment.

Packets from a capture are written as they were captured. Generated packets never were frames:
scapy builds a header for each, which is slow, so there is a limit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO

import numpy as np

from compiler.policy.ir import Direction, Origin
from fabric.io.visible import visible
from sim.blocks.blocks import Blocks
from sim.packets.headers import Packets
from sim.packets.pcap import CaptureWriter, craft
from sim.packets.reasons import reasons
from sim.pipeline.arrivals import Arrivals
from sim.pipeline.datapath import Verdicts

MAX_CRAFTED = 10_000


@dataclass(slots=True)
class DroppedPackets:
    """A sink for `sim.pipeline.replay.replay`. `written` counts packets; `skipped` those above the
    limit."""

    file: IO[bytes]
    blocks: Blocks
    written: int = 0
    skipped: int = 0
    _writer: CaptureWriter = field(init=False)
    _causes: dict[int, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._writer = CaptureWriter(self.file)
        self._causes = causes(self.blocks)

    @property
    def link_types(self) -> int:
        """How many kinds of frames there are in the file; some readers want one."""
        return len(self._writer.interfaces)

    def __call__(self, traffic: Packets | Arrivals, verdicts: Verdicts) -> None:
        """Write what was not delivered."""
        rows = np.flatnonzero(~verdicts.delivered)
        if isinstance(traffic, Arrivals):
            self._captured(traffic, verdicts, rows.tolist())
        else:
            self._crafted(traffic, verdicts, rows.tolist())

    def _captured(self, arrivals: Arrivals, verdicts: Verdicts, rows: list[int]) -> None:
        records = arrivals.source.records
        for i in rows:
            row = int(arrivals.row[i])
            self._writer.write(
                arrivals.source.frame(row),
                time=int(records.time[row]),
                comment=self.comment(verdicts, i),
                original=int(records.original[row]),
                link=int(records.link[row]),
            )
        self.written += len(rows)

    def _crafted(self, packets: Packets, verdicts: Verdicts, rows: list[int]) -> None:
        room = max(0, MAX_CRAFTED - self.written)
        for i in rows[:room]:
            flow = packets.flow(i)
            frame = craft(flow)
            original = max(len(frame), flow.length + 14)
            comment = self.comment(verdicts, i)
            self._writer.write(frame, time=0, comment=comment, original=original)
        self.written += min(room, len(rows))
        self.skipped += max(0, len(rows) - room)

    def comment(self, verdicts: Verdicts, row: int) -> str:
        """The drop reason, and for a policy's denial the rule."""
        reason = reasons(self.blocks.program.stages).numbered[int(verdicts.reason[row])]
        if not reason.by_policy:
            return reason.label
        decisions = int(verdicts.in_decision[row]), int(verdicts.out_decision[row])
        return visible(f"{reason.label}: {cause_of(self.blocks, self._causes, decisions)}")


def causes(blocks: Blocks) -> dict[int, str]:
    """Direction and rule of every entry, as text."""
    return {
        entry: f"{direction.name} {origin}"
        for entry, (direction, origin) in entry_origins(blocks).items()
    }


def cause_of(blocks: Blocks, known: dict[int, str], decisions: tuple[int, int]) -> str:
    """Which entry denied a packet, of its IN and OUT decisions (-1: did not come so far)."""
    decision = next(d for d in decisions if d >= 0 and not blocks.dec_permit[d])
    entries = blocks.dec_entries[decision]
    return known[int(entries[entries >= 0][-1])]


def entry_origins(blocks: Blocks) -> dict[int, tuple[Direction, Origin]]:
    """Direction and cause of every entry of the program, by entry id."""
    program = blocks.program
    return {
        entry.id: (group.direction, program.origins[entry.origin])
        for group in program.groups
        for entry in (*group.entries, group.default_entry)
    }
