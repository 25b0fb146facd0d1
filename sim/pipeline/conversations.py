"""Answers of whoever has an address that several VRFs know: they come from where the packet that
they answer went.

A capture without tunnels shows addresses alone. An address outside that lies in a zone's prefix and
in another one's, or that two tenants have, says nothing about its VRF. But what was sent to it
before did: its own VRF has one route there.

Rules that hold here:

1. A packet whose source no VRF or several VRFs know belongs to the VRF to which every next hop led
   the first packet of its conversation, addresses, protocol and ports the other way round, that
   came before it and has a VRF. Where hops lead to several VRFs, or nobody has the address there,
   nothing is known.
2. What comes first in a capture has no conversation: nobody looks ahead.
3. The last `KEPT` conversations are remembered; of a batch, as of their first packet in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fabric.building.network import Network
from sim.blocks.numbering import same_rows
from sim.forwarding.one_step import receivers, sender
from sim.packets.decode import Decoded
from sim.packets.headers import HEADER, Flow
from sim.pipeline.ways import entered
from sim.worlds.world import World

Ints = NDArray[np.int64]
KEPT = 1 << 20
Key = tuple[int, int, int, int, int, int]
"""IP version, source, destination, protocol, ports."""
K = TypeVar("K")


class Conversations:
    """Those of a replay, batch by batch."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.answers: dict[Key, int] = {}
        self.led: dict[tuple[int, int, int, int], int] = {}

    def entered(self, header: Decoded, of: Callable[[Decoded], Ints]) -> Ints:
        """The VRFs of packets without a tunnel, -1: unknown; `of` are those that addresses tell, as
        sources. Each conversation is asked about once, where it begins."""
        flow, first = same_rows([getattr(header, name) for name in HEADER])
        flows = header.take(first)
        vrf = of(flows)
        since, until = np.full(len(vrf), -1), np.full(len(vrf), len(header))
        lost, asking = vrf < 0, np.flatnonzero((vrf >= 0) & (of(turned(flows)) < 0))
        unknown = dict(zip(_keys(flows.those(lost)), np.flatnonzero(lost).tolist(), strict=True))
        for key, row in unknown.items():
            vrf[row] = self.answers.get(key, -1)
        asking = asking[np.argsort(first[asking])]
        for key, row in zip(_keys(turned(flows.take(asking))), asking.tolist(), strict=True):
            if key in self.answers:
                continue
            version, src, dst = key[0], key[2], key[1]
            led = self._answerer(int(vrf[row]), version, src, dst)
            forgotten = remember(self.answers, key, led)
            if key in unknown:
                vrf[unknown[key]], since[unknown[key]] = led, first[row]
            if forgotten in unknown:
                until[unknown[forgotten]] = first[row]
        at = np.arange(len(header))
        return np.where((at > since[flow]) & (at <= until[flow]), vrf[flow], -1)

    def _answerer(self, vrf: int, version: int, src: int, dst: int) -> int:
        """The VRF of whoever gets what is sent from here to there; -1 if that is not known."""
        key = vrf, version, src, dst
        if key not in self.led:
            remember(self.led, key, answerer(self.world, Flow(vrf, version, src, dst, 0)))
        return self.led[key]


def _keys(header: Decoded) -> Iterator[Key]:
    """The key of each packet."""
    version, src_hi, src_lo, dst_hi, dst_lo, *rest = (
        getattr(header, name).tolist() for name in HEADER
    )
    src = (hi << 64 | lo for hi, lo in zip(src_hi, src_lo, strict=True))
    dst = (hi << 64 | lo for hi, lo in zip(dst_hi, dst_lo, strict=True))
    return zip(version, src, dst, *rest, strict=True)


def remember(known: dict[K, int], key: K, vrf: int) -> K | None:
    """What is known last, and before it the last `KEPT`: a capture may be made to have more.
    Returns what is forgotten for it."""
    known[key] = vrf
    if len(known) <= KEPT:
        return None
    oldest = next(iter(known))
    del known[oldest]
    return oldest


def answerer(world: World, flow: Flow) -> int:
    """The VRF in which the destination of a header is, wherever ECMP sends it; -1: not known."""
    network: Network = world.network
    source = sender(network, flow)
    if source is None:
        return -1
    found = [way for _, way, _ in entered(world, source, flow) if way is not None]
    vrfs = {way.end.vrf if receivers(network, way.end) else -1 for way in found}
    return vrfs.pop() if len(vrfs) == 1 else -1


def turned(header: Decoded) -> Decoded:
    """Headers of answers: source and destination are exchanged, and so are ports."""
    return replace(
        header,
        src_hi=header.dst_hi,
        src_lo=header.dst_lo,
        dst_hi=header.src_hi,
        dst_lo=header.src_lo,
        sport=header.dport,
        dport=header.sport,
    )
