"""What of a fabric file is in force at a moment: entries of lists may carry a `window`.

    leaks:
      - name: audit
        from: globex
        to: [acme]
        window: { from: 2027-01-01T00:00:00Z, until: 2027-02-01T00:00:00Z }

Rules that hold here:

1. The file at a moment is the file without the entries whose window does not hold that moment
   (`fabric.values.window`): nothing that reads it later knows of time. That is the definition.
2. Nobody takes a moment for granted. A file with windows is judged at a moment that somebody named,
   or at every period of the time that it speaks of (`times: from`, `until`; without them all time).
3. What is left out was checked before: a mistake in it is one at any time.
4. What was left out is remembered, so that a file can be judged again at another moment.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fabric.diagnostics import Diagnostic, InputError, Span, UndecidedError
from fabric.file.expect.expectation_spec import Expectation
from fabric.file.repair import GONE, Thinned
from fabric.file.spec import FabricSpec, Leak, Peering, ZoneRule
from fabric.file.times import WindowSpec
from fabric.values.instants import HINT, instant, told
from fabric.values.window import Window, periods

Place = tuple[str | int, ...]
LISTS: tuple[tuple[Place, str], ...] = (
    (("zones", "zone0", "services"), "boot service"),
    (("zones", "zone0", "rules"), "zone rule"),
    (("zones", "zone1", "rules"), "zone rule"),
    (("zones", "zone2", "rules"), "zone rule"),
    (("peerings",), "peering"),
    (("leaks",), "leak"),
    (("expect",), "expectation"),
)
"""Where entries may have windows, and what an entry is called."""
UNTIMED, MOST_PERIODS = "C212", 512
Entry = ZoneRule | Peering | Leak | Expectation


@dataclass(frozen=True, slots=True)
class TimedEntry:
    """An entry with a window: where it stands in the whole file, and what it is."""

    place: Place
    title: str
    window: Window
    span: Span | None


@dataclass(frozen=True, slots=True)
class JudgedAt:
    """At which moment a file was judged, the period around it in which nothing changes, the whole
    file, and the entries with windows that are in force; `times` are all periods in which exactly
    these are."""

    moment: datetime
    period: Window
    whole: FabricSpec
    active: tuple[TimedEntry, ...]
    times: tuple[Window, ...]


def entries_of(spec: FabricSpec, place: Place) -> list[Entry]:
    """The list at one of these places."""
    found: Any = spec
    for step in place:
        found = getattr(found, str(step))
    return list(found)


def window_of(written: WindowSpec | None) -> Window:
    """What is written as a window; ValueError where it cannot be read."""
    if written is None:
        return Window()
    return Window(*((text and instant(text)) or None for text in (written.from_, written.until)))


def timed_entries(spec: FabricSpec) -> tuple[TimedEntry, ...]:
    """Every entry of the whole file that has a window, in the order of `LISTS`."""
    return tuple(_timed(whole_of(spec)))


def _timed(spec: FabricSpec) -> Iterator[TimedEntry]:
    for place, kind in LISTS:
        for index, entry in enumerate(entries_of(spec, place)):
            if entry.window is not None:
                at = (*place, index)
                title = f'{kind} "{_called(entry)}"'
                yield TimedEntry(at, title, window_of(entry.window), spec.at(*at, "window"))


def _called(entry: Entry) -> str:
    if not isinstance(entry, Expectation):
        return entry.name
    return next((f"{k}: {v}" for k in ("allow", "deny", "only") if (v := getattr(entry, k))), "")


def whole_of(spec: FabricSpec) -> FabricSpec:
    """The file with everything that is in force at some time."""
    return spec.judged_at.whole if spec.judged_at else spec


def covered(spec: FabricSpec) -> Window:
    """The time that the file speaks of (rule 2)."""
    return Window(
        *((text and instant(text)) or None for text in (spec.times.from_, spec.times.until))
    )


def alike(specs: Sequence[FabricSpec]) -> tuple[tuple[Window, ...], ...]:
    """The periods of the time that some of these files speaks of, put together where in each file
    the same is in force; in order of the first of each. `UndecidedError` of too many."""
    entries = [timed_entries(spec) for spec in specs]
    spoken_of = [covered(spec) for spec in specs]
    firsts, ends = ([getattr(w, bound) for w in spoken_of] for bound in ("first", "end"))
    within = Window(None if None in firsts else min(firsts), None if None in ends else max(ends))
    found = periods((entry.window for some in entries for entry in some), within)
    if len(found) > MOST_PERIODS:
        what = (
            f"windows make {len(found):,} periods, and at most {MOST_PERIODS:,} are judged at once"
        )
        hint = "judge one moment (--at TIME), or fewer: times: { from: …, until: … }"
        span = next((some[0].span for some in entries if some), None)
        raise UndecidedError(Diagnostic("C214", what, span, hint, "unknown"))
    out: dict[tuple[bool, ...], list[Window]] = {}
    for period in found:
        key = tuple(e.window.holds(period.moment) for some in entries for e in some)
        out.setdefault(key, []).append(period)
    return tuple(map(tuple, out.values()))


def moment_in(spec: FabricSpec, asked: str | None) -> datetime | None:
    """The moment at which a file is judged: the one that is asked for, else the one that the file
    names; None where nothing depends on it. Raises `InputError` (rule 2)."""
    found = timed_entries(spec)
    if not found:
        return None
    text = asked or spec.times.at
    if text is None:
        first, more = found[0], f" and {len(found) - 1:,} more" if len(found) > 1 else ""
        what = f"nobody says when is judged, and windows limit {first.title}{more}"
        hint = "--at TIME or --at now, or times: { at: TIME } in the file; verify judges all times"
        raise InputError(Diagnostic(UNTIMED, what, first.span, hint))
    return instant(text)


def at_moment(spec: FabricSpec, moment: datetime) -> FabricSpec:
    """The file at a moment (rule 1), which remembers the whole one."""
    whole = whole_of(spec)
    found = timed_entries(whole)
    every = periods(entry.window for entry in found)
    period = next(p for p in every if p.holds(moment))
    gone = [entry.place for entry in found if not entry.window.holds(moment)]
    made = whole
    for place, _ in LISTS:
        if left := {at[-1] for at in gone if at[:-1] == place}:
            kept = [e for i, e in enumerate(entries_of(whole, place)) if i not in left]
            made = _replaced(made, place, kept)
    if made is whole:
        made = whole.model_copy()
    written = [place for place in gone if place not in whole._elsewhere]
    if written and whole._document is not None:
        made._document = Thinned(whole._document, _without(whole._document.value, written))
    if gone and whole._elsewhere:
        made._elsewhere = dict(_shifted(whole._elsewhere, gone))
    active = tuple(entry for entry in found if entry.window.holds(moment))
    times = tuple(p for p in every if all(e.window.holds(p.moment) == (e in active) for e in found))
    made._judged = JudgedAt(moment, period, whole, active, times)
    return made


def _replaced(model: Any, place: Place, value: Any) -> Any:
    """A copy of a model with another value at a place."""
    step = str(place[0])
    below = value if len(place) == 1 else _replaced(getattr(model, step), place[1:], value)
    return model.model_copy(update={step: below})


def _shifted(elsewhere: dict[Place, Span], gone: list[Place]) -> Iterator[tuple[Place, Span]]:
    """Where entries of lists stand that other files add, by their places without what is gone."""
    out: dict[Place, list[int]] = {}
    for *entries, number in gone:
        insort(out.setdefault(tuple(entries), []), int(number))
    for place, span in elsewhere.items():
        way = next((way for way in out if place[: len(way)] == way != place), None)
        if way is None:
            yield place, span
            continue
        number, *inside = place[len(way) :]
        if number not in out[way]:
            yield (*way, int(number) - bisect_left(out[way], int(number)), *inside), span


def _without(value: Any, gone: list[Place]) -> Any:
    """A copy of a document's value in which nothing is at these places."""
    out = dict(value)
    for place in gone:
        *way, last = place
        at = out
        for step in way:
            below = at[step]
            at[step] = list(below) if isinstance(below, list) else dict(below)
            at = at[step]
        at[last] = GONE
    return out


def spoken(text: str, now: datetime | None = None) -> str:
    """A moment that somebody types, as it is judged: `now` is this second, and written out.

    >>> spoken("2027-01-31T10:30:00+01:00")
    '2027-01-31T09:30:00Z'
    """
    if text == "now":
        return told((now or datetime.now(UTC)).replace(microsecond=0))
    try:
        return told(instant(text))
    except ValueError as error:
        raise InputError(Diagnostic("C213", str(error), None, f"{HINT}; or now")) from None


def said(judged: JudgedAt) -> Diagnostic:
    """The doubt that goes with every answer about one moment."""
    period = judged.period
    count = f"{len(judged.active):,} of {len(timed_entries(judged.whole)):,} entries with windows"
    what = f"judged at {told(judged.moment)}: {count} are in force"
    what += "" if period == Window() else f", the same {period}"
    rules = [entry for entry in judged.active if entry.place[0] != "expect"]
    if any(entry.window.end == period.end is not None for entry in rules):
        what += "; then some end, and flows that they permitted go on until they are decided again"
    hint = "cloison show timeline lists what changes when; verify and diff judge all times"
    return Diagnostic("C217", what, None, hint, "warning")
