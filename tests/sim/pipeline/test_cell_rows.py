"""Rows that blocks share say of every cell what the blocks say, and rows that are alike are one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_worlds import policies, worlds
from routed_demo import DEMO, DEMO_POLICY
from wired import wired

from compiler.compile import compile_policy
from compiler.policy.ir import Policy
from fabric.building.network import Network
from sim.blocks.blocks import build_blocks
from sim.pipeline import cell_rows as module
from sim.pipeline.cell_rows import alike, cell_rows
from sim.pipeline.tables import tables


@pytest.mark.parametrize("narrow", [1, 1 << 16])
@settings(max_examples=10)
@given(worlds(), policies())
def test_every_cell_keeps_its_class(narrow: int, world: Network, policy: Policy) -> None:
    """Also where two bytes do not tell rows apart."""
    t = tables(build_blocks(compile_policy(wired(world), policy)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "NARROW", narrow)
        made = cell_rows(t)
    for blocks in t.ep_block:
        for block, vrf in zip(blocks.tolist(), t.ep_vrf.tolist(), strict=True):
            atoms, count = int(np.diff(t.atom_base)[vrf]), int(t.remote_count[vrf])
            atom, remote = (axis.ravel() for axis in np.indices((atoms, count)))
            row = made.row[made.row_off[block] + atom].astype(np.int64)
            found = made.pool[made.pool_off[block] + row * count + remote]
            first = int(t.cell_off[block])
            assert np.array_equal(found, t.cell_class[first : first + atoms * count])


@given(st.integers(0, 2**32), st.integers(0, 30), st.integers(1, 3), st.booleans())
def test_rows_that_are_equal_have_one_number(seed: int, n: int, width: int, clash: bool) -> None:
    """Also where hashes say that all are."""
    rows = np.random.default_rng(seed).integers(0, 3, (n, width)).astype(np.uint16)
    with pytest.MonkeyPatch.context() as patch:
        if clash:
            patch.setattr(module, "FACTOR", np.uint64(0))
        of, shown = alike(rows)
    assert np.array_equal(rows[shown[of]], rows)
    assert len(shown) == len({tuple(row) for row in rows.tolist()})


def test_blocks_that_nobody_is_bound_to_any_more_change_nothing() -> None:
    """An update leaves them behind; where they are no VRF's cells need fit."""
    t = tables(build_blocks(compile_policy(wired(DEMO), DEMO_POLICY)))
    made = cell_rows(t)
    for at in (0, len(t.cell_class) - 1):
        stale = cell_rows(t._replace(cell_off=np.append(t.cell_off, at)))
        assert np.array_equal(stale.row_off[:-1], made.row_off)
        assert np.array_equal(stale.pool_off[:-1], made.pool_off)
        assert np.array_equal(stale.row, made.row) and np.array_equal(stale.pool, made.pool)
