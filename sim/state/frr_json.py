"""What FRR says: `show bgp l2vpn evpn route type prefix json`, and `show ip route json` of one VRF
or of all, also of IPv6.

Rules that hold here:

1. Of several paths of an EVPN route the best counts; two routes to one prefix, such as those of two
   Ethernet tags, are told together.
2. Of a RIB what is selected counts, in the underlay of BGP, in VRFs of any protocol;
   connected networks count by themselves (`came`). A default route to nowhere is none.

Source: FRR 8.4 and 10.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sim.state.facts import (
    AUTOMATIC,
    NOWHERE,
    UNDERLAY,
    UNREADABLE,
    EvpnRoute,
    HeardNode,
    canonical,
    is_end,
    marked,
    plain,
    version,
)

PREFIX_ROUTE = 5
"""EVPN's route type of IP prefixes (RFC 9136)."""


def is_evpn(document: Any) -> bool:
    """`show bgp l2vpn evpn route type prefix json`."""
    return isinstance(document, dict) and (
        "numPrefix" in document
        or any(isinstance(v, dict) and v.get("rd") == key for key, v in document.items())
    )


def is_rib(document: Any) -> bool:
    """`show ip route … json`, of one VRF or of all."""
    return isinstance(document, dict) and any(True for _ in rib_entries(document))


def rib_entries(document: Mapping[str, Any], deep: bool = True) -> Iterator[Mapping[str, Any]]:
    """Entries of a RIB, which `vrf all` has one level lower."""
    for value in document.values():
        if isinstance(value, list):
            yield from (e for e in value if isinstance(e, dict) and "protocol" in e)
        elif deep and isinstance(value, dict):
            yield from rib_entries(value, deep=False)


def read_evpn(document: Any, path: Path, vrfs: Mapping[str, str], into: HeardNode) -> str | None:
    """Rule 1; why not all of it was read."""
    into.said(("evpn",), path)
    found = into.evpn = {} if into.evpn is None else into.evpn
    for rd, routes in document.items():
        for route in routes.values() if isinstance(routes, dict) else ():
            for item in evpn_paths(route):
                if item.get("routeType", PREFIX_ROUTE) != PREFIX_ROUTE:
                    continue
                prefix = canonical(f"{item.get('ip')}/{item.get('ipLen')}")
                if prefix is None:
                    return UNREADABLE
                here, before = evpn_route(item), found.get((rd, prefix))
                found[rd, prefix] = here if before in (None, here) else beside(before, here)
    return None


def beside(one: EvpnRoute, other: EvpnRoute) -> EvpnRoute:
    """What two routes to one prefix say, such as those of two Ethernet tags."""
    return EvpnRoute(one.rts + other.rts, *map(" and ".join, zip(one[1:], other[1:], strict=True)))


def evpn_paths(route: Any) -> Iterator[Mapping[str, Any]]:
    """The best paths of a route."""
    paths = route.get("paths") if isinstance(route, dict) else None
    for group in paths if isinstance(paths, list) else ():
        for item in group if isinstance(group, list) else [group]:
            if isinstance(item, dict) and item.get("bestpath"):
                yield item


def evpn_route(item: Mapping[str, Any]) -> EvpnRoute:
    """What a path carries."""
    community = item.get("extendedCommunity")
    words = str(community.get("string", "")).split() if isinstance(community, dict) else []
    hops = item.get("nexthops")
    used = (
        [h for h in hops if isinstance(h, dict) and h.get("used")] if isinstance(hops, list) else []
    )
    return EvpnRoute(
        tuple(sorted(w.removeprefix("RT:") for w in words if w.startswith("RT:"))),
        " and ".join(dict.fromkeys(plain(str(hop.get("ip", ""))) for hop in used)),
        " and ".join(w.removeprefix("Rmac:") for w in words if w.startswith("Rmac:")),
    )


def read_rib(document: Any, path: Path, vrfs: Mapping[str, str], into: HeardNode) -> str | None:
    """Rule 2; why not all of it was read."""
    entries = list(rib_entries(document))
    if any(isinstance(value, dict) for value in document.values()):
        families = {version(str(entry.get("prefix"))) for entry in entries}
        into.whole |= families
        if 4 in families and UNDERLAY in document:
            into.said(("rib", UNDERLAY, 4), path)
            into.widths = {} if into.widths is None else into.widths
    for entry in entries:
        name = str(entry.get("vrfName", ""))
        prefix = canonical(str(entry.get("prefix")))
        if prefix is None:
            return UNREADABLE
        protocol = entry.get("protocol")
        found = entry.get("nexthops")
        hops = [h for h in found if isinstance(h, dict)] if isinstance(found, list) else []
        if name == UNDERLAY and version(prefix) == 6:
            continue
        if name == UNDERLAY:
            into.said(("rib", UNDERLAY, 4), path)
            widths = {} if into.widths is None else into.widths
            if protocol == "bgp" and entry.get("selected"):
                widths[prefix] = sum(1 for h in hops if h.get("fib") and h.get("active"))
            into.widths = widths
        else:
            vrf = vrfs.get(name, name), version(prefix)
            routes = into.routes.setdefault(vrf, {})
            into.said(("rib", *vrf), path)
            each = (
                marked(rib_hop(hop, vrfs), bool(hop.get("fib") or hop.get("duplicate")))
                for hop in hops
            )
            to = frozenset().union(*each) or frozenset({NOWHERE})
            added = protocol == "kernel" or protocol not in AUTOMATIC
            if added and entry.get("selected") and not is_end(prefix, to):
                routes[prefix] = routes.get(prefix, frozenset()) | to
            elif not added and entry.get("selected"):
                into.came("rib", vrf, prefix, to)
    return None


def rib_hop(hop: Mapping[str, Any], vrfs: Mapping[str, str]) -> str:
    """A next hop of a RIB: an address, or a VRF on the same node, or a device."""
    if hop.get("ip"):
        return plain(str(hop["ip"]))
    device = None if hop.get("unreachable") else hop.get("interfaceName")
    name = str(hop.get("vrf") or device or NOWHERE)
    return vrfs.get(name, name)
