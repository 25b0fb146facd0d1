"""Expectations about addresses: `allow: "203.0.113.0/24 -> acme/edge/gateway:443/tcp"`.

An address or a prefix stands for whoever owns addresses of it, in every VRF, and for these
addresses alone. Where one owner's addresses are another's in the eyes of the other end
(`sim.proof.coverage`), an `allow` is about that other owner, if there is one. Addresses that routes
and policies treat alike are one place (`sim.proof.spans`), so a place that the block touches says
what happens to the block's part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from compiler.program.ownership import owned_addresses
from fabric.file.claims import block_of
from fabric.network import Network
from fabric.ports import PortRange, sent
from sim.proof.coverage import Coverage
from sim.proof.reachability import Bits, Reach


class Limits(NamedTuple):
    """First and last source and destination address; -1 where an end is not limited. `version` is
    0 when neither is."""

    version: int = 0
    src_first: int = -1
    src_last: int = -1
    dst_first: int = -1
    dst_last: int = -1

    def holds(
        self, source: tuple[tuple[int, int], ...], target: tuple[tuple[int, int], ...]
    ) -> bool:
        """Whether some of these addresses are inside."""
        return _touch(source, self[1], self[2]) and _touch(target, self[3], self[4])


def _touch(ranges: tuple[tuple[int, int], ...], first: int, last: int) -> bool:
    return first < 0 or any(a <= last and first <= b for a, b in ranges)


def limits_of(source: str, target: str) -> Limits | None:
    """The limits that the ends of an expectation set; None when they contradict each other."""
    blocks = [block_of(source), block_of(target)]
    versions = {block.version for block in blocks if block is not None}
    if len(versions) > 1:
        return None
    ends = [
        (-1, -1) if b is None else (int(b.network_address), int(b.broadcast_address))
        for b in blocks
    ]
    return Limits(next(iter(versions), 0), *ends[0], *ends[1])


def owners_of(network: Network, pattern: str) -> Bits | None:
    """Endpoints that own addresses of a block, bool[endpoints]; None when it is no block."""
    block = block_of(pattern)
    if block is None:
        return None
    owned, family = owned_addresses(network), int(block.version == 6)
    first, last = int(block.network_address), int(block.broadcast_address)
    return np.array(
        [_touch(owned[e.index][family] or ((-1, -1),), first, last) for e in network.endpoints],
        np.bool_,
    )


def breaches(
    reach: Reach, kind: str, ports: tuple[PortRange, ...], limits: Limits, keys: list[int]
) -> Iterator[tuple[int, bool]]:
    """Which of these pairs break an expectation within limits, and whether something gets through
    that must not."""
    n, version = len(reach.network.endpoints), limits.version
    forbidden = reach.space.touching(ports, kind == "only", version)
    needed = reach.space.touching(ports, version=version)
    coverage = Coverage(reach.leg_space)
    ends = [(*divmod(key // 2, n), version) for key in keys]
    if not any(inside(reach, limits, *p) for pair in ends for p in coverage.places(*pair)):
        coverage = Coverage(reach.leg_space, strict=False)
    for key in keys:
        src, dst = divmod(key // 2, n)
        cells = reach.cells_of(src, dst, version, every=True)
        found = {
            pair: cell
            for pair, cell in zip(reach.places(cells), cells.tolist(), strict=True)
            if inside(reach, limits, *pair)
        }
        if kind != "allow":
            open_ = reach.sets[reach.cells.some[list(found.values())]]
            if (open_ & forbidden).any():
                yield key, True
        if kind != "deny" and any(sent(r.protocol, version) for r in ports):
            wanted = [p for p in coverage.places(src, dst, version) if inside(reach, limits, *p)]
            sure = [reach.sets[reach.cells.sure[found[p]]] for p in wanted if p in found]
            if len(sure) < len(wanted) or any((needed & ~s).any() for s in sure):
                yield key, False


def inside(reach: Reach, limits: Limits, src_place: int, dst_place: int) -> bool:
    """Whether two places hold addresses within the limits."""
    return limits.holds(reach.spans.ranges(src_place), reach.spans.ranges(dst_place))
