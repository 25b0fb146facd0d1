"""Pins: they name things that exist, and give what can be given (`fabric.checks.allocations`)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fabric.checks.allocations import EACH, Path, misplaced, read_lock, twice, value_at
from fabric.checks.known_names import ZONE_VRFS, KnownNames, devices
from fabric.checks.numbers import usable
from fabric.checks.trust_zones import readable, within
from fabric.checks.written_nodes import written_tiers
from fabric.diagnostics import Diagnostics, InputError, Span, did_you_mean
from fabric.file.spec import FabricSpec
from fabric.values.inventory import Prefix
from fabric.values.wildcard import fits

TIER = re.compile(r"(.*spine)\d+")


def check(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """Pins, then the lock file, which `spec` keeps for whoever builds."""
    pinned_names(spec, names, found)
    pinned_asns(spec, found)
    for section, key, other, path in twice(spec, spec.pins, drawn=False):
        what = f'{section} {value_at(spec.pins, path)} of "{key}" is given to "{other}" already'
        found.error("C428", what, spec.at("pins", *path), EACH)
    pinned_prefixes(spec, found)
    pinned_addresses(spec, found)
    if spec.base is not None:
        try:
            spec._locked = read_lock(spec)
        except InputError as error:
            found.items += error.diagnostics


def pinned_asns(spec: FabricSpec, found: Diagnostics) -> None:
    """AS numbers that may be used; the same one at two keys is a warning (rule 2)."""
    owner: dict[int, str] = {}
    for key, asn in spec.pins.asn.items():
        span = spec.at("pins", "asn", key)
        if not usable(asn):
            found.error("C436", f"{asn} is no AS number that a node may use", span)
        other = owner.setdefault(asn, key)
        if other != key:
            what = f'AS {asn} is that of "{key}" and of "{other}": neither takes a path through it'
            found.warn("C437", what, span, "RFC 7938 gives each its own")


def pinned_prefixes(spec: FabricSpec, found: Diagnostics) -> None:
    """Prefixes and blocks lie in the pool, or in the VRF, that they are pinned for."""
    for key, text in spec.pins.prefixes.items():
        if wrong := misplaced(spec, key, text):
            found.error("C448", f"{text} for {key}: {wrong}", spec.at("pins", "prefixes", key))
    for key, texts in spec.pins.blocks.items():
        host, _, vrf = key.partition(" ")
        tenant = vrf.partition("/")[0]
        own = spec.tenants[tenant].hosts if tenant in spec.tenants else []
        if own and not any(fits(host, pattern) for pattern in own):
            what = f"a block of {vrf} is pinned to {host}, which tenant {tenant} does not use"
            hint = f"add {host} to hosts of tenant {tenant}"
            found.error("C452", what, spec.at_key("pins", "blocks", key), hint)
        around = extents(spec, tenant)
        for number, text in enumerate(texts):
            block = readable(text)
            if block and tenant in spec.tenants and not any(within(block, p) for p in around):
                what = f"block {text} of {key} lies outside the prefixes of tenant {tenant}"
                hint = f"its prefixes: {', '.join(map(str, around)) or 'none'}"
                found.error("C448", what, spec.at("pins", "blocks", key, number), hint)


def pinned_addresses(spec: FabricSpec, found: Diagnostics) -> None:
    """Addresses lie in a prefix of the tenant and belong to one endpoint of it; a tenant with
    several VRFs may use one twice, so that is for whoever knows who lives where."""
    owner: dict[tuple[str, str], str] = {}
    for endpoint, texts in spec.pins.addresses.items():
        tenant = endpoint.partition("/")[0]
        around = extents(spec, tenant)
        for number, text in enumerate(texts):
            span: Span | None = spec.at("pins", "addresses", endpoint, number)
            single = readable(text)
            if single is None:
                continue
            if tenant in spec.tenants and not any(within(single, p) for p in around):
                what = f"{text} of {endpoint} lies outside the prefixes of tenant {tenant}"
                hint = f"its prefixes: {', '.join(map(str, around)) or 'none'}"
                found.error("C427", what, span, hint)
            other = owner.setdefault((tenant, str(single)), endpoint)
            if other != endpoint and vrf_count(spec, tenant) == 1:
                found.error("C428", f"{text} of {endpoint} is given to {other} already", span, EACH)


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


def pinned_names(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """Pins name things that exist."""
    tiers = {f"{match[1]}s" for node in devices(spec) if (match := TIER.fullmatch(node))}
    tiers |= written_tiers(spec)
    for key in spec.pins.asn:
        known(spec, ("asn", key), key, (*names.nodes, *tiers), "node or tier of spines", found)
    for key in spec.pins.loopback:
        known(spec, ("loopback", key), key, names.nodes, "node", found)
    for key in spec.pins.vni:
        known_vrf(spec, ("vni", key), key, names, found)
    for section in ("rd", "router_mac", "blocks"):
        for key in getattr(spec.pins, section):
            node, _, vrf = key.partition(" ")
            wanted = names.hosts if section == "blocks" else names.nodes
            known(spec, (section, key), node, wanted, "node", found)
            known_vrf(spec, (section, key), vrf, names, found)
    for section in ("addresses", "hosts"):
        for key in getattr(spec.pins, section):
            tenant = key.partition("/")[0]
            known(spec, (section, key), tenant, names.tenants, "tenant", found)


def known(
    spec: FabricSpec, at: Path, name: str, names: Iterable[str], what: str, found: Diagnostics
) -> None:
    """A key of `pins` speaks of something that exists."""
    candidates = list(names)
    if name not in candidates:
        hint = did_you_mean(name, candidates)
        found.error("C312", f'no {what} is called "{name}"', spec.at_key("pins", *at), hint)


def known_vrf(spec: FabricSpec, at: Path, name: str, names: KnownNames, found: Diagnostics) -> None:
    """A VRF in a key of `pins`; namespaces of a tenant with one VRF each are taken as they are."""
    if name.partition("/")[0] not in names.dynamic:
        known(spec, at, name, (*names.vrfs, *ZONE_VRFS), "VRF", found)
