"""Laws of sets of addresses as texts: a text holds what its parts hold, in one form."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.values.address_sets import addresses_in, set_in

LOW, SIZE = {4: int(IPv4Address("10.0.0.0")), 6: int(IPv6Address("fd00::"))}, 16
Part = tuple[int, int, int]
"""IP version, first and last address, as offsets."""


@st.composite
def parts(draw: st.DrawFn, version: int) -> Part:
    """A range, which may be a block."""
    first, last = sorted(draw(st.tuples(*[st.integers(0, SIZE - 1)] * 2)))
    return version, first, last


@st.composite
def terms(draw: st.DrawFn) -> tuple[Part, list[Part]]:
    """A range without some others of its version."""
    version = draw(st.sampled_from((4, 6)))
    return draw(parts(version)), draw(st.lists(parts(version), max_size=2))


def text(part: Part) -> str:
    """A part as people write it: a block where it is one."""
    version, first, last = part
    kind = IPv4Address if version == 4 else IPv6Address
    size = last - first + 1
    low, high = kind(LOW[version] + first), kind(LOW[version] + last)
    if size & (size - 1) == 0 and first % size == 0:
        return f"{low}/{low.max_prefixlen - size.bit_length() + 1}"
    return f"{low}-{high}"


@settings(max_examples=60)
@given(st.lists(terms(), min_size=1, max_size=3))
def test_a_text_holds_what_its_parts_hold(some: list[tuple[Part, list[Part]]]) -> None:
    written = ", ".join(" except ".join(map(text, (of, *less))) for of, less in some)
    holds = {
        (of[0], n)
        for of, less in some
        for n in range(of[1], of[2] + 1)
        if not any(low <= n <= high for _, low, high in less)
    }
    found = addresses_in(f"[{written}]")
    if not holds:
        assert found is None and set_in(written) is None
        return
    assert found is not None and found.text == written
    assert found.versions == tuple(sorted({version for version, _ in holds}))
    assert (set_in(written) is None) == (len(holds) == 1)
    for version in (4, 6):
        spans = found.of(version)
        said = {(version, n - LOW[version]) for a, b in spans for n in range(a, b + 1)}
        assert said == {one for one in holds if one[0] == version}
        assert all(b + 1 < c for (_, b), (c, _) in pairwise(spans))
    version, n = max(holds)
    gone = (IPv4Address if version == 4 else IPv6Address)(LOW[version] + n)
    rest = found.without(gone)
    said = {(v, x - LOW[v]) for v in (4, 6) for a, b in rest.of(v) for x in range(a, b + 1)}
    assert said == holds - {(version, n)} and rest.text == found.text
