"""Blocks of another underlay: the same as those that are built for it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from fabric_files import network_of
from failing_fabrics import BOTH, failing, plain, stand_in

from fabric.build import rebuild
from sim.blocks.blocks import build_blocks
from sim.world import World


@pytest.mark.parametrize("make", [plain, stand_in])
@pytest.mark.parametrize("before", [(), ("dpu1",), ("leaf1", "border1")])
def test_routes_are_those_of_a_whole_build(
    tmp_path: Path, make: Callable[[Path], Path], before: tuple[str, ...]
) -> None:
    """One failure after another, and back: what is taken over is what would be looked up."""
    network = network_of(make(tmp_path), down=before)
    here = World(network)
    singles = [down for kind in BOTH for down in failing(network, kind)]
    downs = [[*before, *more] for more in singles]
    downs += [[*before, *one, *other] for one, other in pairwise(singles[::3])]
    for down in [*downs, []]:
        there = here.over(rebuild(network, down=down))
        fresh = build_blocks(there.program)
        for column in ("inst_of", "fib_off", "fib", "set_off", "set_vtep", "set_vrf"):
            assert getattr(there.blocks, column).tolist() == getattr(fresh, column).tolist()
