"""Where an endpoint sends from and is reached: address by address what the definition says."""

from __future__ import annotations

from hypothesis import given
from naive import leads_on, owners
from random_worlds import worlds

from compiler.program.at_home import at_home, held, others
from compiler.program.ownership import owned_addresses
from compiler.program.walk import inside
from fabric.building.network import Network

TOP = {4: 2**32 - 1, 6: 2**128 - 1}


@given(worlds())
def test_an_address_is_at_home_if_it_is_owned_and_not_routed_on(world: Network) -> None:
    has = held(world, world.endpoints)
    home = at_home(world, world.endpoints, has)
    cuts = {
        (version, near)
        for intervals in owned_addresses(world).values()
        for version, found in zip((4, 6), intervals, strict=True)
        for span in found
        for end in span
        for near in (end - 1, end, end + 1)
        if 0 <= near <= TOP[version]
    }
    for vrf in range(len(world.vrfs)):
        for version, starts in zip((4, 6), world.fib.boundaries(vrf), strict=True):
            cuts |= {(version, ip) for start in starts for ip in (start, max(start - 1, 0))}
    for version, ip in sorted(cuts):
        for e in world.endpoints:
            mine = e in owners(world, e.vrf, version, ip)
            here = mine and not leads_on(world, e.vtep, e.vrf, version, ip)
            of_a_prefix = any(
                p.version == version and ip in range(int(p[0]), int(p[-1]) + 1) for p in e.prefixes
            )
            for addresses, yes in ((has, mine), (home, here)):
                assert inside(addresses[e.index][version], ip) == yes
                if of_a_prefix:
                    assert inside(others(e, addresses[e.index], version), ip) != yes
