"""What a `cloison/dpu-rules/1` document says about one packet, read from the JSON alone.

Written from docs/formats.md, not from the compiler: whoever programs a device from the dump has
nothing else.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

PROTOCOLS = {"icmp4": 1, "tcp": 6, "udp": 17, "icmp6": 58, "sctp": 132}


Carried = tuple[tuple[str, int], ...]


def matches(
    entry: dict[str, Any],
    remote_vrf: str,
    address: str,
    l4: tuple[int, int, int],
    carried: Carried = (),
) -> bool:
    """Whether an entry applies to (remote VRF, remote address, (protocol, sport, dport)) and what
    else the packet carries."""
    at = ip_address(address)
    protocol, sport, dport = l4
    return any(
        region["vrf"] in ("any", remote_vrf)
        and any(at.version == p.version and at in p for p in map(ip_network, region["prefixes"]))
        for region in entry["remote"]
    ) and any(
        (r["protocol"] == "any" or PROTOCOLS.get(r["protocol"], r["protocol"]) == protocol)
        and r.get("source_ports", [0, 65535])[0] <= sport <= r.get("source_ports", [0, 65535])[1]
        and r.get("ports", [0, 65535])[0] <= dport <= r.get("ports", [0, 65535])[1]
        and all(low <= dict(carried).get(of, 0) <= high for of, low, high in r.get("fields", []))
        for r in entry["l4"]
    )


def permits(
    document: dict[str, Any],
    direction: str,
    endpoint: str,
    remote_vrf: str,
    address: str,
    l4: tuple[int, int, int],
    carried: Carried = (),
) -> bool:
    """Whether the groups of an endpoint let a packet pass: every group must; `permit_final` ends
    the evaluation, what other permits skip, `skips` of their group says."""
    local = next(e for e in document["endpoints"] if e["name"] == endpoint)
    groups = {group["id"]: group for group in document["groups"]}
    skipped: set[str] = set()
    for group in (groups[number] for number in local[direction]):
        if group["stage"] in skipped:
            continue
        found = next(
            (e for e in group["entries"] if matches(e, remote_vrf, address, l4, carried)),
            group["default"],
        )
        if found["action"] == "deny":
            return False
        if found["action"] == "permit_final":
            return True
        skipped |= set(group.get("skips", {"permit": []})[found["action"]])
    return True
