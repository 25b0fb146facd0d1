"""Faults of approvals: what makes one accept more than its reviewer saw."""

from __future__ import annotations

from mutants.table import Fault

REGIONS = "sim/diff/access_regions.py"
FILES = "cloison/loading/approvals.py"
VIEW = "cloison/views/changes/approved.py"
LAW = "tests/sim/diff/test_access_regions.py::"
READ = "tests/cloison/loading/test_approvals.py::"
VERB = "tests/cloison/cli/changes/test_approve.py::"
ALONE = "tests/cloison/cli/changes/test_approved_alone.py::"

FAULTS = (
    Fault(
        REGIONS,
        "return self.kind, self.version, self.own",
        "return self.kind, 4, self.own",
        "who approved IPv4 approved IPv6",
        by=LAW + "test_whatever_differs_by_one_is_more",
    ),
    Fault(
        REGIONS,
        "if not (source and target and ports):\n        yield region\n        return",
        "if not (source and target and ports):\n        return",
        "what has nothing in common with an approval is approved by it",
        by=LAW + "test_what_is_left_is_what_enumeration_leaves",
    ),
    Fault(
        REGIONS,
        "if rest := _rest(region.source, less.source):",
        "if False:",
        "who approved one sender approved all",
        by=LAW + "test_what_is_left_is_what_enumeration_leaves",
    ),
    Fault(
        REGIONS,
        "if rest := _rest(region.target, less.target):",
        "if False:",
        "who approved one receiver approved all",
        by=LAW + "test_what_is_left_is_what_enumeration_leaves",
    ),
    Fault(
        REGIONS,
        "if boxes := _left(region.ports, less.ports):",
        "if False:",
        "who approved one port approved all",
        by=LAW + "test_whatever_differs_by_one_is_more",
    ),
    Fault(
        REGIONS,
        'for axis in ("protocols", "dport", "sport"):',
        'for axis in ("protocols", "dport"):',
        "who approved one source port approved all",
        by=LAW + "test_whatever_differs_by_one_is_more",
    ),
    Fault(
        REGIONS,
        "if b.fields not in ((), a.fields):",
        "if False:",
        "who approved packets of one class of traffic approved all of them",
        by=LAW + "test_what_further_fields_limit_is_the_same_only_where_they_are",
    ),
    Fault(
        REGIONS,
        "units = (((of.key.vrf, u.name), (u.address, u.address)) for u in of.units)",
        'units = ((("", u.name), (u.address, u.address)) for u in of.units)',
        "an approval of one tenant is one of another tenant with the same names",
        by=ALONE + "test_another_tenant_with_the_same_addresses_is_not_approved",
    ),
    Fault(
        REGIONS,
        "units = (((of.key.vrf, u.name), (u.address, u.address)) for u in of.units)",
        'units = (((of.key.vrf, ""), (u.address, u.address)) for u in of.units)',
        "an address that somebody else has by now is approved",
        by=ALONE + "test_an_address_that_somebody_else_has_is_not_approved",
    ),
    Fault(
        REGIONS,
        "units = (((of.key.vrf, u.name), (u.address, u.address)) for u in of.units)",
        "units = (((of.key.vrf, u.name), (0, 0)) for u in of.units)",
        "a name stands for whatever addresses it has later",
        by=ALONE + "test_a_name_that_has_another_address_is_not_approved",
    ),
    Fault(
        FILES,
        "return at >= self.expires",
        "return False",
        "approvals do not end",
        by=VERB + "test_an_approval_ends",
    ),
    Fault(
        FILES,
        'if "T" not in text.upper() or found.tzinfo is None:',
        "if False:",
        "an approval ends at a time of no zone",
        by=READ + "test_every_mistake_has_its_line",
    ),
    Fault(
        FILES,
        'text = text if box.sport == ALL_PORTS else f"{text} from {_range(box.sport)}"',
        'text = text if box.sport in (ALL_PORTS, (0, 0)) else f"{text} from {_range(box.sport)}"',
        "what is approved from one source port is approved from all",
        by=READ + "test_layer_4_is_written_exactly",
    ),
    Fault(
        FILES,
        '**({"own_node": True} if region.own else {}),',
        "",
        "what is approved of pods and their own nodes is approved of all nodes",
        by=READ + "test_what_is_written_is_what_is_read",
    ),
    Fault(
        FILES,
        "if key not in keys:",
        "if False:",
        "a limit that is spelt wrong is passed over",
        by=READ + "test_every_mistake_has_its_line",
    ),
    Fault(
        VIEW,
        'return "holds" if self.decided else "unknown"',
        'return "holds"',
        "unknown is green where all that is known was approved",
        by=VERB + "test_unknown_is_its_own_outcome",
    ),
    Fault(
        VIEW,
        "return not (self.beyond or self.other)",
        "return not self.beyond",
        "a new peer, or a Service that leads elsewhere, needs nobody's approval",
        by=ALONE + "test_a_service_that_leads_elsewhere_is_not_approved",
    ),
    Fault(
        VIEW,
        "if not found.decided:",
        "if False:",
        "what nobody knows is approved",
        by=VERB + "test_unknown_is_its_own_outcome",
    ),
    Fault(
        VIEW,
        "valid = [one for one in every if not one.is_over(at)]",
        "valid = every",
        "what is no longer approved is accepted",
        by=VERB + "test_an_approval_ends",
    ),
    Fault(
        "cloison/loading/revisions.py",
        "return mount / way.relative_to(top)",
        "return path",
        "a change approves itself",
        by=VERB + "test_a_change_cannot_approve_itself_by_what_it_commits",
    ),
    Fault(
        "cloison/cli/changes/diff.py",
        "leave(differences.said(found) if given is None else given.verdict)",
        'leave(differences.said(found) if given is None else "holds")',
        "the exit code of a comparison with approvals is always 0",
        by=VERB + "test_comment_approve_green_revert_red",
    ),
    Fault(
        "cloison/cli/changes/approve.py",
        "before = read_approvals(out) if there(out) else ()",
        "before = ()",
        "an approval takes the place of those before it",
        by=VERB + "test_what_was_approved_before_stays",
    ),
    Fault(
        "cloison/loading/revisions.py",
        "for way in (here, here.parent.resolve() / here.name, here.resolve()):",
        "for way in (here,):",
        "a link to its own approvals approves a change",
        by="tests/cloison/cli/changes/test_approve.py::test_no_way_to_its_own_approvals_is_read_as_it_lies",
    ),
    Fault(
        "cloison/loading/revisions.py",
        "for top in (place, place.resolve()):",
        "for top in (Path.cwd(), place.resolve()):",
        "approvals of another repository are those of the one that is compared",
        by="tests/cloison/cli/changes/test_approve.py::"
        "test_approvals_of_another_repository_are_those_that_are_named",
    ),
)
