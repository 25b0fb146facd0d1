"""The datapath and the engines tell addresses apart alike: the atom of an address says in which
prefixes it lies, and so which is the innermost, by which engines name it."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv6Network

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from part_alone import alone

from fabric.values.interval_sets import cut
from sim.blocks.atoms import TOPS, AddressAtoms
from sim.blocks.exact import build, single_addresses
from sim.blocks.top_rows import top_index
from sim.classify.axes.address_axis import nested
from sim.classify.axes.intervals import intervals
from sim.classify.rename import rename
from sim.classify.ruleset import prefixes6
from sim.kernels.match import tries
from sim.kernels.pipeline.atoms import atoms
from sim.pipeline import warm
from sim.pipeline.tables import DTYPES, Tables, tables

Prefix = tuple[int, int]
WIDTHS = {4: 32, 6: 128}
interval_walk = alone(tries.interval_walk)


def prefixes(version: int) -> st.SearchStrategy[list[Prefix]]:
    """Nested, beside each other, single, and at both ends of the axis."""
    width = WIDTHS[version]
    near = st.builds(lambda at, low: at << width - 8 | low, st.integers(0, 2), st.integers(0, 9))
    ends = st.one_of(near, st.sampled_from([0, 1 << width // 2, (1 << width) - 1]))
    lengths = st.sampled_from([0, 4, 8, width // 2, width - 3, width - 1, width])
    pairs = st.tuples(ends, lengths).map(lambda p: (p[0] >> width - p[1] << width - p[1], p[1]))
    return st.lists(pairs, max_size=10, unique=True)


def bounds(prefix: Prefix, width: int) -> tuple[int, int]:
    first, length = prefix
    return first, first + (1 << width - length) - 1


def beside(found: list[Prefix], width: int) -> list[int]:
    """On and beside every end."""
    ends = {end for prefix in found for end in bounds(prefix, width)} | {0, 1 << width - 1}
    return sorted(x for end in ends for x in (end - 1, end, end + 1) if 0 <= x < 1 << width)


def innermost(found: list[Prefix], low: int, high: int, width: int) -> int:
    """The longest prefix around these addresses, -1 for none."""
    around = [
        (length, number)
        for number, (first, length) in enumerate(found)
        if first <= low and high <= bounds((first, length), width)[1]
    ]
    return max(around, default=(0, -1))[1]


@cache
def shape() -> Tables:
    """Tables of the types that kernels are compiled for."""
    return tables(warm.world().blocks)


def of_datapath(four: list[Prefix], six: list[Prefix], asked: list[tuple[int, int]]) -> list[int]:
    """By prefix: the innermost around the whole atom that the datapath's kernel finds."""
    starts = tuple(
        sorted({0} | cut((bounds(p, width) for p in found), top))
        for found, width, top in ((four, 32, TOPS[0]), (six, 128, TOPS[1]))
    )
    off4, off6 = (np.array([0, len(axis)]) for axis in starts)
    v4 = np.array(starts[0], np.uint32)
    hi, lo = halves(starts[1])
    nobody = np.full(len(v4) + len(hi), -1, np.int32)
    made = AddressAtoms(off4, v4, off6, hi, lo, off4 + off6, nobody, (starts,))
    exact, shift = build(single_addresses(made))
    named = {
        "top_row": np.zeros(1), "v4_off": off4, "v4_start": v4, "v4_top": top_index(off4, v4, 32),
        "v6_off": off6, "v6_hi": hi, "v6_lo": lo, "v6_top": top_index(off6, hi, 64),
        "atom_base": made.base, "exact": exact.reshape(-1), "exact_shift": shift,
    }  # fmt: skip
    t = shape()._replace(**{n: np.ascontiguousarray(a, DTYPES[n]) for n, a in named.items()})
    version = np.array([v for v, _ in asked], np.uint8)
    at = np.zeros(len(asked), np.int64)
    atoms(t, np.zeros(len(asked), np.int64), version, *halves([ip for _, ip in asked]), at)
    spans = [made.bounds(0, number) for number in at.tolist()]
    assert [span[0] for span in spans] == version.tolist()
    return [innermost(four if v == 4 else six, first, last, WIDTHS[v]) for v, first, last in spans]


def halves(addresses: list[int]) -> tuple[np.ndarray, np.ndarray]:
    hi, lo = zip(*(divmod(ip, 1 << 64) for ip in addresses), strict=True)
    return np.array(hi, np.uint64), np.array(lo, np.uint64)


@settings(max_examples=60, deadline=None)
@given(prefixes(4), prefixes(6))
def test_the_innermost_prefix_is_the_same(four: list[Prefix], six: list[Prefix]) -> None:
    asked4, asked6 = beside(four, 32), beside(six, 128)
    found = of_datapath(four, six, [*((4, ip) for ip in asked4), *((6, ip) for ip in asked6)])

    first, length = (np.array([p[i] for p in four], np.int64) for i in (0, 1))
    nest = nested(first.astype(np.uint32), length.astype(np.uint8))
    table = intervals(
        nest.first, nest.length, np.arange(1, len(nest.first) + 1, dtype=np.uint32), 0
    )
    assert table is not None
    number = [-1, *np.argsort(nest.item).tolist()]
    assert [number[interval_walk(*table, np.uint32(ip))] for ip in asked4] == found[: len(asked4)]

    made = rename(prefixes6([[IPv6Network(p)] for p in six]))
    assert made is not None
    names = np.zeros(len(asked6), np.uint32)
    made[1].write(*halves(asked6), 0, len(asked6), names)
    pairs = set(zip(names.tolist(), found[len(asked4) :], strict=True))
    assert len(pairs) == len({name for name, _ in pairs}) == len({number for _, number in pairs})
