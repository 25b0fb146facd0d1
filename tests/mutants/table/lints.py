"""Faults of lints: what makes them tell what is not so, or keep silent about what is."""

from mutants.table import Fault

TABLE = "compiler/lints/header_classes.py"
REDUNDANT = "compiler/lints/redundant.py"
IMPLIED = "compiler/lints/implied.py"
HOLES = "compiler/lints/exceptions.py"
TWO = "compiler/lints/two_items.py"
NAMES = "compiler/lints/dns.py"
GPUS = "compiler/lints/open_gpus.py"
ASKED = "compiler/lints/asked.py"
KNOWN = "compiler/lints/known_pods.py"
UNMATCHED = "compiler/lints/unmatched.py"
WALK = "sim/why/walkthrough.py"
LACKING = "sim/why/missing_labels.py"
TIERS = "tests/sim/why/test_walkthrough.py::"
CASES = "tests/compiler/lints/test_cases.py::"
LAWS = "tests/compiler/lints/test_redundant_laws.py::"
ANY = "tests/compiler/lints/test_any_rules.py::"

FAULTS = (
    Fault(
        TABLE,
        "here = next_place <= layer.place",
        "here = next_place < DROPPED",
        "lints: what skips a stage is asked there all the same",
        by="tests/compiler/lints/test_unread.py",
    ),
    Fault(
        TABLE,
        "other = [next(n for n in range(n_vrfs) if n not in named)] if len(named) < n_vrfs else []",
        "other: list[int] = []",
        "lints: nobody lives behind VRFs that no rule names",
        by=ANY + "test_who_lives_behind_other_networks_counts",
    ),
    Fault(
        TABLE,
        "other = [next(n for n in range(256) if n not in named)] if len(named) < 256 else []",
        "other = [] if named else [0]",
        "lints: there are no protocols but those that rules name",
        by="tests/compiler/lints/test_unread.py",
    ),
    Fault(
        TABLE,
        "for number in sorted(numbers, reverse=True):",
        "for number in sorted(numbers):",
        "lints: of lines that match the last decides",
        by=LAWS + "test_all_that_is_told_can_go_together",
    ),
    Fault(
        TABLE,
        "known.setdefault(column.tobytes(), number)",
        "known.setdefault(bytes([column.any()]), number)",
        "lints: all packets that some line holds are alike",
        by=LAWS + "test_whatever_is_not_told_is_needed",
    ),
    Fault(
        REDUNDANT,
        "left = table.of_layer(layer, {*self.gone[place], *numbers})",
        "left = table.of_layer(layer, numbers)",
        "lints: of two rules that say the same both are told",
        by=LAWS + "test_all_that_is_told_can_go_together",
    ),
    Fault(
        REDUNDANT,
        "return bool(((with_it != without) & table.reached(layer)).any())",
        "return bool(((with_it != without) & table.reached(layer)).all())",
        "lints: a rule changes something only if it does for all packets",
        by=LAWS + "test_all_that_is_told_can_go_together",
    ),
    Fault(
        REDUNDANT,
        "return bool(lines) and not any(",
        "return bool(lines) and not all(",
        "lints: a rule that changes nothing at one pod is told",
        by=LAWS + "test_all_that_is_told_can_go_together",
    ),
    Fault(
        REDUNDANT,
        "return bool(((with_it != without) & table.reached(layer)).any())",
        "return bool((with_it != without).any())",
        "lints: a rule about packets that an administrator denies is needed",
        by=CASES + "test_exact_text",
    ),
    Fault(
        REDUNDANT,
        "or written.tenant in self.asked.unread:",
        "or False:",
        "lints: rules are told although a policy beside them is not evaluated",
        by="tests/compiler/lints/test_unread.py",
    ),
    Fault(
        REDUNDANT,
        "self.kept = set(_last_of_their_direction(asked))",
        "self.kept: set[Written] = set()",
        "lints: the only egress rule is told that isolates egress",
        by="tests/compiler/lints/test_unread.py",
    ),
    Fault(
        REDUNDANT,
        "if not any(_decides(place, numbers) for place, numbers in lines.items()):",
        "if True:",
        "lints: a rule that others cover never decides",
        by=CASES + "test_exact_text",
    ),
    Fault(
        REDUNDANT,
        "if all(self._covered(rule) for rule in rules):",
        "if any(self._covered(rule) for rule in rules):",
        "lints: a rule of which one peer is covered is so whatever pods come",
        by="tests/compiler/lints/test_unread.py",
    ),
    Fault(
        IMPLIED,
        "and all(any(within(n, w) for w in wide.local) for n in narrow.local)",
        "",
        "lints: a rule about other pods says the same in words",
        by="tests/compiler/lints/test_implied.py",
    ),
    Fault(
        IMPLIED,
        "return all(any(_term(has, wanted) for has in narrow) for wanted in wide)",
        "return any(any(_term(has, wanted) for has in narrow) for wanted in wide) or not wide",
        "lints: one term of a selector stands for all",
        by="tests/compiler/lints/test_implied.py",
    ),
    Fault(
        IMPLIED,
        'case "In", "NotIn":\n            return not has.values & wanted.values',
        'case "In", "NotIn":\n            return True',
        "lints: any value is among those that are not excluded",
        by="tests/compiler/lints/test_implied.py",
    ),
    Fault(
        IMPLIED,
        "hole in narrow.excepts or not hole.overlaps(prefix) for hole in wide.excepts",
        "hole not in narrow.excepts for hole in wide.excepts",
        "lints: a block covers what it excepts",
        by="tests/compiler/lints/test_implied.py",
    ),
    Fault(
        HOLES,
        "denied = cut.does(layer, cut.first(cut.of_layer(layer))) == Action.DENY",
        "denied = cut.does(layer, cut.first(cut.of_layer(layer))) != Action.DENY",
        "lints: an exception counts where everything is permitted anyway",
        by=CASES + "test_exact_text",
    ),
    Fault(
        HOLES,
        "return any(_more(place.table.with_lines(lines), place.layer) for place, lines in found)",
        "return all(_more(place.table.with_lines(lines), place.layer) for place, lines in found)",
        "lints: an exception that counts at one of two pods is told",
        by="tests/compiler/lints/test_unread.py",
    ),
    Fault(
        TWO,
        "if both is not None and asked.pods.any(both):",
        "if both is not None:",
        "lints: two items are told although one would mean nobody",
        by=CASES + "test_exact_text",
    ),
    Fault(
        TWO,
        "more &= cut.does(layer, cut.first(left)) == Action.DENY",
        "more &= True",
        "lints: two items are told although others let the same in",
        by="tests/compiler/lints/test_unread.py",
    ),
    Fault(
        NAMES,
        "return bool(cut.permitted.any() and not (cut.permitted & cut.held(cut.extra)).any())",
        "return bool(not (cut.permitted & cut.held(cut.extra)).any())",
        "lints: who is let out to nobody forgets DNS",
        by="tests/compiler/lints/test_unread.py",
    ),
    Fault(
        NAMES,
        "if port.name.startswith(PREFIX):",
        "if False:",
        "lints: DNS is port 53 and no other",
        by=CASES + "test_exact_text",
    ),
    Fault(
        NAMES,
        "return any(p.host_network and any(q.number == DNS for q in p.ports) for p in manifests.pods)",
        "return False",
        "lints: a cache of names on the nodes is nobody's DNS",
        by="tests/compiler/lints/test_unread.py",
    ),
    Fault(
        GPUS,
        "table.plain and table.permitted.all()",
        "table.plain and table.permitted.any()",
        "lints: GPU pods that a policy guards are open",
        by=CASES + "test_exact_text",
    ),
    Fault(
        ASKED,
        'found = (r for r in self.network.not_evaluated if r.category in ("policy", "field"))',
        'found = (r for r in self.network.not_evaluated if r.category == "none")',
        "lints: everything is evaluated",
        by="tests/compiler/lints/test_unread.py",
    ),
    Fault(
        UNMATCHED,
        "if by is None or _unknown(asked, by):",
        "if by is None:",
        "lints: namespaces whose labels nobody tells have none",
        by="tests/compiler/policy/test_lints.py",
    ),
    Fault(
        UNMATCHED,
        "has |= {(name, ANY) for name, _ in has}",
        "",
        "lints: no pod has a port name of any protocol",
        by="tests/compiler/lints/test_unread.py",
    ),
    Fault(
        KNOWN,
        "if values & term.values:",
        "if False:",
        "lints: a label that somebody has is what nobody has",
        by=CASES + "test_exact_text",
    ),
    Fault(
        WALK,
        "if origin is not NO_POLICY:",
        "if True:",
        "walkthrough: stages of which nobody says anything are steps",
        by=TIERS + "test_what_nobody_says_anything_of_is_no_step",
    ),
    Fault(
        WALK,
        "if stage.owner is not Owner.CLUSTER:",
        "if stage.owner is Owner.CLUSTER:",
        "walkthrough: stages of the fabric are steps, those of clusters are none",
        by=TIERS + "test_tiers_in_order",
    ),
    Fault(
        LACKING,
        "if by is None or by.cluster != pod.tenant or by.namespace not in (None, pod.namespace):",
        "if by is None:",
        "explain: a label would do in another namespace than the one that a peer names",
        by=TIERS + "test_no_label_mends_another_namespace",
    ),
    Fault(
        LACKING,
        "own = tuple(t for t in by.labels if not labels_match((t,), pod.labels))",
        "own = by.labels",
        "explain: labels are missing that a pod has",
        by=TIERS + "test_what_a_pod_has_is_not_missing",
    ),
    Fault(
        LACKING,
        'return min(found)[1] if found else ""',
        'return max(found)[1] if found else ""',
        "explain: of several peers the one is told that lacks most",
        by=TIERS + "test_of_several_peers_the_one_that_lacks_least",
    ),
    Fault(
        "compiler/lints/__init__.py",
        "if of_all[warning] >= times",
        "if 1 or of_all[warning] >= times",
        "what changes nothing for one tenant is told of all who share the file",
        by="tests/compiler/lints/test_shared_manifests.py",
    ),
    Fault(
        "compiler/lints/open_gpus.py",
        "for tenant in sorted(asked.tenants):",
        "for tenant in sorted(asked.network.manifests):",
        "tenants whose policies are not asked have open pods",
        by="tests/compiler/lints/test_shared_manifests.py",
    ),
    Fault(
        "compiler/lints/__init__.py",
        "for lint in LINTS if asked.enforced else OF_TEXT:",
        "for lint in LINTS:",
        "where nobody enforces a policy, GPU pods are said to be open",
        by="tests/compiler/lints/test_unread.py::"
        "test_where_nobody_enforces_a_policy_no_table_says_anything",
    ),
)
