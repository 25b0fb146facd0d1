"""The layer-4 axis: boxes partition it, ports read well, two spaces meet in one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fabric.diagnostics import CloisonError
from fabric.values.ports import WITH_PORTS, PortRange, parse_ports
from sim.blocks.common_ports import common
from sim.blocks.port_sets import L4Space, rows

PACKETS = [(6, 40000, 80), (6, 1, 80), (6, 40000, 443), (17, 5, 53), (1, 0, 0), (47, 0, 0),
           (132, 9, 65535), (6, 1023, 0), (6, 1024, 65535), (58, 0, 0), (17, 2000, 53)]  # fmt: skip
TEXTS = [
    *("any", "80/tcp", "0-79/tcp", "udp", "icmp", "icmp4", "icmp6,80/tcp", "53/udp"),
    *("53/udp from 5", "any except icmp4, 80/tcp", "tcp from 1024-65535", "protocols 40-60"),
    "other protocols",
]


@st.composite
def spaces(draw: Any) -> L4Space:
    """A space cut at random ports; protocols 6 and perhaps 17 have a class of their own."""
    proto_class = np.zeros(256, np.uint8)
    own = draw(st.sampled_from([[6], [6, 17], [6, 1], [6, 1, 58]]))
    proto_class[own] = np.arange(1, len(own) + 1)
    dport = np.zeros((len(own) + 1, 65536), np.uint16)
    number = 0
    for line in dport:
        for first in [0, *sorted(draw(st.sets(st.sampled_from([1, 53, 80, 81, 65535]))))]:
            line[first:] = number
            number += 1
    sport = np.zeros(65536, np.uint16)
    if draw(st.booleans()):
        sport[1024:] = 1
    return L4Space(proto_class, dport, sport)


@st.composite
def sets(draw: Any) -> tuple[L4Space, np.ndarray]:
    space = draw(spaces())
    return space, np.array(draw(st.lists(st.booleans(), min_size=space.size, max_size=space.size)))


@settings(deadline=None, max_examples=40, phases=[Phase.generate])
@given(sets())
def test_boxes_partition_the_axis(made: tuple[L4Space, np.ndarray]) -> None:
    space, bits = made
    volume = 0
    for box, value in space.boxes(bits):
        for protocol in range(box.protocols[0], box.protocols[1] + 1):
            corner = box.dport[0], box.sport[0]
            assert bits[space.atom(protocol, corner[1], corner[0])] == value
            size = (box.dport[1] - box.dport[0] + 1) * (box.sport[1] - box.sport[0] + 1)
            assert protocol in WITH_PORTS or size == 1
            volume += size
    assert volume == 3 * 2**32 + 253


@settings(deadline=None, max_examples=40, phases=[Phase.generate])
@given(sets(), st.sampled_from(TEXTS), st.sampled_from([None, 4, 6]))
def test_touching_and_pick_agree_with_ports(
    made: tuple[L4Space, np.ndarray], text: str, version: int | None
) -> None:
    space, bits = made
    wanted = parse_ports(text)
    for inverse in (False, True):
        mask = space.touching(wanted, inverse, version)
        packet = space.pick(bits, wanted, inverse, version)
        assert (packet is not None) == bool((mask & bits).any())
        if packet is not None:
            assert bits[space.atom(*packet)]
            assert any(within(r, packet) for r in wanted) != inverse
            assert (packet[0], version) not in {(1, 6), (58, 4)}
        for sent in PACKETS:
            asked = any(within(r, sent) for r in wanted) != inverse
            if asked and (sent[0], version) not in {(1, 6), (58, 4)}:
                assert mask[space.atom(*sent)], "whatever `pick` finds"


def within(wanted: PortRange, packet: tuple[Any, ...]) -> bool:
    protocol, sport, dport = packet[:3]
    ported = protocol in WITH_PORTS
    inside = wanted.first <= dport <= wanted.last
    inside &= wanted.source_first <= sport <= wanted.source_last
    return wanted.protocol in (-1, protocol) and (inside or not ported)


@settings(deadline=None, max_examples=60, phases=[Phase.generate])
@given(sets())
def test_what_is_printed_is_read(made: tuple[L4Space, np.ndarray]) -> None:
    """The text of any set that holds something reads back as the same set of packets."""
    space, bits = made
    text = space.text(bits)
    if text == "none":
        return
    read = parse_ports(text)
    for packet in PACKETS:
        assert any(within(r, packet) for r in read) == bits[space.atom(*packet)], (text, packet)


@settings(deadline=None, max_examples=40, phases=[Phase.generate])
@given(sets(), st.sampled_from([4, 6]))
def test_a_set_for_one_version_says_the_same_of_both_icmps(
    made: tuple[L4Space, np.ndarray], version: int
) -> None:
    space, bits = made
    found = space.of_version(bits, version)
    for protocol in range(256):
        real = {(4, 58): 1, (6, 1): 58}.get((version, protocol), protocol)
        if space.proto_class[1] != space.proto_class[58] != 0:
            assert found[space.atom(protocol, 0, 0)] == bits[space.atom(real, 0, 0)]


@settings(deadline=None, max_examples=30, phases=[Phase.generate])
@given(spaces(), spaces(), st.lists(st.sampled_from(PACKETS)))
def test_common_space_refines_both(a: L4Space, b: L4Space, packets: list[Any]) -> None:
    space, of_a, of_b = common(a, b)
    for packet in packets:
        atom = space.atom(*packet)
        assert (of_a[atom], of_b[atom]) == (a.atom(*packet), b.atom(*packet))


def test_two_spaces_that_cut_too_finely_together_are_refused() -> None:
    """Each cuts the ports of one protocol; numbers of atoms would begin again from 0."""

    def cut(protocol: int) -> L4Space:
        proto_class, dport = np.zeros(256, np.uint8), np.zeros((2, 65536), np.uint16)
        proto_class[protocol] = 1
        dport[1] = np.minimum(np.arange(1, 65537), 40000)
        return L4Space(proto_class, dport, np.zeros(65536, np.uint16))

    assert common(cut(6), cut(6))[0].n_q == 40001
    with pytest.raises(CloisonError, match="rules tell 80,001 sets of ports apart"):
        common(cut(6), cut(17))


@pytest.mark.parametrize(
    ("text", "shown"), [("80/tcp", "80/tcp"), ("udp", "udp"), ("1024-65535/tcp", "1024-65535/tcp")]
)
def test_ports_read_as_written(text: str, shown: str) -> None:
    (wanted,) = parse_ports(text)
    proto_class = np.zeros(256, np.uint8)
    proto_class[wanted.protocol] = 1
    dport = np.zeros((2, 65536), np.uint16)
    dport[1] = 1
    dport[1, wanted.first : wanted.last + 1] = 2
    space = L4Space(proto_class, dport, np.zeros(65536, np.uint16))
    bits = space.touching([wanted])
    assert space.text(bits) == shown
    assert space.ranges(bits) == [wanted]
    name = shown.rpartition("/")[2]
    assert rows(space, bits) == [{"protocol": name, "from": wanted.first, "to": wanted.last}]


def test_nearly_everything_is_written_as_what_is_left_out() -> None:
    own = {6: 0, 17: 1, 132: 2}
    proto_class = np.full(256, 3, np.uint8)
    for number, cls in own.items():
        proto_class[number] = cls
    dport = np.full((4, 65536), 1, np.uint16)
    dport[:3, 0] = 0
    space = L4Space(proto_class, dport, np.zeros(65536, np.uint16))
    assert space.text(np.array([True, False])) == "0/tcp, 0/udp, 0/sctp"
    dport[3] = 0
    space = L4Space(proto_class, dport, np.zeros(65536, np.uint16))
    left = "1-65535/tcp, 1-65535/udp, 1-65535/sctp"
    assert space.text(np.array([True, False])) == f"any except {left}"
    assert space.text(np.array([False, True])) == left
