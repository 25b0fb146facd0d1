"""The atom of an address, as kernels look it up, is the one that the blocks' own search finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from random_worlds import policies, worlds
from wired import wired

from compiler.compile import compile_policy
from compiler.policy.ir import Policy
from fabric.building.network import Network
from sim.blocks.blocks import build_blocks
from sim.kernels.pipeline.atoms import atoms
from sim.pipeline.tables import tables

MOST = {4: 2**32 - 1, 6: 2**128 - 1}


@settings(max_examples=8)
@given(worlds(), policies())
def test_kernels_find_the_atom_of_every_address(world: Network, policy: Policy) -> None:
    """At every boundary and beside it, in both families; VRFs that nobody knows have none."""
    network = wired(world)
    blocks = build_blocks(compile_policy(network, policy))
    rows: list[tuple[int, int, int]] = []
    for vrf, families in enumerate(blocks.addresses.starts):
        for version, starts in zip((4, 6), families, strict=True):
            beside = {start + step for start in starts for step in (-1, 0, 1, 2**64)}
            rows += [(vrf, version, ip) for ip in sorted(beside) if 0 <= ip <= MOST[version]]
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
