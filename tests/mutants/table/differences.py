"""Faults of differences and of single points of failure: what changes, and is not told."""

from __future__ import annotations

from mutants.table import Fault

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
    ),
    Fault(
        "sim/diff/suggested/closing.py",
        "if prefix.version == whole.version and prefix != whole and prefix.subnet_of(whole)",
        "if prefix.version == whole.version and prefix.subnet_of(whole)",
        "a block may leave out all of itself",
        by="tests/sim/diff/suggested/test_search.py",
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
)
