"""The fabric file: pydantic models of what the user writes. JSON Schema comes from here.

Shape only. What needs the whole file (references, overlaps, allocations) is checked in
`fabric.checks`; positions come from the reader's marks (`FabricSpec.at`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PrivateAttr, StringConstraints

from fabric.diagnostics import Span
from fabric.file.expect.expectation_spec import Expectation
from fabric.file.render_spec import Render
from fabric.file.running_devices_spec import RunningDevices
from fabric.file.storage_spec import ObjectStorage
from fabric.file.times import Model, Timed, Times
from fabric.values.dialects import KUBERNETES, Dialect

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
NodeName = Annotated[
    str, StringConstraints(max_length=63, pattern=r"^[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*$")
]
HostState = Literal["ready", "provisioning", "quarantined"]
Entity = Literal["host", "remote-node", "kube-apiserver", "health", "init", "ingress", "unmanaged"]
Hairpin = Annotated[
    Literal["permit", "deny"],
    Field(description="whether what came out of a tunnel may go into the next one"),
]


class Speeds(Model):
    """Link speeds in Gbit/s by the lower end of the link."""

    host: int = Field(200, gt=0, le=25600, description="a host's links to its leaves")
    leaf: int = Field(400, gt=0, le=25600, description="a leaf's links to its spines")
    spine: int = Field(800, gt=0, le=25600, description="a spine's links to its superspines")


class LinkSettings(Model):
    """What a single link, or those of a pattern, have otherwise than their kind."""

    speed: int | None = Field(
        None, gt=0, le=25600, description="Gbit/s; default: what the site says of its kind"
    )


class SiteNode(Model):
    """A device that is written down, and not one of a Clos that is counted."""

    role: Literal["host", "dpu", "leaf", "border", "spine", "superspine"] = Field(
        description="what it is; a switch between racks and spines is a leaf"
    )
    pod: int = Field(0, ge=0, le=4096, description="of a three-tier site; 0: none")
    rack: Name | None = Field(None, description="what stands in one rack fails together")
    asn: int | None = Field(None, description="its AS number; default: drawn")
    loopback: str | None = Field(None, description="its loopback; default: drawn")
    host: NodeName | None = Field(None, description="of a DPU: the host that it sits in")


class SiteCable(Model):
    """A cable with more to say than its ends."""

    between: list[str] = Field(..., min_length=2, max_length=2, description="node or node:port")
    speed: int | None = Field(
        None, gt=0, le=25600, description="Gbit/s; default: what the site says of its kind"
    )


class Site(Model):
    """One Clos, and what is written beside it. `leaves` and `spines` count per site, in a
    three-tier site per pod; with `clos: none` nothing is counted."""

    clos: Literal["leaf-spine", "three-tier", "none"] = Field(
        "leaf-spine", description="how many tiers are counted; none: nodes and cables say it all"
    )
    spines: int = Field(2, ge=1, le=64, description="spines; in a three-tier site per pod")
    leaves: int = Field(2, ge=1, le=512, description="leaves; in a three-tier site per pod")
    pods: int = Field(1, ge=1, le=64, description="pods of a three-tier site")
    superspines: int = Field(0, ge=0, le=64, description="of a three-tier site")
    hosts_per_pair: int = Field(2, ge=0, le=128, description="hosts behind each pair of leaves")
    uplinks: int = Field(1, ge=1, le=8, description="parallel links from a leaf to each spine")
    borders: int = Field(2, ge=0, le=16, description="border nodes, cabled like leaves")
    speeds: Speeds = Field(Speeds(), description="Gbit/s of the links")
    nodes: dict[NodeName, SiteNode] = Field({}, description="devices by name")
    tables: list[str] = Field(
        [],
        description="files or directories that list more of both, and VRFs and prefixes of tenants:"
        " CSV, NetBox, LLDP",
    )
    dpus: str | None = Field(
        None,
        description='"{host}-dpu": hosts that are cabled to leaves have a DPU of this name, '
        "and the cables are its own",
    )
    cables: list[str | SiteCable] = Field(
        [], description='"dpu7:p0 -- leaf3:swp7"; a port that is left out is the next free one'
    )


class Host(Model):
    """What is special about one host."""

    state: HostState = Field(
        "ready", description="provisioning: boot services only; quarantined: nothing"
    )
    node: str | list[str] = Field(
        [], description="what Kubernetes calls it, per cluster; default: the host's name"
    )


class Pools(Model):
    """Where allocations come from. Ranges are `first-last`."""

    asn: str = Field("4200000000-4200099999", description="AS numbers of the nodes")
    loopbacks: str = Field("10.255.0.0/16", description="loopbacks, which are the VTEP addresses")
    vni: str = Field("10001-65535", description="VNIs of VRFs")
    rt_asn: int = Field(65000, ge=1, le=4294967295, description="ASN in allocated route targets")
    router_macs: str = Field(
        "02:c1:00:00:00:00/24", description="first MAC address / bits that are the same for all"
    )
    blocks: dict[Literal["v4", "v6"], int] = Field(
        {"v4": 26, "v6": 112},
        description="prefix length of the block that a host gets from a VRF's prefix",
    )
    prefixes: dict[Name, list[str]] = Field(
        default_factory=dict, description="named pools that VRF prefixes may be drawn from"
    )


class VrfPrefix(Model):
    """A prefix of a VRF: given (`cidr`) or drawn from a pool (`pool` and `length`).

    `use` says who gets addresses from it: pods, nodes, or only pinned addresses. `namespaces`
    limits it to pods of these namespaces, which then use no other prefix of that family.
    """

    cidr: str | None = Field(None, description="the prefix itself")
    pool: Name | None = Field(None, description="the pool under pools: prefixes to draw it from")
    length: int | None = Field(None, ge=8, le=128, description="length of the prefix drawn")
    use: Literal["pods", "nodes", "pins"] = Field("pods", description="who gets its addresses")
    namespaces: list[str] = Field([], description="only for pods of these namespaces")


class VrfSpec(Model):
    """A routing instance of a tenant. Raw route targets are mechanism without intent."""

    vni: int | None = Field(None, ge=1, le=16777215, description="L3VNI; default: drawn")
    prefixes: list[str | VrfPrefix] = Field([], description="IPv4 and IPv6 prefixes")
    namespaces: list[str] = Field([], description="namespaces that live here; empty: all others")
    import_rts: list[str] = Field([], description='raw route targets, such as "65000:10001"')
    export_rts: list[str] = Field([], description="raw route targets added to every route")
    default_route: Literal["zone2"] | None = Field(None, description="where it comes from")
    advertise: list[str] = Field(
        [], description='prefixes that Zone 2 may route back to; "nodes" names the node prefixes'
    )
    hairpin: Hairpin = "deny"


class Tenant(Model):
    """A customer: a Kubernetes cluster of its own in one VRF or several."""

    vrf_per: Literal["tenant", "namespace"] = Field(
        "tenant", description="namespace: one VRF each, all made like the first of vrfs"
    )
    vrfs: dict[Name, VrfSpec] = Field({}, description="routing instances by name")
    hosts: list[str] = Field([], description="host names, ranges or globs; empty: every host")
    manifests: list[str] = Field([], description="files or directories of Kubernetes manifests")
    render: Render = Field(
        [], description="commands that print more of them; they run only where --render lets them"
    )
    ipblock: Literal["pods", "external"] = Field(
        "pods", description="whether ipBlock matches in-cluster addresses too"
    )
    dialect: Dialect = Field(
        KUBERNETES,
        description="whose reading of policies holds: that of the APIs, or Cilium's",
    )
    names: str | None = Field(
        None, description="cilium: a file of the names that its pods resolve, with their addresses"
    )
    entities: dict[Entity, list[str]] = Field(
        {}, description="cilium: addresses of entities that are neither pods nor nodes here"
    )
    http_paths: Literal["normalised", "as-sent"] = Field(
        "normalised", description="cilium: how its proxies read paths before rules see them"
    )
    api_server: str | None = Field(
        None, description="its API server: zone0/kube-apiserver:6443/tcp"
    )


class ZoneEndpoint(Model):
    """A service or an external network behind a border node."""

    addresses: list[str] = Field(..., min_length=1, description="addresses or prefixes")
    border: str | list[str] = Field(
        [], description="its border node, or several at once; default: the zone's first"
    )
    backup: str | list[str] = Field(
        [], description="borders that announce it with a longer AS path, for when those are gone"
    )

    @property
    def borders(self) -> tuple[str, ...]:
        """`border` as a list."""
        return (self.border,) if isinstance(self.border, str) else tuple(self.border)

    @property
    def backups(self) -> tuple[str, ...]:
        """`backup` as a list."""
        return (self.backup,) if isinstance(self.backup, str) else tuple(self.backup)


class ZoneRule(Model):
    """An ordered rule. `from` and `to` are endpoint patterns; first match decides."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    name: str = Field(description="unique in its list; reports call the rule by it")
    action: Literal["permit", "deny"] = Field("permit", description="what happens to a match")
    from_: str | list[str] = Field(alias="from", description="who opens the connection")
    to: str | list[str] = Field(description="who accepts it")
    ports: list[str] = Field(["any"], min_length=1, description="such as 443/tcp or 53-54/udp")
    source_ports: list[str] = Field([], description="the opener's ports; empty: any")
    states: list[HostState] = Field([], description="only for hosts in these states; empty: ready")
    window: Timed = None


