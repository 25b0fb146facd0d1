"""What the kernel says: `ip -j route show vrf …`, also of IPv6.

Rules that hold here:

1. It does not name the VRF: the file's name does.
2. Of several routes to a prefix that of the least metric is used, and others are told apart. What
   came with addresses counts by itself (`came`); a default to nowhere is no route.

Source: iproute2 6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.state.facts import (
    AUTOMATIC,
    NOWHERE,
    UNDERLAY,
    UNREADABLE,
    HeardNode,
    canonical,
    is_end,
    marked,
    plain,
    version,
)

REJECTING = ("unreachable", "blackhole", "prohibit", "throw")
"""Types of routes that send nothing, whatever device stands there."""


def is_kernel(document: Any) -> bool:
    """`ip -j route show vrf …`."""
    return (
        isinstance(document, list)
        and bool(document)
        and all(isinstance(item, dict) and isinstance(item.get("dst"), str) for item in document)
    )


def read_kernel(document: Any, path: Path, vrfs: Mapping[str, str], into: HeardNode) -> str | None:
    """Both rules; why not all of it was read. IPv6 is told by the addresses: a gateway of the other
    family is a `via`."""
    named = [way for way, n in vrfs.items() if n != UNDERLAY and in_name(way, path.name)]
    if not named:
        return "it does not say of which VRF it is"
    vrf = vrfs[max(named, key=len)]
    family = max(version(f"{item['dst']}{item.get('gateway', '')}") for item in document)
    into.said(("kernel", vrf, family), path)
    ways: dict[str, dict[int, set[str]]] = {}
    for item in document:
        any_to = "::/0" if family == 6 else "0.0.0.0/0"
        prefix = canonical(any_to if item["dst"] == "default" else item["dst"])
        itself = str(item.get("protocol")) in AUTOMATIC
        if prefix is None and itself:
            continue
        if prefix is None:
            return UNREADABLE
        many = item.get("nexthops")
        hops = [h for h in many if isinstance(h, dict)] if isinstance(many, list) else [item]
        nowhere = item.get("type") in REJECTING
        each = (marked(kernel_hop(hop, vrfs), "dead" not in str(hop.get("flags"))) for hop in hops)
        to = frozenset({NOWHERE} if nowhere else frozenset().union(*each))
        if itself:
            into.came("kernel", (vrf, family), prefix, to)
            continue
        metric = item.get("metric")
        of_prefix = ways.setdefault(prefix, {})
        of_prefix.setdefault(metric if isinstance(metric, int) else 0, set()).update(to)
    routes = into.kernel.setdefault((vrf, family), {})
    for prefix, by_metric in ways.items():
        if to := by_metrics(prefix, by_metric):
            routes[prefix] = routes.get(prefix, frozenset()) | to
    return None


def by_metrics(prefix: str, ways: Mapping[int, set[str]]) -> frozenset[str]:
    """Next hops of a prefix: those of the least metric are used, and others are told apart."""
    used, *others = sorted(ways)
    later = [n for n in others if not is_end(prefix, frozenset(ways[n]))]
    if not later and is_end(prefix, frozenset(ways[used])):
        return frozenset()
    return frozenset(ways[used]).union(*(ways[n] | {f"metric:{n}"} for n in later))


def in_name(name: str, file: str) -> bool:
    """Whether a file's name names a VRF, and not one whose name goes on.

    >>> in_name("vrf1000", "dpu1.ip_route_vrf10001.json"), in_name("vrf10001", "ip-vrf10001.json")
    (False, True)
    >>> in_name("a-main", "aa-main.a-main.json"), in_name("a-main", "aa-main.json")
    (True, False)
    """
    return bool(re.search(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", file))


def kernel_hop(hop: Mapping[str, Any], vrfs: Mapping[str, str]) -> str:
    """A next hop of the kernel: an address, or the device of another VRF."""
    via = hop.get("via")
    address = hop.get("gateway") or (via.get("host") if isinstance(via, dict) else None)
    name = str(hop.get("dev") or NOWHERE)
    return plain(str(address)) if address else vrfs.get(name, name)
