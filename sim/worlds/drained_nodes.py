"""The axis of maintenance: which nodes are drained. They are up, and who knows another way takes
it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sim.worlds.world_axis import AxisOption, WorldAxis

if TYPE_CHECKING:
    from sim.worlds.world import World


def standing(role: str) -> Callable[[World], list[str]]:
    """Nodes of a role that may be drained: those that are up and are not."""

    def found(world: World) -> list[str]:
        fabric = world.network.fabric
        gone = fabric.down_nodes | fabric.drained
        return [n.name for n in fabric.nodes if n.role.value == role and n.index not in gone]

    return found


def _read_drained(world: World, text: str) -> str:
    from fabric.wiring.clos import drain

    drain(world.network.fabric, [text])
    return text


def _drain(world: World, names: tuple[str, ...]) -> World:
    from fabric.building.build import rebuild

    network = world.network
    return world.over(rebuild(network, down=network.fabric.down, drained=names))


DRAINED = WorldAxis(
    name="drained",
    word="draining",
    option=AxisOption(
        "--drain",
        "NODE",
        "Drain this node first (repeatable): it is up, and who knows another way takes it.",
        means="move traffic away from this node first",
        repeatable=True,
        spoken=str,
        offers=lambda fabric: (node.name for node in fabric.nodes),
    ),
    read=_read_drained,
    values=lambda world: world.network.fabric.draining,
    move=_drain,
    sorts={role: standing(role) for role in ("leaf", "spine")},
    exempt=lambda world, name: (),
    of_network=True,
    file=None,
    recorded=False,
    said=None,
    shared_out=True,
)