class Zone0(Model):
    """DPU management and the Kubernetes control plane. `services` are boot services: rules whose
    tenant side is limited to hosts in `states`. `serves` are the tenants that get routes."""

    vni: int | None = Field(None, ge=1, le=16777215, description="L3VNI; default: drawn")
    borders: list[str] = Field([], description="its border nodes; empty: all")
    prefixes: list[str] = Field([], description="what tenants get routes to; default: endpoints")
    serves: list[str] = Field(
        ["*"], description="tenants or VRFs (or globs) whose nodes get routes"
    )
    endpoints: dict[Name, ZoneEndpoint] = Field({}, description="services by name")
    services: list[ZoneRule] = Field([], description="boot services, before the rules")
    hairpin: Hairpin = "deny"
    rules: list[ZoneRule] = Field([], description="ordered; the first match decides")


class Zone1(Model):
    """The application data plane: site-wide overrides between tenants' endpoints."""

    rules: list[ZoneRule] = Field([], description="ordered; the first match decides")


class Zone2(Model):
    """External ingress and egress. The zone's VRF originates the default routes."""

    vni: int | None = Field(None, ge=1, le=16777215, description="L3VNI; default: drawn")
    borders: list[str] = Field([], description="its border nodes; empty: all")
    endpoints: dict[Name, ZoneEndpoint] = Field({}, description="outside networks by name")
    hairpin: Hairpin = "deny"
    rules: list[ZoneRule] = Field([], description="ordered; the first match decides")


