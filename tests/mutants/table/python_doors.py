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
    Fault(
        "cloison/views/packets/every_explained.py",
        "alike = self.answers.pods > 1 and",
        "alike = self.answers.pods > 99 and",
        "one answer does not say that it is for several pods",
        by=DOORS + "test_one_answer_says_that_it_is_for_all_pods",
    ),
    Fault(
        "cloison/views/world.py",
        "request, to = (None, dst) if http is None else asked_request(http, headers, dst)",
        "request, to = None, dst",
        "all answers about a request are about connections",
        by=DOORS + "test_why_the_other_version_passes_and_why_a_request_does_not",
    ),
    Fault(
        "cloison/views/network/drawn.py",
        "if tenant is not None and tenant not in known:",
        "if False:",
        "a tenant that nobody has is drawn as one without nodes",
        by=DOORS + "test_nobody_is_drawn_whom_nobody_knows",
    ),
    Fault(
        "cloison/views/isolation/isolation_matrix.py",
        'verdict="unknown" if proof.pending else "computed"',
        'verdict="computed"',
        "a matrix that is unknown is drawn with exit code 0",
        by="tests/cloison/test_exit_codes.py",
    ),
    Fault(
        "cloison/verbs/api.py",
        "if is_cluster(found.network):",
        "if False:",
        "every order of devices is safe in a world that has none",
        by="tests/cloison/verbs/test_doors.py::test_manifests_alone_have_no_devices_and_no_lines",
    ),
    Fault(
        "cloison/views/dumps/compiled.py",
        "more = written.nodes(self.program)",
        "more = ()",
        "Python has no configuration of a leaf",
        by=DOORS + "test_what_is_compiled",
    ),
    Fault(
        "cloison/cli/files/compile.py",
        "more = {node for dumper in dumpers for node in dumper.nodes(program)}",
        "more = set()",
        "a leaf by itself has no configuration",
        by="tests/cloison/cli/files/test_compile.py",
    ),
    Fault(
        "cloison/verbs/api.py",
        "if not is_cluster(there.network):",
        "if True:",
        "Python calls pods of manifests otherwise than reach does",
        by=DOORS + "test_who_reaches_whom_in_manifests",
    ),
    Fault(
        "cloison/views/verification/verified.py",
        '"down": sorted(proof.network.fabric.down),',
        '"down": [],',
        "a proof does not say what had failed",
        by=DOORS + "test_what_is_proven",
    ),
    Fault(
        "cloison/views/reports/simulated.py",
        "if not is_cluster(self.world.network):",
        "if True:",
        "a simulation of manifests does not say who reaches whom",
        by=DOORS + "test_what_is_simulated",
    ),
)
