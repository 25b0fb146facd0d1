"""What the configuration of a device says: neutral facts, each with the line that says it.

Every reader of a format (`compiler.imports.config_formats`) makes these and nothing else. Rules
that hold here:

1. A fact is what is written, not what it was written for: no tenants, no zones, no intents.
2. What is read and not modelled, and what is not given, is a `NotKnown`: never left out.
3. Everything carries a `Span`. Two configurations that say the same have equal facts where spans
   are left out (`told`).
4. Tuples are in the order in which the device evaluates them where that matters (entries of lists,
   rules of route maps), else in order of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any, Literal

from fabric.diagnostics import Span
from fabric.values.inventory import Prefix

DEFAULT_VRF = "default"
"""The name of a device's global table."""
AUTO = "auto"
"""A route target that the device makes itself: exported the low half of its ASN and the VNI (RFC
8365 §5.1.2.1), imported any ASN and the VNI."""
Ports = tuple[tuple[int, int], ...]
Networks = tuple[Prefix, ...]
About = Literal["routes", "acl", "forwarding"]


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """An address of an interface, with the length of its network; `shared` by several devices."""

    at: IPv4Interface | IPv6Interface
    shared: bool
    span: Span


@dataclass(frozen=True, slots=True)
class InterfaceFacts:
    """`kind` is loopback, port, svi, bond, bridge, vxlan or other. A port with `access` is in that
    VLAN of `bridge`; an SVI routes for `vlan`. A port of a bond has its name in `bond`."""

    name: str
    kind: str
    vrf: str
    addresses: tuple[OwnAddress, ...]
    access: int | None
    vlan: int | None
    mtu: int | None
    up: bool
    span: Span
    bridge: str = ""
    bond: str = ""


