"""Probe frames survive the trip into bytes, and other programs read them as meant."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Ether

from sim.lab.probes import Probe, frame, read

MACS = b"\x02" * 6, b"\x04" * 6


@pytest.mark.parametrize("reply", [False, True])
@pytest.mark.parametrize("protocol", [1, 6, 17, 58, 132, 255])
@pytest.mark.parametrize("version", [4, 6])
def test_number_and_kind_come_back(version: int, protocol: int, reply: bool) -> None:
    probe = Probe(0x1234567, version, 5, 9, protocol, 40000, 443, reply)
    data = frame(probe, *MACS)
    assert read(data) == (0x1234567, reply)
    parsed = Ether(data)
    again = parsed.copy()
    for layer in list(again.layers()):
        for name in ("chksum", "cksum", "len", "plen"):
            if name in again[layer].fields:
                del again[layer].fields[name]
    assert bytes(again) == data
    for cut in range(len(data)):
        read(data[:cut])


def test_an_error_that_quotes_a_probe_is_none() -> None:
    inner = frame(Probe(7, 4, 5, 9, 17, 40000, 53), *MACS)[14:]
    error = Ether() / IP(src="0.0.0.9", dst="0.0.0.5") / ICMP(type=3, code=1) / inner
    assert read(bytes(error)) is None
