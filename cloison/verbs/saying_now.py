"""Expectations that say what is; `cloison expect` and Python have them from here."""

from __future__ import annotations

from cloison.verbs.proving import Tell, silent
from cloison.views.verification.lines_to_keep import LinesToKeep
from cloison.views.world import World
from sim.proof.expectations.current_lines import current_lines
from sim.proof.pairs.reachability import reachability


def lines_to_keep(world: World, tell: Tell = silent) -> LinesToKeep:
    """Lines of `expect:` that hold now. Raises `InputError`."""
    tell("reachability")
    reach = reachability(world)
    return LinesToKeep(current_lines(reach, lambda what: tell(f"lines about {what}")))
