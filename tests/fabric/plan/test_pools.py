"""Free subnets are found as a search address by address finds them."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_network
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fabric.plan.pools import FreeSpace, bounds

PREFIX = ip_network("10.0.0.0/25")
START = int(PREFIX.network_address)


def lowest(taken: set[int], length: int) -> IPv4Network | None:
    """The slow twin of `Space.draw`."""
    for subnet in IPv4Network(PREFIX).subnets(new_prefix=length):
        if not taken & {int(address) for address in subnet}:
            return subnet
    return None


@given(
    st.lists(st.tuples(st.integers(0, 140), st.integers(0, 9)), max_size=6),
    st.lists(st.integers(25, 32), max_size=12),
)
def test_a_drawn_subnet_is_the_lowest_free_one(
    marked: list[tuple[int, int]], lengths: list[int]
) -> None:
    space, taken = FreeSpace(), set[int]()
    for first, more in marked:
        space.add(START + first, START + first + more)
        taken.update(range(START + first, START + first + more + 1))
    for length in lengths:
        found = space.draw(PREFIX, length)
        assert found == lowest(taken, length)
        if found is not None:
            first, last = bounds(found)
            taken.update(range(first, last + 1))
    assert {a for first, last in space.taken for a in range(first, last + 1)} == taken
    for first in range(START - 1, START + 130):
        for last in (first, first + 1, first + 7):
            held = any(address in taken for address in range(first, last + 1))
            assert space.overlaps(first, last) == held
    gaps = [b[0] - a[1] for a, b in pairwise(space.taken)]
    assert all(gap > 1 for gap in gaps)


def test_drawing_in_a_row_leaves_one_interval() -> None:
    space = FreeSpace()
    for _ in range(100):
        space.draw(PREFIX, 32)
    assert space.taken == [(START, START + 99)]
