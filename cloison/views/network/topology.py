"""Nodes and links as rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fabric.wiring.topology import Fabric


def node_rows(fabric: Fabric) -> Iterator[dict[str, Any]]:
    """Nodes from the top tier down."""
    for node in sorted(fabric.nodes, key=lambda n: (-fabric.wiring.nodes[n.name]["rank"], n.index)):
        neighbours = {str(name) for name in fabric.wiring.neighbors(node.name)}
        yield {
            "node": node.name,
            "role": node.role.value,
            "site": node.site,
            "pod": node.pod or None,
            "links": fabric.wiring.degree(node.name),
            "neighbours": len(neighbours),
            "state": _state(fabric, node.index),
        }


def link_rows(fabric: Fabric) -> Iterator[dict[str, Any]]:
    """Links in order of cabling."""
    for link in fabric.links:
        ends = (link.a, link.b)
        down = link.index in fabric.down_links or fabric.down_nodes.intersection(ends)
        yield {
            "link": link.name,
            "a": fabric.nodes[link.a].name,
            "a_port": link.a_port,
            "b": fabric.nodes[link.b].name,
            "b_port": link.b_port,
            "gbps": link.speed,
            "kind": link.kind,
            "state": "down" if down else "up",
        }


def known_node(fabric: Fabric, name: str) -> None:
    """Raise `InputError` unless a node has this name."""
    from fabric.diagnostics import Diagnostic, InputError, did_you_mean

    if name not in fabric.wiring.nodes:
        hint = did_you_mean(name, fabric.wiring.nodes)
        raise InputError(Diagnostic("C338", f'no node is called "{name}"', hint=hint))


def _state(fabric: Fabric, node: int) -> str:
    if node in fabric.down_nodes:
        return "down"
    return "drained" if node in fabric.drained else "up"
