"""Classes of further fields partition packets; the layer-4 axis is cut by them without loss."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from compiler.policy.fields import FIELDS, Values, Within, hold
from compiler.program.program import L4Range
from fabric.diagnostics import CloisonError
from fabric.values.ports import WITH_PORTS, parse_ports
from sim.blocks.atoms import distinguishable
from sim.blocks.common_ports import common
from sim.blocks.field_classes import PROTOCOLS, FieldClasses, interesting
from sim.blocks.port_sets import Box, L4Space, rows

QUICK = settings(deadline=None, max_examples=40, phases=[Phase.generate])
PORTS = [(6, 40000, 80), (6, 1, 80), (17, 5, 53), (1, 0, 0), (58, 0, 0), (47, 0, 0), (6, 1024, 0)]


@st.composite
def limits(draw: Any) -> Within:
    name, most = draw(st.sampled_from([("dscp", 63), ("state", 3)]))
    first = draw(st.integers(0, most))
    return Within(name, first, draw(st.integers(first, most)))


values = st.builds(
    lambda dscp, state: (("dscp", dscp), ("state", state)), st.integers(0, 63), st.integers(0, 3)
)
asked = st.lists(limits(), max_size=3)
classes = asked.map(FieldClasses.of)


@QUICK
@given(asked, values)
def test_no_limit_cuts_a_class(given_: list[Within], packet: Values) -> None:
    found = FieldClasses.of(given_)
    assert found == FieldClasses.of(given_[::-1])
    number = found.number(packet)
    assert 0 <= number < found.size
    assert hold(found.parts(number), packet)
    for limit in given_:
        assert found.holds(number, [limit]) == limit.holds(packet)
    for n in range(found.size):
        assert found.number(found.sample(n)) == n
        assert [hold(found.parts(n), packet)] == [n == number]


@QUICK
@given(asked)
def test_classes_are_as_few_as_can_be(given_: list[Within]) -> None:
    """Neighbours along a field are told apart by some limit."""
    found = FieldClasses.of(given_)
    for name, starts in found.cuts:
        for start in starts[1:]:
            below, above = ((name, start - 1),), ((name, start),)
            assert any(w.holds(below) != w.holds(above) for w in given_ if w.name == name)


@QUICK
@given(classes, st.lists(values, min_size=1, max_size=9))
def test_columns_are_numbered_as_single_packets(found: FieldClasses, packets: Any) -> None:
    columns = {name: np.array([dict(p)[name] for p in packets]) for name in ("dscp", "state")}
    assert found.numbers(columns, len(packets)).tolist() == [found.number(p) for p in packets]
    told = {found.number(p) for p in interesting(found)}
    assert told == {*range(found.size)}


@st.composite
def spaces(draw: Any) -> L4Space:
    """Cut at random ports, by random classes of fields; protocol 6 and others have classes of their
    own in each."""
    fields = draw(classes.filter(lambda found: found.size <= 12))
    lines, proto_class = [], np.zeros((fields.size, PROTOCOLS), np.uint8)
    number = 0
    for part in proto_class:
        own = draw(st.sampled_from([[6], [6, 17], [6, 1, 58]]))
        part[:] = len(lines)
        part[own] = len(lines) + np.arange(1, len(own) + 1)
        for _ in range(len(own) + 1):
            line = np.zeros(65536, np.uint16)
            for first in [0, *sorted(draw(st.sets(st.sampled_from([1, 53, 80, 81]))))]:
                line[first:] = number
                number += 1
            lines.append(line)
    sport = np.zeros(65536, np.uint16)
    sport[1024:] = draw(st.booleans())
    return L4Space(proto_class.reshape(-1), np.stack(lines), sport, fields=fields)


@st.composite
def sets(draw: Any) -> tuple[L4Space, np.ndarray]:
    space = draw(spaces())
    if draw(st.booleans()):
        number = draw(st.integers(0, space.fields.size - 1))
        return space, np.isin(np.arange(space.size) % 2, [0]) & ~space.each[number].real()
    return space, np.array(draw(st.lists(st.booleans(), min_size=space.size, max_size=space.size)))


def inside(box: Box, l4: tuple[int, int, int], carried: Values) -> bool:
    protocol, sport, dport = l4
    return (
        box.protocols[0] <= protocol <= box.protocols[1]
        and (protocol not in WITH_PORTS or box.dport[0] <= dport <= box.dport[1])
        and (protocol not in WITH_PORTS or box.sport[0] <= sport <= box.sport[1])
        and hold(box.fields, carried)
    )


@pytest.mark.slices(2)
@QUICK
@given(sets(), values)
def test_boxes_and_rows_say_the_set(made: tuple[L4Space, np.ndarray], carried: Values) -> None:
    space, bits = made
    boxes, told = space.allowed(bits), rows(space, bits)
    for l4 in PORTS:
        held = bool(bits[space.atom(*l4, carried)])
        assert sum(inside(box, l4, carried) for box in boxes) == held
        limited = [r for r in told if all(Within(*w).holds(carried) for w in r.get("fields", []))]
        ranges = [
            (set(parse_ports(name(r["protocol"]))), r["from"], r["to"], r.get("source", [0, 65535]))
            for r in limited
        ]
        found = [
            any(p.protocol in (-1, l4[0]) for p in protocols)
            and (l4[0] not in WITH_PORTS or (a <= l4[2] <= b and c <= l4[1] <= d))
            for protocols, a, b, (c, d) in ranges
        ]
        assert any(found) == held, (told, l4, carried)


def name(protocol: str) -> str:
    """A protocol of a row, as ports are written."""
    return f"protocols {protocol}" if protocol[0].isdigit() else protocol


@pytest.mark.slices(2)
@QUICK
@given(sets(), st.sampled_from(["any", "80/tcp", "icmp", "53/udp from 5"]), st.booleans())
def test_touching_and_pick_agree(
    made: tuple[L4Space, np.ndarray], text: str, inverse: bool
) -> None:
    space, bits = made
    for version in (4, 6, None):
        mask = space.touching(parse_ports(text), inverse, version)
        packet = space.pick(bits, parse_ports(text), inverse, version)
        assert (packet is not None) == bool((mask & bits).any())
        assert packet is None or (bits & mask)[space.atom(*packet)]


@QUICK
@given(sets())
def test_text_leaves_no_class_out(made: tuple[L4Space, np.ndarray]) -> None:
    space, bits = made
    text, each = space.text(bits), [part.text(bits) for part in space.each]
    if len({*each}) == 1:
        assert text == each[0]
    else:
        assert text.count(" with ") == len({*each} - {"none"})
        assert all(said in text for said in each if said != "none")


@pytest.mark.slices(2)
@QUICK
@given(spaces(), spaces(), st.lists(st.tuples(st.sampled_from(PORTS), values), max_size=20))
def test_a_common_space_refines_both(a: L4Space, b: L4Space, packets: list[Any]) -> None:
    space, of_a, of_b = common(a, b)
    for l4, carried in packets:
        atom = space.atom(*l4, carried)
        assert (of_a[atom], of_b[atom]) == (a.atom(*l4, carried), b.atom(*l4, carried))
    assert {*of_a.tolist()} == {*range(a.size)}


def test_a_set_for_one_version_says_so_in_every_class() -> None:
    fields = FieldClasses.of([Within("state", 1, 1)])
    proto_class = np.zeros((3, PROTOCOLS), np.uint8)
    for part, line in enumerate(proto_class):
        line[:] = part * 3
        line[[1, 58]] = part * 3 + np.arange(1, 3)
    dport = np.repeat(np.arange(9, dtype=np.uint16)[:, None], 65536, 1)
    space = L4Space(proto_class.reshape(-1), dport, np.zeros(65536, np.uint16), fields=fields)
    bits = np.arange(9) % 3 == 1
    for (version, l4), number in product(((4, (58, 0, 0)), (6, (1, 0, 0))), range(3)):
        found = space.of_version(bits, version)
        assert found[space.atom(*l4, fields.sample(number))] == (version == 4)


def test_more_classes_than_their_tables_hold_are_refused() -> None:
    distinguishable(PROTOCOLS)
    with pytest.raises(CloisonError, match="257 sets of protocols and fields"):
        distinguishable(PROTOCOLS + 1)
    with pytest.raises(ValueError, match="256 wide protocols, 3 classes"):
        L4Space(
            np.zeros(256, np.uint8), np.zeros((1, 65536), np.uint16), np.zeros(65536, np.uint16),
            fields=FieldClasses.of([Within("state", 1, 1)]),
        )  # fmt: skip


def test_ranges_sort_and_are_equal_by_their_limits() -> None:
    a, b = L4Range(6), L4Range(6, fields=(Within("dscp", 1, 2),))
    assert sorted([b, a]) == [a, b] and a != b
    assert FIELDS["dscp"].read("46") == 46
