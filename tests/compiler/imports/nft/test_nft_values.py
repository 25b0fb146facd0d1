"""Values of rules as ranges, and what is none; what a rule set may do and nobody reads is told."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from compiler.imports.accounting import ConfigText
from compiler.imports.nft import nft_listing
from compiler.imports.nft.nft_values import TOP, ranged
from fabric.diagnostics import Diagnostics


@pytest.mark.parametrize(
    ("axis", "text"), [("saddr4", "10.1.2.3/8"), ("daddr4", "0.0.0.0/0"), ("saddr6", "fd00::1/64")]
)
def test_bits_behind_a_mask_do_not_count(axis: str, text: str) -> None:
    net, (address, length) = ip_network(text, strict=False), text.split("/")
    prefix = {"prefix": {"addr": address, "len": int(length)}}
    assert ranged(axis, prefix) == (int(net[0]), int(net[-1]))


@pytest.mark.parametrize("axis", ["dport", "sport", "protocol", "family"])
def test_a_value_ends_where_its_axis_does(axis: str) -> None:
    assert ranged(axis, TOP[axis]) == (TOP[axis], TOP[axis])
    wrong: list[Any] = [TOP[axis] + 1, -1, True, None, {"range": [9, 8]}, {"range": [9]}, {}]
    for value in wrong:
        with pytest.raises(ValueError, match=r"no value|ends before"):
            ranged(axis, value)


def test_what_nobody_reads_is_told() -> None:
    rules = "type filter hook forward priority 0\n  frob x accept"
    text = f"table inet t {{\n chain c {{\n  {rules}\n }}\n}}\n"
    reading = nft_listing.read("d", (ConfigText("a.nft", text),), Diagnostics())
    assert reading is not None
    told = [unknown.what for unknown in reading.device.unknowns]
    assert any("frob x" in what for what in told), told
    assert nft_listing.NOT_FOLLOWED in told
