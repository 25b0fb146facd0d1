"""`Watch`: a world that is compared again whenever its files change, with one that stays.

The old world is read once, with IPv6 addresses assumed and without where that may matter
(`cloison.verbs.pair`), because its files may be the very ones that change. The new one is made from
the last that could be read (`World.edit`): it says what reading it by itself would say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from cloison.loading.how import How
from cloison.verbs.file_changes import changes
from cloison.verbs.over_time import refuse_one_moment
from cloison.verbs.pair import both
from cloison.views.caveats.unknowns import in_short
from cloison.views.changes.differences import document
from cloison.views.isolation.vrf_pairs import crossing_rows
from cloison.views.world import World
from fabric.building.cluster import is_cluster
from fabric.building.network import Network
from fabric.kubernetes.unmodelled.unevaluated import accepted, pending
from sim.diff.diff import Diff, diff


class Watch:
    """Compares the world that `old` leads to now with the one that `new` leads to from time to
    time."""

    def __init__(self, old: Path, new: Path, how: How) -> None:
        self.new, self.how, self.began = new, how, time.time_ns()
        first = World.read([old], how)
        self._old = {how.dual: first}
        if is_cluster(first.network):
            self._old[True] = World.read([old], replace(how, dual=True))
        self._last: dict[bool, World] = {}

    def rounds(
        self,
        refused: Callable[[Exception], None],
        wait: Callable[[float], None] = time.sleep,
    ) -> Iterator[tuple[Diff, World]]:
        """The difference now and after every change, with the new world."""
        self._latest = self._compared()
        first = self._latest[1].network
        yield self._latest
        told = document(self._latest[0])
        for sure in changes(self.new, first, self.began, self._read, refused, wait):
            said = document(self._latest[0])
            if sure or said != told:
                yield self._latest
            told = said

    def _read(self) -> Network:
        self._latest = self._compared()
        return self._latest[1].network

    def _compared(self) -> tuple[Diff, World]:
        old, new = both([self._old_of, self._new_of], self.how)
        refuse_one_moment((old, new), self.how)
        return diff(old, new), new

    def _old_of(self, how: How) -> World:
        return self._old[how.dual]

    def _new_of(self, how: How) -> World:
        read = World.read([self.new], how)
        last = self._last.get(how.dual)
        self._last[how.dual] = read if last is None else last.edit(read)
        return self._last[how.dual]

    def proved(self, world: World) -> str:
        """What holds between VRFs in the new world, for all packets."""
        rows = [*crossing_rows(world.proof)]
        undeclared = [row for row in rows if not row["declared"]]
        if undeclared:
            first = undeclared[0]
            return (
                f"Isolation fails for {len(undeclared):,} pairs of VRFs, first "
                f"{first['source']} -> {first['destination']}: {first['packet']}."
            )
        left_out = world.network.not_evaluated
        if pending(left_out):
            return f"Isolation is unknown: {in_short(left_out)}."
        return (
            f"Isolation holds for all packets: {len(rows):,} pairs of VRFs meet, all as "
            f"declared{accepted(left_out)}."
        )
