"""Intent: which VRFs may exchange which routes, and who may open connections over them.

Peerings, leaks, `zone0.serves` and `default_route` all say the same thing about a pair of VRFs.
This module reads them once; `fabric.control.evpn` turns the offers into route targets, and
`compiler.sources.isolation` turns the same offers into permits, so that the two cannot drift.

Rules that hold here:

1. A peering, a leak to one client VRF and a zone crossing are one `Intent` each; what follows from
   transit (`fabric.intent.transit`) comes after them.
2. The clients of a leak share a route target for what they offer, save where transit tells them
   apart: whoever lies behind the owner imports some of them and not the others.
3. A VRF that zone 0 serves offers its node prefixes in return; one without any is not served.
4. Of the VRFs that a tenant has per namespace, those that have nothing to offer in return take part
   in no leak that a glob offers them, and take no default route. A glob that names only such VRFs
   is an error (`fabric.checks.left_out`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from fabric.diagnostics import Span
from fabric.file.spec import FabricSpec, VrfSpec
from fabric.intent.offers import Intent, Offer
from fabric.intent.transit import derived
from fabric.plan.per_namespace import dynamic, entries
from fabric.values.inventory import Prefix, Vrf
from fabric.values.ports import PortRange, parse_ports
from fabric.values.wildcard import fits

__all__ = ["Intent", "Offer", "intents", "select_vrfs"]

ZONE0, ZONE2 = "zone0/main", "zone2/main"
EVERYWHERE: tuple[Prefix, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
ALL_PORTS = (PortRange(),)
Path = tuple[str | int, ...]


def intents(spec: FabricSpec, vrfs: Sequence[Vrf]) -> tuple[Intent, ...]:
    """Every intent of the file between VRFs that exist, in file order; derived ones last."""
    by_name = {vrf.name: vrf for vrf in vrfs}
    direct = (
        *peerings(spec, by_name),
        *leaks(spec, by_name),
        *zone0(spec, by_name),
        *zone2(spec, by_name),
    )
    return direct + tuple(derived(direct))


def peerings(spec: FabricSpec, vrfs: dict[str, Vrf]) -> Iterator[Intent]:
    """Both sides offer, both sides may open connections."""
    for index, peering in enumerate(spec.peerings):
        a, b = (one_vrf(name, vrfs) for name in peering.between)
        if a is None or b is None:
            continue
        offers = []
        for exporter, importer, written in zip((a, b), (b, a), peering.between, strict=True):
            wanted = peering.prefixes.get(written, peering.prefixes.get(exporter, []))
            span = spec.at("peerings", index, "prefixes", written)
            key = f"peering {peering.name} {exporter}"
            prefixes = selected(spec, vrfs[exporter], wanted)
            offers.append(Offer(key, exporter, importer, prefixes, span))
        yield Intent(
            "peering",
            peering.name,
            a,
            b,
            tuple(offers),
            frozenset((a, b)),
            ports(peering.ports),
            spec.at("peerings", index),
            peering.transit,
        )


def leaks(spec: FabricSpec, vrfs: dict[str, Vrf]) -> Iterator[Intent]:
    """The owner offers its service, each client VRF what must be reachable for replies."""
    for index, leak in enumerate(spec.leaks):
        source = one_vrf(leak.from_, vrfs)
        if source is None:
            continue
        service = selected(spec, vrfs[source], leak.prefixes)
        span, back = spec.at("leaks", index), spec.at("leaks", index, "clients")
        for client in (name for name in select_vrfs(leak.to, vrfs) if name != source):
            clients = selected(spec, vrfs[client], leak.clients)
            if not clients and client not in leak.to and dynamic(spec, vrfs[client].tenant):
                continue
            key = f"leak {leak.name} clients{f' {client}' if leak.transit else ''}"
            yield Intent(
                "leak",
                leak.name,
                client,
                source,
                (
                    Offer(f"leak {leak.name}", source, client, service, span),
                    Offer(key, client, source, clients, back),
                ),
                frozenset((client,)),
                ports(leak.ports),
                span,
                leak.transit,
            )


def zone0(spec: FabricSpec, vrfs: dict[str, Vrf]) -> Iterator[Intent]:
    """Zone 0 offers its prefixes to the tenants that it serves, they their nodes (rule 3)."""
    if ZONE0 not in vrfs:
        return
    span = spec.at("zones", "zone0", "serves")
    for vrf in vrfs.values():
        served = any(serves(pattern, vrf) for pattern in spec.zones.zone0.serves)
        nodes = node_prefixes(spec, vrf)
        if vrf.zone == 1 and served and nodes:
            there = Offer("zone0", ZONE0, vrf.name, vrfs[ZONE0].prefixes, span)
            back = Offer("zone0 clients", vrf.name, ZONE0, nodes, span)
            yield zone_intent("zone0", ZONE0, vrf.name, (there, back), span)


def serves(pattern: str, vrf: Vrf) -> bool:
    """Whether zone 0 serves a VRF by this pattern of tenants, or of VRFs if it has a slash."""
    return fits(vrf.name if "/" in pattern else vrf.tenant, pattern)


def zone2(spec: FabricSpec, vrfs: dict[str, Vrf]) -> Iterator[Intent]:
    """Zone 2 offers the default routes; the tenant what it advertises."""
    if ZONE2 not in vrfs:
        return
    for vrf in vrfs.values():
        written = vrf_spec(spec, vrf)
        if written is None or written[0].default_route != "zone2":
            continue
        settings, path = written
        span = spec.at(*path, "default_route")
        there = Offer("zone2", ZONE2, vrf.name, EVERYWHERE, span)
        prefixes = selected(spec, vrf, settings.advertise) if settings.advertise else ()
        if settings.advertise and not prefixes and dynamic(spec, vrf.tenant):
            continue
        back = Offer("zone2 clients", vrf.name, ZONE2, prefixes, spec.at(*path, "advertise"))
        yield zone_intent("zone2", ZONE2, vrf.name, (there, back), span)


def zone_intent(
    name: str, zone: str, vrf: str, offers: tuple[Offer, ...], span: Span | None
) -> Intent:
    """A crossing between a zone and a tenant; the zones' own rules say what may pass."""
    return Intent("zone", name, vrf, zone, offers, frozenset((vrf, zone)), ALL_PORTS, span)


