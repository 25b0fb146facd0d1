"""Two files with windows compared in every period; `cloison diff` and Python have it from here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from cloison.loading.how import How
from cloison.verbs.over_time import SameRules, told_when
from cloison.verbs.proving import OF_A_MOMENT, Tell, silent
from cloison.views.times.changed_times import ChangedPeriods, ChangedTimes, merged, taken
from cloison.views.world import World
from fabric.diagnostics import Diagnostic


def compared_at_all_times(
    make: Callable[[How], list[World]],
    times: Sequence[SameRules],
    subject: str,
    mount: Path | None = None,
    refuse: Callable[[list[World]], None] = lambda worlds: None,
    tell: Tell = silent,
) -> ChangedTimes:
    """What differs in each of these sets of periods, between the two worlds that `make` has then;
    periods in which the same differs are told together. `refuse` may refuse two worlds; `mount` is
    where the old one's repository is laid out. Raises `InputError`."""
    found: list[ChangedPeriods] = []
    warnings: list[Diagnostic] = []
    for number, part in enumerate(times, 1):
        tell(f"{number} of {len(times)}: {part.times}")
        with told_when(part):
            worlds = make(part.how)
        refuse(worlds)
        found.append(taken(worlds, part.periods, subject, mount))
        warnings += [w for world in worlds for w in world.network.warnings if w.code != OF_A_MOMENT]
    return ChangedTimes(subject, tuple(merged(found)), tuple(dict.fromkeys(warnings)))
