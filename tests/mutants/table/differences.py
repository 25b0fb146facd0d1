"""Faults of differences and of single points of failure: what changes, and is not told."""

from __future__ import annotations

from mutants.table import Fault

STOOD_FOR = "sim/diff/stood_for.py"
OF_STOOD_FOR = "tests/sim/diff/test_stood_for.py::"

FAULTS = (
    Fault(
        "sim/diff/parts.py",
        '"lost": may_old & ~may_new,',
        '"lost": may_old & ~may_new & ~must_old,',
        "access that was sure is not lost",
    ),
    Fault(
        "sim/diff/outside.py",
        "return np.asarray(holds[sets].any(axis=0))",
        "return np.asarray(holds[sets].all(axis=0))",
        "an address that one VTEP sends to a tenant counts as outside",
        by="tests/sim/diff/test_outside.py::test_what_one_vtep_leads_to_a_tenant_is_the_tenant_s",
    ),
    Fault(
        "sim/diff/service_leads.py",
        "return frozenset(end for end in ends[0] ^ ends[1] if end[0] in both[0] & both[1])",
        "return frozenset()",
        "a Service that leads to another pod of a workload leads where it led",
    ),
    Fault(
        "sim/diff/edits.py",
        "said = (rule.stage, rule.direction, rule.local, rule.remote, rule.l4, rule.action)",
        "said = (rule.stage, rule.direction, rule.local, rule.remote, rule.l4)",
        "a rule whose action was edited says what it said",
        by="tests/cloison/test_diff_truth.py::test_a_rule_that_denies_what_it_permitted_is_to_blame",
    ),
    Fault(
        "sim/diff/suggested/closing.py",
        "if prefix.version == whole.version and prefix != whole and prefix.subnet_of(whole)",
        "if prefix.version == whole.version and prefix.subnet_of(whole)",
        "a block may leave out all of itself",
        by="tests/sim/diff/suggested/test_search.py::test_a_block_leaves_out_parts_of_itself_and_never_all",
    ),
    Fault(
        "sim/diff/suggested/opening.py",
        "k: v for k, v in end.labels.items() if all(e.labels.get(k) == v for e in alike)",
        "k: v for k, v in end.labels.items() if all(k in e.labels for e in alike)",
        "a suggested peer has labels of one pod and not of all that are meant",
        by="tests/sim/diff/suggested/test_search.py",
    ),
    Fault(
        "sim/proof/availability/spof.py",
        "gone = np.asarray((here.sets[before] & ~there.sets[after]).any(axis=1))",
        "gone = np.asarray(~(here.sets[before] & there.sets[after]).any(axis=1))",
        "access is lost without a node only where no port is left of it",
    ),
    Fault(
        "sim/proof/availability/spof.py",
        "return np.where(known[place] == keys, reach.pairs.some[place], 0)",
        "return np.asarray(reach.pairs.some[place])",
        "a pair that is gone has what its neighbour has",
    ),
    Fault(
        "sim/proof/availability/spof.py",
        "SINGLE = tuple(k.name for k in KINDS.values() if (k.axis, k.most) == (DOWN.name, 1))",
        "SINGLE = tuple(k.name for k in KINDS.values() if (k.axis, k.most) == (DOWN.name, 1))[:1]",
        "cables and risk groups are no single points of failure",
    ),
    Fault(
        "sim/proof/availability/spof.py",
        "if n == len(services[s])",
        "if n == len(services[s]) > 1",
        "a Service with one pod does not go with what the pod is behind",
    ),
    Fault(
        "sim/diff/by_class.py",
        "        if not side.count(pair):\n            return None\n",
        "",
        "diff: by classes, a workload of one pod has a pair of pods",
        "tests/sim/diff/test_by_class.py",
    ),
    Fault(
        "sim/diff/by_class.py",
        "return not shared and all(",
        "return all(",
        "diff: by classes, the nodes that run pods are nodes like others",
        "tests/sim/diff/test_by_class.py",
    ),
    Fault(
        "sim/diff/by_class.py",
        "yield a, b, False, *found",
        "yield b, a, False, *found",
        "diff: by classes, who sends and who receives are taken for each other",
        "tests/sim/diff/test_by_class.py",
    ),
    Fault(
        "sim/diff/by_class.py",
        "named[places[int(of[number]), found.version]].append(number)",
        "named[places[int(of[number]), found.version]] = [number]",
        "diff: by classes, one workload of each kind meets the outside",
        "tests/sim/diff/test_by_class.py",
    ),
    Fault(
        STOOD_FOR,
        "return total - here, here",
        "return total, here",
        "diff: pairs of nodes and pods of one host are counted twice, and what passes is unsteady",
        OF_STOOD_FOR + "test_classes_of_fabrics_fare_as_their_members",
    ),
    Fault(
        STOOD_FOR,
        "apart = ~stand_ins.own.own(nodes, pods)",
        "apart = stand_ins.own.own(nodes, pods) | True",
        "diff: who is asked about with its own node is counted with other nodes too",
        OF_STOOD_FOR + "test_classes_of_fabrics_fare_as_their_members",
    ),
    Fault(
        STOOD_FOR,
        "return np.bincount(stand_ins.of)[stand_ins.of[end]]",
        "return np.ones(len(end), np.int64)",
        "diff: a workload that the outside reaches is one of whose members one is reached",
        OF_STOOD_FOR + "test_classes_of_fabrics_fare_as_their_members",
    ),
    Fault(
        STOOD_FOR,
        "np.where(keys[found] == wanted,",
        "np.where(keys[found] >= 0,",
        "diff: nodes that run none of a workload are counted as if they did",
        OF_STOOD_FOR + "test_classes_of_fabrics_fare_as_their_members",
    ),
    Fault(
        STOOD_FOR,
        "known.setdefault(tuple(of[e.index]), len(known))",
        "0",
        "diff: pods of one workload stand for those of another, which a rule tells apart",
        OF_STOOD_FOR + "test_classes_of_fabrics_fare_as_their_members",
    ),
    Fault(
        STOOD_FOR,
        "if alone[e.index] or len(",
        "if len(",
        "diff: of addresses outside that nobody uses one is compared",
        OF_STOOD_FOR + "test_classes_of_fabrics_fare_as_their_members",
    ),
    Fault(
        "sim/diff/diff.py",
        "    refuse_other_ways((old, new), spaces, where, sides)\n",
        "",
        "diff: a condition that one of two ends drops is no difference",
        "tests/sim/diff/test_path_conditions.py::test_what_a_way_asks_for_is_told",
    ),
    Fault(
        "sim/diff/asked_ways.py",
        "passes[number] = [label <= case for case in cases]",
        "passes[number] = [bool(label) for case in cases]",
        "diff: what a way asks for does not matter where it asks for something",
        "tests/sim/diff/test_path_conditions.py::test_what_a_way_asks_for_is_told",
    ),
    Fault(
        "sim/diff/outside.py",
        "both = (reduce(intersect, ranges) for ranges in led)",
        "both = (union(*ranges) for ranges in led)",
        "diff: what one world leads to another tenant is outside of neither",
        "tests/sim/diff/test_outside.py",
    ),
    Fault(
        "sim/diff/outside.py",
        "taken = without(taken, without(now.outer[family], own, family), family)",
        "taken = without(taken, (), family)",
        "diff: what a host leaves to the default route is nobody's",
        "tests/sim/diff/test_outside.py",
    ),
    Fault(
        "sim/diff/outside.py",
        'vrfs = (old or new or "", new or old or "")',
        'vrfs = (old or new or "", old or new or "")',
        "diff: who moved to another VRF sees the outside of the one before",
        "tests/sim/diff/test_outside.py",
    ),
    Fault(
        "sim/diff/peers.py",
        "        if sorted(here[name].values()) == sorted(there[name].values())\n",
        "        if bool(here[name].values()) and bool(there[name].values())\n",
        "diff: a workload on the network of its nodes fares alike on other nodes",
        "tests/sim/diff/test_peers.py",
    ),
    Fault(
        "sim/diff/shown.py",
        "    if same_host(ends[found.src], ends[found.dst]) == part.own:\n",
        "    if stand_ins is not None:\n",
        "diff: a packet to a node's own pod shows what other nodes gain",
        OF_STOOD_FOR + "test_a_packet_is_of_those_whom_its_row_is_about",
    ),
)
