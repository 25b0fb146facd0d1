"""The fabric file: pydantic models of what the user writes. JSON Schema comes from here.

Shape only. What needs the whole file (references, overlaps, allocations) is checked in
`fabric.checks`; positions come from the reader's marks (`FabricSpec.at`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, StringConstraints

from fabric.diagnostics import Span

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
HostState = Literal["ready", "provisioning", "quarantined"]


class Model(BaseModel):
    """Closed and immutable: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Speeds(Model):
    """Link speeds in Gbit/s by the lower end of the link."""

    host: int = Field(200, gt=0)
    leaf: int = Field(400, gt=0)
    spine: int = Field(800, gt=0)


class Site(Model):
    """One Clos. `leaves` and `spines` count per site, in a three-tier site per pod."""

    clos: Literal["leaf-spine", "three-tier"] = "leaf-spine"
    spines: int = Field(2, ge=1, le=64)
    leaves: int = Field(2, ge=1, le=512)
    pods: int = Field(1, ge=1, le=64)
    superspines: int = Field(0, ge=0, le=64)
    hosts_per_pair: int = Field(2, ge=0, le=128, description="hosts behind each pair of leaves")
    uplinks: int = Field(1, ge=1, le=8, description="parallel links from a leaf to each spine")
    borders: int = Field(2, ge=0, le=16, description="border nodes, cabled like leaves")
    speeds: Speeds = Speeds()


class Host(Model):
    """What is special about one host."""

    state: HostState = "ready"


class Pools(Model):
    """Where allocations come from. Ranges are `first-last`."""

    asn: str = "4200000000-4200099999"
    loopbacks: str = "10.255.0.0/16"
    vni: str = "10001-65535"
    rt_asn: int = Field(65000, ge=1, le=4294967295, description="ASN in allocated route targets")
    router_macs: str = "02:c1:00:00:00:00/24"
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

    cidr: str | None = None
    pool: Name | None = None
    length: int | None = Field(None, ge=8, le=128)
    use: Literal["pods", "nodes", "pins"] = "pods"
    namespaces: list[str] = []


class VrfSpec(Model):
    """A routing instance of a tenant. Raw route targets are mechanism without intent."""

    vni: int | None = Field(None, ge=1, le=16777215)
    prefixes: list[str | VrfPrefix] = []
    namespaces: list[str] = Field([], description="namespaces that live here; empty: all others")
    import_rts: list[str] = []
    export_rts: list[str] = []
    default_route: Literal["zone2"] | None = None
    advertise: list[str] = Field(
        [], description='prefixes that Zone 2 may route back to; "nodes" names the node prefixes'
    )


class Tenant(Model):
    """A customer. Without `vrfs`, `prefixes` gives the one VRF `main` (or one per namespace)."""

    vrf_per: Literal["tenant", "namespace"] = "tenant"
    vrfs: dict[Name, VrfSpec] = {}
    hosts: list[str] = Field([], description="host names or globs; empty: every host")
    manifests: list[str] = Field([], description="files or directories of Kubernetes manifests")
    ipblock: Literal["pods", "external"] = "pods"


class ZoneEndpoint(Model):
    """A service or an external network behind a border node."""

    addresses: list[str] = Field(..., min_length=1, description="addresses or prefixes")
    border: str | None = Field(None, description="its border node; default: the zone's first")


class ZoneRule(Model):
    """An ordered rule. `from` and `to` are endpoint patterns; first match decides."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    name: str
    action: Literal["permit", "deny"] = "permit"
    from_: str | list[str] = Field(alias="from")
    to: str | list[str]
    ports: list[str] = Field(["any"], min_length=1)
    source_ports: list[str] = []
    states: list[HostState] = Field([], description="only for hosts in these states; empty: ready")


class Zone0(Model):
    """DPU management and the Kubernetes control plane. `services` are boot services: rules whose
    tenant side is limited to hosts in `states`. `serves` are the tenants that get routes."""

    vni: int | None = Field(None, ge=1, le=16777215)
    borders: list[str] = []
    prefixes: list[str] = []
    serves: list[str] = ["*"]
    endpoints: dict[Name, ZoneEndpoint] = {}
    services: list[ZoneRule] = []
    rules: list[ZoneRule] = []


class Zone1(Model):
    """The application data plane: site-wide overrides between tenants' endpoints."""

    rules: list[ZoneRule] = []


