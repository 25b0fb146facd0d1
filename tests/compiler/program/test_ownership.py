"""Whose an address is, for all addresses at once: as the definition says for each."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from worlds import endpoint, network

from compiler.policy.semantics import owner
from compiler.program.ownership import owned_addresses, regions_of
from compiler.program.walk import inside

PREFIXES = [
    "10.0.0.0/28", "10.0.0.0/29", "10.0.0.8/29", "10.0.0.4/30", "10.0.0.0/32", "10.0.0.5/32",
    "10.0.0.7/32", "10.0.0.15/32", "fd00::/124", "fd00::/125", "fd00::3/128", "fd00::f/128",
    "fd00::/32", "fd00::/31",
]  # fmt: skip
BASE = {4: 0x0A000000, 6: 0xFD00 << 112}


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.lists(st.sampled_from(PREFIXES), max_size=3, unique=True)),
        min_size=1,
        max_size=5,
    )
)
def test_owners_are_those_of_the_definition(given_: list[tuple[int, list[str]]]) -> None:
    ends = [endpoint(n, f"t/n/p{n}", vrf, *given) for n, (vrf, given) in enumerate(given_)]
    world = network(["t/a", "t/b"], ends)
    owned = owned_addresses(world)
    for vrf in (0, 1):
        for family, version in enumerate((4, 6)):
            for ip in range(BASE[version] - 1, BASE[version] + 17):
                true = owner(world, vrf, version, ip)
                found = [e for e in ends if e.vrf == vrf and inside(owned[e.index][family], ip)]
                assert found == ([] if true is None else [true])
    for four, six in owned.values():
        for intervals in (four, six):
            assert all(a[1] + 1 < b[0] for a, b in pairwise(intervals))
    for region in regions_of(world, owned, range(len(ends))):
        mine = [e.index for e in ends if e.vrf == region.vrf]
        for family, found_ in enumerate((region.v4, region.v6)):
            spans = [span for i in mine for span in owned[i][family]]
            assert sum(b - a + 1 for a, b in found_) == sum(b - a + 1 for a, b in spans)
