"""The reach of a proof that was kept without it: found again when somebody asks for more than the
proof says.

A proof's verdicts, findings and matrix are small; who reaches whom takes hundreds of megabytes, and
few ask about it once the proof is there. It follows from the world alone.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from sim.blocks.atoms import L4Atoms
from sim.blocks.blocks import l4_of
from sim.proof.pairs.reachability import L4Sets, PairCells, Pairs, Reach, reachability
from sim.proof.routes.paths import Paths, PathSpace
from sim.worlds.world import World


class LaterReach(Reach):
    """What `reachability` says of a world, when it is needed; the world's own part at once."""

    __slots__ = ()

    def __init__(self, world: World) -> None:
        object.__setattr__(self, "world", world)

    def __getattr__(self, name: str) -> Any:
        """A field that is not known yet."""
        if name == "space":
            object.__setattr__(self, "space", _space(self.world))
            return self.space
        if name not in {f.name for f in fields(Reach)}:
            raise AttributeError(name)
        found = reachability(self.world)
        for f in fields(Reach):
            object.__setattr__(self, f.name, getattr(found, f.name))
        return getattr(found, name)


class NoReach(Reach):
    """What gets where of no pair of a world, as `reach_between` says it of none; what paths are
    computed from is there when somebody asks, and the world is cut into blocks then."""

    __slots__ = ()

    def __init__(self, world: World) -> None:
        space, none = _space(world), np.zeros(0, np.int64)
        pairs, cells = (kind(*(none for _ in fields(kind))) for kind in (Pairs, PairCells))
        known = world, space, Paths.concat([]), none, L4Sets(space.size).bits, pairs, cells
        names = "world", "space", "paths", "path_set", "sets", "pairs", "cells"
        for name, value in zip(names, known, strict=True):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        """What is not known yet."""
        if name != "path_space":
            raise AttributeError(name)
        space = PathSpace.of(self.world.network, self.world.blocks)
        object.__setattr__(self, "path_space", space)
        return space


def _space(world: World) -> L4Atoms:
    """The L4 atoms of a world, which is not cut into blocks for that."""
    known = vars(world).get("blocks")
    return l4_of(world.program) if known is None else known.l4
