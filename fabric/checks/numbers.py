"""Numbers that must be unique or must fit: VNIs, route targets, pools.

RFC 5668: a route target with a 4-octet AS number leaves 16 bits for the local part, and so for a
VNI. RFC 7300, RFC 7607: AS numbers that nobody may use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from fabric.checks.known_names import KnownNames
from fabric.checks.trust_zones import readable
from fabric.checks.values import MAX_2_OCTETS, MAX_ASN, asns, vnis
from fabric.diagnostics import Diagnostics
from fabric.file.spec import FabricSpec

FIT = "after a 4-octet AS number it has 16 bits: use VNIs to 65535, or a 2-octet pools.rt_asn"
RESERVED_ASNS = (23456, 65535, 2**32 - 1)
Path = tuple[str | int, ...]


def usable(asn: int) -> bool:
    """Whether a node may have an AS number."""
    return 1 <= asn < MAX_ASN and asn not in RESERVED_ASNS


def check(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """Everything that is numbered; values that cannot be read are passed over."""
    given_vnis(spec, found)
    vni_pool(spec, found)
    asn_pool(spec, found)
    block_lengths(spec, found)
    prefix_pools(spec, found)


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
    """A VNI is one VRF's, its only one, has 24 bits, and fits the VRF's own route target."""
    owner: dict[int, str] = {}
    own: dict[str, int] = {}
    for name, vni, path in vni_places(spec):
        span = spec.at(*path)
        if (first := own.setdefault(name, vni)) != vni:
            what = f"VNI {vni} of {name} is pinned, and {first} is written where the VRF is"
            found.error("C422", what, span, "a VRF has one: remove either")
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
