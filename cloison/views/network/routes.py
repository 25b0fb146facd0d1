"""Routes as rows: the FIB, Type-5 routes, the underlay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fabric.building.network import refuse_devices

if TYPE_CHECKING:
    from fabric.building.network import Network
    from fabric.control.adj_rib_in import AdjRibIn
    from fabric.control.underlay import Underlay
    from fabric.values.inventory import Prefix

COLUMNS = ("node", "vrf", "prefix", "via", "reason")


EVPN_COLUMNS = ("vrf", "prefix", "next_hop", "rts", "as_path")


UNDERLAY_COLUMNS = ("node", "prefix", "owner", "via", "as_path", "missed")


PATH_COLUMNS = ("node", "owner", "port", "peer", "as_path", "used", "missed", "why")


SHOWN = {
    "routes": ("Routes", COLUMNS),
    "evpn-routes": ("Type-5 routes", EVPN_COLUMNS),
    "underlay-routes": ("Underlay routes", UNDERLAY_COLUMNS),
    "underlay-paths": ("Underlay paths", PATH_COLUMNS),
}


def is_vtep(network: Network, node: str) -> bool:
    """Whether a node has VRFs."""
    names = [n.name for n in network.fabric.nodes]
    return any(names[vtep] == node for vtep, _ in network.fib.instances)


def underlay_rows(network: Network, node: str | None) -> Iterator[dict[str, Any]]:
    """Routes to loopbacks by node and owner; one that BGP does not bring has no next hop. `missed`
    counts paths as short as the best that are not used, by reason."""
    refuse_devices(network, "a list of the underlay's routes")
    names, underlay = [n.name for n in network.fabric.nodes], network.underlay
    links = network.fabric.links
    for here, owners, rib in ribs(network, node):
        for owner in owners:
            yield {
                "node": names[here],
                "prefix": f"{network.plan.vtep(owner)}/32",
                "owner": names[owner],
                "via": [names[hop] for hop, _ in underlay.ecmp(here, owner)],
                "links": [links[link].name for _, link in underlay.ecmp(here, owner)],
                "as_path": list(underlay.as_path(here, owner)),
                "reachable": underlay.reachable(here, owner),
                "missed": rib.lost(owner),
                **weighed(underlay, here, owner),
            }


def weighed(underlay: Underlay, here: int, owner: int) -> dict[str, Any]:
    """The shares of next hops, where these are not even by decree."""
    from fabric.control.weights import weights

    if underlay.speeds is None:
        return {}
    return {"weights": list(weights(underlay, [link for _, link in underlay.ecmp(here, owner)]))}


def path_rows(network: Network, node: str | None) -> Iterator[dict[str, Any]]:
    """What every session of a node brings about every loopback, and why it is not used."""
    refuse_devices(network, "a list of the underlay's paths")
    fabric, asn = network.fabric, network.plan.asn
    names = [n.name for n in fabric.nodes]
    for here, owners, rib in ribs(network, node):
        for owner in owners:
            for heard in rib.about(owner):
                yield {
                    "node": names[here],
                    "prefix": f"{network.plan.vtep(owner)}/32",
                    "owner": names[owner],
                    "port": heard.session.port,
                    "peer": names[heard.session.peer],
                    "link": fabric.links[heard.session.link].name,
                    "as_path": [asn[v] for v in heard.nodes],
                    "nodes": [names[v] for v in heard.nodes],
                    "used": heard.fate == "used",
                    "missed": heard.missed,
                    "fate": heard.fate,
                    "why": heard.why or None,
                }


def ribs(network: Network, node: str | None) -> Iterator[tuple[int, list[int], AdjRibIn]]:
    """Nodes that speak BGP, or one of them: whose loopbacks each may know, and what it hears."""
    from fabric.control.adj_rib_in import AdjRibIn

    speakers = [n.index for n in network.fabric.nodes if network.plan.asn[n.index]]
    for here in speakers:
        if node in (None, network.fabric.nodes[here].name):
            owners = [owner for owner in speakers if owner != here]
            yield here, owners, AdjRibIn.of(network.fabric, network.underlay, here)


def fib_rows(network: Network, node: str | None, vrf: str | None) -> Iterator[dict[str, Any]]:
    """FIB entries by VTEP, VRF and prefix."""
    names = [n.name for n in network.fabric.nodes]
    for vtep, number in network.fib.instances:
        if node not in (None, names[vtep]) or vrf not in (None, network.vrfs[number].name):
            continue
        for route in network.fib.routes(vtep, number):
            yield {
                "node": names[vtep],
                "vrf": network.vrfs[number].name,
                "prefix": str(route.prefix),
                "via": [f"{names[h.vtep]} {network.vrfs[h.vrf].name}" for h in route.nexthops],
                "vnis": [hop.vni for hop in route.nexthops],
                "underlay_paths": [
                    len(network.underlay.ecmp(vtep, hop.vtep)) for hop in route.nexthops
                ],
                "reason": route.reason,
                "intent": route.intent,
                "origin": str(route.origin) if route.origin else None,
            }


def type5_rows(network: Network, node: str | None, vrf: str | None) -> Iterator[dict[str, Any]]:
    """Type-5 routes; with a node, those that reach it, with their AS path there."""
    refuse_devices(network, "a list of Type-5 routes")
    here = None if node is None else network.fabric.node(node).index
    for route in network.routes:
        if vrf not in (None, network.vrfs[route.vrf].name):
            continue
        if here is not None and not network.underlay.reachable(here, route.vtep):
            continue
        path: tuple[int, ...] = ()
        if here is not None:
            more = (network.plan.asn[route.vtep],) * route.prepended
            path = (*network.underlay.as_path(here, route.vtep), *more)
        yield {
            "rd": route.rd,
            "prefix": str(route.prefix),
            "vrf": network.vrfs[route.vrf].name,
            "rts": list(route.rts),
            "label": route.label,
            "router_mac": route.router_mac,
            "next_hop": route.next_hop,
            "as_path": list(path),
        }


def known_vrf(network: Network, name: str | None) -> None:
    """Raise `InputError` unless a VRF has this name."""
    from fabric.diagnostics import Diagnostic, InputError, did_you_mean

    names = [vrf.name for vrf in network.vrfs]
    if name is not None and name not in names:
        hint = did_you_mean(name, names)
        raise InputError(Diagnostic("C339", f'no VRF is called "{name}"', hint=hint))


def parse_prefix(text: str | None) -> Prefix | None:
    """An address or prefix; ValueError when it is none."""
    from ipaddress import ip_network

    from fabric.values.address_sets import refusal

    if text and (wrong := refusal(text)):
        raise ValueError(f"{wrong.message}: {wrong.hint}")
    return ip_network(text, strict=False) if text else None


def holds(text: str, wanted: Prefix | None) -> bool:
    """Whether a route's prefix overlaps the wanted one."""
    from ipaddress import ip_network

    if wanted is None:
        return True
    prefix = ip_network(text)
    return prefix.version == wanted.version and prefix.overlaps(wanted)
