"""Rule sets of nftables as tests read them, packets as `documents/nftables.yaml` writes them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from compiler.imports.nft.commands import Building, Told
from compiler.imports.nft.nft_json import commands, is_json
from compiler.imports.nft.nft_text import TextReading
from compiler.imports.nft.rule_set import NftRuleSet
from compiler.imports.nft.verdict import NftPacket
from fabric.diagnostics import Diagnostics

PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "icmp6": 58}


def read(text: str, found: Diagnostics | None = None) -> tuple[NftRuleSet, Told]:
    """A rule set of either format; without `found` nothing may be wrong with it."""
    mistakes = Diagnostics() if found is None else found
    building = Building(mistakes)
    listed = commands("rules", text, mistakes) if is_json(text) else None
    made = building.carry_out(listed or TextReading("rules", text, mistakes).commands())
    if found is None:
        mistakes.check()
    return made, building.told


def packet(case: dict[str, Any]) -> NftPacket:
    """`tcp 10.0.0.1 > 10.0.0.2:22`, from port 40000 and from eth0 to eth1 unless it says more."""
    protocol, source, _, target = case["packet"].split()
    port = None
    if protocol in ("tcp", "udp"):
        target, _, number = target.rpartition(":")
        port = int(number)
    ends = ip_address(source), ip_address(target)
    return NftPacket(
        ends[0].version,
        PROTOCOLS[protocol],
        int(ends[0]),
        int(ends[1]),
        None if port is None else 40000,
        port,
        case.get("in", "eth0"),
        case.get("out", "eth1"),
        case.get("state", "new"),
    )
