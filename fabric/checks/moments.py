"""Windows and moments: readable, none that is empty, none that the file never speaks of."""

from __future__ import annotations

from collections.abc import Iterator

from fabric.checks.known_names import KnownNames
from fabric.diagnostics import Diagnostics
from fabric.file.in_force import LISTS, Place, covered, entries_of
from fabric.file.spec import FabricSpec
from fabric.file.times import Times, WindowSpec
from fabric.values.instants import HINT, instant
from fabric.values.window import Window


def check(spec: FabricSpec, names: KnownNames, found: Diagnostics) -> None:
    """Every window, and the moments at the top."""
    wrong = len(found.errors)
    spoken = _read(spec, spec.times, ("times",), found)
    if spec.times.at is not None:
        _moment(spec, spec.times.at, ("times", "at"), found)
    for place, written in _windows(spec):
        window = _read(spec, written, place, found)
        if written.from_ is None and written.until is None:
            hint = "write from: TIME, until: TIME or both; leave the window out for all times"
            found.error("C213", "a window without a bound", spec.at(*place), hint)
        elif len(found.errors) == wrong and spoken and window and not window.meets(covered(spec)):
            what = f"never in force in the time that this file speaks of, which is {covered(spec)}"
            tell = found.error if place[0] == "expect" else found.warn
            tell("C215", what, spec.at(*place), "remove it, or widen times:")


def _windows(spec: FabricSpec) -> Iterator[tuple[Place, WindowSpec]]:
    for place, _ in LISTS:
        for index, entry in enumerate(entries_of(spec, place)):
            if entry.window is not None:
                yield (*place, index, "window"), entry.window


def _read(
    spec: FabricSpec, written: WindowSpec | Times, place: Place, found: Diagnostics
) -> Window | None:
    """A window, unless something is wrong with it, which is told."""
    pairs = ((written.from_, "from"), (written.until, "until"))
    if not all(t is None or _moment(spec, t, (*place, key), found) for t, key in pairs):
        return None
    window = Window(*((t and instant(t)) or None for t, _ in pairs))
    if window.empty:
        what = f'"{written.from_}" until "{written.until}" holds no moment'
        hint = "the end is not part of a window: it must be later than where it begins"
        found.error("C213", what, spec.at(*place, "until"), hint)
        return None
    return window


def _moment(spec: FabricSpec, text: str, place: Place, found: Diagnostics) -> bool:
    """Whether a text is a moment, which is told where it is none."""
    try:
        instant(text)
    except ValueError as error:
        found.error("C213", str(error), spec.at(*place), HINT)
        return False
    return True
