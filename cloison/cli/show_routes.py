"""`cloison show routes`: the FIB per VTEP and VRF, or the Type-5 routes behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloison.cli import completion
from cloison.cli.options import fabric_argument, output_option, world_options

if TYPE_CHECKING:
    from cloison.how import How
    from fabric.inventory import Prefix
    from fabric.network import Network

COLUMNS = ("node", "vrf", "prefix", "via", "reason")
EVPN_COLUMNS = ("vrf", "prefix", "next_hop", "rts", "as_path")
UNDERLAY_COLUMNS = ("node", "prefix", "owner", "via", "as_path")
SHOWN = {
    "routes": ("Routes", COLUMNS),
    "evpn-routes": ("Type-5 routes", EVPN_COLUMNS),
    "underlay-routes": ("Underlay routes", UNDERLAY_COLUMNS),
}


@click.command()
@fabric_argument
@click.option(
    "--node",
    shell_complete=completion.nodes,
    help="Only this VTEP's routes; with --evpn, as this node receives them.",
)
@click.option("--vrf", shell_complete=completion.vrfs, help="Only this VRF (tenant/vrf).")
@click.option("--prefix", help="Only routes that hold this address or lie in this prefix.")
@click.option("--evpn", is_flag=True, help="Type-5 routes as announced instead of the FIB.")
@click.option("--underlay", is_flag=True, help="Routes to loopbacks, of every node, instead.")
@world_options
@output_option()
def command(
    fabric: Path,
    node: str | None,
    vrf: str | None,
    prefix: str | None,
    evpn: bool,
    underlay: bool,
    how: How,
    output: str,
) -> None:
    """Routes of FABRIC: where each prefix leads and why the VRF has it.

    With --underlay: what eBGP leaves on every node for the loopbacks of the
    others, with all next hops and the AS path.
    """
    from cloison.cli.check import told
    from cloison.cli.show_topology import known_node
    from cloison.render import emit
    from cloison.world import World

    if underlay and (evpn or vrf is not None):
        raise click.UsageError("--underlay goes with neither --evpn nor --vrf: it has no VRFs")
    network = told(World.of_fabric(fabric, how)).network
    if node is not None:
        known_node(network.fabric, node)
    known_vrf(network, vrf)
    wanted = parse_prefix(prefix)
    if underlay:
        found, what = underlay_rows(network, node), "underlay-routes"
    elif evpn:
        found, what = type5_rows(network, node, vrf), "evpn-routes"
    else:
        found, what = fib_rows(network, node, vrf), "routes"
    rows = [row for row in found if holds(row["prefix"], wanted)]
    title, columns = SHOWN[what]
    emit(rows, schema=f"cloison/{what}/1", output=output, title=title, columns=columns)
    if what == "routes" and not rows and node is not None and not is_vtep(network, node):
        click.echo(
            f"{node} is no VTEP here and has no VRFs; --evpn shows what it receives, --underlay "
            "its routes to loopbacks",
            err=True,
        )


def is_vtep(network: Network, node: str) -> bool:
    """Whether a node has VRFs."""
    names = [n.name for n in network.fabric.nodes]
    return any(names[vtep] == node for vtep, _ in network.fib.instances)


def underlay_rows(network: Network, node: str | None) -> Iterator[dict[str, Any]]:
    """Routes to loopbacks by node and owner; one that BGP does not bring has no next hop."""
    names, underlay = [n.name for n in network.fabric.nodes], network.underlay
    speakers = [n.index for n in network.fabric.nodes if network.plan.asn[n.index]]
    links = network.fabric.links
    for here in speakers:
        if node not in (None, names[here]):
            continue
        for owner in speakers:
            if owner != here:
                yield {
                    "node": names[here],
                    "prefix": f"{network.plan.vtep(owner)}/32",
                    "owner": names[owner],
                    "via": [names[hop] for hop, _ in underlay.ecmp(here, owner)],
                    "links": [links[link].name for _, link in underlay.ecmp(here, owner)],
                    "as_path": list(underlay.as_path(here, owner)),
                    "reachable": underlay.reachable(here, owner),
                }


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
    here = None if node is None else network.fabric.node(node).index
    for route in network.routes:
        if vrf not in (None, network.vrfs[route.vrf].name):
            continue
        if here is not None and not network.underlay.reachable(here, route.vtep):
            continue
        path = () if here is None else network.underlay.as_path(here, route.vtep)
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
    """An address or prefix from the command line."""
    from ipaddress import ip_network

    try:
        return ip_network(text, strict=False) if text else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--prefix") from error


def holds(text: str, wanted: Prefix | None) -> bool:
    """Whether a route's prefix overlaps the wanted one."""
    from ipaddress import ip_network

    if wanted is None:
        return True
    prefix = ip_network(text)
    return prefix.version == wanted.version and prefix.overlaps(wanted)
