"""VRFs of NVUE: EVPN, static routes, and what BGP does in them.

1. A VRF has an L3VNI by `evpn vni`, if EVPN is on in it. Its Type-5 routes are of the families with
   `route-export to-evpn`, under the route targets of `route-export to-evpn route-target`; without
   any, and for `auto`, the device makes its own (FRR: `autort`).
2. Without `route-import from-evpn route-target` a VRF imports the target of its VNI from any ASN.
3. Neighbours have what they do not say themselves from their peer group.
4. `ipv4-unicast` is on for every neighbour unless something says otherwise, the others are off (FRR
   and the command reference).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from typing import Any

from compiler.imports.device_facts import (
    FilterUse,
    LeakFacts,
    NetworkStatement,
    OwnAddress,
    PeerFamily,
    PeerSession,
    PeerSetting,
    Redistribution,
    RouteTarget,
    VrfFacts,
    WrittenRoute,
)
from compiler.imports.nvue.nvue_acl import walk_all
from compiler.imports.nvue.nvue_interfaces import NO_PACKET
from compiler.imports.nvue.nvue_sessions import is_on, of_family, of_neighbor
from compiler.imports.nvue.nvue_tree import USUAL, Branch, NvueFile, said
from compiler.imports.nvue.nvue_values import address, interface_address, network

FAMILIES = {"ipv4-unicast": "ipv4", "ipv6-unicast": "ipv6", "l2vpn-evpn": "evpn"}
VIA = {"ipv4-address": "address", "ipv6-address": "address", "interface": "interface",
       "blackhole": "blackhole", "reject": "blackhole", "unreachable": "blackhole"}  # fmt: skip
NOWHERE = ("blackhole", "reject", "unreachable", "null0")
"""What a way into nothing may be called: under another name nobody knows what a device makes of
it."""
ROUTING = ("ospf", "ospf6", "pim", "pbr", "eigrp", "isis")
PATHS = "chooses among equal or competing paths; which one is not decided here"
TIMES = "says how fast routes come and go, and not which"
BGP = {
    "path-selection": PATHS, "timers": TIMES, "graceful-restart": TIMES, "convergence-wait": TIMES,
    "wait-for-install": TIMES, "soft-reconfiguration": NO_PACKET, "queue-limit": NO_PACKET,
    "dynamic-neighbor": NO_PACKET,
}  # fmt: skip
SETTING = "may decide which routes pass; it is told of the session, and what it does not followed"
GROUP_REASONS = {
    "timers": TIMES, "bfd": TIMES, "graceful-restart": TIMES, "description": NO_PACKET,
    "password": "keeps others from posing as the neighbour; that there is one is told",
    "capabilities": NO_PACKET, "ttl-security": SETTING, "soft-reconfiguration": NO_PACKET,
    "local-as": SETTING,
    "nexthop-connected-check": PATHS, "multihop-ttl": PATHS, "update-source": NO_PACKET,
}  # fmt: skip
FAMILY_REASONS = {
    "multipaths": PATHS, "multipath": PATHS, "add-path-tx": PATHS,
    "soft-reconfiguration": NO_PACKET, "admin-distance": PATHS,
}  # fmt: skip
PEER_REASONS = FAMILY_REASONS | dict.fromkeys(
    ("aspath", "attribute-mod", "community-advertise", "weight", "prefix-limits",
     "default-route-origination", "conditional-advertise", "route-server-client",
     "nexthop-setting"), SETTING
) | {"route-reflector-client": "is about internal sessions, which are not followed"}  # fmt: skip


@dataclass(slots=True)
class Spoken:
    """What is read below `router bgp` of one VRF."""

    rd: str | None = None
    asn: int | None = None
    router_id: IPv4Address | None = None
    imports: list[RouteTarget] = field(default_factory=list)
    exports: list[RouteTarget] = field(default_factory=list)
    announces: list[str] = field(default_factory=list)
    networks: list[NetworkStatement] = field(default_factory=list)
    redistributes: list[Redistribution] = field(default_factory=list)
    leaks: list[LeakFacts] = field(default_factory=list)
    sessions: list[PeerSession] = field(default_factory=list)
    speaks: list[str] = field(default_factory=list)
    announced_by: list[Redistribution] = field(default_factory=list)


def read_vrf(file: NvueFile, name: str, branch: Branch) -> tuple[VrfFacts, Spoken]:
    """A VRF, and its sessions."""
    evpn = branch["evpn"]
    on = evpn.enabled(False)
    vni = read_vni(file, name, evpn["vni"])
    evpn.close({"vlan": NO_PACKET}, "routes", name)
    loopbacks = []
    for text, below in branch["loopback"]["ip"]["address"].each():
        if (found := interface_address(below, text)) is not None:
            loopbacks.append(OwnAddress(found, False, below.span))
    router = branch["router"]
    statics = [r for t, b in router["static"].each() for r in read_static(file, name, t, b)]
    for key in ROUTING:
        if router.has(key):
            walk_all(router[key])
            what = f"VRF {name} speaks `router {key}`, which is not followed"
            file.not_known("Routing", "routes", what, router[key].span, name)
    spoken = Spoken()
    bgp = router["bgp"]
    if bgp:
        read_bgp(file, name, bgp, spoken)
    if router.has("rib") and "fib-filter" in str(router.value["rib"]):
        what = f"VRF {name} installs what a filter of its `rib` lets through"
        file.not_known("Rib", "routes", what, router.at("rib").span, name)
    router.close({"nexthop-tracking": PATHS, "rib": PATHS, "bfd": TIMES}, "routes", name)
    branch.close({"table": NO_PACKET, "ptp": NO_PACKET}, "forwarding", name)
    facts = VrfFacts(
        name, vni, on, spoken.rd, tuple(spoken.imports), tuple(spoken.exports),
        tuple(spoken.announces), tuple(loopbacks), tuple(statics), tuple(spoken.networks),
        tuple(spoken.redistributes), tuple(spoken.leaks), branch.span, tuple(spoken.speaks),
        tuple(spoken.announced_by),
    )  # fmt: skip
    return facts, spoken


def read_vni(file: NvueFile, vrf: str, branch: Branch) -> int | None:
    """The L3VNI of a VRF; with several nobody knows which one counts."""
    found = []
    for text, below in branch.each():
        if text.isascii() and text.isdigit() and 0 < int(text[:9]) < 2**24:
            found.append(int(text))
        else:
            below.wrong("a VNI")
        below.close({}, "routes", vrf)
    if len(found) > 1:
        what = f"VRF {vrf} has {len(found)} VNIs, and which one counts is not known"
        file.not_known("Vni", "routes", what, branch.span, vrf)
    return found[0] if found else None


def read_static(file: NvueFile, vrf: str, text: str, branch: Branch) -> list[WrittenRoute]:
    """A static route: one for each way; one into another VRF, or with a distance of its own, is not
    followed."""
    family = branch["address-family"]
    prefix, _ = network(branch, text)
    distance = branch["distance"]
    if distance and not usual_distance(distance):
        what = f"a static route to {text} has a distance, by which others may be preferred to it"
        file.not_known("StaticRoute", "routes", what, distance.span, vrf)
        walk_all(distance)
    tag = branch["tag"].number(0, 2**32 - 1) or 0
    out = []
    for via, below in branch["via"].each():
        written = below["type"].text()
        kind = VIA.get(written or "", "other")
        if kind == "address":
            found = address(below, via)
            if found is None:
                continue
            kind = kind if written == f"ipv{found.version}-address" else "other"
        elif kind == "blackhole" and via.lower() not in NOWHERE:
            kind = "other"
        there = said(below.value.get("vrf", vrf)) if isinstance(below.value, dict) else vrf
        if there != vrf:
            kind = "vrf"
            what = f"a static route to {text} leads from VRF {vrf} into {there}"
            file.not_known("StaticRoute", "routes", what, below.span, vrf)
        below["vrf"].text()
        below.close({}, "routes", vrf)
        if prefix is not None:
            out.append(WrittenRoute(prefix, via, kind, below.span, tag))
    branch.close({}, "routes", vrf)
    if prefix is not None and family:
        usual = f"ipv{prefix.version}-unicast"
        if said(family.value) == usual:
            family.repeats("says what the prefix says")
        else:
            family.wrong(usual)
    return out


def own_address(branch: Branch) -> IPv4Address | None:
    """A router-id."""
    text = branch.text()
    found = None if text is None else address(branch, text)
    return found if isinstance(found, IPv4Address) else None


def usual_distance(branch: Branch) -> bool:
    """Whether a static route has the distance that it has anyway."""
    if branch.keys_below() != ["1"]:
        return False
    branch.ignore(USUAL)
    return True


def read_bgp(file: NvueFile, vrf: str, branch: Branch, into: Spoken) -> None:
    """BGP of a VRF."""
    running = branch.enabled(True)
    if not running and vrf != "default":
        what = f"BGP of VRF {vrf} is off: what the device makes of its EVPN routes is not followed"
        file.not_known("Bgp", "routes", what, branch.span, vrf)
    into.rd = branch["rd"].text()
    into.asn = branch["autonomous-system"].number(1, 2**32 - 1)
    into.router_id = own_address(branch["router-id"])
    families = branch["address-family"]
    off = set()
    for name, family in FAMILIES.items():
        if families.has(name) and not read_family(file, vrf, family, families[name], into, running):
            off.add(family)
    families.close({}, "routes", vrf)
    into.exports += targets(branch["route-export"]["to-evpn"]["route-target"])
    into.imports += targets(branch["route-import"]["from-evpn"]["route-target"])
    groups = branch["peer-group"]
    neighbors = list(branch["neighbor"].each())
    asked = {said(b.value.get("peer-group")) for _, b in neighbors if isinstance(b.value, dict)}
    for name in [*groups.value] if isinstance(groups.value, dict) else ():
        if name not in asked:
            groups.skip(name, "no neighbour is of this peer group")
    read_groups = {name: Neighbor.read(file, vrf, below) for name, below in groups.each()}
    for peer, below in neighbors:
        mine = Neighbor.read(file, vrf, below)
        group = read_groups.get(mine.group or "")
        if mine.group and group is None:
            what = f"neighbour {peer} is of peer group {mine.group}, which is not there"
            file.not_known("PeerGroup", "routes", what, below.span, vrf)
        session = mine.session(vrf, peer, group, running, below)
        spoken = (replace(f, on=f.on and f.name not in off) for f in session.families)
        into.sessions.append(replace(session, families=tuple(spoken)))
    if branch.has("confederation"):
        walk_all(branch["confederation"])
        file.not_known("Routing", "routes", "confederations are not followed", branch.span, vrf)
    for key, odd in UNFOLLOWED.items():
        if branch.has(key) and (found := odd(branch.value[key])):
            file.not_known("Bgp", "routes", f"VRF {vrf}: {found}", branch.at(key).span, vrf)
    branch.close(BGP, "routes", vrf)


def lengths_ignored(value: Any) -> str:
    """What becomes of the lengths of AS paths by `path-selection`."""
    path = value.get("aspath") if isinstance(value, dict) else None
    compared = path.get("compare-lengths", "on") if isinstance(path, dict) else "on"
    return "" if is_on(compared) else "lengths of AS paths are not compared"


def listens(value: Any) -> str:
    """Whether it takes sessions of neighbours that are not named."""
    ranges = value.get("listen-range") if isinstance(value, dict) else value
    return "it takes sessions of neighbours that it does not name" if ranges else ""


UNFOLLOWED = {"path-selection": lengths_ignored, "dynamic-neighbor": listens}


def targets(branch: Branch) -> list[RouteTarget]:
    """Route targets, each with its line."""
    out = []
    for text, below in branch.each():
        first, colon, second = text.rpartition(":")
        if text != "auto" and not (colon and second.isdigit() and first):
            below.wrong("auto, ASN:number or address:number")
            continue
        out.append(RouteTarget(text, below.span))
        below.close({}, "routes")
    return out


def read_family(
    file: NvueFile, vrf: str, family: str, branch: Branch, into: Spoken, running: bool
) -> bool:
    """What a VRF announces of a family, and takes over, if its BGP is `running`; whether it speaks
    it."""
    on = branch.enabled(family != "evpn") and running
    if on:
        into.speaks.append(family)
    for text, below in branch["network"].each():
        prefix, _ = network(below, text)
        if prefix is not None and on:
            into.networks.append(NetworkStatement(prefix, below.span))
        policy(file, vrf, below)
    for kind, below in branch["redistribute"].each():
        map_ = below["route-map"].text()
        if below.enabled(True) and on:
            into.redistributes.append(Redistribution(family, kind, map_, below.span))
        below.close({"metric": PATHS}, "routes", vrf)
    exported = branch["route-export"]["to-evpn"]
    map_ = exported["route-map"].text()
    default = exported["default-route-origination"]
    if default and default.flag(False):
        what = f"VRF {vrf} originates a default route, which is not followed"
        file.not_known("DefaultRoute", "routes", what, default.span, vrf)
    if exported and exported.enabled(False) and on:
        into.announces.append(family)
        if map_ and map_ != "none":
            into.announced_by.append(Redistribution(family, "evpn", map_, exported.span))
    exported.close({}, "routes", vrf)
    leaked = branch["route-import"]["from-vrf"]
    map_ = leaked["route-map"].text()
    for name, below in leaked["list"].each():
        below.close({}, "routes", vrf)
        if leaked.enabled(True) and on:
            into.leaks.append(LeakFacts(family, name, map_, below.span))
    leaked.close({}, "routes", vrf)
    if branch.has("aggregate-route"):
        walk_all(branch["aggregate-route"])
        file.not_known("Aggregate", "routes", "aggregates are not followed", branch.span, vrf)
    branch.close({**FAMILY_REASONS, **EVPN_REASONS}, "routes", vrf)
    return on


EVPN_REASONS = {"label-allocation": NO_PACKET, "advertise-all-vni": NO_PACKET}


def policy(file: NvueFile, vrf: str, branch: Branch) -> None:
    """A network statement with a route map, which nobody follows."""
    if branch.has("route-map"):
        branch["route-map"].text()
        what = "a route map changes what is announced"
        file.not_known("RouteMap", "routes", what, branch.span, vrf)
    branch.close({}, "routes", vrf)


@dataclass(slots=True)
class Neighbor:
    """What a neighbour or a peer group says itself; None is left to the group."""

    group: str | None
    unnumbered: bool
    remote_as: str | None
    passive: bool
    down: bool
    families: dict[str, PeerFamily]
    settings: tuple[PeerSetting, ...]

    @staticmethod
    def read(file: NvueFile, vrf: str, branch: Branch) -> Neighbor:
        """One of either."""
        unnumbered = without_number(branch["type"])
        group = branch["peer-group"].text()
        remote = branch["remote-as"].text()
        passive = branch["passive-mode"].flag(False)
        down = branch["shutdown"].flag(False) or not branch.enabled(True)
        families: dict[str, PeerFamily] = {}
        settings = [*of_neighbor(branch)]
        below = branch["address-family"]
        for name, family in FAMILIES.items():
            if below.has(name):
                settings += of_family(family, below[name])
                families[family] = read_peer_family(file, vrf, family, below[name])
        below.close({}, "routes", vrf)
        branch.close(GROUP_REASONS, "routes", vrf)
        return Neighbor(group, unnumbered, remote, passive, down, families, tuple(settings))

    def session(
        self, vrf: str, peer: str, group: Neighbor | None, running: bool, branch: Branch
    ) -> PeerSession:
        """The session, with what its group says."""
        known: dict[str, Any] = dict(group.families) if group else {}
        known |= self.families
        if "ipv4" not in known:
            known["ipv4"] = PeerFamily("ipv4", True, (), (), branch.span)
        return PeerSession(
            vrf,
            peer,
            self.unnumbered or (group is not None and group.unnumbered),
            self.remote_as or (group.remote_as if group else None),
            self.passive or (group is not None and group.passive),
            self.down or (group is not None and group.down) or not running,
            tuple(known[name] for name in FAMILIES.values() if name in known),
            branch.span,
            settings=(*self.settings, *(group.settings if group else ())),
        )


def without_number(branch: Branch) -> bool:
    """Whether a neighbour is known by the interface, by its type."""
    if branch and said(branch.value) == "numbered":
        branch.repeats("says what the address says")
        return False
    return branch.text() == "unnumbered"


def read_peer_family(file: NvueFile, vrf: str, family: str, branch: Branch) -> PeerFamily:
    """An address family of a neighbour."""
    on = branch.enabled(family == "ipv4")
    filters = branch["policy"]
    inbound, outbound = (uses(filters[key]) for key in ("inbound", "outbound"))
    filters.close({}, "routes", vrf)
    branch.close(PEER_REASONS, "routes", vrf)
    return PeerFamily(family, on, inbound, outbound, branch.span)


def uses(branch: Branch) -> tuple[FilterUse, ...]:
    """The filters of one direction."""
    found = ((kind, below.text(), below.span) for kind, below in branch.each())
    return tuple(FilterUse(kind, name, span) for kind, name, span in found if name is not None)
