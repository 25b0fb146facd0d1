"""Single failures, tried one by one; `cloison spof` and Python have what they take from here."""

from __future__ import annotations

from cloison.verbs.proving import Tell, silent
from cloison.views.network.spof import SinglePoints
from cloison.views.world import World
from sim.proof.availability.spof import spof
from sim.sweep.runner import SERIAL, Runner


def single_points(world: World, runner: Runner = SERIAL, tell: Tell = silent) -> SinglePoints:
    """What each single failure takes away, beside what is down already. Raises `InputError`."""
    return SinglePoints(
        world.part("spof", lambda: spof(world, lambda what: tell(f"try failures: {what}"), runner))
    )
