"""Regions == the slow datapath, for what is dropped too; and they cover everything."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import Phase, given, settings
from naive import Header, hops_of, numbered, outcomes, points
from random_worlds import policies, worlds

from compiler.policy.ir import Policy
from compiler.policy.semantics import owner
from fabric.building.network import Network
from sim.proof.certificates.regions import SELF, regions
from sim.proof.pairs.reachability import reachability
from sim.proof.routes.refinements import TOP
from sim.worlds.world import World


@pytest.mark.slices(3)
@settings(max_examples=12, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(worlds(), policies())
def test_every_region_says_what_the_datapath_does(network: Network, policy: Policy) -> None:
    reach = reachability(World(network, policy))
    found = regions(reach)
    sources = list(found.sources)
    covered = 0
    for source in sources:
        stretches = list(found.runs(source))
        edges = [(first, last) for first, last, _ in stretches]
        assert edges[0][0] == 0
        assert edges[-1][1] == TOP[source.version]
        assert all(a[1] + 1 == b[0] for a, b in pairwise(edges))
        axis = points(network, policy, source.version)
        for src in (x for x in axis if any(a <= x <= b for a, b in source.ranges)):
            covered += 1
            for dst in axis:
                choices = next(c for a, b, c in stretches if a <= dst <= b)
                for _, l4 in numbered(source.version):
                    atom = reach.space.atom(*l4)
                    said = {int(found.profiles.values[profile][atom]) for profile, _, _ in choices}
                    header = Header(source.version, src, dst, *l4)
                    done = outcomes(policy, network, source.endpoint, header)
                    selves = self_hops(network, source.endpoint, header)
                    if SELF in said:
                        assert selves
                    elif not selves:
                        assert said == {int(o.reason) for o in done}
    mine = sum(
        owner(network, e.vrf, version, x) is e
        for e in network.endpoints
        for version in (4, 6)
        for x in points(network, policy, version)
    )
    assert covered == mine


def self_hops(network: Network, src: int, header: Header) -> bool:
    """Whether any choice leads back to the sender."""
    source = network.endpoints[src]
    hops = [hop for hop in hops_of(network, source, header.version, header.dst) if hop]
    owners = (owner(network, h.vrf, header.version, header.dst) for h in hops)
    return any(o is source for o in owners)
