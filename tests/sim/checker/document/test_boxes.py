"""Boxes of protocols and ports against ports as people write them, packet by packet."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from fabric.values.ports import ANY, PortRange, sent
from sim.checker.document.boxes import within

LAST = 5
PROTOCOLS = (0, 1, 2, 6, 17, 47, 58, 59)
BOUNDS = st.tuples(st.integers(0, LAST), st.integers(0, LAST)).map(lambda b: (min(b), max(b)))


@st.composite
def boxes(draw: st.DrawFn) -> tuple[int, int, int, int, int, int]:
    """Of one protocol with ports, or of several without."""
    if draw(st.booleans()):
        protocol = draw(st.sampled_from([6, 17]))
        return protocol, protocol, *draw(BOUNDS), *draw(BOUNDS)
    first, last = draw(st.sampled_from([(0, 5), (1, 1), (7, 16), (18, 131), (47, 47), (58, 58)]))
    return first, last, 0, 0, 0, 0


PORTS = st.builds(
    lambda protocol, d, s: PortRange(protocol, *d, *s),
    st.sampled_from([ANY, 1, 6, 17, 47, 58]),
    BOUNDS,
    BOUNDS,
)


@given(boxes(), st.lists(PORTS, max_size=3), st.sampled_from([4, 6]))
def test_what_a_box_has_of_ports_and_beside_them(
    box: tuple[int, int, int, int, int, int], ports: list[PortRange], version: int
) -> None:
    some = others = False
    for protocol in range(box[0], box[1] + 1):
        if not sent(protocol, version):
            continue
        ported = protocol in (6, 17, 132)
        for d, s in product(range(box[2], box[3] + 1), range(box[4], box[5] + 1)):
            inside = any(
                r.protocol in (ANY, protocol)
                and (not ported or r.first <= d <= r.last)
                and (not ported or r.source_first <= s <= r.source_last)
                for r in ports
            )
            some, others = some or inside, others or not inside
    assert within(box, ports, version) == (some, others)
