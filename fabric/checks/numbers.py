"""Numbers that must be unique or must fit: VNIs, route targets, pins, pools.

RFC 5668: a route target with a 4-octet AS number leaves 16 bits for the local part, and so for a
VNI. RFC 7300, RFC 7607: AS numbers that nobody may use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations

from fabric.checks.names import Names
from fabric.checks.values import MAX_2_OCTETS, asns, vnis
from fabric.checks.zones import readable, within
from fabric.diagnostics import Diagnostics, Span, did_you_mean
from fabric.inventory import Prefix
from fabric.spec import FabricSpec

FIT = "after a 4-octet AS number it has 16 bits: use VNIs to 65535, or a 2-octet pools.rt_asn"
RESERVED_ASNS = (23456, 65535, 2**32 - 1)
Path = tuple[str | int, ...]


def check(spec: FabricSpec, names: Names, found: Diagnostics) -> None:
    """Everything that is numbered; values that cannot be read are passed over."""
    given_vnis(spec, found)
    vni_pool(spec, found)
    asn_pool(spec, found)
    block_lengths(spec, found)
    prefix_pools(spec, found)
    pins(spec, names, found)


def vni_places(spec: FabricSpec) -> Iterator[tuple[str, int, Path]]:
    """Every VNI that is given: for which VRF, and where."""
    for tenant, settings in spec.tenants.items():
        for name, vrf in settings.vrfs.items():
            if vrf.vni is not None:
                yield f"{tenant}/{name}", vrf.vni, ("tenants", tenant, "vrfs", name, "vni")
    for zone, vni in (("zone0", spec.zones.zone0.vni), ("zone2", spec.zones.zone2.vni)):
        if vni is not None:
            yield f"{zone}/main", vni, ("zones", zone, "vni")
    for name, vni in spec.pins.vni.items():
        yield name, vni, ("pins", "vni", name)


def given_vnis(spec: FabricSpec, found: Diagnostics) -> None:
    """A VNI is one VRF's, has 24 bits, and fits the VRF's own route target."""
    owner: dict[int, str] = {}
    for name, vni, path in vni_places(spec):
        span = spec.at(*path)
        other = owner.setdefault(vni, name)
        if other != name:
            hint = "VNIs are unique in the fabric; leave it out to have one drawn"
            found.error("C422", f"VNI {vni} of {name} is {other}'s already", span, hint)
        if not 1 <= vni < 2**24:
            found.error("C422", f"VNI {vni} does not fit into 24 bits", span)
        elif vni > MAX_2_OCTETS and spec.pools.rt_asn > MAX_2_OCTETS:
            what = f"VNI {vni} does not fit into a route target of AS {spec.pools.rt_asn}"
            found.error("C423", what, span, FIT)


def pool_of(text: str, reader: Callable[[str], range]) -> range:
    """A pool's range; empty when it cannot be read."""
    try:
        return reader(text)
    except ValueError:
        return range(0)


def vni_pool(spec: FabricSpec, found: Diagnostics) -> None:
    """VNIs that may be drawn fit their route target too."""
    last = max(pool_of(spec.pools.vni, vnis), default=0)
    if last > MAX_2_OCTETS and spec.pools.rt_asn > MAX_2_OCTETS:
        what = f"VNIs to {last} do not fit into route targets of AS {spec.pools.rt_asn}"
        found.error("C424", what, spec.at("pools", "vni"), FIT)


def asn_pool(spec: FabricSpec, found: Diagnostics) -> None:
    """No AS number that is reserved is drawn or given."""
    pool = pool_of(spec.pools.asn, asns)
    for asn in RESERVED_ASNS:
        if asn in pool:
            hint = "choose a range without it, such as 4200000000-4200099999"
            what = f"the pool holds AS {asn}, which nobody may use"
            found.error("C436", what, spec.at("pools", "asn"), hint)
    for node, asn in spec.pins.asn.items():
        if not 1 <= asn < 2**32 - 1 or asn in RESERVED_ASNS:
            span = spec.at("pins", "asn", node)
            found.error("C436", f"{asn} is no AS number that a node may use", span)
    if spec.pools.rt_asn in RESERVED_ASNS:
        what = f"AS {spec.pools.rt_asn} is reserved"
        found.error("C436", what, spec.at("pools", "rt_asn"), "the default is 65000")


def block_lengths(spec: FabricSpec, found: Diagnostics) -> None:
    """Blocks have a length that their IP version knows."""
    for version, length in spec.pools.blocks.items():
        most = 32 if version == "v4" else 128
        if not 1 <= length <= most:
            what = f"a block of IP{version} cannot have length {length}"
            span = spec.at("pools", "blocks", version)
            found.error("C435", what, span, f"it is 1 to {most}")


