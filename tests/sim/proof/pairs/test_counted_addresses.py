"""What counts as an endpoint's address is what the definition says, packet by packet."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import Phase, given, settings
from naive import theirs
from random_worlds import policies, worlds
from routed import at, endpoint, routed

from compiler.policy.ir import Policy
from compiler.policy.semantics import owners
from fabric.building.network import Network
from sim.proof.pairs.counted_addresses import CountedAddresses
from sim.proof.routes.paths import PathSpace
from sim.worlds.world import World


@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(worlds(), policies())
def test_classes_count_as_the_definition_has_it(network: Network, policy: Policy) -> None:
    space = PathSpace.of(network, World(network, policy).blocks)
    coverage = CountedAddresses(space)
    for source, target in product(network.endpoints, repeat=2):
        crossing = space.crossing(source.vrf, target.vrf)
        sources, targets = (
            [(p.base + n, *space.refinements.bounds(p.base + n)) for n in range(len(p))]
            for p in (crossing.sources, crossing.targets)
        )
        for version in (4, 6) if source is not target else ():
            wanted = {
                (here, there)
                for (here, of, src, _), (there, to, dst, _) in product(sources, targets)
                if of == to == version
                and source in owners(network, source.vrf, version, src)
                and theirs(network, source, target, version, src, dst)
            }
            found = {*coverage.classes(source.index, target.index, version)}
            assert found == wanted, (source.name, target.name, version)


@pytest.mark.parametrize("hops", [[(1, 1)], [(2, 2)], [(1, 1), (2, 2)]])
def test_whoever_a_next_hop_leads_to_has_the_address(hops: list[tuple[int, int]]) -> None:
    """Of two networks around everything else, in both IP versions."""
    mine, every = ("10.0.0.1/32", "fd00::1/128"), ("0.0.0.0/0", "::/0")
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, *mine)),
        *(at(n, endpoint(n, f"zone{2 * n - 2}/inet", n, *every, host=None)) for n in (1, 2)),
    ]
    back = [(prefix, [(0, 0)]) for prefix in mine]
    tables = {
        (n, n): [*back, *((prefix, hops if n == 0 else [(n, n)]) for prefix in every)]
        for n in range(3)
    }
    vrfs = ["acme/main", "zone0/main", "zone2/main"]
    network = routed(["dpu1", "border1", "border2"], vrfs, ends, tables)
    coverage = CountedAddresses(space := PathSpace.of(network, World(network, Policy()).blocks))
    for there, version in product((1, 2), (4, 6)):
        found = coverage.to(0, there, version).tolist()
        assert bool(found) == ((there, there) in hops)
        assert {space.refinements.bounds(place)[0] for place in found} <= {version}
