"""Which flows a lab can be asked about, and why not the others.

Rules that hold here; the first that a flow meets is the reason that it is counted under:

1. What is on a node that is down sends nothing, in the lab as in the network: it has no namespace
   there. That others send *to* it is compared.
2. A router drops some addresses whatever its routes say (`sim.packets.nobodys`).
3. Which of several ways a flow takes is the hash's secret.
4. Rules are what stops packets that lead from one tunnel into another, so that a lab without
   rules passes them on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from sim.lab.layout import Layout
from sim.packets.headers import Packets
from sim.packets.nobodys import UNROUTED
from sim.packets.reasons import Reason
from sim.pipeline.datapath import Datapath
from sim.pipeline.ways import entered
from sim.worlds.world import World

Rows = NDArray[np.bool_]


class LeftOut(Enum):
    """Why a flow is not compared: a key, and words."""

    NODE_DOWN = "node_down", "the node that they come from is down"
    UNROUTED = "unrouted", "no router passes such addresses on"
    SEVERAL_HOPS = "several_hops", "their routes have several next hops"
    RULES_STOP = "rules_stop", "only rules would stop them"

    @property
    def key(self) -> str:
        """What it is called in JSON."""
        return self.value[0]

    @property
    def words(self) -> str:
        """What it is called in a sentence."""
        return self.value[1]


def comparable(
    world: World, layout: Layout, packets: Packets, rules: bool
) -> tuple[Packets, Counter[LeftOut]]:
    """The flows that can be compared, and how many of the others there are by reason."""
    counted: Counter[LeftOut] = Counter()
    for reason in LeftOut:
        if reason is LeftOut.RULES_STOP and rules:
            continue
        good = _good(reason, world, layout, packets)
        if not good.all():
            counted[reason] = int((~good).sum())
            packets = packets.take(np.flatnonzero(good))
    return packets, counted


def _good(reason: LeftOut, world: World, layout: Layout, packets: Packets) -> Rows:
    """For each row whether this is no reason to leave it out."""
    if reason is LeftOut.NODE_DOWN:
        return np.isin(packets.src_endpoint, [e.index for e in layout.endpoints])
    if reason is LeftOut.UNROUTED:
        return np.fromiter(_routed(packets), np.bool_, len(packets))
    if reason is LeftOut.SEVERAL_HOPS:
        return np.fromiter(_single_path(world, packets), np.bool_, len(packets))
    led_on = Datapath.of(world).decide(packets, complete=True).route == Reason.HAIRPIN_DROP
    return np.asarray(~led_on)


def _routed(packets: Packets) -> Iterator[bool]:
    """For each row whether routers pass both of its addresses on."""
    columns = (packets.version, packets.src_hi, packets.src_lo, packets.dst_hi, packets.dst_lo)
    for version, *words in zip(*(c.tolist() for c in columns), strict=True):
        src, dst = words[0] << 64 | words[1], words[2] << 64 | words[3]
        spans = UNROUTED[version]
        yield not any(low <= ip <= high for ip in (src, dst) for low, high in spans)


def _single_path(world: World, packets: Packets) -> Iterator[bool]:
    """For each row whether its routes leave no choice of next hop."""
    known: dict[tuple[int, int, int], bool] = {}
    columns = (packets.src_endpoint, packets.version, packets.dst_hi, packets.dst_lo)
    rows = zip(*(c.tolist() for c in columns), strict=True)
    for row, (source, version, hi, lo) in enumerate(rows):
        key = source, version, hi << 64 | lo
        if key not in known:
            end = world.network.endpoints[source]
            known[key] = len(entered(world, end, packets.flow(row))) <= 1
        yield known[key]
