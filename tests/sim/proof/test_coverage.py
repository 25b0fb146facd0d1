"""What counts as an endpoint's address is what the definition says, packet by packet."""

from __future__ import annotations

from itertools import product

from hypothesis import Phase, given, settings
from naive import theirs
from random_worlds import policies, worlds

from compiler.policy.ir import Policy
from compiler.policy.semantics import owners
from fabric.network import Network
from sim.proof.coverage import Coverage
from sim.proof.legs import LegSpace
from sim.world import World


@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(worlds(), policies())
def test_places_count_as_the_definition_has_it(network: Network, policy: Policy) -> None:
    space = LegSpace.of(network, World(network, policy).blocks)
    coverage = Coverage(space)
    for source, target in product(network.endpoints, repeat=2):
        crossing = space.crossing(source.vrf, target.vrf)
        sources, targets = (
            [(p.base + n, *space.spans.bounds(p.base + n)) for n in range(len(p))]
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
            found = {*coverage.places(source.index, target.index, version)}
            assert found == wanted, (source.name, target.name, version)
