"""What captured packets are taken for before anything of the network is asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, IPv6
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from sim.packets.icmp import ERROR, OTHER
from sim.packets.pcap import Reader
from sim.pipeline.arrivals import marks


def test_an_error_counts_where_it_goes_to_the_address_that_sent_what_it_quotes(
    tmp_path: Path,
) -> None:
    """Another one of the same endpoint is not enough, as it is not for Linux."""
    dns = UDP(sport=5353, dport=53)
    errors = [
        IP(src="10.0.0.9", dst=to) / ICMP(type=3, code=3) / IP(src="10.0.0.1", dst="10.0.0.9") / dns
        for to in ("10.0.0.1", "10.0.0.2")
    ] + [
        IPv6(src="fd00::9", dst=to) / ICMPv6DestUnreach() / IPv6(src="fd00::1", dst="fd00::9") / dns
        for to in ("fd00::1", "fd00::2", "fd00:1::1")
    ]  # fmt: skip
    mac = "02:00:00:00:00:01"
    wrpcap(str(tmp_path / "c.pcap"), [Ether(src=mac, dst=mac) / error for error in errors])
    (batch,) = Reader(tmp_path / "c.pcap")
    found = marks(batch, np.arange(len(errors)), batch.header)
    kinds = (found.mark >> 24).tolist()
    assert kinds == [ERROR, OTHER, ERROR, OTHER, OTHER]
