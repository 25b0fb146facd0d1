"""Sets of packets: what is left of regions is what enumeration leaves."""

from __future__ import annotations

from itertools import product

from hypothesis import example, given
from hypothesis import strategies as st

from compiler.policy.fields import Within
from sim.blocks.port_sets import Box
from sim.diff.access_regions import AccessRegion, beyond, end_of

OWNERS = [("a/m", "a/n/p"), ("b/m", "a/n/p"), ("a/m", "a/n/q")]
spans = st.tuples(st.integers(0, 4), st.integers(0, 2)).map(lambda t: (t[0], t[0] + t[1]))
ends = st.lists(st.tuples(st.sampled_from(OWNERS), spans), min_size=1, max_size=3).map(end_of)
boxes = st.builds(Box, spans, spans, spans)
access = st.builds(
    AccessRegion,
    st.sampled_from(["gained", "lost"]),
    st.sampled_from([4, 6]),
    st.booleans(),
    ends,
    ends,
    st.lists(boxes, min_size=1, max_size=2).map(tuple),
)


def packets(found: list[AccessRegion]) -> set[tuple[object, ...]]:
    """Every packet, one by one."""
    out = set()
    for region in found:
        sides = [
            [
                (owner, ip)
                for owner, ranges in end
                for low, high in ranges
                for ip in range(low, high + 1)
            ]
            for end in (region.source, region.target)
        ]
        for box in region.ports:
            axes = [range(low, high + 1) for low, high in (box.protocols, box.dport, box.sport)]
            out |= {(*region.key, *packet) for packet in product(*sides, *axes)}
    return out


SOURCE, TARGET = end_of([(OWNERS[0], (1, 3))]), end_of([(OWNERS[2], (2, 2))])
ONE = AccessRegion("gained", 4, False, SOURCE, TARGET, (Box((6, 6), (2, 4), (0, 6)),))


@given(st.lists(access, max_size=3), st.lists(access, max_size=3))
@example([ONE], [ONE])
def test_what_is_left_is_what_enumeration_leaves(
    found: list[AccessRegion], given_: list[AccessRegion]
) -> None:
    left = beyond(found, given_)
    assert packets(left) == packets(found) - packets(given_)
    assert bool(left) == bool(packets(found) - packets(given_))


def changed(**what: object) -> AccessRegion:
    values = {name: getattr(ONE, name) for name in ONE.__dataclass_fields__}
    return AccessRegion(**{**values, **what})  # type: ignore[arg-type]


def test_whatever_differs_by_one_is_more() -> None:
    """A port, a protocol, an address, an owner, a VRF, a family, a direction, a source port."""
    wider = Box((6, 6), (2, 5), (0, 6))
    for other in (
        changed(kind="lost"),
        changed(version=6),
        changed(own=True),
        changed(source=end_of([(OWNERS[0], (1, 4))])),
        changed(source=end_of([(OWNERS[1], (1, 3))])),
        changed(source=end_of([(OWNERS[2], (1, 3))])),
        changed(source=ONE.target, target=ONE.source),
        changed(ports=(wider,)),
        changed(ports=(Box((17, 17), (2, 4), (0, 6)),)),
        changed(ports=(Box((6, 6), (2, 4), (0, 7)),)),
        changed(ports=(Box((0, 255)),)),
    ):
        assert beyond([other], [ONE]), other
        assert not beyond([other], [ONE, other])
    assert beyond([ONE], []) == [ONE]


def test_several_approvals_hold_together_what_none_does_alone() -> None:
    halves = [changed(ports=(Box((6, 6), ports, (0, 6)),)) for ports in ((2, 3), (4, 9))]
    assert not beyond([ONE], halves)
    assert beyond([ONE], halves[:1]) == [changed(ports=(Box((6, 6), (4, 4), (0, 6)),))]


def test_what_further_fields_limit_is_the_same_only_where_they_are() -> None:
    fields = (Within("dscp", 8, 15),)
    limited = changed(ports=(Box((6, 6), (2, 4), (0, 6), fields),))
    assert not beyond([limited], [ONE])
    assert beyond([ONE], [limited]) == [ONE]
