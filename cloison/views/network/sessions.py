"""BGP sessions as rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fabric.building.network import refuse_devices

if TYPE_CHECKING:
    from fabric.building.network import Network


def rows(network: Network) -> Iterator[dict[str, Any]]:
    """Both ends of every session."""
    refuse_devices(network, "a list of sessions")
    yield from _rows(network)


def _rows(network: Network) -> Iterator[dict[str, Any]]:
    """Sessions by node and port."""
    names = [node.name for node in network.fabric.nodes]
    for session in network.underlay.sessions:
        yield {
            "node": names[session.node],
            "asn": network.plan.asn[session.node],
            "port": session.port,
            "peer": names[session.peer],
            "peer_asn": session.peer_asn,
            "state": "established" if session.up else "down",
            "reason": session.reason,
        }
