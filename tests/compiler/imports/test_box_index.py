"""Which entries have packets in common is what looking at each pair of boxes says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.imports.review.box_index import BoxIndex
from compiler.imports.review.header_boxes import Box, touch

ENDS = st.sampled_from([0, 1, 5, 6, 7, 2**32 - 1, 2**64, 2**128 - 1])
RANGES = st.tuples(ENDS, ENDS).map(lambda ends: (min(ends), max(ends)))
BOXES = st.lists(RANGES, min_size=7, max_size=7).map(tuple)
LISTS = st.lists(st.lists(BOXES, max_size=3), max_size=8)


@settings(max_examples=200)
@given(LISTS)
def test_it_is_what_pairs_say(entries: list[list[Box]]) -> None:
    index = BoxIndex(entries)
    for number, mine in enumerate(entries):
        meant = [n for n in range(number) if any(touch(a, b) for a in mine for b in entries[n])]
        assert index.before(number) == meant
