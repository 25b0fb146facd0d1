"""Documents: what VTEPs have in common is made once, and none of them shows it."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv6Address, summarize_address_range
from pathlib import Path

from compiled import compile_network
from hypothesis import given
from hypothesis import strategies as st

from compiler.program.document import Pieces, cidrs, document
from compiler.program.dpu import enforcement_points, tables_of
from compiler.targets import canonical
from fabric.building.build import build
from fabric.building.load import load_fabric

DEMO = Path(__file__).parents[3] / "topologies" / "demo.yaml"


@given(st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=2).map(sorted))
def test_blocks_are_the_fewest(ends: list[int]) -> None:
    low, high = ends
    four = summarize_address_range(IPv4Address(low), IPv4Address(high))
    assert cidrs(((low, high),), 4) == tuple(map(str, four))
    base = 0xFD << 120
    six = summarize_address_range(IPv6Address(base + low), IPv6Address(base + high))
    assert cidrs(((base + low, base + high),), 6) == tuple(map(str, six))


def test_all_addresses_are_one_block() -> None:
    assert cidrs(((0, 2**32 - 1),), 4) == ("0.0.0.0/0",)
    assert cidrs(((0, 2**128 - 1),), 6) == ("::/0",)


def test_each_vtep_has_its_own_document_in_any_order() -> None:
    program = compile_network(build(load_fabric(DEMO), lock=False))
    points = enforcement_points(program)
    anew = {p: document(compile_network(program.network), tables_of(program, p)) for p in points}
    for point in (*reversed(points), *points):
        assert program.once(Pieces).latest(point) == anew[point]
        assert canonical.render(program, point) == json.dumps(anew[point], indent=1) + "\n"
