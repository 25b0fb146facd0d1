"""Questions about all times: a file with windows is judged in every period of the time that it
speaks of, each set of periods in which the same is in force once (`fabric.file.in_force`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cloison.loading.how import How
from fabric.diagnostics import Diagnostic, InputError, UndecidedError
from fabric.file.in_force import UNTIMED, alike, timed_entries, whole_of
from fabric.values.instants import told
from fabric.values.window import Window

if TYPE_CHECKING:
    from cloison.views.world import World
    from fabric.file.spec import FabricSpec

STDIN = ("-", "<stdin>")


@dataclass(frozen=True, slots=True)
class SameRules:
    """Periods in which the same is in force, and how the world of any moment of them is made."""

    periods: tuple[Window, ...]
    how: How

    @property
    def times(self) -> str:
        """The periods as words."""
        return ", ".join(map(str, self.periods))


@contextmanager
def told_when(part: SameRules) -> Iterator[None]:
    """What is wrong with a file in some periods alone is told with these."""
    try:
        yield
    except InputError as error:
        found = (replace(d, message=f"{d.message} ({part.times})") for d in error.diagnostics)
        raise type(error)(*found) from None


def world_or_file(
    make: Callable[[How], World], path: Path, how: How
) -> tuple[World | None, FabricSpec | None]:
    """The world, where no window or a moment that was asked for decides about it; else the whole
    file, which is to be judged at all times."""
    if how.at is not None:
        return make(how), None
    try:
        world = make(how)
    except InputError as error:
        if {d.code for d in error.diagnostics} != {UNTIMED} or str(path) in STDIN:
            raise
        return None, whole_file(path, how)
    spec = world.network.spec
    return (world, None) if spec.judged_at is None else (None, whole_of(spec))


def refuse_one_moment(worlds: Iterable[World], how: How) -> None:
    """Nothing, unless a file with windows was judged at the moment that it names itself, by who
    would say of all times what is true then."""
    spec = next((s for w in worlds if (s := w.network.spec).judged_at is not None), None)
    if spec is not None and how.at is None:
        what = "the file has windows, and this answers for one moment alone, which nobody named"
        raise InputError(Diagnostic(UNTIMED, what, spec.at("times", "at"), "--at TIME or --at now"))


def refuse_approval(worlds: Iterable[World]) -> None:
    """Nothing, unless windows decide about a world: approvals say what may pass, and not when."""
    spec = next((s for w in worlds if (s := w.network.spec).judged_at is not None), None)
    if spec is not None:
        first = timed_entries(spec)[0]
        what = f"approvals do not say when, and {first.title} is in force in a window only"
        hint = "approve the change of a file without windows"
        raise UndecidedError(Diagnostic("C216", what, first.span, hint, "unknown"))


def whole_file(path: Path, how: How) -> FabricSpec:
    """The file with everything that is in force at some time. Raises `InputError`."""
    from cloison.loading.loader import with_base
    from fabric.building.load import load

    return with_base(load(path)[0], how)


def differing(
    make: Callable[[How], list[World]], paths: Sequence[Path], how: How
) -> tuple[list[World], tuple[SameRules, ...]]:
    """Two worlds that are to be compared; or none, and all times of their files, where windows
    decide about one of them and no moment was asked for."""
    try:
        worlds = make(how)
    except InputError as error:
        if how.at is not None or {d.code for d in error.diagnostics} != {UNTIMED}:
            raise
    else:
        if how.at is not None or all(w.network.spec.judged_at is None for w in worlds):
            return worlds, ()
    if any(str(path) in STDIN for path in paths):
        what = "a file with windows is compared at one moment where it comes from stdin"
        raise InputError(Diagnostic(UNTIMED, what, None, "--at TIME or --at now"))
    return [], same_rules(how, *(whole_file(path, how) for path in paths))


def same_rules(how: How, *specs: FabricSpec) -> tuple[SameRules, ...]:
    """All times, as sets of periods in which the same is in force in each of these files."""
    return tuple(
        SameRules(periods, how.put(time=(told(periods[0].moment),))) for periods in alike(specs)
    )
