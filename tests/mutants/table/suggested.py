"""Faults of suggestions: what to write where an expectation fails."""

from __future__ import annotations

from mutants.table import Fault

LAW = "tests/sim/diff/suggested/test_search.py"
CLI = "tests/cloison/cli/verification/test_suggest.py"
TEXT, TEXTS = "fabric/file/text_edits.py", "tests/fabric/file/test_text_edits.py"
PATCHES = "sim/diff/suggested/patches.py"
LEAST, FLOWS = "sim/diff/permitted/least.py", "tests/sim/diff/permitted"
SEARCH = "sim/diff/suggested/search.py"
FAULTS = (
    Fault(
        SEARCH,
        'if after.holds and (verdict := self.kept(other)) != "fails":',
        "if after.holds and (verdict := self.kept(other)):",
        "a suggestion breaks another expectation",
        by="tests/sim/diff/suggested/test_search.py::test_what_was_unknown_does_not_fail_by_a_suggestion",
    ),
    Fault(
        SEARCH,
        "if row.kind not in WAYS[claim.kind] or claim.parts:",
        "if claim.parts:",
        "access that a deny opens is what it asks for",
        by=f"{LAW}::test_what_is_meant_is_said_by_kind_ports_and_ends",
    ),
    Fault(
        SEARCH,
        'if claim.kind != "only" and bool((change.ports & others).any()):',
        "if False:",
        "other ports than an expectation names are what it asks for",
        by=f"{LAW}::test_what_is_meant_is_said_by_kind_ports_and_ends",
    ),
    Fault(
        SEARCH,
        "return bool(named) and meant.issuperset(named)",
        "return True",
        "whoever gains or loses is who an expectation is about",
        by=f"{LAW}::test_what_is_meant_is_said_by_kind_ports_and_ends",
    ),
    Fault(
        "sim/diff/suggested/file_edits.py",
        'return FileEdit(at[: depth + 1], "set", inside, words)',
        'return FileEdit(at, "append", entry, words)',
        "a list that is not there is appended to",
        by=CLI,
    ),
    Fault(
        "sim/diff/suggested/file_edits.py",
        'f"  - {_flow(edit.row())}" for edit in edits)',
        'f"  - {_flow(edit.row())}" for edit in edits if edit.tenant)',
        "edits of the fabric file are not written",
        by=CLI,
    ),
    Fault(
        SEARCH,
        "others = found.sides.space.touching(claim.ports, inverse=True)",
        "others = ~found.sides.space.touching(claim.ports)",
        "ports beside those of an expectation are its own where nothing tells them apart",
        by=f"{LAW}::test_what_is_meant_is_said_by_kind_ports_and_ends",
    ),
    Fault(
        SEARCH,
        "return bool(end.addresses) and not any(outside)",
        "return bool(end.addresses)",
        "all addresses of the outside are those that an expectation names",
        by=f"{LAW}::test_addresses_of_the_outside_are_those_that_are_written",
    ),
    Fault(
        SEARCH,
        "return now[self.at]",
        'return "holds"',
        "a line holds by an edit although it fails with a link",
        by=f"{LAW}::test_a_line_holds_under_its_failures_too",
    ),
    Fault(
        "cloison/verbs/suggesting.py",
        'elif verdict == "fails":',
        'elif verdict == "never":',
        "what fails only under a failure is told not to fail",
        by=f"{LAW}::test_what_fails_under_a_failure_alone_is_told",
    ),
    Fault(
        TEXT,
        'if "#" in self.text[start:stop]:',
        "if False:",
        "a comment goes with what is written anew",
        by=TEXTS,
    ),
    Fault(
        TEXT,
        "if not _same([one.value for one in after], wanted):",
        "if False:",
        "a text that says something else is a patch",
        by=TEXTS,
    ),
    Fault(
        PATCHES,
        "if shared := [path for path in found if path in theirs]:",
        "if shared := [path for path in found if False]:",
        "an edit of one tenant is made in a file of two",
        by=f"{CLI}::test_what_two_tenants_read_is_patched_for_neither",
    ),
    Fault(
        "cloison/verbs/suggesting.py",
        "done += best.edits",
        "done = [*best.edits]",
        "a patch has the edits for the last expectation alone",
        by=f"{CLI}::test_edits_of_a_patch_go_together",
    ),
    Fault(
        LEAST,
        "if region.change is not Became.LOST",
        "if region.change is Became.ASKED",
        "what one replica did is opened to all, and not told",
        by=f"{FLOWS}/test_least.py::test_what_one_replica_alone_may_do_is_not_opened_to_all",
    ),
    Fault(
        LEAST,
        "if self.gained or self.stopped or self.beyond or gains:",
        "if self.stopped or self.beyond or gains:",
        "policies that open more are proven",
        by="tests/sim/diff/permitted/test_least.py::test_what_one_replica_alone_may_do_is_not_opened_to_all[True]",
    ),
    Fault(
        "sim/diff/permitted/policies.py",
        'spec = _spec(old.spec.get("podSelector", {}), {})',
        "continue",
        "policies of before go on to permit",
        by=f"{FLOWS}/test_least.py::test_ports_have_names_and_policies_that_are_there_are_gone_on_with",
    ),
    Fault(
        "sim/diff/permitted/policies.py",
        "own = {key: lists.get(key, []) for key, _ in LISTS}",
        "own = lists",
        "kubectl apply keeps a list of rules that another one owns",
        by=f"{FLOWS}/test_least.py::test_ports_have_names_and_policies_that_are_there_are_gone_on_with",
    ),
    Fault(
        "sim/diff/permitted/policies.py",
        "if (self._versions(source) & self._versions(target)) - versions:",
        "if False:",
        "the IP version that was not seen is permitted, and not told",
        by=f"{FLOWS}/test_least.py::test_what_was_seen_over_one_version_is_permitted_over_both_and_told",
    ),
    Fault(
        LEAST,
        "rooms = rooms if sayable else frozenset()",
        "rooms = rooms",
        "what nothing was observed of is denied, and proven",
        by=f"{FLOWS}/test_least.py::test_where_no_flow_is_taken_nothing_is_suggested",
    ),
    Fault(
        "fabric/file/yaml/written_yaml.py",
        "if TAKEN_OTHERWISE.fullmatch(value) else None",
        "if False else None",
        "text is written that readers take for a number",
        by="tests/fabric/file/yaml/test_written_yaml.py::test_what_some_reader_takes_for_something_else_is_quoted",
    ),
    Fault(
        "sim/diff/permitted/label_groups.py",
        "narrow, wide = meeting",
        "return found",
        "a selector is about pods of another group too",
        by=f"{FLOWS}/test_least.py::test_pods_that_no_label_tells_apart_are_one",
    ),
    Fault(
        "sim/diff/permitted/observed.py",
        "why = DROPPED_THERE if flow.passed is False and not self.dropped_too else why",
        "why = why",
        "what was dropped where it was observed is opened",
        by=f"{FLOWS}/test_observed.py::test_logs_name_pods_or_addresses",
    ),
    Fault(
        "sim/diff/permitted/observed.py",
        "elif pending(touch.of(*(end for end in ends if end >= 0))):",
        "elif False:",
        "a flow of which nobody knows whether it passes is permitted",
        by=f"{FLOWS}/test_observed.py::test_a_flow_that_may_be_denied_is_not_taken",
    ),
    Fault(
        "sim/diff/permitted/observed.py",
        "return ANSWER if sport < EPHEMERAL <= dport else UNCLEAR",
        "return None",
        "answers open ports of clients",
        by=f"{FLOWS}/test_observed.py::test_a_flow_is_what_opens_a_connection",
    ),
    Fault(
        "sim/diff/noticed/used.py",
        "met = (self.by_flows.entries > 0) | (self.by_expectations.entries > 0)",
        "met = self.by_flows.entries > 0",
        "entries that expectations speak of are told to be met by nothing",
        by="tests/sim/diff/noticed/test_used.py",
    ),
    Fault(
        "sim/diff/noticed/used.py",
        "_by_line(world, flows))",
        "_by_line(world, _met(world, _asked(world, claims), None)))",
        "what expectations speak of is told to be used by flows",
        by="tests/sim/diff/noticed/test_used.py::test_flows_meet_what_decides_them",
    ),
    Fault(
        SEARCH,
        'if any(now[at] == "fails" and said != "fails" for at, said in was.items()):',
        "if False:",
        "what was unknown fails by a suggestion",
        by=f"{LAW}::test_what_was_unknown_does_not_fail_by_a_suggestion",
    ),
    Fault(
        SEARCH,
        'beside, unknown = tuple(self.beside(other)), verdict == "unknown"',
        "beside, unknown = tuple(self.beside(other)), False",
        "what is unknown is told to hold",
        by=f"{LAW}::test_what_was_unknown_does_not_fail_by_a_suggestion",
    ),
)
