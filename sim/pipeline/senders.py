"""The addresses that endpoints own, as ranges to draw packets from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabric.values.interval_sets import subtract
from sim.blocks.blocks import Blocks
from sim.packets.headers import LOW, Column, Packets
from sim.packets.nobodys import NOBODYS, UNROUTED

LENGTHS = np.array([64, 576, 1500], np.uint32)
"""Bytes per packet: small, default MSS, full, as in Internet mixes."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Address ranges to draw from, one row per range: `size` addresses (2^63 at most) from `hi:lo`.
    A row is a single address of an endpoint, or the largest range that it owns."""

    endpoint: NDArray[np.int32]
    vrf: NDArray[np.int32]
    version: NDArray[np.uint8]
    hi: NDArray[np.uint64]
    lo: NDArray[np.uint64]
    size: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.endpoint)

    @staticmethod
    def of(blocks: Blocks, *, likely: bool = False) -> Hosts:
        """Every endpoint's own addresses, by endpoint and family. With `likely` a range has none
        that no host sends from, if the endpoint has others."""
        largest: dict[tuple[int, int], tuple[int, int]] = {}
        rows: list[tuple[int, int, int, int]] = []
        for endpoint, version, first, size in _owned(blocks):
            if size == 1:
                rows.append((endpoint, version, first, 1))
            elif size > largest.get((endpoint, version), (0, 0))[0]:
                largest[endpoint, version] = size, first
        if likely:
            largest |= _likely(blocks)
        rows += [(*key, first, min(size, 2**63)) for key, (size, first) in largest.items()]
        rows.sort()
        owner = np.array([row[0] for row in rows], np.int32)
        return Hosts(
            owner,
            blocks.endpoint_vrf[owner],
            np.array([row[1] for row in rows], np.uint8),
            np.array([row[2] >> 64 for row in rows], np.uint64),
            np.array([row[2] & LOW for row in rows], np.uint64),
            np.array([row[3] for row in rows], np.uint64),
        )


def _owned(blocks: Blocks) -> Iterator[tuple[int, int, int, int]]:
    """(endpoint, version, first address, size), adjacent atoms of one owner joined."""
    addresses = blocks.addresses
    for vrf, families in enumerate(addresses.starts):
        shift = int(addresses.base[vrf])
        for version, starts in zip((4, 6), families, strict=True):
            owners = addresses.endpoint[shift : shift + len(starts)]
            shift += len(starts)
            breaks = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]]).tolist()
            ends = [*(starts[b] for b in breaks[1:]), 2**32 if version == 4 else 2**128]
            for at, end in zip(breaks, ends, strict=True):
                if owners[at] >= 0:
                    yield int(owners[at]), version, starts[at], end - starts[at]


def _likely(blocks: Blocks) -> dict[tuple[int, int], tuple[int, int]]:
    """By endpoint and family the size and the first address of the largest range that it owns and
    that routers pass on, if possible one that hosts send from."""
    out: dict[tuple[int, int], tuple[int, int]] = {}
    for unwanted in (UNROUTED, NOBODYS):
        largest: dict[tuple[int, int], tuple[int, int]] = {}
        for endpoint, version, first, size in _owned(blocks):
            for low, high in subtract(((first, first + size - 1),), unwanted[version]):
                if high - low >= largest.get((endpoint, version), (1, 0))[0]:
                    largest[endpoint, version] = high - low + 1, low
        out |= largest
    return out


def packets_between(
    hosts: Hosts,
    src: Column,
    dst: Column,
    protocol: Column,
    sport: Column,
    dport: Column,
    rng: np.random.Generator | None,
) -> Packets:
    """Headers between rows of `hosts`; with `rng` any address of a range, else its second."""
    n = len(src)
    ends: list[Any] = []
    for rows in (src, dst):
        hi, low, size = hosts.hi[rows], hosts.lo[rows], hosts.size[rows]
        wide = np.flatnonzero(size > 1)
        draw = rng.integers(0, 2**63, len(wide), np.uint64) if rng else np.uint64(1)
        first = low[wide]
        low[wide] += draw % size[wide]
        hi[wide] += low[wide] < first
        ends += [hi, low]
    return Packets.make(
        hosts.version[src],
        src_endpoint=hosts.endpoint[src],
        vrf=hosts.vrf[src],
        src_hi=ends[0],
        src_lo=ends[1],
        dst_hi=ends[2],
        dst_lo=ends[3],
        protocol=protocol,
        sport=sport,
        dport=dport,
        length=LENGTHS[rng.integers(0, len(LENGTHS), n)] if rng else 64,
    )
