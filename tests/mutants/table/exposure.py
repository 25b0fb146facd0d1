"""Faults of exposure: what makes a pod that is not there look harmless."""

from __future__ import annotations

from mutants.table import Fault

PODS = "sim/reach/future_peers.py"
FOCUS = "cloison/views/focus.py"
TESTS = "tests/sim/reach/test_exposure.py::"
LAW = TESTS + "test_it_is_what_reach_says_once_such_a_pod_is_there"
EVERY = TESTS + "test_every_selector_has_a_pod_that_it_means"
MET = TESTS + "test_a_selector_is_met_by_the_fewest_labels"
NARROW = TESTS + "test_focus_narrows_by_workload_direction_and_protocol"

FAULTS = (
    Fault(
        PODS,
        "sides = [side for rule in policy.rules for side in (rule.local, rule.remote)]",
        "sides = [rule.local for rule in policy.rules]",
        "a pod that a policy lets in is not thought of",
        by=EVERY,
    ),
    Fault(
        PODS,
        'new = FuturePod("", around, own) if named is None else _in(named, own, namespaces, around)',
        'new = FuturePod("", around, own)',
        "a namespace that a policy calls by its name is not thought of",
        by=EVERY,
    ),
    Fault(
        PODS,
        "        if labels_match(tuple(mine), {}):\n            continue",
        "        if False:\n            continue",
        "a selector is met by more labels than it asks for",
        by=MET,
    ),
    Fault(
        PODS,
        "return [*given, *(v for v in free if v not in refused)]",
        "return [*given, ANY_VALUE]",
        "a selector that refuses some values is met by one of them, or by none",
        by=MET,
    ),
    Fault(
        PODS,
        '"metadata": {"name": name, "labels": dict(pod.around)},',
        '"metadata": {"name": name, "labels": {}},',
        "a new namespace has not the labels that are told",
        by=EVERY,
    ),
    Fault(
        PODS,
        'about = {"name": f"future-{number}", "namespace": name, "labels": dict(pod.labels)}',
        'about = {"name": f"future-{number}", "namespace": name, "labels": {}}',
        "a pod has not the labels that are told",
        by=EVERY,
    ),
    Fault(
        "sim/reach/exposure.py",
        'return ("egress", self.pods[of.target]) if into is None else ("ingress", into)',
        'return ("ingress", self.pods[of.target]) if into is None else ("egress", into)',
        "who could get in is told as whom one could get to",
        by=LAW,
    ),
    Fault(
        "cloison/verbs/exposing.py",
        'if how.dialect not in (None, "kubernetes"):',
        "if False:",
        "policies of Cilium expose nobody",
        by=TESTS + "test_what_exposure_is_not_asked_of",
    ),
    Fault(
        FOCUS,
        'or ("ingress" in wanted and c.target in asked)',
        'or ("ingress" in wanted and c.source in asked)',
        "a focus on who gets in shows who gets out",
        by=NARROW,
    ),
    Fault(
        FOCUS,
        "return [c for c in out if (c.ports & mask).any()]",
        "return [c for c in out if (c.ports & mask).all()]",
        "a focus on a protocol leaves out what lets some of it pass",
        by=TESTS + "test_a_protocol_in_focus_leaves_rows_out",
    ),
    Fault(
        FOCUS,
        "            if not any(called(peer, name) for peer in there):",
        "            if False:",
        "a focus on nobody finds nothing, in green",
        by=TESTS + "test_what_nobody_is_is_no_focus",
    ),
)
