"""Tenants and their VRFs: names, templates, prefixes drawn from pools, namespaces, manifests."""

from __future__ import annotations

import re
from collections import defaultdict
from ipaddress import ip_network
from pathlib import Path

from fabric.checks.known_names import ZONES, KnownNames
from fabric.diagnostics import Diagnostics, did_you_mean
from fabric.file.spec import FabricSpec, Tenant, VrfPrefix, VrfSpec
from fabric.io.dependencies import exists
from fabric.values.dialects import CILIUM, KUBERNETES
from fabric.values.ports import parse_ports

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
RESERVED = ("zone0", "zone1", "zone2", "cluster")


def check(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """Every tenant on its own."""
    for name, tenant in spec.tenants.items():
        tenant_name(spec, name, found)
        vrf_list(spec, name, tenant, found)
        catch_all(spec, name, tenant, found)
        manifests(spec, name, tenant, found)
        dialect(spec, name, tenant, found)
        api_server(spec, name, tenant, names, found)
        for vrf, settings in tenant.vrfs.items():
            prefix_list(spec, name, vrf, settings, found)
            outside(spec, name, vrf, settings, found)


def tenant_name(spec: FabricSpec, name: str, found: Diagnostics) -> None:
    """A name that can stand in endpoint names and is nobody else's."""
    span = spec.at_key("tenants", name)
    if not NAME.fullmatch(name):
        hint = "a name has lower-case letters, digits and inner dashes, at most 63"
        found.error("C206", f'"{name}" cannot be a name', span, hint)
    elif name in RESERVED:
        hint = "zones are written under zones:" if name in ZONES else "choose another name"
        found.error("C308", f'"{name}" is reserved and cannot be a tenant', span, hint)


def vrf_list(spec: FabricSpec, name: str, tenant: Tenant, found: Diagnostics) -> None:
    """A tenant has a VRF; with one per namespace, one template without pins."""
    at = ("tenants", name)
    if not tenant.vrfs and spec.devices is None:
        hint = "write vrfs: {main: {prefixes: [10.0.0.0/16]}}"
        found.error("C313", f'tenant "{name}" has no VRF', spec.at_key(*at), hint)
    if tenant.vrf_per != "namespace":
        return
    for extra in list(tenant.vrfs)[1:]:
        what = f'with vrf_per: namespace only the first VRF of "{name}" is used, as the template'
        span = spec.at_key(*at, "vrfs", extra)
        found.error("C315", what, span, "remove it, or write vrf_per: tenant")
    for vrf, settings in tenant.vrfs.items():
        if settings.vni is not None:
            what = f'every namespace of "{name}" gets a VNI of its own, one cannot be given for all'
            hint = "pin them under pins: vni"
            found.error("C315", what, spec.at(*at, "vrfs", vrf, "vni"), hint)


def catch_all(spec: FabricSpec, name: str, tenant: Tenant, found: Diagnostics) -> None:
    """Every namespace lives in one VRF: at most one VRF takes all others."""
    if tenant.vrf_per == "namespace":
        return
    homes: dict[str, list[str]] = defaultdict(list)
    for vrf, settings in tenant.vrfs.items():
        for namespace in settings.namespaces or ["*"]:
            homes[namespace].append(vrf)
    for namespace, vrfs in homes.items():
        for vrf in vrfs[1:]:
            at = ("tenants", name, "vrfs", vrf)
            if namespace == "*":
                what = f'VRFs {vrfs[0]} and {vrf} of "{name}" both take all other namespaces'
                found.error("C314", what, spec.at_key(*at), "list the namespaces of one of them")
            else:
                what = f'namespace "{namespace}" is in VRFs {vrfs[0]} and {vrf} of "{name}"'
                found.error("C314", what, spec.at(*at, "namespaces"), "keep it in one of them")


def manifests(spec: FabricSpec, name: str, tenant: Tenant, found: Diagnostics) -> None:
    """Manifest paths lead somewhere."""
    folder = spec.path.parent if spec.path else Path()
    for i, text in enumerate(tenant.manifests):
        try:
            there = exists(folder / text)
        except (OSError, ValueError):
            there = False
        if not there:
            what = f'tenant "{name}": there is no {folder / text}'
            hint = "paths start at the fabric file's directory"
            found.error("C601", what, spec.at("tenants", name, "manifests", i), hint)


def dialect(spec: FabricSpec, name: str, tenant: Tenant, found: Diagnostics) -> None:
    """Names, entities and proxies are those of clusters with Cilium alone."""
    for key in ("names", "entities", "http_paths"):
        if key in tenant.model_fields_set and tenant.dialect == KUBERNETES:
            what = f'tenant "{name}": {key} are for clusters with Cilium'
            found.error("C647", what, spec.at_key("tenants", name, key), f"write dialect: {CILIUM}")


def api_server(
    spec: FabricSpec, name: str, tenant: Tenant, names: KnownNames, found: Diagnostics
) -> None:
    """The API server is behind a zone's endpoint, at ports that can be read."""
    if tenant.api_server is None:
        return
    span = spec.at("tenants", name, "api_server")
    endpoint, _, ports = tenant.api_server.partition(":")
    if endpoint not in names.zone_endpoints:
        known = names.zone_endpoints
        hint = did_you_mean(endpoint, known) or f"there are {', '.join(known) or 'none'}"
        found.error("C307", f'no zone endpoint is called "{endpoint}"', span, hint)
    try:
        parse_ports(ports or "6443/tcp")
    except ValueError as error:
        found.error("C443", str(error), span, "write zone0/kube-apiserver:6443/tcp")


def prefix_list(
    spec: FabricSpec, tenant: str, vrf: str, settings: VrfSpec, found: Diagnostics
) -> None:
    """A VRF has prefixes; each is given or drawn from a pool that can hold it."""
    at = ("tenants", tenant, "vrfs", vrf)
    if not settings.prefixes:
        what = f"VRF {tenant}/{vrf} has no prefixes, so nothing can live in it"
        found.error("C433", what, spec.at_key(*at), "write prefixes: [10.0.0.0/16]")
    for i, entry in enumerate(settings.prefixes):
        if isinstance(entry, str):
            continue
        span = spec.at(*at, "prefixes", i)
        if (entry.cidr is None) == (entry.pool is None):
            what = "a prefix is either given (cidr) or drawn from a pool (pool and length)"
            found.error("C425", what, span, "write one of cidr and pool")
        elif entry.pool is not None:
            drawn(spec, entry, (*at, "prefixes", i), found)
        elif entry.length is not None:
            what = "length belongs to pool; a cidr has its own"
            found.error("C425", what, spec.at_key(*at, "prefixes", i, "length"), "remove it")
        if entry.namespaces and entry.use != "pods":
            what = f"use: {entry.use} and namespaces exclude each other"
            hint = "namespaces limit which pods get an address"
            found.error("C425", what, spec.at(*at, "prefixes", i, "namespaces"), hint)


def drawn(
    spec: FabricSpec, entry: VrfPrefix, at: tuple[str | int, ...], found: Diagnostics
) -> None:
    """The pool exists and is large enough for one such prefix."""
    pools = spec.pools.prefixes
    if entry.pool not in pools:
        hint = did_you_mean(str(entry.pool), pools) or "name it under pools: prefixes"
        found.error("C306", f'no pool is called "{entry.pool}"', spec.at(*at, "pool"), hint)
    elif entry.length is None:
        what = f'how long is the prefix from pool "{entry.pool}"?'
        found.error("C425", what, spec.at(*at), "add length: 24 (IPv6: 64)")
    else:
        fits = [length_fits(text, entry.length) for text in pools[entry.pool]]
        if not any(fits):
            listed = ", ".join(pools[entry.pool])
            what = f'pool "{entry.pool}" ({listed}) cannot hold a /{entry.length}'
            found.error("C426", what, spec.at(*at, "length"), "ask for a longer length")


def length_fits(text: str, length: int) -> bool:
    """Whether a prefix has room for one of that length; what cannot be read counts as room."""
    try:
        pool = ip_network(text)
    except ValueError:
        return True
    return pool.prefixlen <= length <= pool.max_prefixlen


def outside(spec: FabricSpec, tenant: str, vrf: str, settings: VrfSpec, found: Diagnostics) -> None:
    """A default route leads somewhere and replies come back."""
    at = ("tenants", tenant, "vrfs", vrf)
    if settings.default_route and not spec.zones.zone2.endpoints:
        what = f"{tenant}/{vrf} takes its default route from zone 2, which has no endpoints"
        hint = "write zones: {zone2: {endpoints: …}}"
        found.error("C523", what, spec.at(*at, "default_route"), hint)
    elif settings.default_route and not settings.advertise:
        what = f"{tenant}/{vrf} advertises nothing to zone 2, so no reply finds its way back"
        hint = "add advertise: with unique prefixes, or [nodes]"
        found.warn("C525", what, spec.at(*at, "default_route"), hint)
    elif settings.advertise and not settings.default_route:
        what = f"{tenant}/{vrf} advertises prefixes but takes no default route: nothing uses them"
        found.warn("C524", what, spec.at_key(*at, "advertise"), "add default_route: zone2")
