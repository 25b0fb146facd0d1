"""Faults in what is shown where changes are reviewed: green that is not true, a stranger who
commands, a line that is another one's, a file that nobody takes."""

from __future__ import annotations

from mutants.table import Fault

A = "cloison/render/ci/annotation.py"
ROOM = "tests/cloison/render/ci"
LAWS = f"{ROOM}/test_annotation.py"
LIMITS = f"{ROOM}/test_limits.py"
LINES = f"{ROOM}/test_repository_lines.py"
VERBS = "tests/cloison/cli/shell/test_annotate.py"

FAULTS = (
    Fault(
        A,
        'LEVELS = {"error": "error", "fails": "error", "unknown": "error", "doubt": "warning"}',
        'LEVELS = {"error": "error", "fails": "error", "unknown": "warning", "doubt": "warning"}',
        "unknown is no more than a warning where changes are reviewed",
        by=f"{LAWS}::test_no_format_is_greener_than_the_answer",
    ),
    Fault(
        A,
        'if verdict not in ("holds", "computed") and not any(a.said == _worst(verdict) for a in listed):',
        "if False:",
        "an answer that does not hold and of which nobody says why is green in CI",
        by=f"{LAWS}::test_no_format_is_greener_than_the_answer",
    ),
    Fault(
        A,
        'open_ = {a.case for a in listed if a.said != "doubt"}',
        "open_ = set[str]()",
        "a case that fails stands as passed as well",
        by=f"{LAWS}::test_what_is_said_twice_is_told_once_and_what_is_open_does_not_pass",
    ),
    Fault(
        A,
        'key = *what, *(NUMBERS.sub("", text) for text in words)',
        "key = *what, *words",
        "a fingerprint changes when lines above it are added",
        by=f"{LAWS}::test_a_fingerprint_stays_when_lines_move_and_is_nobody_elses",
    ),
    Fault(
        A,
        'text = "\\0".join((*key, str(count[key])))',
        'text = "\\0".join(key)',
        "two findings that say the same have one fingerprint, and one is not shown",
        by=f"{LAWS}::test_a_fingerprint_stays_when_lines_move_and_is_nobody_elses",
    ),
    Fault(
        "cloison/render/ci/junit.py",
        'kind = "failure" if one.said == "fails" else "error"',
        'kind = "failure" if one.said == "fails" else "skipped"',
        "unknown is skipped, which CI takes for green",
        by=f"{LAWS}::test_junit",
    ),
    Fault(
        "cloison/render/ci/junit.py",
        'if one.said != "doubt":',
        'if one.said == "fails":',
        "what is unknown is in no case of JUnit",
        by=f"{LAWS}::test_junit",
    ),
    Fault(
        "cloison/render/ci/github.py",
        'DATA = {"%": "%25", "\\r": "%0D", "\\n": "%0A"}',
        'DATA = {"\\r": "%0D", "\\n": "%0A"}',
        "%0A in a name ends a line of a message",
        by=f"{LAWS}::test_github",
    ),
    Fault(
        "cloison/render/ci/github.py",
        'PROPERTY = {**DATA, ":": "%3A", ",": "%2C"}',
        "PROPERTY = DATA",
        "a file's name sets the line and the title",
        by=f"{LAWS}::test_github",
    ),
    Fault(
        "cloison/render/ci/repository_lines.py",
        'return NOT_XML.sub("\\ufffd", visible(text).replace("\\n", " "))',
        "return text",
        "names of strangers hide, end lines and are no XML",
        by=f"{LAWS}::test_nothing_hides",
    ),
    Fault(
        "cloison/render/ci/sarif.py",
        'return {"text": LIVE.sub(r"\\\\\\1", text).replace("{", "{{").replace("}", "}}")}',
        'return {"text": text}',
        "a name makes a link in code scanning",
        by=f"{LAWS}::test_sarif",
    ),
    Fault(
        "cloison/render/ci/sarif.py",
        'here = _location(one.here or FileLine(path, 1, 1, "repository", path))',
        'here = _location(one.at or FileLine(path, 1, 1, "repository", path))',
        "a line of the old side is pointed to in the new text",
        by=f"{LAWS}::test_sarif",
    ),
    Fault(
        "cloison/render/ci/gitlab.py",
        '"severity": SEVERITY[one.said],',
        '"severity": one.said,',
        "GitLab does not take the report",
        by=f"{LAWS}::test_gitlab",
    ),
    Fault(
        "cloison/render/ci/limits.py",
        "return items[: most - 1], len(items) - most + 1",
        "return items[: most - 1], len(items) - most",
        "more is left out than the output says",
        by=f"{LIMITS}::test_a_runner_shows_ten_of_a_level_and_the_last_says_how_many_more",
    ),
    Fault(
        "cloison/render/ci/sarif.py",
        "if packed(text) <= PACKED or most == 1:",
        "if True:",
        "a log is larger than code scanning takes, and is not shown at all",
        by=f"{LIMITS}::test_sarif_is_packed_into_what_is_uploaded",
    ),
    Fault(
        "cloison/render/ci/limits.py",
        "if room < 0:",
        "if False:",
        "a comment is longer than it may be, and nobody gets it",
        by=f"{LIMITS}::test_a_comment_is_never_longer_than_it_may_be",
    ),
    Fault(
        "cloison/render/ci/repository_lines.py",
        "return inside, OLD if mount == old else REPOSITORY",
        "return inside, REPOSITORY",
        "lines of the old side pass for lines of the new text",
        by=f"{LINES}::test_a_mounted_revision_is_its_repository",
    ),
    Fault(
        "cloison/render/ci/repository_lines.py",
        "real, here = path.resolve(), Path.cwd().resolve()",
        "real, here = path.absolute(), Path.cwd().resolve()",
        "a link out of the repository is told as if it were its file",
        by=f"{LINES}::test_a_link_is_the_file_that_it_leads_to",
    ),
    Fault(
        "cloison/views/annotated.py",
        'if proof.verdict == "holds" or not (proof.pending or {*told} - {*map(clean, claims)}):',
        "if True:",
        "isolation passes as a case although something that may break it is not evaluated",
        by=f"{VERBS}::test_unknown_is_never_green",
    ),
    Fault(
        "cloison/views/annotated.py",
        'passed = [f"{verb} of {subject}"] if verdict == "holds" else []',
        'passed = [f"{verb} of {subject}"]',
        "the check of a file that nobody can judge passes as a case",
        by=f"{VERBS}::test_unknown_is_never_green",
    ),
    Fault(
        "cloison/cli/shell/annotate.py",
        "raise click.exceptions.Exit(code) from None",
        "return",
        "wrong input is exit code 0 in a job of GitHub",
        by=f"{VERBS}::test_wrong_input_is_annotated_and_stays_wrong_input",
    ),
    Fault(
        "cloison/cli/shell/annotate.py",
        "self.tell(report)\n            if self.speaks:",
        "if self.speaks:",
        "a report of wrong input is an empty file, which CI takes for green",
        by=f"{VERBS}::test_wrong_input_is_annotated_and_stays_wrong_input",
    ),
)