class Zone2(Model):
    """External ingress and egress. The zone's VRF originates the default routes."""

    vni: int | None = Field(None, ge=1, le=16777215)
    borders: list[str] = []
    endpoints: dict[Name, ZoneEndpoint] = {}
    rules: list[ZoneRule] = []


class Zones(Model):
    """The three trust zones."""

    zone0: Zone0 = Zone0()
    zone1: Zone1 = Zone1()
    zone2: Zone2 = Zone2()


class Peering(Model):
    """Two VRFs exchange routes and may open connections to each other, both ways."""

    name: Name
    between: list[str] = Field(..., min_length=2, max_length=2)
    prefixes: dict[str, list[str]] = Field({}, description="per VRF what it offers; default: all")
    ports: list[str] = Field(["any"], min_length=1)
    transit: bool = Field(False, description="offer the peer also what other transit peers offer")


class Leak(Model):
    """A VRF's prefixes are offered to other VRFs; their clients may open connections to it."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    name: Name
    from_: str = Field(alias="from", description="the VRF that is offered")
    prefixes: list[str] = Field([], description="what is offered; default: all of it")
    to: list[str] = Field(..., min_length=1, description="VRFs (or globs) that may use it")
    clients: list[str] = Field(
        [], description='their prefixes that get a return route; "nodes" names the node prefixes'
    )
    ports: list[str] = Field(["any"], min_length=1)
    transit: bool = False


class Expectation(Model):
    """What must hold: exactly one of allow, deny, only."""

    allow: str | None = None
    deny: str | None = None
    only: str | None = None
    hold_under: list[Literal["any-1-link", "any-1-node"]] = []


class Pins(Model):
    """Allocations that are given, not drawn. The lock file has the same shape."""

    asn: dict[str, int] = {}
    loopback: dict[str, str] = {}
    vni: dict[str, int] = {}
    rd: dict[str, str] = Field({}, description='key "node tenant/vrf"')
    rt: dict[str, str] = Field({}, description='key "tenant/vrf" or "leak name"')
    router_mac: dict[str, str] = Field({}, description='key "node tenant/vrf"')
    prefixes: dict[str, str] = Field({}, description='key "tenant/vrf pool index"')
    blocks: dict[str, list[str]] = Field({}, description='key "host tenant/vrf"')
    addresses: dict[str, list[str]] = Field({}, description="key: endpoint name")
    hosts: dict[str, str] = Field({}, description="key: endpoint name")


class FabricSpec(Model):
    """The whole file."""

    cloison: Literal[1]
    name: Name
    vtep: Literal["dpu", "leaf"] = "dpu"
    sites: dict[Name, Site] = Field(..., min_length=1)
    hosts: dict[str, Host] = {}
    pools: Pools = Pools()
    pins: Pins = Pins()
    tenants: dict[str, Tenant] = {}
    zones: Zones = Zones()
    peerings: list[Peering] = []
    leaks: list[Leak] = []
    expect: list[Expectation] = []

    _document: Any = PrivateAttr(default=None)
    _path: Path | None = PrivateAttr(default=None)
    _edits: Any = PrivateAttr(default=())

    def at(self, *path: str | int) -> Span | None:
        """Where the value at this path stands in the file (or its nearest ancestor)."""
        return self._document.span(path) if self._document else None

    def at_key(self, *path: str | int) -> Span | None:
        """Where the key that ends this path stands."""
        return self._document.key_span(path) if self._document else None

    @property
    def path(self) -> Path | None:
        """The file this came from; relative manifest paths start at its directory."""
        return self._path
