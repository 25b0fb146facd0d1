"""Boxes of headers: what entries of lists match, as sets that can be taken from each other."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.imports.acl_verdict import AclPacket, matches
from compiler.imports.device_facts import AccessEntry
from compiler.imports.review.header_boxes import (
    Box,
    boxes_of,
    covers,
    everything,
    meets,
    minus,
    most_usual,
    packet_of,
    touch,
    without,
)
from compiler.policy.fields import STATES
from fabric.diagnostics import Span


def entry(chance: Random) -> AccessEntry:
    networks = ("10.0.0.0/30", "10.0.0.2/31", "10.0.0.0/29", "10.0.0.5/32")

    def some() -> tuple[object, ...]:
        return tuple(ip_network(n) for n in chance.sample(networks, chance.randrange(3)))

    ports = [(), ((80, 80),), ((0, 100),), ((79, 81), (90, 95))]
    return AccessEntry(
        1, "deny", some(), some(), chance.choice((-1, 6, 17)), chance.choice(ports),
        chance.choice(ports), tuple(chance.sample(STATES, chance.randrange(3))), "", (),
        Span("f", 1),
    )  # type: ignore[arg-type]  # fmt: skip


def holds(box: tuple[tuple[int, int], ...], packet: AclPacket) -> bool:
    values = (
        4, int(packet.source), int(packet.destination), packet.protocol, packet.sport, packet.dport,
        STATES.index(packet.state),
    )  # fmt: skip
    return all(low <= value <= high for (low, high), value in zip(box, values, strict=True))


@pytest.mark.parametrize("seed", range(60))
def test_boxes_are_what_entries_match(seed: int) -> None:
    """The law: a packet is in an entry's boxes where it matches, in two boxes' rest where it is in
    the one and not in the other, and rests are disjoint."""
    chance = Random(seed)
    one, other = entry(chance), entry(chance)
    mine, theirs = boxes_of(one, 4), boxes_of(other, 4)
    rest = without(mine, theirs)
    for _ in range(200):
        ends = (ip_address(f"10.0.0.{chance.randrange(9)}") for _ in range(2))
        ports = (chance.choice((0, 79, 80, 81, 82, 93, 100, 101)) for _ in range(2))
        packet = AclPacket(*ends, chance.choice((1, 6, 17)), *ports, chance.choice(STATES))  # type: ignore[misc]
        assert any(holds(b, packet) for b in mine) == matches(one, packet)
        wanted = matches(one, packet) and not matches(other, packet)
        assert any(holds(b, packet) for b in rest) == wanted
        for box in mine[:1]:
            parts = list(minus(box, theirs[0])) if theirs else []
            assert sum(holds(b, packet) for b in parts) <= 1
    if mine and theirs and (both := meets(mine[0], theirs[0])) is not None:
        assert packet_of(most_usual([both]))
    assert without(mine, [everything(4)]) == []


axes = st.tuples(st.integers(0, 5), st.integers(0, 5)).map(lambda p: (min(p), max(p)))
cubes = st.tuples(axes, axes, axes)
CUBE = ((0, 5),) * 3


def points(boxes: Iterable[Box]) -> list[tuple[int, ...]]:
    """The points of boxes, as often as a box has them."""
    return [p for box in boxes for p in product(*(range(low, high + 1) for low, high in box))]


@given(st.lists(cubes, max_size=4), st.lists(cubes, max_size=4))
def test_de_morgan(some: list[Box], more: list[Box]) -> None:
    """Without both is without one and then the other; without what both have in common is what
    either lacks. No point of a rest stands twice."""
    neither = points(without([CUBE], [*some, *more]))
    assert len(neither) == len({*neither})
    assert {*neither} == {*points(without([CUBE], some))} & {*points(without([CUBE], more))}
    common = [both for a in some for b in more if (both := meets(a, b))]
    either = {*points(without([CUBE], some)), *points(without([CUBE], more))}
    assert {*points(without([CUBE], common))} == either


@given(cubes, cubes)
def test_a_box_is_what_it_has_in_common_and_its_rest(one: Box, other: Box) -> None:
    both = meets(one, other)
    parts = [*minus(one, other), *([both] if both else [])]
    assert sorted(points(parts)) == sorted(points([one]))
    assert touch(one, other) == bool(both)
    assert covers(one, other) == ({*points([other])} <= {*points([one])})