@dataclass(frozen=True, slots=True)
class VlanVni:
    """The L2VNI of a VLAN of a bridge."""

    vlan: int
    vni: int | None
    span: Span
    bridge: str = ""


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """`ASN:number`, `address:number`, or `AUTO`."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class WrittenRoute:
    """A static route; `kind` says what `via` is: address, interface, blackhole, vrf, or
    other, which nobody follows."""

    prefix: Prefix
    via: str
    kind: str
    span: Span
    tag: int = 0


@dataclass(frozen=True, slots=True)
class NetworkStatement:
    """A prefix that BGP of a VRF announces, if the VRF has a route to it."""

    prefix: Prefix
    span: Span


@dataclass(frozen=True, slots=True)
class Redistribution:
    """Routes of a kind (connected, static, …) that BGP announces, as a route map lets them."""

    family: str
    kind: str
    route_map: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class LeakFacts:
    """Routes of another VRF of the same device that a family of BGP takes over."""

    family: str
    from_vrf: str
    route_map: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class VrfFacts:
    """A routing table. `vni` is its L3VNI; `speaks` are the families that BGP has on here,
    `announces` those of them (ipv4, ipv6) that go into Type-5 routes, as `announced_by` lets them;
    without `imports` or `exports` the device makes its own (`AUTO`)."""

    name: str
    vni: int | None
    evpn: bool
    rd: str | None
    imports: tuple[RouteTarget, ...]
    exports: tuple[RouteTarget, ...]
    announces: tuple[str, ...]
    loopbacks: tuple[OwnAddress, ...]
    statics: tuple[WrittenRoute, ...]
    networks: tuple[NetworkStatement, ...]
    redistributes: tuple[Redistribution, ...]
    leaks: tuple[LeakFacts, ...]
    span: Span
    speaks: tuple[str, ...] = ()
    announced_by: tuple[Redistribution, ...] = ()


@dataclass(frozen=True, slots=True)
class FilterUse:
    """A filter that a session asks: `kind` is prefix-list, route-map, or another one, which nobody
    evaluates."""

    kind: str
    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class PeerFamily:
    """An address family (ipv4, ipv6, evpn) of a session and what filters it."""

    name: str
    on: bool
    inbound: tuple[FilterUse, ...]
    outbound: tuple[FilterUse, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class PeerSetting:
    """A setting of a session that may decide whether it comes up, which routes pass, or how long
    their paths are, and that nobody models: `kind` in the words of FRR, without any value."""

    kind: str
    span: Span


@dataclass(frozen=True, slots=True)
class PeerSession:
    """A BGP session. `peer` is an address, or with `unnumbered` an interface; `remote_as` a number,
    external, internal, or None. With `strict` a family without a filter passes nothing
    (RFC 8212). `settings` are those of all its families, and of its group."""

    vrf: str
    peer: str
    unnumbered: bool
    remote_as: str | None
    passive: bool
    down: bool
    families: tuple[PeerFamily, ...]
    span: Span
    strict: bool = False
    settings: tuple[PeerSetting, ...] = ()

    def family(self, name: str) -> PeerFamily | None:
        """A family that it speaks."""
        return next((f for f in self.families if f.name == name and f.on), None)


@dataclass(frozen=True, slots=True)
class PrefixEntry:
    """Prefixes inside `prefix` (None: any) whose length is `least` to `most`."""

    number: int
    permit: bool
    prefix: Prefix | None
    least: int
    most: int
    span: Span


@dataclass(frozen=True, slots=True)
class PrefixFilter:
    """A prefix list: the first entry that matches decides, none is a deny."""

    name: str
    family: int
    entries: tuple[PrefixEntry, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """A condition of a rule of a route map, and the value that it names."""

    kind: str
    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class RouteRule:
    """All `matches` together; `sets` change the route that is permitted. `goes_on`: what follows a
    match is not the end of the map, but the first rule from number `goto` on (None: nobody knows).
    A map that it `calls` is asked first: what that denies is denied."""

    number: int
    permit: bool
    matches: tuple[RouteMatch, ...]
    sets: tuple[RouteMatch, ...]
    goes_on: bool
    span: Span
    goto: int | None = None
    calls: str = ""


@dataclass(frozen=True, slots=True)
class RouteRules:
    """A route map: the first rule that matches decides, none is a deny."""

    name: str
    rules: tuple[RouteRule, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """An entry of an access list. `action`: permit, deny, none (it counts or logs, and what follows
    decides), or unknown. Empty networks, ports, types and states are any. `partial` says what of
    the match is not modelled: such an entry *may* match what the rest of it describes. `odd` are
    values as written that are not canonical."""

    number: int
    action: str
    source: Networks
    destination: Networks
    protocol: int
    sports: Ports
    dports: Ports
    states: tuple[str, ...]
    partial: str
    odd: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class AccessList:
    """`family` is 4, 6, 0 for both, or -1 for what is not IP. `default` is what becomes of a packet
    that no entry matches: permit, deny, or next, which leaves it to the list after this one; behind
    all lists it passes."""

    name: str
    family: int
    entries: Sequence[AccessEntry]
    default: str
    span: Span


@dataclass(frozen=True, slots=True)
class AclBinding:
    """A list is asked about what comes in by an interface (`in`: from the host, at a representor),
    or goes out. With `control` only about what is for the device itself, or from it. Lists of one
    interface and direction are asked in order of `stage` and `place`: what permits ends its stage.
    An empty `interface` is all of a `vrf`, and both empty the whole device."""

    acl: str
    interface: str
    vrf: str
    direction: Literal["in", "out"]
    control: bool
    place: str
    span: Span
    stage: int = 0


@dataclass(frozen=True, slots=True)
class NotKnown:
    """What is read and not modelled, or not given. It makes unknown what it is `about`: where
    packets go (routes), what lists decide (acl), or both (forwarding), in a VRF or at an interface;
    empty for the whole device."""

    kind: str
    about: About
    vrf: str
    interface: str
    what: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class Device:
    """Everything that the configuration of one device says."""

    name: str
    format: str
    span: Span
    hostname: str | None = None
    asn: int | None = None
    router_id: IPv4Address | None = None
    vtep: IPv4Address | IPv6Address | None = None
    interfaces: tuple[InterfaceFacts, ...] = ()
    vlans: tuple[VlanVni, ...] = ()
    vrfs: tuple[VrfFacts, ...] = ()
    sessions: tuple[PeerSession, ...] = ()
    prefix_filters: tuple[PrefixFilter, ...] = ()
    route_maps: tuple[RouteRules, ...] = ()
    acls: tuple[AccessList, ...] = ()
    bindings: tuple[AclBinding, ...] = ()
    unknowns: tuple[NotKnown, ...] = ()
    sayings: tuple[tuple[str, str], ...] = ()
    """Other things that are read and change no answer but `review` (`connection-tracking`: on)."""
    asn_span: Span | None = None
    vtep_span: Span | None = None

    def interface(self, name: str) -> InterfaceFacts | None:
        """The interface of that name."""
        return next((i for i in self.interfaces if i.name == name), None)

    def vrf(self, name: str) -> VrfFacts | None:
        """The VRF of that name."""
        return next((v for v in self.vrfs if v.name == name), None)

    def acl(self, name: str) -> AccessList | None:
        """The access list of that name."""
        return next((a for a in self.acls if a.name == name), None)

    def says(self, what: str) -> str | None:
        """One of its other sayings."""
        return next((value for name, value in self.sayings if name == what), None)


def told(fact: Any, lines: bool = False) -> Any:
    """A fact as plain data, for JSON and for comparisons; with `lines` each says where it stands.

    >>> told(VlanVni(10, 100, Span("a.yaml", 3)), lines=True)
    {'vlan': 10, 'vni': 100, 'line': 'a.yaml:3:1', 'bridge': ''}
    """
    if isinstance(fact, Span):
        return str(fact)
    if isinstance(fact, Sequence) and not isinstance(fact, str):
        return [told(part, lines) for part in fact]
    if is_dataclass(fact) and not isinstance(fact, type):
        out = {}
        for part in fields(fact):
            if not part.name.endswith("span"):
                out[part.name] = told(getattr(fact, part.name), lines)
            elif lines and part.name == "span":
                out["line"] = None if fact.span is None else str(fact.span)  # type: ignore[attr-defined]
        return out
    return fact if isinstance(fact, str | int | type(None)) else str(fact)
