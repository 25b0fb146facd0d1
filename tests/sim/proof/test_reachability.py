"""Proof == brute force: `reachability` against the slow datapath on random worlds."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from naive import Header, numbered, outcomes, points, theirs
from random_worlds import policies, worlds
from routed_demo import DEMO, DEMO_POLICY

from compiler.policy.ir import Policy
from compiler.policy.semantics import owners
from fabric.diagnostics import InputError
from fabric.network import Network
from sim.packets.reasons import Reason
from sim.proof.reachability import reachability
from sim.world import World

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)


def brute(network: Network, policy: Policy) -> tuple[set[Any], set[Any]]:
    """(source, destination, family, l4 number) that may be, and that surely are delivered."""
    some, cells = set(), defaultdict(list)
    for e in network.endpoints:
        for version in (4, 6):
            axis = points(network, policy, version)
            mine = [x for x in axis if e in owners(network, e.vrf, version, x)]
            for number, l4 in numbered(version):
                for src in mine:
                    for dst in axis:
                        found = outcomes(policy, network, e.index, Header(version, src, dst, *l4))
                        good = {o.dst for o in found if o.reason is Reason.DELIVERED} - {e.index}
                        some |= {(e.index, d, version, number) for d in good}
                        for d in network.endpoints:
                            want = (Reason.DELIVERED, d.index)
                            sure = all((o.reason, o.dst) == want for o in found)
                            if d is not e and theirs(network, e, d, version, src, dst):
                                cells[e.index, d.index, version, number].append(sure)
    return some, cells  # type: ignore[return-value]


@settings(max_examples=25, deadline=None, phases=QUICK)
@given(worlds(), policies(), st.randoms())
def test_may_deliver_is_what_brute_force_finds(network: Network, policy: Policy, _: Any) -> None:
    reach = reachability(World(network, policy))
    some, cells = brute(network, policy)
    found, sure = set(), set()
    for row in range(len(reach.pairs)):
        src, dst, version = (
            int(c[row]) for c in (reach.pairs.src, reach.pairs.dst, reach.pairs.version)
        )
        for number, l4 in numbered(version):
            atom = reach.space.atom(*l4)
            if reach.sets[reach.pairs.some[row], atom]:
                found.add((src, dst, version, number))
            if reach.sets[reach.pairs.sure[row], atom]:
                sure.add((src, dst, version, number))
    assert found == some
    assert sure <= found
    for key in some:
        assert (key in sure) == (bool(cells[key]) and all(cells[key])), key


@settings(max_examples=25, deadline=None, phases=QUICK)
@given(worlds(), policies())
def test_legs_hold_addresses_that_deliver(network: Network, policy: Policy) -> None:
    reach = reachability(World(network, policy))
    for row in np.flatnonzero(reach.sets.any(1)[reach.leg_set])[:200].tolist():
        version, src, _ = reach.spans.bounds(int(reach.legs.src_place[row]))
        _, _, dst = reach.spans.bounds(int(reach.legs.dst_place[row]))
        l4 = reach.space.pick(reach.sets[reach.leg_set[row]], version=version)
        assert l4 is not None
        found = outcomes(policy, network, int(reach.legs.src[row]), Header(version, src, dst, *l4))
        assert any(o.dst == reach.legs.dst[row] and o.reason is Reason.DELIVERED for o in found)


def test_more_pairs_than_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.proof.reachability.MAX_PAIRS", 3)
    with pytest.raises(InputError, match="C717"):
        reachability(World(DEMO, DEMO_POLICY))
