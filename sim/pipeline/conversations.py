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
3. The last `KEPT` conversations are remembered.
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

    def attach(self, header: Decoded, where: Ints, of: Callable[[Decoded], Ints]) -> None:
        """Fill in the VRFs (`where`, -1: unknown) of packets without a tunnel; `of` are the VRFs
        that addresses tell, as sources."""
        plain = header.vni < 0
        asking = np.flatnonzero(plain & (where >= 0))
        asking = asking[of(turned(header.take(asking))) < 0]
        lost = np.flatnonzero(plain & (where < 0))
        if not len(lost) and not len(asking):
            return
        chosen = np.zeros(len(where), np.bool_)
        chosen[asking], chosen[lost] = True, True
        rows = np.flatnonzero(chosen)
        of_row, sample = same_rows([getattr(header, name)[rows] for name in HEADER])
        keys = [*_keys(header.take(rows[sample]))]
        answers, found = self.answers, where[rows].tolist()
        for at, (vrf, flow) in enumerate(zip(found, of_row.tolist(), strict=True)):
            here, back = keys[flow]
            if vrf < 0:
                found[at] = answers.get(here, -1)
            elif back not in answers:
                remember(answers, back, self._answerer(vrf, *here[:3]))
        where[rows] = found

    def _answerer(self, vrf: int, version: int, src: int, dst: int) -> int:
        """The VRF of whoever gets what is sent from here to there; -1 if that is not known."""
        key = vrf, version, src, dst
        if key not in self.led:
            remember(self.led, key, answerer(self.world, Flow(vrf, version, src, dst, 0)))
        return self.led[key]


def _keys(header: Decoded) -> Iterator[tuple[Key, Key]]:
    """The key of each packet, and of what answers it."""
    for row in range(len(header.version)):
        version, src_hi, src_lo, dst_hi, dst_lo, protocol, sport, dport = (
            int(getattr(header, name)[row]) for name in HEADER
        )
        src, dst = src_hi << 64 | src_lo, dst_hi << 64 | dst_lo
        here, back = (src, dst, protocol, sport, dport), (dst, src, protocol, dport, sport)
        yield (version, *here), (version, *back)


def remember(known: dict[K, int], key: K, vrf: int) -> None:
    """What is known last, and before it the last `KEPT`: a capture may be made to have more."""
    known[key] = vrf
    if len(known) > KEPT:
        del known[next(iter(known))]


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
    """Headers with source and destination exchanged."""
    return replace(
        header,
        src_hi=header.dst_hi,
        src_lo=header.dst_lo,
        dst_hi=header.src_hi,
        dst_lo=header.src_lo,
    )