class Zones(Model):
    """The three trust zones."""

    zone0: Zone0 = Field(Zone0(), description="DPU management and the Kubernetes control plane")
    zone1: Zone1 = Field(Zone1(), description="the application data plane")
    zone2: Zone2 = Field(Zone2(), description="external ingress and egress")


class Peering(Model):
    """Two VRFs exchange routes and may open connections to each other, both ways."""

    name: Name = Field(description="unique among peerings and leaks")
    between: list[str] = Field(..., min_length=2, max_length=2, description="two VRFs")
    prefixes: dict[str, list[str]] = Field({}, description="per VRF what it offers; default: all")
    ports: list[str] = Field(["any"], min_length=1, description="what connections may use")
    transit: bool = Field(False, description="offer the peer also what other transit peers offer")
    window: Timed = None


class Leak(Model):
    """A VRF's prefixes are offered to other VRFs; their clients may open connections to it."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    name: Name = Field(description="unique among peerings and leaks")
    from_: str = Field(alias="from", description="the VRF that is offered")
    prefixes: list[str] = Field([], description="what is offered; default: all of it")
    to: list[str] = Field(..., min_length=1, description="VRFs (or globs) that may use it")
    clients: list[str] = Field(
        [], description='their prefixes that get a return route; "nodes" names the node prefixes'
    )
    ports: list[str] = Field(["any"], min_length=1, description="what connections may use")
    transit: bool = Field(False, description="offer also what other transit neighbours offer")
    window: Timed = None


class SupportAccess(Model):
    """Who lets the provider's staff in; tenants that are not named take no part."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    from_: str = Field(alias="from", description="the endpoint of zone 0 that they come from")
    approvers: dict[str, list[str]] = Field({}, description="who may approve, by tenant")


