"""What `import cloison` offers about two worlds: what differs, when, and on the way from one to the
other. Sources and keywords are those of `cloison.verbs.api`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cloison.loading.how import How
from cloison.render.table import WrittenTable
from cloison.render.whole import whole
from cloison.verbs.api import Kinds, fabric_world
from cloison.verbs.over_time import refuse_one_moment, same_rules, whole_file
from cloison.verbs.pair import both
from cloison.views.caveats.unknowns import notes
from cloison.views.changes import differences
from cloison.views.world import Names, Source, World
from compiler.targets import catalogue
from sim.diff.diff import diff as diff_worlds

if TYPE_CHECKING:
    from cloison.verbs.reporting import ReportPage
    from cloison.views.changes.rolled_out import RolledOut
    from cloison.views.times.changed_times import ChangedTimes

CHANGES = ("change", "source", "destination", "ports", "because", "pairs", "packet")


def diff(old: Source, new: Source, *, accept_unevaluated: Kinds = ()) -> WrittenTable:
    """What gains or loses access from `old` to `new`; what is not listed is equal in both, unless
    a note says that something is not evaluated. Files with windows are compared as worlds at a
    moment (`world(source, time=…)`). The table's `verdict` is that of `cloison diff`:
    holds where nothing differs, be it in rows or notes, else fails or unknown."""
    how = How(accept=tuple(accept_unevaluated))
    before, after = both([partial(World.read, source) for source in (old, new)], how)
    sides = ((old, before), (new, after))
    refuse_one_moment([read for source, read in sides if not isinstance(source, World)], How())
    found = diff_worlds(before, after)
    beside = (*differences.notes(found), *notes(found.not_evaluated))
    rows = tuple(differences.rows(found))
    answer = differences.answer(found)
    return WrittenTable(
        rows,
        "Changes",
        CHANGES,
        beside,
        differences.said(found),
        write=lambda output: whole(answer, output),
    )


def diff_all_times(
    old: str | Path, new: str | Path, *, accept_unevaluated: Kinds = ()
) -> ChangedTimes:
    """The same of two fabric files with windows at all times, as `cloison diff` has it."""
    from cloison.verbs.comparing import compared_at_all_times

    how, paths = How(accept=tuple(accept_unevaluated)), (Path(old), Path(new))
    times = same_rules(how, *(whole_file(path, how) for path in paths))

    def make(there: How) -> list[World]:
        return both([partial(World.of_fabric, path) for path in paths], there)

    return compared_at_all_times(make, times, str(new))


def rollout(
    old: Source, new: Source, *, down: Names = None, accept_unevaluated: Kinds = ()
) -> RolledOut:
    """Whether every order in which devices take the change from `old` to `new` is safe, and if not,
    what must not be apart and which order is. Both are fabric files, or worlds of such at a
    moment."""
    from cloison.verbs.rolling_out import rolled_out

    before, after = (fabric_world(source, down, accept_unevaluated) for source in (old, new))
    sides = ((old, before), (new, after))
    refuse_one_moment([read for source, read in sides if not isinstance(source, World)], How())
    return rolled_out(before, after)


def report(
    source: Source,
    base: Source | None = None,
    *,
    target: str = catalogue.DEFAULT,
    down: Names = None,
    accept_unevaluated: Kinds = (),
) -> ReportPage:
    """Everything about a fabric on one page of HTML, to hand on; with `base` also what differs from
    there. `html` is the page, `save(path)` writes it."""
    from cloison.verbs.reporting import reporting

    world = fabric_world(source, down, accept_unevaluated)
    before = None if base is None else fabric_world(base, down, accept_unevaluated)
    asked = [(source, world), *([] if before is None else [(base, before)])]
    refuse_one_moment([read for of, read in asked if not isinstance(of, World)], How())
    return reporting(
        world,
        before,
        source="a world" if isinstance(source, World) else str(source),
        called="a world before" if isinstance(base, World) else str(base),
        target=target,
    )
