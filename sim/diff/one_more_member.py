"""What both ends would say between two more members of classes that have none for it.

A class of one pod has no packets to itself, nor has a node to pods of other hosts where it is the
only one. How one more would fare follows from policies alone, and what pods let their own node do,
they let no node do that is not there yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compiler.compile import compile_policy
from compiler.policy.ir import Direction, Packet, Verdict
from compiler.program.program import Program
from compiler.program.walk import verdict
from sim.blocks.port_sets import L4
from sim.diff.peers import Unit
from sim.worlds.world import World


def said_of_one_more(
    world: World, src: Unit, dst: Unit, packets: Sequence[L4 | None]
) -> Iterator[tuple[int, list[Verdict]]]:
    """What both ends would say of packets (one of each atom, None for an atom without one) between
    two members as these are, by atom: the sender, then the receiver."""
    here, there = (world.network.endpoints[unit.endpoint] for unit in (src, dst))
    program = world.once(apart)
    out = (Direction.OUT, src.endpoint, src.version, dst.address, there.vrf)
    into = (Direction.IN, dst.endpoint, dst.version, src.address, here.vrf)
    for atom, l4 in enumerate(packets):
        if l4 is not None:
            yield atom, [verdict(program, Packet(*side, *l4)) for side in (out, into)]


def apart(world: World) -> Program:
    """The program of a world as it is for nodes and pods of different hosts alone."""
    return compile_policy(world.network, world.policy_read, apart=True)
