"""Faults of exposure: what makes a pod that is not there look harmless."""

from __future__ import annotations

from mutants.table import Fault

PODS = "sim/reach/future_peers.py"
FOCUS = "cloison/views/access/focus.py"
TESTS = "tests/sim/reach/test_exposure.py::"
WHICH = "tests/sim/reach/test_future_peers.py::"
NARROWED = "tests/cloison/views/access/test_focus.py::"
LAW = TESTS + "test_it_is_what_reach_says_once_such_a_pod_is_there"
EVERY = WHICH + "test_every_selector_has_a_pod_that_it_means"
APART = WHICH + "test_selectors_are_told_apart_by_the_fewest_labels"
NARROW = NARROWED + "test_focus_narrows_by_workload_direction_and_protocol"

ACCESS = TESTS + "test_no_labels_have_access_that_is_not_told"
SPACES = WHICH + "test_namespaces_are_told_apart_by_expressions"

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
        "    sides += [selection.local for selection in policy.selections]",
        "    sides += []",
        "a pod that a policy keeps at home is taken for one that it does not",
        by=WHICH + "test_of_several_values_each_is_asked_about",
    ),
    Fault(
        PODS,
        'for name in ("", *sorted(named(terms) - {*namespaces})):',
        'for name in ("",):',
        "a namespace that a policy calls by its name is not thought of",
        by=EVERY,
    ),
    Fault(
        PODS,
        "        fitting = {n for n, selector in enumerate(asked) if labels_match(selector, has)}",
        "        fitting = {n for n, selector in enumerate(asked) if not selector}",
        "policies about labels of namespaces say nothing of those that are there",
        by=SPACES,
    ),
    Fault(
        PODS,
        "    yield from sorted(told)",
        "    yield from sorted(told)[:1]",
        "of the values of a key the first is taken for all",
        by=WHICH + "test_of_several_values_each_is_asked_about",
    ),
    Fault(
        PODS,
        "    yield unnamed(ANY_VALUE, told)",
        "    yield ANY_VALUE",
        "the value that no policy names is one that a policy names",
        by=APART,
    ),
    Fault(
        PODS,
        "                together = (*labels, *more)",
        "                together = labels or more",
        "a pod that needs the labels of two policies has those of one",
        by=WHICH + "test_a_pod_may_need_the_labels_of_two_policies",
    ),
    Fault(
        PODS,
        "if left not in found or len(together) < len(found[left]):",
        "if left not in found:",
        "a pod has more labels than it needs",
        by=APART,
    ),
    Fault(
        PODS,
        "        for value in (given[key],) if key in given else _values(about[key].values()):",
        "        for value in _values(about[key].values()):",
        "a namespace has another name than the one it has",
        by=SPACES,
    ),
    Fault(
        PODS,
        "    if count > MOST:",
        "    if False:",
        "more pods than can be asked about are asked about",
        by=WHICH + "test_too_many_pods_are_unknown",
    ),
    Fault(
        PODS,
        'labels = {"name": namespace, "labels": dict(pod.around)}',
        'labels = {"name": namespace, "labels": {}}',
        "a new namespace has not the labels that are told",
        by=EVERY,
    ),
    Fault(
        PODS,
        'about = {"name": name, "namespace": namespace, "labels": dict(pod.labels)}',
        'about = {"name": name, "namespace": namespace, "labels": {}}',
        "a pod has not the labels that are told",
        by=EVERY,
    ),
    Fault(
        PODS,
        "end = replace(end, namespace=pod.namespace, namespace_labels=labels)",
        "end = replace(end, namespace_labels=labels)",
        "policies of a namespace that is not there say nothing of its pods",
        by=LAW,
    ),
    Fault(
        "cloison/verbs/exposing.py",
        "there = replace(there, network=moved, given=there.policy_read, base=None)",
        "there = replace(there, network=moved)",
        "the policy is asked about pods in namespaces that they were put in to be read",
        by=LAW,
    ),
    Fault(
        "sim/reach/connectivity.py",
        "if not silent.issuperset(pair))",
        "if silent.isdisjoint(pair))",
        "whoever may be left out is left out with everybody",
        by=LAW,
    ),
    Fault(
        "cloison/views/access/exposed.py",
        "    if any(port.name for rule in program.policy.rules for port in rule.l4):",
        "    if False:",
        "nobody hears that ports by their names are those of nobody",
        by=TESTS + "test_a_port_by_its_name_is_told",
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
        "if how.dialect not in (None, KUBERNETES):",
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
        by=NARROWED + "test_a_protocol_in_focus_leaves_rows_out",
    ),
    Fault(
        FOCUS,
        "            if not any(called(peer, name) for peer in there):",
        "            if False:",
        "a focus on nobody finds nothing, in green",
        by=NARROWED + "test_what_nobody_is_is_no_focus",
    ),
    Fault(
        PODS,
        "elif by := matcher.looks() - SAME:",
        "elif by := frozenset[str]():",
        "pods that are told apart by more than labels expose nobody",
        by=WHICH + "test_pods_that_more_than_labels_tell_apart_are_refused",
    ),
)
