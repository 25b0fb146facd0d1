"""What a proof that was kept lacks is found again, and is what its proof had."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from routed_demo import DEMO, DEMO_POLICY
from wired import wired

from sim.proof.pairs.later_reach import LaterReach, NoReach
from sim.proof.pairs.reachability import PairCells, Pairs, Reach, reachability
from sim.worlds.world import World


def arrays(reach: Reach) -> dict[str, list[Any]]:
    """The columns of a reach, by name."""
    tables: list[Pairs | PairCells] = [reach.pairs, reach.cells]
    found = {
        f"{type(t).__name__}.{f.name}": getattr(t, f.name).tolist()
        for t in tables
        for f in fields(t)
    }
    return found | {"path_set": reach.path_set.tolist(), "sets": reach.sets.tolist()}


def world() -> World:
    return World(wired(DEMO), DEMO_POLICY)


def test_what_is_found_later_is_what_was_there() -> None:
    later, at_once = LaterReach(world()), reachability(world())
    assert len(at_once.pairs) and later.space.size == at_once.space.size
    assert arrays(later) == arrays(at_once)
    with pytest.raises(AttributeError):
        _ = later.no_such_field  # type: ignore[attr-defined]


def test_of_nobody_no_pair_is_there_and_the_same_paths_are() -> None:
    nobody, everybody = NoReach(world()), reachability(world())
    assert not len(nobody.pairs) and not len(nobody.paths) and not len(nobody.cells.pair)
    assert nobody.space.size == everybody.space.size
    ways, same = nobody.path_space.closure, everybody.path_space.closure
    assert len(ways.fib) and ways.fib.tolist() == same.fib.tolist()