def prefix_pools(spec: FabricSpec, found: Diagnostics) -> None:
    """Named pools share no address."""
    places = [
        (name, pool, ("pools", "prefixes", name, i))
        for name, texts in spec.pools.prefixes.items()
        for i, text in enumerate(texts)
        if (pool := readable(text)) is not None
    ]
    for (name, one, _), (other, two, path) in combinations(places, 2):
        if one.version == two.version and one.overlaps(two):
            what = f"{two} of pool {other} overlaps {one} of pool {name}"
            hint = "the same prefix could be drawn twice"
            found.error("C420", what, spec.at(*path), hint)


def pins(spec: FabricSpec, names: Names, found: Diagnostics) -> None:
    """Pins name things that exist and give no value twice."""
    for section in ("loopback", "rd", "router_mac"):
        distinct(spec, section, getattr(spec.pins, section), found)
    for key in spec.pins.loopback:
        known(spec, ("pins", "loopback", key), key, names.nodes, "node", found)
    for key in spec.pins.vni:
        known_vrf(spec, ("pins", "vni", key), key, names, found)
    for section in ("rd", "router_mac", "blocks"):
        for key in getattr(spec.pins, section):
            node, _, vrf = key.partition(" ")
            at = ("pins", section, key)
            known(spec, at, node, names.nodes, "node", found)
            known_vrf(spec, at, vrf, names, found)
    for section in ("addresses", "hosts"):
        for key in getattr(spec.pins, section):
            tenant = key.partition("/")[0]
            known(spec, ("pins", section, key), tenant, names.tenants, "tenant", found)
    pinned_addresses(spec, found)


def distinct(spec: FabricSpec, section: str, given: Mapping[str, str], found: Diagnostics) -> None:
    """No value belongs to two keys of a section."""
    owner: dict[str, str] = {}
    for key, value in given.items():
        other = owner.setdefault(value.lower(), key)
        if other != key:
            what = f'{section} {value} of "{key}" is given to "{other}" already'
            found.error("C428", what, spec.at("pins", section, key), "each needs its own")


def known(
    spec: FabricSpec, at: Path, name: str, names: Iterable[str], what: str, found: Diagnostics
) -> None:
    """A key of `pins` speaks of something that exists."""
    candidates = list(names)
    if name not in candidates:
        hint = did_you_mean(name, candidates)
        found.error("C312", f'no {what} is called "{name}"', spec.at_key(*at), hint)


def known_vrf(spec: FabricSpec, at: Path, name: str, names: Names, found: Diagnostics) -> None:
    """A VRF in a key of `pins`; namespaces of a tenant with one VRF each are taken as they are."""
    zones = ("zone0/main", "zone2/main")
    if name.partition("/")[0] not in names.dynamic:
        known(spec, at, name, (*names.vrfs, *zones), "VRF", found)


def pinned_addresses(spec: FabricSpec, found: Diagnostics) -> None:
    """Addresses lie in a prefix of the tenant and belong to one endpoint of it."""
    owner: dict[tuple[str, str], str] = {}
    for endpoint, texts in spec.pins.addresses.items():
        tenant = endpoint.partition("/")[0]
        reachable = extents(spec, tenant)
        for i, text in enumerate(texts):
            span: Span | None = spec.at("pins", "addresses", endpoint, i)
            single = readable(text)
            if single is None:
                continue
            if tenant in spec.tenants and not any(within(single, p) for p in reachable):
                what = f"{text} of {endpoint} lies outside the prefixes of tenant {tenant}"
                hint = f"its prefixes: {', '.join(map(str, reachable)) or 'none'}"
                found.error("C427", what, span, hint)
            other = owner.setdefault((tenant, str(single)), endpoint)
            if other != endpoint and vrf_count(spec, tenant) == 1:
                what = f"{text} of {endpoint} is given to {other} already"
                found.error("C428", what, span, "each needs its own")


def vrf_count(spec: FabricSpec, tenant: str) -> int:
    """How many VRFs a tenant has for certain: in different ones, an address may be used twice."""
    settings = spec.tenants.get(tenant)
    if settings is None or settings.vrf_per == "namespace":
        return 0
    return len(settings.vrfs)


def extents(spec: FabricSpec, tenant: str) -> list[Prefix]:
    """Where a tenant's addresses may lie: given prefixes, and the pools that others come from."""
    settings = spec.tenants.get(tenant)
    texts: list[str] = []
    for vrf in settings.vrfs.values() if settings else ():
        for entry in vrf.prefixes:
            if isinstance(entry, str):
                texts.append(entry)
            elif entry.cidr is not None:
                texts.append(entry.cidr)
            else:
                texts += spec.pools.prefixes.get(str(entry.pool), ())
    return [found for found in map(readable, texts) if found is not None]
