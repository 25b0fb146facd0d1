"""Single entries of the flow table: what a flow is named by is what it is recalled as."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from part_alone import alone

from sim.kernels.pipeline import flow_table
from sim.kernels.pipeline.flow_table import ALIVE, KEY_ROWS, SIX

U = np.uint64
name, recall = alone(flow_table.name), alone(flow_table.recall)


class Ends(NamedTuple):
    """Of one packet: its endpoints, or their VRFs."""

    src_endpoint: Any
    dst_endpoint: Any
    ep_vrf: Any


class Header(NamedTuple):
    """Of one packet, as kernels hold it."""

    version: Any
    protocol: Any
    src_hi: Any
    src_lo: Any
    dst_hi: Any
    dst_lo: Any
    sport: Any
    dport: Any
    src_endpoint: Any
    vrf: Any


def header(version: int, *words: int) -> Header:
    kinds = [np.uint8] * 2 + [np.uint64] * 4 + [np.uint16] * 2 + [np.int32] * 2
    return Header(*(np.array([w], k) for w, k in zip((version, *words), kinds, strict=True)))  # type: ignore[call-overload]


@pytest.mark.parametrize(("src", "dst"), [(0, 1), (1, 0)])
def test_a_flow_is_recalled_as_the_packet_that_opened_it(src: int, dst: int) -> None:
    sent = header(6, 17, 11, 12, 13, 14, 40000, 53, src, src + 5)
    ends = Ends(np.array([src]), np.array([dst]), np.array([5, 6], np.int32))
    keys, table = np.zeros((int(KEY_ROWS), 1), np.uint64), np.zeros(8, np.uint64)
    side = name(sent, U(0), U(src), U(dst), keys, U(0))
    table[:6] = keys[:6, 0]
    table[int(SIX)] = ALIVE | side
    found = header(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    recall(ends, table, U(0), found, U(0))
    assert [int(c[0]) for c in found] == [int(c[0]) for c in sent]
