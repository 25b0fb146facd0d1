"""The reach of a proof that was kept without it: found again when somebody asks for more than the
proof says.

A proof's verdicts, findings and matrix are small; who reaches whom takes hundreds of megabytes, and
few ask about it once the proof is there. It follows from the world alone.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sim.blocks.blocks import l4_of
from sim.proof.reachability import Reach, reachability
from sim.worlds.world import World


class LaterReach(Reach):
    """What `reachability` says of a world, when it is needed; the world's own part at once."""

    __slots__ = ()

    def __init__(self, world: World) -> None:
        object.__setattr__(self, "world", world)

    def __getattr__(self, name: str) -> Any:
        """A field that is not known yet."""
        if name == "space":
            known = vars(self.world).get("blocks")
            space = l4_of(self.world.program) if known is None else known.l4
            object.__setattr__(self, "space", space)
            return space
        if name not in {f.name for f in fields(Reach)}:
            raise AttributeError(name)
        found = reachability(self.world)
        for f in fields(Reach):
            object.__setattr__(self, f.name, getattr(found, f.name))
        return getattr(found, name)
