"""Routes that are chosen anew where distances differ are those of a FIB that is filled anew."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from random import Random

import numpy as np
import pytest
from walked_fabrics import random_world

from fabric.building.build import rebuild
from fabric.building.network import Network
from fabric.control import best_origins, fib_filling
from fabric.control.best_origins import OriginChoices
from fabric.control.fib import Fib
from fabric.control.fib_filling import build_fib
from fabric.wiring.topology import Role


def failures(network: Network) -> list[tuple[str, ...]]:
    """Every node and link alone, and some of them together."""
    fabric, rng = network.fabric, Random(1)
    names = [n.name for n in fabric.nodes if n.role is not Role.HOST and not n.index & 1]
    names += [link.name for link in fabric.links if link.kind != "host"]
    return [*((name,) for name in names), *(tuple(rng.sample(names, 3)) for _ in range(8))]


def numbered(known: Fib, filled: Fib) -> list[list[int]]:
    """The choices of a FIB with the numbers that its sets have to have beside a known one: new ones
    in the order in which they are met, VRF by VRF."""
    number = {hops: i for i, hops in enumerate(known.nexthop_sets)}
    vrfs = dict.fromkeys(vrf for _, vrf in filled.instances)
    order = sorted(
        range(len(filled.instances)), key=lambda i: [*vrfs].index(filled.instances[i][1])
    )
    rows = [list[int]() for _ in order]
    for i in order:
        sets = (filled.nexthop_sets[s] if s >= 0 else () for s in filled.chosen[i].tolist())
        rows[i] = [number.setdefault(hops, len(number)) if hops else -1 for hops in sets]
    return rows


@pytest.mark.slices(4)
@pytest.mark.parametrize("width", [1, 2, 64])
@pytest.mark.parametrize("seed", range(8))
def test_what_is_chosen_anew_is_what_would_be_chosen(
    seed: int, width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (best_origins, fib_filling):
        monkeypatch.setattr(module, "ECMP_WIDTH", width)
    _, network = random_world(Random(seed), tmp_path)
    leaf = next(n.name for n in network.fabric.nodes if n.role is Role.LEAF)
    vtep = network.fabric.nodes[network.fib.instances[0][0]].name
    drained = rebuild(network, drained=[leaf])
    kept = 0
    for before, down in chain(
        ((network, names) for names in failures(network)), [(drained, ()), (drained, (vtep,))]
    ):
        after = rebuild(before, down=down, drained=None if down else ())
        filled = build_fib(network.routes, network.fib.imports, after.underlay)
        again = rebuild(after, down=(), drained=())
        assert [row.tolist() for row in after.fib.chosen] == numbered(before.fib, filled)
        assert after.fib.wide == filled.wide
        assert again.fib.wide == network.fib.wide
        for here, there in zip(before.fib.chosen, after.fib.chosen, strict=True):
            assert here is there or not np.array_equal(here, there)
            kept += here is there
    assert kept


def test_who_had_other_routes_keeps_those_that_are_not_chosen_anew() -> None:
    """Two instances at one point, of which one had an origin of its own for the last prefix."""
    first, second = np.array([4, 5, 6], np.int32), np.array([4, 5, 7], np.int32)
    filling = fib_filling._Filling([first, second, first])
    none = np.zeros(0, np.int64)
    rows = np.array([[9]], np.int32)
    choices = OriginChoices(rows, np.zeros(3, np.int64), [], none, none, none.astype(np.int32), [])
    filling.put(np.arange(3), np.array([1]), choices)
    assert [row.tolist() for row in filling.chosen] == [[4, 9, 6], [4, 9, 7], [4, 9, 6]]
    assert filling.chosen[0] is filling.chosen[2] is not first
