"""The axis of failures: which nodes, links, BGP sessions and risk groups are down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sim.worlds.world_axis import AxisOption, WorldAxis

if TYPE_CHECKING:
    from fabric.wiring.topology import Fabric
    from sim.worlds.world import World


def links_up(world: World) -> list[str]:
    """Cables that may fail: those that are up, but for hosts'."""
    fabric = world.network.fabric
    return [
        link.name
        for link in fabric.links
        if link.kind != "host" and link.index not in fabric.down_links
    ]


def nodes_up(world: World) -> list[str]:
    """Nodes that may fail: those that speak BGP and are up."""
    from fabric.wiring.topology import Role

    fabric = world.network.fabric
    return [
        node.name
        for node in fabric.nodes
        if node.role is not Role.HOST and node.index not in fabric.down_nodes
    ]


def groups_up(world: World) -> list[str]:
    """Risk groups that may fail: those that have not."""
    fabric = world.network.fabric
    return [group.name for group in fabric.risk_groups if group.name not in fabric.down_groups]


def _read_down(world: World, text: str) -> str:
    from fabric.wiring.clos import take_down

    take_down(world.network.fabric, [text])
    return text


def _fail(world: World, names: tuple[str, ...]) -> World:
    from fabric.building.build import rebuild

    return world.over(rebuild(world.network, down=names))


def _behind(world: World, name: str) -> list[int]:
    """Tenants' endpoints on a node, or on those of a risk group: when it fails nobody expects them
    to answer. What lies behind a border is still there, and whoever needs it needs another way."""
    fabric = world.network.fabric
    gone = {n.index for n in fabric.nodes if n.name == name}
    gone = gone.union(*(g.nodes for g in fabric.risk_groups if g.name == name)) - fabric.down_nodes
    return [e.index for e in world.network.endpoints if e.vtep in gone and e.kind != "zone"]


def _names(fabric: Fabric) -> Iterator[str]:
    from fabric.wiring.topology import session

    links = [link.name for link in fabric.links]
    yield from (node.name for node in fabric.nodes)
    yield from (*links, *map(session, links), *(group.name for group in fabric.risk_groups))


DOWN = WorldAxis(
    name="down",
    word="without",
    option=AxisOption(
        "--down",
        "NODE|LINK|SESSION|GROUP",
        "Fail this node, link, BGP session or risk group first (repeatable), e.g. leaf1, "
        "leaf1--spine1 or leaf1~spine1.",
        means="fail this node, link, BGP session or risk group first",
        repeatable=True,
        spoken=str,
        offers=_names,
    ),
    read=_read_down,
    values=lambda world: world.network.fabric.down,
    move=_fail,
    sorts={"cable": links_up, "node": nodes_up, "risk group": groups_up},
    exempt=_behind,
    of_network=True,
    file=None,
    recorded=True,
    said=None,
    shared_out=True,
)
