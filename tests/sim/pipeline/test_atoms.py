"""The atom of an address, as kernels look it up, is the one that the blocks' own search finds."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from random_worlds import policies, worlds
from wired import wired

from compiler.compile import compile_policy
from compiler.policy.ir import Policy
from fabric.building.network import Network
from sim.blocks.blocks import Blocks, build_blocks
from sim.kernels import kernel
from sim.kernels.pipeline.atoms import atoms, find_atoms
from sim.kernels.pipeline.block_rows import DST, DST_0, SRC, SRC_0, VERSION, VRF
from sim.pipeline.datapath import BLOCK, block
from sim.pipeline.lane_tables import lane_tables
from sim.pipeline.tables import tables

MOST = {4: 2**32 - 1, 6: 2**128 - 1}
LOW = 2**32 - 1


@kernel
def find_block(t: Any, d: Any, n: int, w: Any) -> None:
    """`find_atoms` as a kernel of its own."""
    find_atoms(t, d, n, w)


Row = tuple[int, int, int]


def asked(blocks: Blocks) -> list[Row]:
    """VRF, version and address at every boundary and beside it, in both families."""
    rows: list[Row] = []
    for vrf, families in enumerate(blocks.addresses.starts):
        for version, starts in zip((4, 6), families, strict=True):
            beside = {start + step for start in starts for step in (-1, 0, 1, 2**64)}
            rows += [(vrf, version, ip) for ip in sorted(beside) if 0 <= ip <= MOST[version]]
    return rows


@settings(max_examples=8)
@given(worlds(), policies())
def test_kernels_find_the_atom_of_every_address(world: Network, policy: Policy) -> None:
    """VRFs that nobody knows have none."""
    network = wired(world)
    blocks = build_blocks(compile_policy(network, policy))
    rows = asked(blocks)
    expected = [blocks.addresses.find(*row) for row in rows] + [-1, -1]
    rows += [(-1, 4, 0), (len(network.vrfs), 6, 0)]
    vrf, version, address = zip(*rows, strict=True)
    found = np.zeros(len(rows), np.int64)
    atoms(
        tables(blocks),
        np.array(vrf, np.int64),
        np.array(version, np.uint8),
        np.array([ip >> 64 for ip in address], np.uint64),
        np.array([ip % 2**64 for ip in address], np.uint64),
        found,
    )
    assert found.tolist() == expected


@settings(max_examples=3)
@given(worlds(), policies())
def test_blocks_of_packets_find_the_same(world: Network, policy: Policy) -> None:
    """Eight at a time, sources and destinations, whoever stands beside whom in a list."""
    blocks = build_blocks(compile_policy(wired(world), policy))
    t, rows = tables(blocks), asked(blocks)
    d, rng = lane_tables(t), np.random.default_rng(len(rows))
    expected = np.array([blocks.addresses.find(*row) for row in rows]) % 2**32
    for which, first in ((SRC, SRC_0), (DST, DST_0)):
        order = rng.permutation(len(rows))[:BLOCK]
        w = block()
        for place, number in enumerate(order.tolist()):
            vrf, version, address = rows[number]
            w[VRF, place], w[VERSION, place] = vrf, version
            w[first : first + np.uint64(4), place] = [address >> 32 * k & LOW for k in range(4)]
        find_block(t, d, len(order), w)
        assert np.array_equal(w[which, : len(order)], expected[order])
