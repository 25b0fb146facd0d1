"""What expectations would notice; `cloison coverage` and Python have it from here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cloison.verbs.proving import Tell, silent
from cloison.views.verification.noticed import Covered
from cloison.views.world import World
from sim.diff.noticed.notice import coverage


def covered(
    world: World, *, offers: bool = True, flows: Sequence[Path] = (), tell: Tell = silent
) -> Covered:
    """Which lines some expectation would notice; with `offers` for others one that would, and with
    captures or flow logs which ones these `flows` met. Raises `InputError`."""
    found = coverage(world, tell, offers)
    if flows:
        from cloison.verbs.permitting import sent_flows
        from sim.diff.noticed.used import used

        tell("send the flows")
        found = replace(found, used=used(world, sent_flows(world, flows), found.asked))
    return Covered(world, found)
