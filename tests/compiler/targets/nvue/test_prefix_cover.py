"""Prefixes of which the longest decides say what the function says, and no fewer could."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from compiler.targets.nvue.prefix_cover import cover

BITS = 6


@st.composite
def functions(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Where parts of an axis of 64 addresses begin, with a value each."""
    starts = sorted({0, *draw(st.sets(st.integers(1, 63), max_size=8))})
    out: list[tuple[int, int]] = []
    for start in starts:
        value = draw(st.integers(0, 3))
        if not out or out[-1][1] != value:
            out.append((start, value))
    return out


def value_at(pieces: list[tuple[int, int]], address: int) -> int:
    return [value for start, value in pieces if start <= address][-1]


@given(functions())
def test_the_longest_prefix_says_the_value(pieces: list[tuple[int, int]]) -> None:
    found = cover(pieces, BITS)
    for address in range(64):
        first = next(v for low, bits, v, _ in found if address >> bits == low >> bits)
        assert first == value_at(pieces, address)


@given(functions())
def test_what_is_around_a_prefix_is_the_next_shorter_one(pieces: list[tuple[int, int]]) -> None:
    found = cover(pieces, BITS)
    for number, (low, bits, _, around) in enumerate(found):
        outer = (
            value
            for other, wide, value, _ in found[number + 1 :]
            if wide > bits and low >> wide == other >> wide
        )
        assert next(outer, None) == around


def test_none_could_be_fewer() -> None:
    """Against every table of one prefix less, on an axis of four addresses."""
    prefixes = [(low, bits) for bits in (0, 1, 2) for low in range(0, 4, 1 << bits)]
    fewest: dict[tuple[int, ...], int] = {}
    for chosen in product((None, 0, 1), repeat=len(prefixes)):
        table = [(*p, v) for p, v in zip(prefixes, chosen, strict=True) if v is not None]
        if any(bits == 2 for _, bits, _ in table):
            says = tuple(next(v for low, b, v in table if a >> b == low >> b) for a in range(4))
            fewest[says] = min(fewest.get(says, 9), len(table))
    for says, count in fewest.items():
        pieces = [(a, v) for a, v in enumerate(says) if a == 0 or says[a - 1] != v]
        assert len(cover(pieces, 2)) == count


def test_long_ways_are_one_step() -> None:
    assert cover([(0, 0), (7, 1), (8, 0)], 128) == [(7, 0, 1, 0), (0, 128, 0, None)]
