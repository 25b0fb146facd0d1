"""What ways ask for differs == some packet between namesakes needs other conditions."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from naive import L4S
from random_worlds import asking, policies, worlds
from request_sites import asking_ends

import cloison
from compiler.policy.ir import Policy
from fabric.building.network import Network
from fabric.diagnostics import UndecidedError
from fabric.values.inventory import Endpoint
from sim.diff.diff import diff
from sim.packets.headers import Flow
from sim.packets.reasons import Reason
from sim.pipeline.trace import Trace, trace
from sim.pipeline.ways import entered
from sim.proof.expectations.request_ways import conditions
from sim.worlds.world import World

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
GET, POST = ({"method": m, "path": p} for m, p in (("GET", "/a"), ("POST", "/b")))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (([GET], []), ([], [POST]), "POST /b gets through now, and GET /a no more"),
        (([GET, POST], [GET]), ([GET, POST], []), "it is enough now"),
        (([GET, POST], []), ([GET, POST], [GET]), "it was enough, and is no more"),
        (([], [GET]), ([], [POST], "db-1"), "POST /b gets through now, and GET /a no more"),
        (([], [GET]), ([], [POST]), "POST /b gets through now, and GET /a no more"),
    ],
)
def test_what_a_way_asks_for_is_told(tmp_path: Path, old: Any, new: Any, said: str) -> None:
    paths = [asking_ends(tmp_path / name, *how) for name, how in (("old", old), ("new", new))]
    with pytest.raises(UndecidedError, match=said) as error:
        cloison.diff(*paths)
    assert error.value.diagnostics[0].code == "C878"


def test_where_a_way_asks_is_no_difference(tmp_path: Path) -> None:
    paths = [
        asking_ends(tmp_path / name, *how)
        for name, how in (("old", ([GET], [GET])), ("new", ([], [GET])), ("moved", ([GET], [])))
    ]
    assert cloison.diff(paths[0], paths[1]).verdict == "holds"
    assert cloison.diff(paths[1], paths[2]).verdict == "holds"
    opened = asking_ends(tmp_path / "open", [], [])
    assert {row["change"] for row in cloison.diff(paths[0], opened)} == {"steady"}


def arrives(taken: Trace, end: Endpoint) -> bool:
    return taken.reason is Reason.DELIVERED and taken.target == end.index


def asked(world: World, l4: tuple[int, int, int]) -> dict[Any, set[Any]]:
    """What packets between endpoints of a world need, by names and addresses, on any way."""
    ends, found = world.network.endpoints, dict[Any, set[Any]]()
    for a, b in product(ends, repeat=2):
        for p, q in product(a.prefixes, b.prefixes):
            if p.version != q.version or a is b:
                continue
            src, dst = int(p.network_address), int(q.network_address)
            flow = Flow(a.vrf, p.version, src, dst, *l4, src_endpoint=a.index)
            taken = (trace(world, flow, n) for n in range(len(entered(world, a, flow))))
            needed = {conditions(t, b.index) for t in taken if arrives(t, b)}
            found[a.name, b.name, src, dst] = needed
    return found


@pytest.mark.slices(6)
@settings(max_examples=40, deadline=None, phases=QUICK)
@given(worlds(), policies(), st.integers(0, 2**32).map(Random))
def test_what_is_the_same_asks_for_the_same(network: Network, policy: Policy, chance: Any) -> None:
    often = chance.choice((0.5, 1.0))
    old, new = (World(network, asking(policy, chance, often)) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sim.diff.diff.refuse_other_conditions", lambda *_: None)
        try:
            same = diff(old, new).same
        except UndecidedError as error:
            assert error.diagnostics[0].code == "C878"
            same = False
    differs = any(asked(old, l4) != asked(new, l4) for l4 in L4S)
    assert not (same and differs)
