"""Windows are half open, and periods cut all time exactly where something changes."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fabric.values.window import Window, periods

START = datetime(2027, 1, 1, tzinfo=UTC)
moments = st.integers(0, 9).map(lambda hours: START + timedelta(hours=hours))
bounds = st.none() | moments
windows = st.builds(Window, bounds, bounds)
STEPS = [START + timedelta(minutes=30 * n - 60) for n in range(24)]


def test_the_first_moment_is_in_a_window_and_the_last_bound_is_not() -> None:
    end = START + timedelta(hours=1)
    window, tick = Window(START, end), timedelta(microseconds=1)
    inside = [window.holds(at) for at in (START - tick, START, end - tick, end)]
    assert inside == [False, True, True, False]
    assert Window(START, START).empty and not window.empty


@given(windows.filter(lambda window: not window.empty))
def test_a_window_has_its_moment(window: Window) -> None:
    assert window.holds(window.moment)
    assert window.moment.microsecond == 0


@given(windows, windows)
def test_what_two_windows_have_in_common(one: Window, two: Window) -> None:
    both = one.common(two)
    assert all(both.holds(at) == (one.holds(at) and two.holds(at)) for at in STEPS)
    assert one.meets(two) == any(one.holds(at) and two.holds(at) for at in STEPS)


@given(st.lists(windows), windows.filter(lambda window: not window.empty))
def test_periods_are_the_whole_time_and_nothing_changes_in_one(
    some: list[Window], within: Window
) -> None:
    found = periods(some, within)
    for at in STEPS:
        mine = [period for period in found if period.holds(at)]
        assert len(mine) == within.holds(at)
        for period in mine:
            assert [w.holds(at) for w in some] == [w.holds(period.moment) for w in some]
    assert all(one.end == two.first for one, two in itertools.pairwise(found))
    assert (found[0].first, found[-1].end) == (within.first, within.end)
