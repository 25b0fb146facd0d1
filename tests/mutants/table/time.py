"""Faults of time: what makes a file green that is open at another moment."""

from __future__ import annotations

from mutants.table import Fault

WINDOW = "fabric/values/window.py"
FILE = "fabric/file/in_force.py"
CHECKS = "fabric/checks/moments.py"
OVER = "cloison/verbs/over_time.py"
VERIFIED = "cloison/views/times/verified_times.py"
CHANGED = "cloison/views/times/changed_times.py"
SAME = "sim/checker/same_file.py"
ALL = "sim/checker/all_times.py"
OF_WINDOWS = "tests/fabric/values/test_window.py::"
OF_FILES = "tests/fabric/file/test_in_force.py::"
VERBS = "tests/cloison/cli/test_at_all_times.py::"
CHECKER = "tests/sim/checker/test_all_times.py::"
ERRORS = "tests/fabric/test_errors.py::"

FAULTS = (
    Fault(
        "cloison/verbs/proving.py",
        "for number, part in enumerate(every, 1):",
        "for number, part in enumerate(every[:1], 1):",
        "the first period of a file stands for all",
        by=VERBS + "test_verify_asks_every_period_and_says_when_something_is_wrong",
    ),
    Fault(
        "cloison/verbs/proving.py",
        "untried = untried or tuple(proof.untried)",
        "untried = tuple(proof.untried)",
        "certificates are written although one period was not tried",
        by="tests/sim/proof/availability/test_untried.py::test_a_period_that_was_not_tried_leaves_all_times_without_a_certificate",
    ),
    Fault(
        "cloison/verbs/comparing.py",
        "refuse(worlds)",
        "pass",
        "approvals, which say no time, are asked of files with windows",
        by="tests/cloison/cli/test_at_all_times.py::test_approvals_do_not_say_when",
    ),
    Fault(
        WINDOW,
        "return begun and (self.end is None or moment < self.end)",
        "return begun and (self.end is None or moment <= self.end)",
        "a rule is in force at the moment at which it ends",
        by=OF_WINDOWS + "test_the_first_moment_is_in_a_window_and_the_last_bound_is_not",
    ),
    Fault(
        WINDOW,
        "begun = self.first is None or self.first <= moment",
        "begun = self.first is None or self.first < moment",
        "a rule is not in force in its first moment",
        by=OF_WINDOWS + "test_the_first_moment_is_in_a_window_and_the_last_bound_is_not",
    ),
    Fault(
        WINDOW,
        "for at in (window.first, window.end) if at is not None}",
        "for at in (window.first,) if at is not None}",
        "nobody looks at what is true once a window has ended",
        by=OF_WINDOWS + "test_periods_are_the_whole_time_and_nothing_changes_in_one",
    ),
    Fault(
        WINDOW,
        "if within.holds(at) and at != within.first]",
        "if within.holds(at) and at == within.first]",
        "a time is one period, whatever begins and ends in it",
        by=OF_WINDOWS + "test_periods_are_the_whole_time_and_nothing_changes_in_one",
    ),
    Fault(
        FILE,
        "key = tuple(e.window.holds(period.moment) for some in entries for e in some)",
        "key = tuple(e.window.holds(period.moment) for some in entries[:1] for e in some)",
        "a window of the new file that moved is in a period of the old one",
        by=VERBS + "test_diff_finds_a_window_that_moved",
    ),
    Fault(
        FILE,
        "found = periods((entry.window for some in entries for entry in some), within)",
        "found = periods((entry.window for some in entries[:1] for entry in some), within)",
        "a window that only the new file has is not looked at",
        by=VERBS + "test_diff_finds_a_window_that_only_one_side_has",
    ),
    Fault(
        FILE,
        "if len(found) > MOST_PERIODS:",
        "if False:",
        "a file makes as many worlds as it likes",
        by=OF_FILES + "test_too_many_periods_are_not_judged_at_once",
    ),
    Fault(
        FILE,
        "text = asked or spec.times.at",
        "text = spec.times.at or asked",
        "the moment that somebody asks for is not the one that is judged",
        by=OF_FILES + "test_nothing_is_judged_at_a_moment_that_nobody_named",
    ),
    Fault(
        FILE,
        "    if text is None:\n        first, more",
        "    if text is None:\n        return datetime.now(UTC)\n        first, more",
        "what nobody dated is judged now",
        by=OF_FILES + "test_nothing_is_judged_at_a_moment_that_nobody_named",
    ),
    Fault(
        FILE,
        '    (("leaks",), "leak"),\n',
        "",
        "leaks are in force at all times, whatever their window says",
        by=OF_FILES + "test_every_entry_is_in_force_in_its_window_alone",
    ),
    Fault(
        FILE,
        '    (("peerings",), "peering"),\n',
        "",
        "peerings are in force at all times, whatever their window says",
        by=OF_FILES + "test_every_entry_is_in_force_in_its_window_alone",
    ),
    Fault(
        FILE,
        '    (("zones", "zone0", "services"), "boot service"),\n',
        "",
        "boot services are in force at all times, whatever their window says",
        by=OF_FILES + "test_every_entry_is_in_force_in_its_window_alone",
    ),
    Fault(
        FILE,
        '    (("expect",), "expectation"),\n',
        "",
        "an expectation is asked when nobody expects it",
        by=VERBS + "test_an_expectation_with_a_window_is_asked_then_alone",
    ),
    Fault(
        FILE,
        "if written and whole._document is not None:",
        "if False:",
        "the line of a rule is that of the one which is not in force",
        by=OF_FILES + "test_a_line_is_found_behind_what_is_left_out",
    ),
    Fault(
        FILE,
        "return spec.judged_at.whole if spec.judged_at else spec",
        "return spec",
        "what was not in force once is in force at no time",
        by=OF_FILES + "test_a_line_is_found_behind_what_is_left_out",
    ),
    Fault(
        "fabric/building/build.py",
        "ever = keys.union(o.key for i in intents(whole_of(spec), vrfs) for o in i.offers)",
        "ever = keys",
        "a leak that begins takes other numbers than it was promised",
        by=OF_FILES + "test_numbers_of_a_leak_are_there_before_it",
    ),
    Fault(
        "fabric/building/build.py",
        "if spec.judged_at is None and (moment := moment_in(spec, None)) is not None:",
        "if False and (moment := moment_in(spec, None)) is not None:",
        "a file whose moment nobody named has everything in force at once",
        by=OF_FILES + "test_nothing_is_judged_at_a_moment_that_nobody_named",
    ),
    Fault(
        CHECKS,
        'tell = found.error if place[0] == "expect" else found.warn',
        "tell = found.warn",
        "an expectation that is never asked is passed over",
        by=ERRORS + "test_exact_text",
    ),
    Fault(
        CHECKS,
        "    if window.empty:",
        "    if False:",
        "a window that holds no moment is one",
        by=ERRORS + "test_exact_text",
    ),
    Fault(
        OVER,
        "return (world, None) if spec.judged_at is None else (None, whole_of(spec))",
        "return world, None",
        "verify is green at the moment that the file names, and a window opens tomorrow",
        by=VERBS + "test_a_window_that_opens_tomorrow_is_found_whatever_moment_the_file_names",
    ),
    Fault(
        OVER,
        "if how.at is not None or all(w.network.spec.judged_at is None for w in worlds):",
        "if True:",
        "diff says that nothing changed, since both files name a moment at which they agree",
        by=VERBS + "test_a_moment_that_the_file_names_is_none_for_a_comparison",
    ),
    Fault(
        OVER,
        "    if spec is not None and how.at is None:",
        "    if False:",
        "Python proves all times at one moment",
        by=VERBS + "test_python_asks_at_a_moment_or_is_refused",
    ),
    Fault(
        OVER,
        "    if spec is not None:\n        first = timed_entries",
        "    if False:\n        first = timed_entries",
        "what was approved for a day is approved for ever",
        by=VERBS + "test_approvals_do_not_say_when",
    ),
    Fault(
        VERIFIED,
        "return worst([one.verdict for one in found])",
        "return found[0].verdict",
        "the verdict is that of the first period",
        by=VERBS + "test_a_window_that_does_not_close_is_blamed_to_its_entry",
    ),
    Fault(
        VERIFIED,
        'first["when"] += [period.row() for period in one.periods]',
        'first["when"] += [period.row() for period in one.periods[:1]]',
        "a finding is true at more times than are told",
        by=VERBS + "test_verify_asks_every_period_and_says_when_something_is_wrong",
    ),
    Fault(
        CHANGED,
        "return next(word for word in WORST if any(one.verdict == word for one in found))",
        "return found[0].verdict",
        "the difference is that of the first period",
        by=VERBS + "test_diff_finds_a_window_that_moved",
    ),
    Fault(
        CHANGED,
        "if out and out[-1].end is not None and out[-1].end == period.first:",
        "if out:",
        "what differs on Monday and Friday is told of the days between",
        by=VERBS + "test_diff_finds_a_window_that_moved",
    ),
    Fault(
        "cloison/loading/kept_worlds.py",
        "sorted(self.how.on.items())",
        'sorted((name, of) for name, of in self.how.on.items() if name != "time")',
        "a world that is kept is that of another moment",
        by=VERBS + "test_what_is_kept_is_of_its_moment",
    ),
    Fault(
        "cloison/views/caveats/diagnosed.py",
        'if warning.code == "C217":',
        "if False:",
        "an answer about one moment does not say which",
        by=VERBS + "test_text_tells_it_on_stdout",
    ),
    Fault(
        "cloison/verbs/checking.py",
        "if how.at is None and (spec := timed(path, text, found)) is not None:",
        "if False and (spec := timed(path, text, found)) is not None:",
        "check reads a file at one moment",
        by=VERBS + "test_check_reads_the_file_at_all_times",
    ),
    Fault(
        "sim/checker/validity.py",
        'if certificate.get("times") != wanted.get("times"):',
        "if False:",
        "a certificate is valid that says more moments than its world is of",
        by=CHECKER + "test_times_that_are_stretched_are_not_valid",
    ),
    Fault(
        SAME,
        "return (first is None or first <= begin) and (end is None or begin < end)",
        "return first is None or first <= begin",
        "the checker takes what has ended to be in force",
        by=OF_FILES + "test_every_period_is_of_one_file_and_the_checker_finds_the_same_ones",
    ),
    Fault(
        ALL,
        "    if reached < end:",
        "    if False:",
        "certificates leave a moment out",
        by=CHECKER + "test_a_moment_that_nobody_speaks_of_is_told",
    ),
    Fault(
        ALL,
        "        if first > reached:",
        "        if False:",
        "certificates leave a moment out between others",
        by=CHECKER + "test_a_moment_that_nobody_speaks_of_is_told",
    ),
    Fault(
        ALL,
        "if any(a[1] > b[0] for a, b in pairwise(spans)):",
        "if False:",
        "two certificates say different things of one moment",
        by=CHECKER + "test_a_moment_that_two_speak_of_is_told",
    ),
    Fault(
        ALL,
        "if [_moment(at) for at in wanted] != [_moment(at) for at in there]:",
        "if False:",
        "certificates cover less than the file speaks of, and are valid",
        by=CHECKER + "test_covering_less_than_the_file_speaks_of_is_not_valid",
    ),
    Fault(
        ALL,
        'if found["verdict"] != next(word for word in WORST if word in said):',
        "if False:",
        "certificates that fail say together that all holds",
        by=CHECKER + "test_the_verdict_is_the_worst",
    ),
    Fault(
        ALL,
        'if digest_of(found) != found["digest"]:',
        "if False:",
        "what stands beside certificates was changed",
        by=CHECKER + "test_what_is_changed_does_not_fit_the_digest",
    ),
    Fault(
        "sim/why/blame.py",
        "if (at := judged.whole.at(*entry.place)) is not None and at in spans:",
        "if False:",
        "a window that does not close is not told where it lets something pass",
        by="tests/topologies/test_timed.py::"
        "test_a_window_that_does_not_close_is_found_and_its_line_is_told",
    ),
    Fault(
        "cloison/verbs/watching.py",
        "refuse_one_moment((old, new), self.how)",
        "pass",
        "who watches a file hears of one moment",
        by=VERBS + "test_a_comparison_that_watches_asks_for_a_moment",
    ),
    Fault(
        OVER,
        'found = (replace(d, message=f"{d.message} ({part.times})") for d in error.diagnostics)',
        "found = iter(error.diagnostics)",
        "a mistake of some times is told as one of all",
        by=VERBS + "test_what_is_wrong_at_some_time_is_told_with_it",
    ),
    Fault(
        WINDOW,
        "return self.end.replace(microsecond=0) - SHORTLY",
        "return self.end.replace(microsecond=0)",
        "what is before a bound is judged behind it",
        by=OF_WINDOWS + "test_a_window_has_its_moment",
    ),
)
