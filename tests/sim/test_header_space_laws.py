"""Laws of sets of packets in several dimensions: De Morgan, and one form for one set.

Layer 4 (protocol, both ports, further fields), cells (address and remote VRF), the product of both,
and the boxes of whoever reads certificates. Sets are drawn as lists of ranges; a packet is in one
if a range holds it, which is what a program's entries mean (`compiler.program.walk`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.policy.fields import Within, hold
from compiler.policy.ir import L4
from compiler.program.program import ALL_V4, ALL_V6, ANY_VRF, Intervals, L4Range, Region
from compiler.program.space import intersect, subtract, union
from compiler.program.walk import inside
from fabric.values.interval_sets import cut
from fabric.values.ports import ANY, MAX_PORT, WITH_PORTS
from sim.blocks.atoms import TOPS, AddressAtoms, L4Atoms, l4_atoms
from sim.blocks.common_ports import common
from sim.blocks.grid import VrfSpace
from sim.blocks.port_sets import Box, L4Space
from sim.checker.document.partitions import fills
from sim.checker.walking.l4_space import Space, overlay

Bits = np.ndarray[Any, np.dtype[np.bool_]]
Packet = tuple[int, int, int, tuple[tuple[str, int], ...]]
"""Protocol, source port, destination port, further fields."""
QUICK = settings(deadline=None, max_examples=60)
DSCP = [Within("dscp", 8, 15), Within("dscp", 0, 46)]
ENDS = [(0, MAX_PORT), (0, MAX_PORT), (80, 80), (80, 443), (0, 1023), (1024, MAX_PORT), (0, 0)]


def lists(fields: bool) -> st.SearchStrategy[tuple[L4Range, ...]]:
    """Ranges of layer 4, with further fields or without."""
    limits = st.sampled_from([(), *((limit,) for limit in DSCP)]) if fields else st.just(())
    ports = st.sampled_from(ENDS)
    one = st.builds(L4Range, st.sampled_from([ANY, 6, 17, 1, 47]), ports, ports, limits)
    return st.lists(one, min_size=1, max_size=3).map(tuple)


PORTS = (0, 1, 79, 80, 81, 443, 444, 1023, 1024, MAX_PORT)
PACKETS: list[Packet] = [
    (protocol, sport, dport, (("dscp", dscp),))
    for protocol in (6, 17, 132, 1, 58, 47, 3)
    for sport in (PORTS if protocol in WITH_PORTS else (0,))
    for dport in (PORTS if protocol in WITH_PORTS else (0,))
    for dscp in (0, 7, 8, 15, 16, 46, 47)
]


def held(ranges: Sequence[L4Range], packet: Packet) -> bool:
    protocol, sport, dport, carried = packet
    return any(
        r.protocol in (ANY, protocol)
        and r.sport[0] <= sport <= r.sport[1]
        and r.dport[0] <= dport <= r.dport[1]
        and hold(r.fields, carried)
        for r in ranges
    )


def within(boxes: Sequence[Box], packet: Packet) -> int:
    """How many boxes hold a packet."""
    protocol, sport, dport, carried = packet
    return sum(
        b.protocols[0] <= protocol <= b.protocols[1]
        and b.sport[0] <= sport <= b.sport[1]
        and b.dport[0] <= dport <= b.dport[1]
        and hold(b.fields, carried)
        for b in boxes
    )


def atoms(*ranges: L4Range) -> L4Atoms:
    """The layer-4 axis, cut by ranges."""
    program: Any = SimpleNamespace(
        groups=[SimpleNamespace(entries=[SimpleNamespace(l4=ranges)])],
        policy=SimpleNamespace(rules=()),
    )
    return l4_atoms(program, [0])


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "or": operator.or_,
    "and": operator.and_,
    "but": lambda a, b: a & ~b if isinstance(a, np.ndarray) else a and not b,
    "neither": lambda a, b: ~(a | b) if isinstance(a, np.ndarray) else not (a or b),
}


def both_ways(
    a: tuple[L4Range, ...], b: tuple[L4Range, ...]
) -> Iterator[tuple[L4Space, Bits, Bits]]:
    """Two sets in one space: that which the ranges of both cut, and that where two spaces meet."""
    space = atoms(*a, *b)
    yield space, space.mask(a), space.mask(b)
    one, two = atoms(*a), atoms(*b)
    meeting, of_a, of_b = common(one, two)
    yield meeting, one.mask(a)[of_a], two.mask(b)[of_b]


@QUICK
@given(lists(True), lists(True), st.sampled_from(sorted(OPERATIONS)))
def test_layer_4_sets_hold_what_either_both_one_or_neither_holds(
    a: tuple[L4Range, ...], b: tuple[L4Range, ...], name: str
) -> None:
    made = OPERATIONS[name]
    for space, of_a, of_b in both_ways(a, b):
        boxes = space.allowed(made(of_a, of_b))
        found = [within(boxes, packet) for packet in PACKETS]
        assert found == [int(made(held(a, p), held(b, p))) for p in PACKETS]


@QUICK
@given(lists(False), lists(False))
def test_de_morgan_in_layer_4_and_one_form_for_one_set(
    a: tuple[L4Range, ...], b: tuple[L4Range, ...]
) -> None:
    """However a space is cut by others, a set is written as the same boxes."""
    (space, of_a, of_b), (meeting, its_a, its_b) = both_ways(a, b)
    assert isinstance(space, L4Atoms)
    assert space.allowed(~space.mask((*a, *b))) == meeting.allowed(~its_a & ~its_b)
    assert space.allowed(space.mask(overlap(a, b))) == meeting.allowed(~(~its_a | ~its_b))
    assert atoms(*a).allowed(atoms(*a).mask(a)) == space.allowed(of_a) == meeting.allowed(its_a)
    real = space.real()
    same = bool((of_a & real == of_b & real).all())
    assert same == (space.allowed(of_a) == space.allowed(of_b))


def overlap(a: Sequence[L4Range], b: Sequence[L4Range]) -> tuple[L4Range, ...]:
    """The intersection of two lists without further fields, as a list."""
    found = []
    for one, two in product(a, b):
        if ANY in (one.protocol, two.protocol) or one.protocol == two.protocol:
            pairs = zip((one.sport, one.dport), (two.sport, two.dport), strict=True)
            ports = [(max(x[0], y[0]), min(x[1], y[1])) for x, y in pairs]
            if all(low <= high for low, high in ports):
                found.append(L4Range(max(one.protocol, two.protocol), *ports))
    return tuple(found)


VRFS = 3
spans = st.lists(st.sampled_from([(0, 9), (5, 20), (20, 20), (21, 99)]), max_size=2)
v4s = st.one_of(st.just(ALL_V4), spans.map(union))
v6s = st.one_of(st.just(ALL_V6), spans.map(union))
regions = st.lists(
    st.builds(Region, st.sampled_from([ANY_VRF, *range(VRFS)]), v4s, v6s), max_size=3
).map(tuple)
CELLS = [*product((4, 6), (0, 4, 5, 9, 10, 19, 20, 21, 99, 100, 2**32 - 1), range(VRFS))]


def covered(found: Sequence[Region], vrf: int) -> tuple[Intervals, Intervals]:
    """The addresses behind a VRF that regions hold."""
    mine = [region for region in found if region.vrf in (ANY_VRF, vrf)]
    return union(*(r.v4 for r in mine)), union(*(r.v6 for r in mine))


def outside(found: Sequence[Region]) -> tuple[Region, ...]:
    """What regions leave out, as regions."""
    rest = ((vrf, *covered(found, vrf)) for vrf in range(VRFS))
    return tuple(Region(n, subtract(ALL_V4, v4), subtract(ALL_V6, v6)) for n, v4, v6 in rest)


def shared(a: Sequence[Region], b: Sequence[Region]) -> tuple[Region, ...]:
    """The intersection, as regions."""
    pairs = ((n, *zip(covered(a, n), covered(b, n), strict=True)) for n in range(VRFS))
    return tuple(Region(n, intersect(*v4), intersect(*v6)) for n, v4, v6 in pairs)


def cells(l4: L4Atoms, *found: Region) -> VrfSpace:
    """A VRF whose addresses are cut by regions."""
    starts = (
        sorted({0}.union(*(cut(r.v4, TOPS[0]) for r in found))),
        sorted({0}.union(*(cut(r.v6, TOPS[1]) for r in found))),
    )
    v4, v6 = map(len, starts)
    words = np.array(starts[1], object)
    addresses = AddressAtoms(
        np.array([0, v4]),
        np.array(starts[0], np.uint32),
        np.array([0, v6]),
        (words >> 64).astype(np.uint64),
        (words & (1 << 64) - 1).astype(np.uint64),
        np.array([0, v4 + v6]),
        np.full(v4 + v6, -1, np.int32),
        (starts,),
    )
    nothing: Any = None
    return VrfSpace(nothing, 0, addresses, l4, np.arange(VRFS, dtype=np.int16), VRFS)


def cell(space: VrfSpace, version: int, ip: int, remote: int) -> int:
    return space.addresses.find(0, version, ip) * space.width + remote


def there(found: Sequence[Region], version: int, ip: int, remote: int) -> bool:
    """Whether regions hold an address behind a VRF."""
    return any(
        r.vrf in (ANY_VRF, remote) and inside(r.v4 if version == 4 else r.v6, ip) for r in found
    )


@QUICK
@given(regions, regions)
def test_de_morgan_over_addresses_and_remote_vrfs(
    a: tuple[Region, ...], b: tuple[Region, ...]
) -> None:
    space = cells(atoms(L4Range()), *a, *b)
    of = space.cell_mask
    assert [of(a)[cell(space, *at)] for at in CELLS] == [there(a, *at) for at in CELLS]
    assert (of((*a, *b)) == of(a) | of(b)).all()
    assert (of(outside(a)) == ~of(a)).all()
    assert (of(outside((*a, *b))) == of(shared(outside(a), outside(b)))).all()
    assert (of(outside(shared(a, b))) == of((*outside(a), *outside(b)))).all()
    assert (outside(outside(a)) == outside(outside(b))) == bool((of(a) == of(b)).all())


rules = st.lists(st.tuples(regions, lists(True)), min_size=1, max_size=2).map(tuple)
Rules = tuple[tuple[tuple[Region, ...], tuple[L4Range, ...]], ...]


@QUICK
@given(rules, rules, st.sampled_from(sorted(OPERATIONS)))
def test_the_whole_header_space_is_the_product(a: Rules, b: Rules, name: str) -> None:
    """What either, both, one or neither of two lists of rules holds, header by header."""
    l4 = atoms(*(r for _, ranges in (*a, *b) for r in ranges))
    space = cells(l4, *(r for found, _ in (*a, *b) for r in found))
    bits = [
        np.logical_or.reduce([space.cell_mask(r)[:, None] & l4.mask(p)[None, :] for r, p in one])
        for one in (a, b)
    ]
    found = OPERATIONS[name](*bits)
    for at, packet in product(CELLS, PACKETS[::97]):
        expected = (any(there(r, *at) and held(p, packet) for r, p in one) for one in (a, b))
        assert found[cell(space, *at), l4.atom(*packet)] == OPERATIONS[name](*expected)


Partition = list[tuple[Any, int]]


def partition(ranges: Sequence[L4Range], beside: Sequence[L4Range] = ()) -> Partition:
    """A set of packets as the reader of certificates writes it: 1 inside, 0 outside; in a
    space that others cut as well."""
    l4 = [L4(r.protocol, *r.dport, None, *r.sport) for r in (*ranges, *beside)]
    policy: Any = SimpleNamespace(rules=[SimpleNamespace(l4=tuple(l4))])
    space = Space.of(policy, [])
    return space.boxes([int(held(ranges, (*packet, ()))) for packet in space.packets])


def joined(a: Partition, b: Partition, name: str) -> Partition:
    """Two sets as one, in the form of a certificate."""
    made = OPERATIONS[name]
    pieces = [(box, int(bool(made(bool(x), bool(y))))) for box, (x, y) in overlay([a, b])]
    return [(box, value) for box, (value,) in overlay([pieces])]


def negated(a: Partition) -> Partition:
    return [(box, 1 - value) for box, value in a]


@QUICK
@given(lists(False), lists(False), lists(False))
def test_boxes_of_certificates_are_a_boolean_algebra_in_one_form(
    x: tuple[L4Range, ...], y: tuple[L4Range, ...], z: tuple[L4Range, ...]
) -> None:
    a, b, c = map(partition, (x, y, z))
    assert partition(x, (*y, *z)) == a
    assert joined(a, b, "or") == partition((*x, *y)) == joined(b, a, "or")
    assert joined(a, b, "and") == partition(overlap(x, y), (*x, *y))
    assert negated(joined(a, b, "or")) == joined(negated(a), negated(b), "and")
    assert negated(joined(a, b, "and")) == joined(negated(a), negated(b), "or")
    assert joined(a, a, "and") == a == joined(a, joined(a, b, "or"), "and")
    assert joined(a, joined(b, c, "or"), "and") == joined(
        joined(a, b, "and"), joined(a, c, "and"), "or"
    )
    assert fills([box for box, _ in joined(a, b, "neither")])


@QUICK
@given(lists(False), lists(False))
def test_blocks_and_certificates_write_one_set_as_the_same_boxes(
    a: tuple[L4Range, ...], beside: tuple[L4Range, ...]
) -> None:
    space = atoms(*a, *beside)
    ours = [((*b.protocols, *b.dport, *b.sport), int(v)) for b, v in space.boxes(space.mask(a))]
    assert ours == partition(a, beside)