def vrf_spec(spec: FabricSpec, vrf: Vrf) -> tuple[VrfSpec, Path] | None:
    """What the file says about a tenant's VRF and where; None for the zones' own.

    With `vrf_per: namespace` every VRF of the tenant follows the tenant's first entry, and has of
    its prefixes those that `fabric.plan.per_namespace` says.
    """
    tenant = spec.tenants.get(vrf.tenant)
    if tenant is None or not tenant.vrfs:
        return None
    name = vrf.name.partition("/")[2]
    if tenant.vrf_per == "namespace" or name not in tenant.vrfs:
        name = next(iter(tenant.vrfs))
    return tenant.vrfs[name], ("tenants", vrf.tenant, "vrfs", name)


def node_prefixes(spec: FabricSpec, vrf: Vrf) -> tuple[Prefix, ...]:
    """The prefixes of a VRF that are marked `use: nodes`."""
    if vrf_spec(spec, vrf) is None:
        return ()
    written = entries(spec, *vrf.name.split("/"))
    return tuple(
        resolved
        for (_, entry), resolved in zip(written, vrf.prefixes, strict=True)
        if entry.use == "nodes"
    )


def selected(spec: FabricSpec, vrf: Vrf, wanted: Sequence[str]) -> tuple[Prefix, ...]:
    """The part of a VRF's prefixes that a list of prefixes (or "nodes") names; all if empty."""
    if not wanted:
        return vrf.prefixes
    out = set(node_prefixes(spec, vrf)) if "nodes" in wanted else set()
    for text in wanted:
        if text != "nodes":
            out.update(common_prefixes(vrf.prefixes, ip_network(text)))
    return tuple(sorted(out, key=lambda p: (p.version, p)))


def common_prefixes(prefixes: Iterable[Prefix], wanted: Prefix) -> Iterator[Prefix]:
    """Intersections of prefixes with one prefix: of two that overlap, the smaller.

    >>> list(map(str, common_prefixes([IPv4Network("10.0.0.0/8")], IPv4Network("10.1.0.0/16"))))
    ['10.1.0.0/16']
    """
    for prefix in prefixes:
        if prefix.version == wanted.version and prefix.overlaps(wanted):
            yield max(prefix, wanted, key=lambda p: p.prefixlen)


def select_vrfs(patterns: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """Tenant VRFs named by `tenant/vrf`, a glob over such names, or a tenant's name alone.

    >>> select_vrfs(["a", "b/*"], ["a/main", "b/x", "c/main", "zone0/main"])
    ('a/main', 'b/x')
    """
    wanted = [p if "/" in p else f"{p}/*" for p in patterns]
    return tuple(
        name for name in names if name not in (ZONE0, ZONE2) and any(fits(name, p) for p in wanted)
    )


def one_vrf(pattern: str, names: Iterable[str]) -> str | None:
    """The VRF that a name or a tenant with a single VRF stands for; None when there is no one."""
    found = select_vrfs([pattern], names)
    return found[0] if len(found) == 1 else None


def ports(texts: Iterable[str]) -> tuple[PortRange, ...]:
    """Port ranges in file order."""
    return tuple(dict.fromkeys(found for text in texts for found in parse_ports(text)))