class Pins(Model):
    """Allocations that are given, not drawn. The lock file has the same shape."""

    asn: dict[str, int] = Field(
        {}, description="key: node name, or spines, pod1-spines, superspines"
    )
    loopback: dict[str, str] = Field({}, description="key: node name")
    vni: dict[str, int] = Field({}, description='key "tenant/vrf"')
    rd: dict[str, str] = Field({}, description='key "node tenant/vrf"')
    rt: dict[str, str] = Field({}, description='key "tenant/vrf" or "leak name"')
    router_mac: dict[str, str] = Field({}, description='key "node tenant/vrf"')
    prefixes: dict[str, str] = Field({}, description='key "tenant/vrf pool index"')
    blocks: dict[str, list[str]] = Field({}, description='key "host tenant/vrf"')
    addresses: dict[str, list[str]] = Field({}, description="key: endpoint name")
    hosts: dict[str, str] = Field({}, description="key: endpoint name")


class FabricSpec(Model):
    """The whole file."""

    cloison: Literal[1] = Field(description="version of this format")
    name: Name = Field(description="what reports call the fabric")
    vtep: Literal["dpu", "leaf"] = Field("dpu", description="who encapsulates and enforces")
    sites: dict[Name, Site] = Field(..., min_length=1, description="wiring, one Clos per site")
    devices: RunningDevices | None = Field(
        None, description="configurations that already run, in place of what would be drawn"
    )
    links: dict[str, LinkSettings] = Field(
        {}, description="what is special about single links; the last key that fits one counts"
    )
    ecmp: Literal["equal", "bandwidth"] = Field(
        "equal", description="how nodes share load over equal paths; bandwidth: by link speed"
    )
    hosts: dict[str, Host] = Field({}, description="what is special about single hosts")
    pools: Pools = Field(Pools(), description="where allocations come from")
    pins: Pins = Field(Pins(), description="allocations that are given")
    tenants: dict[str, Tenant] = Field({}, description="customers by name; a{1..32}: 32 of them")
    zones: Zones = Field(Zones(), description="the three trust zones, their endpoints and rules")
    peerings: list[Peering] = Field([], description="pairs of VRFs that share routes, both ways")
    leaks: list[Leak] = Field([], description="VRFs that are offered to clients in others")
    risk_groups: dict[Name, list[str]] = Field(
        {}, description="nodes and cables that one event takes away, such as a rack"
    )
    expect: list[Expectation] = Field([], description="what must hold")
    expect_files: list[str] = Field(
        [], description="files or directories of more such lines, with owners"
    )
    access: SupportAccess | None = Field(None, description="support staff of the provider")
    times: Times = Field(Times(), description="when files with windows are judged")
    storage: ObjectStorage = Field(ObjectStorage(), description="buckets, and whose keys open them")

    _document: Any = PrivateAttr(default=None)
    _path: Path | None = PrivateAttr(default=None)
    _edits: Any = PrivateAttr(default=())
    _locked: Any = PrivateAttr(default=None)
    _trees: Any = PrivateAttr(default=None)
    _elsewhere: dict[tuple[str | int, ...], Span] = PrivateAttr(default_factory=dict)
    _judged: Any = PrivateAttr(default=None)
    _kept_groups: Any = PrivateAttr(default=())
    _listed_vrfs: Any = PrivateAttr(default=())
    _conflicts: Any = PrivateAttr(default=())

    @property
    def judged_at(self) -> Any:
        """Whose moment this is (`fabric.file.in_force.JudgedAt`); None for the whole file."""
        return self._judged

    def at(self, *path: str | int) -> Span | None:
        """Where the value at this path stands in the file (or its nearest ancestor)."""
        return self._told(path) or (self._document.span(path) if self._document else None)

    def at_key(self, *path: str | int) -> Span | None:
        """Where the key that ends this path stands."""
        return self._told(path) or (self._document.key_span(path) if self._document else None)

    def _told(self, path: tuple[str | int, ...]) -> Span | None:
        """Where a value stands that another file adds to this one, or its nearest ancestor."""
        if not self._elsewhere:
            return None
        ways = (path[:length] for length in range(len(path), 0, -1))
        return next((self._elsewhere[way] for way in ways if way in self._elsewhere), None)

    def prefix_of(self, site: str) -> str:
        """What the names of a site's nodes start with where they are counted."""
        return f"{site}-" if len(self.sites) > 1 else ""

    @property
    def path(self) -> Path | None:
        """The file this came from; relative manifest paths start at its directory."""
        return self._path

    @property
    def base(self) -> Path | None:
        """The file that this one extends in the end, or itself: they share a lock file."""
        return Path(self._document.file) if self._path and self._document else self._path
