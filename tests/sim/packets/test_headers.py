"""Columns keep what flows say, and refuse what is not a column."""

from typing import get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.policy.fields import FIELDS
from sim.packets.headers import DTYPES, HEADER, Flow, Packets
from sim.pipeline.tables import Headers

FLOWS = st.builds(
    Flow,
    vrf=st.integers(-1, 2**31 - 1),
    version=st.sampled_from((4, 6)),
    src=st.integers(0, 2**128 - 1),
    dst=st.integers(0, 2**128 - 1),
    protocol=st.integers(0, 255),
    sport=st.integers(0, 65535),
    dport=st.integers(0, 65535),
    src_endpoint=st.integers(-1, 2**31 - 1),
    length=st.integers(0, 2**32 - 1),
    count=st.integers(0, 2**32 - 1),
)


@given(st.lists(FLOWS, max_size=5))
def test_columns_keep_flows(flows: list[Flow]) -> None:
    packets = Packets.of(flows)
    assert [packets.flow(i) for i in range(len(packets))] == flows
    assert packets.bytes == sum(f.length * f.count for f in flows) % 2**64


@given(st.lists(FLOWS, min_size=1, max_size=5))
def test_take_slice_concat(flows: list[Flow]) -> None:
    packets = Packets.of(flows)
    again = Packets.concat([packets[:1], packets[1:]])
    assert all(np.array_equal(again.columns()[c], packets.columns()[c]) for c in DTYPES)
    last = packets.take(np.array([len(flows) - 1]))
    assert last.flow(0) == flows[-1]


def test_reply_swaps_ends() -> None:
    flow = Flow(1, 6, 2**100, 5, 6, 1000, 443, 7)
    assert flow.reply(2, 9) == Flow(2, 6, 5, 2**100, 6, 443, 1000, 9)


def test_wrong_columns_are_named() -> None:
    good = Packets.of([Flow(0, 4, 1, 2, 6, 3, 4)]).columns()
    with pytest.raises(ValueError, match="sport must be uint16"):
        Packets(**{**good, "sport": np.zeros(1, np.int64)})
    with pytest.raises(ValueError, match="dport has shape"):
        Packets(**{**good, "dport": np.zeros(2, np.uint16)})
    twice = {name: np.repeat(column, 2) for name, column in good.items()}
    with pytest.raises(ValueError, match="vrf must be contiguous"):
        Packets(**{**twice, "vrf": np.zeros(4, np.int32)[::2]})
    with pytest.raises(ValueError, match="70000 does not fit column sport"):
        Packets.of([Flow(0, 4, 1, 2, 6, 70000, 4)])
    with pytest.raises(ValueError, match="unknown columns: port"):
        Packets.make(np.array([4]), port=1)


def test_make_fills_defaults() -> None:
    packets = Packets.make(np.array([4, 6]), dport=np.array([80, 443]))
    assert packets.flow(1) == Flow(0, 6, 0, 0, 0, 0, 443)


def test_kernels_read_the_header_as_it_is_listed() -> None:
    """Also of the types that fields have where they are declared."""
    assert Headers._fields == ("src_endpoint", "vrf", *HEADER)
    seen = get_type_hints(Headers)
    assert all(hint.__args__[1].__args__[0] is DTYPES[name] for name, hint in seen.items())
    assert all(FIELDS[name].dtype == DTYPES[name] for name in FIELDS if name in DTYPES)
    assert {name for name in FIELDS if FIELDS[name].own} == set(HEADER) & set(FIELDS)
