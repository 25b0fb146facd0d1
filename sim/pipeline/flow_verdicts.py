"""What became of each flow of a replay: one row per 5-tuple (with the further fields that rules
ask about) and fate, busiest first.

A flow whose packets fared differently (a policy that changed, an unknown flow that became a known
one) has a row for each fate. Memory is bounded: at most `limit` rows are kept, `left_out` says how
many packets belong to flows beyond them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.policy.fields import further
from fabric.building.network import Network
from fabric.kubernetes.unmodelled.unevaluated import pending
from sim.blocks.blocks import Blocks
from sim.blocks.numbering import same_rows
from sim.packets.headers import HEADER, Packets
from sim.packets.notation import show
from sim.packets.reasons import Reason, reasons
from sim.pipeline.arrivals import Arrivals
from sim.pipeline.datapath import Verdicts
from sim.pipeline.dropped import cause_of, causes
from sim.wording.verdicts import touching

LIMIT = 100_000
KEY = ("vrf", *HEADER)
FATE = ("reason", "out_decision", "in_decision", "src_endpoint", "dst_endpoint")
Rows = NDArray[Any]
"""A structured array: the columns of KEY and FATE, and `packets`, `bytes`."""


@dataclass(slots=True)
class FlowVerdicts:
    """A sink for `sim.pipeline.replay.replay`."""

    blocks: Blocks
    limit: int = LIMIT
    rows: Rows | None = None
    left_out: int = 0
    _causes: dict[int, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._causes = causes(self.blocks)

    @property
    def fields(self) -> tuple[str, ...]:
        """The further fields that rules ask about."""
        return self.blocks.l4.fields.names

    def __call__(self, traffic: Packets | Arrivals, verdicts: Verdicts) -> None:
        """Add a batch; costs a sort of the batch and of what is kept."""
        packets = traffic.packets if isinstance(traffic, Arrivals) else traffic
        if len(packets) == 0:
            return
        new = _rows(packets, verdicts, self.fields)
        every = new if self.rows is None else np.concatenate([self.rows, new])
        merged = _merged(every, self.fields)
        if len(merged) > self.limit:
            order = np.argsort(-merged["packets"].astype(np.int64), kind="stable")
            self.left_out += int(merged["packets"][order[self.limit :]].sum())
            merged = merged[order[: self.limit]]
        self.rows = merged

    def table(self, network: Network) -> Iterator[dict[str, Any]]:
        """The rows for people and scripts; `rule` is what denied the flow. Where something that
        touches an end is not evaluated, the verdict is unknown beside what was computed."""
        rows = self.rows
        if rows is None:
            return
        touch, known_reasons = touching(network), reasons(self.blocks.program.stages).numbered
        for i in np.argsort(-rows["packets"].astype(np.int64), kind="stable").tolist():
            row = rows[i]
            reason = known_reasons[int(row["reason"])]
            known = [int(row[key]) for key in ("src_endpoint", "dst_endpoint")]
            ends = [_name(network, endpoint) for endpoint in known]
            unknown = pending(touch.of(*(endpoint for endpoint in known if endpoint >= 0)))
            vrf = int(row["vrf"])
            yield {
                "packets": int(row["packets"]),
                "bytes": int(row["bytes"]),
                "verdict": "unknown" if unknown else reason.label,
                "computed": reason.label,
                "flow": show(_flow(row, self.fields)),
                "vrf": network.vrfs[vrf].name if vrf >= 0 else None,
                "source": ends[0],
                "destination": ends[1],
                "rule": self._rule(reason, row),
            }

    def _rule(self, reason: Reason, row: Any) -> str | None:
        if not reason.by_policy:
            return None
        decisions = int(row["in_decision"]), int(row["out_decision"])
        return cause_of(self.blocks, self._causes, decisions)


def _rows(packets: Packets, verdicts: Verdicts, fields: tuple[str, ...]) -> Rows:
    columns = {name: getattr(packets, name) for name in KEY}
    none = np.zeros(len(packets), np.int64)
    columns |= {n: packets.fields.get(n, none).astype(further(n).dtype) for n in fields}
    columns |= {name: getattr(verdicts, name) for name in FATE}
    columns["packets"] = packets.count.astype(np.uint64)
    columns["bytes"] = packets.length.astype(np.uint64) * columns["packets"]
    out = np.zeros(len(packets), [(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        out[name] = column
    return out


def _merged(rows: Rows, fields: tuple[str, ...]) -> Rows:
    """Equal keys and fates once, their packets and bytes added; in the order of the first."""
    member, first = same_rows([rows[name] for name in (*KEY, *fields, *FATE)])
    out: Rows = rows[first].copy()
    for name in ("packets", "bytes"):
        sums = np.zeros(len(first), np.uint64)
        np.add.at(sums, member, rows[name])
        out[name] = sums
    ordered: Rows = out[np.argsort(first, kind="stable")]
    return ordered


def _flow(row: Any, fields: tuple[str, ...]) -> Any:
    columns = {name: np.array([row[name]]) for name in KEY}
    version = columns.pop("version")
    carried = {name: np.array([row[name]]) for name in fields}
    return Packets.make(version, **columns).carrying(carried).flow(0)


def _name(network: Network, endpoint: int) -> str | None:
    return network.endpoints[endpoint].name if endpoint >= 0 else None
