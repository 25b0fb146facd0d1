"""BGP instances of FRR: sessions, families, what is announced, and EVPN of VRFs.

Rules that hold here:

1. A member of a peer group has what the group has, unless it says otherwise itself.
2. IPv4 is on for every neighbor unless `no bgp default ipv4-unicast` stands there; other families
   only where they are activated.
3. eBGP without a filter passes nothing where `bgp ebgp-requires-policy` holds: by default in the
   traditional profile, not in that of data centres.
4. A line about a neighbor that is not known to change no route is told as not known.

Source: FRR user guide, BGP, EVPN.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_network

from compiler.imports.device_facts import (
    DEFAULT_VRF,
    FilterUse,
    LeakFacts,
    NetworkStatement,
    PeerFamily,
    PeerSession,
    PeerSetting,
    Redistribution,
    RouteTarget,
)
from compiler.imports.frr.frr_lines import FrrBlock, FrrFile, FrrLine, harmless
from fabric.diagnostics import Span

SESSION = "says how a session is kept"
PATHS = "chooses among paths"
FAMILIES = {
    ("ipv4", "unicast"): "ipv4", ("ipv6", "unicast"): "ipv6", ("l2vpn", "evpn"): "evpn",
    ("ipv4",): "ipv4", ("ipv6",): "ipv6",
}  # fmt: skip
FILTERS = (
    "route-map",
    "prefix-list",
    "filter-list",
    "distribute-list",
    "unsuppress-map",
    "advertise-map",
)
NEIGHBOR_HARMLESS = frozenset((
    "description", "timers", "advertisement-interval", "bfd", "update-source", "ebgp-multihop",
    "disable-connected-check", "port", "capability", "solo",
    "soft-reconfiguration", "graceful-restart", "graceful-restart-helper", "tcp-mss", "version",
    "strict-capability-match", "dont-capability-negotiate", "extended-optional-parameters",
))  # fmt: skip
OUTSIDE = {("bgp", f"{kind}-list") for kind in ("community", "large-community", "extcommunity")}
OUTSIDE.add(("bgp", "as-path"))
"""Lists that begin like settings of an instance."""
GUARDS = ("password", "ttl-security")
"""What keeps a session down unless both ends have it."""
BGP_HARMLESS = {
    "bgp bestpath": PATHS, "bgp log-neighbor-changes": SESSION, "timers bgp": SESSION,
    "bgp deterministic-med": PATHS, "bgp always-compare-med": PATHS,
    "bgp graceful-restart": SESSION,
    "bgp fast-external-failover": SESSION, "bgp default show-hostname": SESSION,
    "bgp default show-nexthop-hostname": SESSION, "bgp default keepalive": SESSION,
    "bgp default local-preference": PATHS, "bgp cluster-id": SESSION, "bgp tcp-keepalive": SESSION,
    "bgp suppress-fib-pending": SESSION, "bgp minimum-holdtime": SESSION, "neighbor-mode": SESSION,
    "bgp default subgroup-pkt-queue-max": SESSION, "update-delay": SESSION,
    "bgp update-delay": SESSION, "coalesce-time": SESSION, "read-quanta": SESSION,
    "write-quanta": SESSION, "bgp lu-explicit-null": SESSION,
}  # fmt: skip
EVPN_HARMLESS = {
    "flooding": "about frames that are flooded", "dup-addr-detection": "about double MACs",
    "advertise-svi-ip": "about MAC and IP routes",
    "advertise-default-gw": "about MAC and IP routes",
    "use-es-l3nhg": "about multihoming", "mac-vrf": "about multihoming",
    "ead-es-frag": "about multihoming", "ead-es-route-target": "about multihoming",
    "disable-ead-evi-rx": "about multihoming", "disable-ead-evi-tx": "about multihoming",
}  # fmt: skip


@dataclass(slots=True)
class FrrNeighbor:
    """A neighbor or a peer group; None is what it leaves to its group."""

    name: str
    span: Span
    group: str | None = None
    is_group: bool = False
    unnumbered: bool = False
    remote: str | None = None
    remote_span: Span | None = None
    down: Span | None = None
    passive: bool = False
    on: dict[str, tuple[bool, Span]] = field(default_factory=dict)
    filters: dict[tuple[str, str, str], FilterUse] = field(default_factory=dict)
    """By family, direction and kind."""
    settings: list[PeerSetting] = field(default_factory=list)

    def odd(self, line: FrrLine, file: FrrFile, vrf: str) -> bool:
        """A line that nobody models: what it sets is told, and what it takes back not known."""
        if not line.no:
            self.settings.append(PeerSetting(line.words[2], line.span))
            if line.words[2] in GUARDS:
                return file.ignore(line, "keeps a session down unless both ends have it")
        return file.unknown(line, "a setting of a neighbor that is not modelled", vrf)


class BgpBlock(FrrBlock):
    """`router bgp ASN vrf VRF`."""

    def __init__(self, asn: int, vrf: str, span: Span) -> None:
        self.asn, self.vrf, self.span = asn, vrf, span
        self.router_id: IPv4Address | None = None
        self.ipv4_default = True
        self.requires_policy: bool | None = None
        self.neighbors: dict[str, FrrNeighbor] = {}
        self.networks: dict[str, NetworkStatement] = {}
        self.redistributes: list[Redistribution] = []
        self.leaks: list[LeakFacts] = []
        self.leak_maps: dict[str, tuple[str, Span]] = {}
        self.families: dict[str, Span] = {}
        self.all_vni: Span | None = None
        self.rd: str | None = None
        self.imports: list[RouteTarget] = []
        self.exports: list[RouteTarget] = []
        self.announced: dict[str, Redistribution] = {}
        self.sayings: list[tuple[str, str]] = []

    def take(self, line: FrrLine, file: FrrFile) -> bool:
        """A line of the instance itself."""
        if line.begins("address-family"):
            family = FAMILIES.get(line.words[1:3])
            if family is None:
                file.unknown(line, "an address family that is not read", self.vrf)
                file.blocks.append(UnreadFamily(self.vrf))
                return True
            self.families.setdefault(family, line.span)
            return file.enter(line, FamilyBlock(self, family))
        if line.begins("bgp", "router-id") and len(line.words) == 3 and not line.no:
            return self._router_id(line, file)
        if line.begins("bgp", "default") and len(line.words) == 3:
            return self._default(line, file)
        if line.begins("bgp", "ebgp-requires-policy"):
            self.requires_policy = not line.no
            self.sayings.append(("ebgp-requires-policy", "off" if line.no else "on"))
            return file.use(line)
        if line.begins("bgp", "network", "import-check"):
            self.sayings.append(("network import-check", "off" if line.no else "on"))
            return file.use(line)
        if line.words[0] == "neighbor" and len(line.words) > 2:
            return self._neighbor(line, file, "ipv4")
        if harmless(line, file, BGP_HARMLESS):
            return True
        if line.words[:2] in OUTSIDE:
            return False
        if line.words[0] in ("bgp", "maximum-paths", "table-map", "distance"):
            return file.unknown(line, "a setting of BGP that is not modelled", self.vrf)
        return False

    def _router_id(self, line: FrrLine, file: FrrFile) -> bool:
        try:
            self.router_id = IPv4Address(line.words[2])
        except ValueError as error:
            return file.wrong(line, str(error))
        if self.vrf != DEFAULT_VRF:
            self.sayings.append(("router-id", str(self.router_id)))
        return file.use(line)

    def _default(self, line: FrrLine, file: FrrFile) -> bool:
        what = line.words[2]
        if what == "ipv4-unicast":
            self.ipv4_default = not line.no
            return file.use(line)
        if what in ("show-hostname", "show-nexthop-hostname"):
            return file.ignore(line, SESSION)
        return file.unknown(line, "a family that is on by default", self.vrf)

    def neighbor(self, name: str, span: Span) -> FrrNeighbor:
        """A neighbor by name."""
        return self.neighbors.setdefault(name, FrrNeighbor(name, span))

    def _neighbor(self, line: FrrLine, file: FrrFile, family: str) -> bool:
        name, what, rest = line.words[1], line.words[2], line.words[3:]
        if what in FILTERS or what == "activate":
            return self.in_family(line, file, family)
        if what in NEIGHBOR_HARMLESS:
            return file.ignore(line, SESSION)
        peer = self.neighbor(name, line.span)
        if line.no and what != "shutdown":
            return file.unknown(line, "something about a neighbor that is taken back", self.vrf)
        if what == "peer-group":
            if rest:
                peer.group = rest[0]
            else:
                peer.is_group = True
        elif what == "interface":
            peer.unnumbered = True
            peer.group = line.after("peer-group") or peer.group
            if (remote := line.after("remote-as")) is not None:
                peer.remote, peer.remote_span = remote, line.span
        elif what == "remote-as" and rest:
            peer.remote, peer.remote_span = rest[0], line.span
        elif what == "shutdown":
            peer.down = None if line.no else line.span
        elif what == "passive":
            peer.passive = True
        else:
            return peer.odd(line, file, self.vrf)
        return file.use(line)

    def in_family(self, line: FrrLine, file: FrrFile, family: str) -> bool:
        """A line about a neighbor in a family."""
        name, what, rest = line.words[1], line.words[2], line.words[3:]
        peer = self.neighbor(name, line.span)
        if what == "activate":
            peer.on[family] = not line.no, line.span
            return file.use(line)
        if what in FILTERS and len(rest) == 2 and rest[1] in ("in", "out"):
            if line.no:
                gone = peer.filters.pop((family, rest[1], what), None)
                return file.take_back(line, *([gone.span] if gone else []))
            peer.filters[family, rest[1], what] = FilterUse(what, rest[0], line.span)
            return file.use(line)
        if what in NEIGHBOR_HARMLESS:
            return file.ignore(line, SESSION)
        return peer.odd(line, file, self.vrf)

    def sessions(self, traditional: bool) -> list[PeerSession]:
        """The sessions of all neighbors that are no groups (rules 1 to 3)."""
        return [
            self._session(peer, traditional)
            for peer in self.neighbors.values()
            if not peer.is_group
        ]

    def _session(self, peer: FrrNeighbor, traditional: bool) -> PeerSession:
        group = self.neighbors.get(peer.group or "", FrrNeighbor("", peer.span))
        remote, remote_span = (
            (peer.remote, peer.remote_span) if peer.remote else (group.remote, group.remote_span)
        )
        down = peer.down or group.down
        strict = traditional if self.requires_policy is None else self.requires_policy
        external = remote is not None and remote not in ("internal", str(self.asn))
        return PeerSession(
            vrf=self.vrf,
            peer=peer.name,
            unnumbered=peer.unnumbered,
            remote_as=remote,
            passive=peer.passive or group.passive,
            down=down is not None,
            families=tuple(self._families(peer, group)),
            span=down or remote_span or peer.span,
            strict=strict and external,
            settings=(*peer.settings, *group.settings),
        )

    def _families(self, peer: FrrNeighbor, group: FrrNeighbor) -> list[PeerFamily]:
        out = []
        for family in ("ipv4", "ipv6", "evpn"):
            default = (family == "ipv4" and self.ipv4_default, peer.span)
            on, span = peer.on.get(family) or group.on.get(family) or default
            uses = {
                way: tuple(
                    use
                    for kind in FILTERS
                    if (
                        use := peer.filters.get((family, way, kind))
                        or group.filters.get((family, way, kind))
                    )
                )
                for way in ("in", "out")
            }
            if on or family in peer.on or uses["in"] or uses["out"]:
                out.append(PeerFamily(family, on, uses["in"], uses["out"], span))
        return out


class UnreadFamily(FrrBlock):
    """An address family of which nothing is read."""

    def __init__(self, vrf: str) -> None:
        self.vrf = vrf

    def take(self, line: FrrLine, file: FrrFile) -> bool:
        """Everything, but what begins another family or instance."""
        if line.words[0] in ("address-family", "router", "vrf", "route-map", "interface", "line"):
            return False
        return file.ignore(line, "an address family that is not read")


class FamilyBlock(FrrBlock):
    """`address-family …` of an instance."""

    def __init__(self, bgp: BgpBlock, family: str) -> None:
        self.bgp, self.family = bgp, family

    def take(self, line: FrrLine, file: FrrFile) -> bool:
        """A line of the family."""
        first = line.words[0]
        if first == "address-family":
            return False
        if first == "neighbor" and len(line.words) > 2:
            return self.bgp.in_family(line, file, self.family)
        if first == "maximum-paths":
            return file.ignore(line, PATHS)
        if self.family == "evpn":
            return self._evpn(line, file)
        if first == "network" and len(line.words) > 1:
            return self._network(line, file)
        if first == "redistribute" and len(line.words) > 1 and not line.no:
            kind = (
                " ".join(line.words[1:3]) if line.words[1] in ("table", "ospf") else line.words[1]
            )
            found = Redistribution(self.family, kind, line.after("route-map"), line.span)
            self.bgp.redistributes.append(found)
            return file.use(line)
        if line.begins("import", "vrf") and len(line.words) > 2 and not line.no:
            if line.words[2] == "route-map" and len(line.words) > 3:
                self.bgp.leak_maps[self.family] = line.words[3], line.span
            else:
                self.bgp.leaks.append(LeakFacts(self.family, line.words[2], None, line.span))
            return file.use(line)
        if first in ("exit-address-family", "router", "vrf", "route-map", "interface", "line"):
            return False
        return file.unknown(line, "a setting of a family that is not modelled", self.bgp.vrf)

    def _network(self, line: FrrLine, file: FrrFile) -> bool:
        try:
            prefix = ip_network(line.words[1], strict=False)
        except ValueError as error:
            return file.wrong(line, str(error))
        if line.no:
            gone = self.bgp.networks.pop(str(prefix), None)
            return file.take_back(line, *([gone.span] if gone else []))
        if len(line.words) > 2:
            return file.unknown(line, "a network that a map changes", self.bgp.vrf)
        self.bgp.networks[str(prefix)] = NetworkStatement(prefix, line.span)
        return file.use(line)

    def _evpn(self, line: FrrLine, file: FrrFile) -> bool:
        bgp, words = self.bgp, line.words
        if words == ("advertise-all-vni",):
            bgp.all_vni = None if line.no else line.span
            return file.use(line)
        if words[0] == "advertise" and words[1:3] in (("ipv4", "unicast"), ("ipv6", "unicast")):
            if "gateway-ip" in words:
                return file.unknown(line, "routes with a gateway address", bgp.vrf)
            if line.no:
                gone = bgp.announced.pop(words[1], None)
                return file.take_back(line, *([gone.span] if gone else []))
            told = Redistribution(words[1], "evpn", line.after("route-map"), line.span)
            bgp.announced[words[1]] = told
            return file.use(line)
        if words[0] == "rd" and len(words) == 2:
            bgp.rd = None if line.no else words[1]
            return file.use(line)
        if words[0] == "route-target" and len(words) > 2 and not line.no:
            return self._targets(line, file)
        if words[0] == "vni" and len(words) == 2:
            file.unknown(line, "an L2VNI", bgp.vrf, "forwarding")
            file.blocks.append(UnreadVni(bgp.vrf))
            return True
        if harmless(line, file, EVPN_HARMLESS):
            return True
        if words[0] in ("router", "vrf", "route-map", "interface", "line"):
            return False
        return file.unknown(line, "a setting of EVPN that is not modelled", bgp.vrf)

    def _targets(self, line: FrrLine, file: FrrFile) -> bool:
        way = line.words[1]
        if way not in ("import", "export", "both"):
            return file.wrong(line, f"{way} is neither import, export nor both")
        found = [RouteTarget(text, line.span) for text in line.words[2:]]
        for target in found:
            number = target.text.rpartition(":")[2]
            if target.text != "auto" and not (":" in target.text and number.isdecimal()):
                return file.wrong(line, f"{target.text} is no route target")
        if way in ("import", "both"):
            self.bgp.imports += found
        if way in ("export", "both"):
            self.bgp.exports += found
        return file.use(line)


class UnreadVni(FrrBlock):
    """`vni N` in EVPN: an L2VNI, of which nothing is read."""

    def __init__(self, vrf: str) -> None:
        self.vrf = vrf

    def take(self, line: FrrLine, file: FrrFile) -> bool:
        """What stands in it."""
        if line.words[0] in ("rd", "route-target", "advertise-default-gw", "advertise-svi-ip"):
            return file.ignore(line, "an L2VNI")
        return False


def vrf_of(words: tuple[str, ...]) -> str:
    """The VRF of `router bgp ASN vrf VRF`."""
    return words[4] if len(words) > 4 and words[3] == "vrf" else DEFAULT_VRF
