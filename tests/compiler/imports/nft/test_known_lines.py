"""Rule sets of many devices are read as each of them alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from compiler.imports.accounting import ConfigText
from compiler.imports.nft.known_lines import KnownLines
from compiler.imports.nft.nft_listing import read
from fabric.diagnostics import Diagnostics

DOCUMENTS: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "documents/nftables.yaml").read_text()
)
EVERYTHING = (Path(__file__).parent / "everything.nft").read_text()
OTHER = """\
table inet a {
\tset web {
\t\ttype ipv4_addr
\t\tflags interval
\t\telements = { 10.0.0.1, 10.0.0.4-10.0.0.9,
\t\t\t     10.0.2.1, 10.0.2.3,
\t\t\t     10.0.1.1 }
\t}
\tmap to {
\t\ttype ipv4_addr : mark
\t\telements = { 10.0.0.1 : 0x1,
\t\t\t     10.0.2.1 : 0x3,
\t\t\t     10.0.2.3 : 0x4,
\t\t\t     10.0.1.1 : 0x2 }
\t}
\tchain c {
\t\ttype filter hook forward priority filter; policy drop;
\t\tip saddr @web tcp dport 80 accept
\t\tip saddr { 10.0.0.1,
\t\t\t     10.0.2.1, 10.0.2.3,
\t\t\t     10.0.1.1 } udp dport 53 accept
\t\tct state established accept # known
\t\tlog drop
\t}
}
"""
SWAPPED = OTHER.replace("10.0.0.4-10.0.0.9", "10.0.0.5").replace("saddr { ", "saddr != { ")
ELSEWHERE = OTHER.replace("ipv4_addr : mark", "ipv4_addr : verdict").replace(": 0x", ": drop #")
DEFINED = "define web = { 10.9.0.1,\n10.0.1.1 }\n" + OTHER.replace("@web", "$web")
PORTS = """\
table inet a {
\tchain c {
\t\ttcp dport { 9,
\t\t\t10, 11,
\t\t\t12 } accept
\t}
}
"""
DEVICES = PORTS.replace("tcp dport", "iifname")
BROKEN = OTHER.replace("tcp dport 80 accept", "tcp dport 80000 accept")


def test_what_other_devices_said_changes_nothing() -> None:
    """Lines that are known by their text mean what they mean in a rule set that is read alone."""
    texts = [case["rules"] for case in DOCUMENTS]
    texts += [OTHER, SWAPPED, EVERYTHING, ELSEWHERE, DEFINED, BROKEN, OTHER, PORTS, DEVICES]
    kept: dict[object, Any] = {}
    for _ in range(2):
        for text in texts:
            sources = (ConfigText("a.nft", text),)
            alone, together = Diagnostics(), Diagnostics()
            assert read("a", sources, together, kept) == read("a", sources, alone)
            assert together.items == alone.items
    assert len(kept[KnownLines].rules) > 50 and len(kept[KnownLines].elements) > 2


def test_definitions_are_of_their_file() -> None:
    found = Diagnostics()
    reading = read("a", (ConfigText("a.nft", DEFINED),), found)
    assert not found.items and reading is not None
    assert "10.9.0.1" in str(reading.device.acls) and "10.9.0.1" not in OTHER
