"""Faults of what Python users call where others have commands."""

from __future__ import annotations

from mutants.table import Fault

DOORS = "tests/cloison/verbs/test_doors.py::"

FAULTS = (
    Fault(
        "cloison/verbs/api.py",
        "failed, only_fabric=True)",
        "failed)",
        "Python answers of a folder of manifests what the command refuses",
        by=DOORS + "test_questions_about_fabric_files_refuse_folders_of_manifests",
    ),
    Fault(
        "cloison/verbs/api.py",
        "there = fabric_world(source, down, accept_unevaluated)",
        "there = fabric_world(source, None, accept_unevaluated)",
        "coverage in Python is that of a network where nothing failed",
        by=DOORS + "test_what_expectations_notice",
    ),
    Fault(
        "cloison/verbs/covering.py",
        "    if flows:",
        "    if not offers and not flows:",
        "what flows met is left out of what is covered",
        by=DOORS + "test_what_expectations_notice",
    ),
    Fault(
        "cloison/views/changes/rolled_out.py",
        'raise TypeError(f"compare .verdict, which is {self.verdict}: it is not true or false")',
        "return True",
        "every rollout is true",
        by=DOORS + "test_no_answer_of_several_kinds_is_true_or_false",
    ),
    Fault(
        "cloison/views/verification/lines_to_keep.py",
        "for of in self.found.lines)",
        "for of in self.found.crossing)",
        "lines that stay inside of tenants are text and no rows",
        by=DOORS + "test_lines_that_hold_now",
    ),
)
