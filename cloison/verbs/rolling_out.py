"""A change on its way through the devices; `cloison rollout` and Python have it from here."""

from __future__ import annotations

from cloison.verbs.proving import Tell, silent
from cloison.views.changes.rolled_out import RolledOut
from cloison.views.world import World
from sim.diff.rollout.safety import rollout_safety


def rolled_out(old: World, new: World, tell: Tell = silent) -> RolledOut:
    """Whether every order of devices is safe between two versions. Raises `InputError`."""
    return RolledOut(rollout_safety(old, new, tell))
