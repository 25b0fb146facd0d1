"""Proof == brute force: `reachability` against the slow datapath on random worlds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from naive import Header, outcomes
from random_worlds import policies, worlds
from reach_laws import says_what_brute_force_finds
from routed_demo import DEMO, DEMO_POLICY

from compiler.policy.ir import Policy
from fabric.building.network import Network
from fabric.diagnostics import InputError
from sim.packets.reasons import Reason
from sim.proof.pairs.reachability import Reach, reach_within, reachability
from sim.worlds.world import World

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)


@pytest.mark.slices(6)
@settings(max_examples=25, deadline=None, phases=QUICK)
@given(worlds(), policies())
def test_may_deliver_is_what_brute_force_finds(network: Network, policy: Policy) -> None:
    says_what_brute_force_finds(reachability(World(network, policy)), network, policy)


@settings(max_examples=25, deadline=None, phases=QUICK)
@given(worlds(), policies())
def test_paths_hold_addresses_that_deliver(network: Network, policy: Policy) -> None:
    reach = reachability(World(network, policy))
    for row in np.flatnonzero(reach.sets.any(1)[reach.path_set])[:200].tolist():
        version, src, _ = reach.refinements.bounds(int(reach.paths.src_class[row]))
        _, _, dst = reach.refinements.bounds(int(reach.paths.dst_class[row]))
        l4 = reach.space.pick(reach.sets[reach.path_set[row]], version=version)
        assert l4 is not None
        found = outcomes(policy, network, int(reach.paths.src[row]), Header(version, src, dst, *l4))
        assert any(o.dst == reach.paths.dst[row] and o.reason is Reason.DELIVERED for o in found)


def test_more_pairs_than_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.proof.pairs.reachability.MAX_PAIRS", 3)
    with pytest.raises(InputError, match="C717"):
        reachability(World(DEMO, DEMO_POLICY))


@settings(max_examples=25, deadline=None, phases=QUICK)
@given(worlds(), policies(), st.data())
def test_a_part_is_what_the_whole_says_of_it(
    network: Network, policy: Policy, data: st.DataObject
) -> None:
    vrfs = st.sets(st.sampled_from(range(len(network.vrfs))))
    out_of, into = data.draw(st.none() | vrfs), data.draw(st.none() | vrfs)
    world = World(network, policy)
    whole, part = told(reachability(world)), told(reach_within(world, out_of, into))
    of = [e.vrf for e in network.endpoints]
    asked = {
        pair: said
        for pair, said in whole.items()
        if (out_of is None or of[pair[0]] in out_of) and (into is None or of[pair[1]] in into)
    }
    assert part == asked


def told(reach: Reach) -> dict[tuple[int, int, int], tuple[bytes, bytes]]:
    """The two answers of each pair."""
    p = reach.pairs
    keys = zip(p.src.tolist(), p.dst.tolist(), p.version.tolist(), strict=True)
    sets = (
        (reach.sets[some].tobytes(), reach.sets[sure].tobytes())
        for some, sure in zip(p.some, p.sure, strict=True)
    )
    return dict(zip(keys, sets, strict=True))
