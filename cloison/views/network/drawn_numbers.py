"""Numbers as rows: of nodes, VRFs, instances, blocks, endpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fabric.building.network import refuse_devices

if TYPE_CHECKING:
    from fabric.building.network import Network
    from fabric.values.inventory import Endpoint


def nodes(network: Network) -> Iterator[dict[str, Any]]:
    """Nodes with their numbers."""
    refuse_devices(network, "a list of nodes' numbers")
    yield from _nodes(network)


def _nodes(network: Network) -> Iterator[dict[str, Any]]:
    """BGP speakers."""
    for node in network.fabric.nodes:
        if network.plan.asn[node.index]:
            yield {
                "node": node.name,
                "role": node.role.value,
                "asn": network.plan.asn[node.index],
                "loopback": network.plan.vtep(node.index),
            }


def vrfs(network: Network) -> Iterator[dict[str, Any]]:
    """VRFs with the targets that they import beyond their own."""
    for vrf in network.vrfs:
        native = network.plan.native_rt[vrf.index]
        yield {
            "vrf": vrf.name,
            "zone": vrf.zone,
            "vni": vrf.vni,
            "rt": native,
            "imports": sorted(set(network.fib.imports[vrf.index]) - {native}),
            "prefixes": [str(prefix) for prefix in vrf.prefixes],
        }


def instances(network: Network) -> Iterator[dict[str, Any]]:
    """VRFs of nodes with their numbers."""
    refuse_devices(network, "a list of instances' numbers")
    yield from _instances(network)


def _instances(network: Network) -> Iterator[dict[str, Any]]:
    """VRFs at VTEPs."""
    for vtep, vrf in network.plan.instances:
        yield {
            "vtep": network.fabric.nodes[vtep].name,
            "vrf": network.vrfs[vrf].name,
            "rd": network.plan.rd[vtep, vrf],
            "router_mac": network.plan.router_mac[vtep, vrf],
        }


def blocks(network: Network) -> Iterator[dict[str, Any]]:
    """Prefixes that hosts own."""
    for (host, vrf), owned in sorted(network.plan.blocks.items()):
        yield {
            "host": host,
            "vrf": network.vrfs[vrf].name,
            "blocks": [str(block) for block in owned],
        }


def _vteps(network: Network, endpoint: Endpoint) -> Iterator[str]:
    """Where an endpoint is, with which of them are a second choice."""
    for vtep in endpoint.vteps:
        second = " (backup)" if vtep in endpoint.backups else ""
        yield f"{network.fabric.nodes[vtep].name}{second}"


def endpoints(network: Network) -> Iterator[dict[str, Any]]:
    """Endpoints; `assumed` names what was drawn by rule and not read."""
    for endpoint in network.endpoints:
        yield {
            "endpoint": endpoint.name,
            "vrf": network.vrfs[endpoint.vrf].name,
            "vtep": ", ".join(_vteps(network, endpoint)),
            "addresses": [
                str(p.network_address if p.prefixlen == p.max_prefixlen else p)
                for p in endpoint.prefixes
            ],
            "assumed": sorted(endpoint.assumed),
        }


TABLES: dict[str, Callable[[Network], Iterator[dict[str, Any]]]] = {
    "nodes": nodes,
    "vrfs": vrfs,
    "instances": instances,
    "blocks": blocks,
    "endpoints": endpoints,
}
