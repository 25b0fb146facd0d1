"""Faults of what is asked of the proof: expectations, failures, the matrix, certificates, witnesses,
and the names that they stand for."""

from __future__ import annotations

from mutants.table import Fault

FAULTS = (
    Fault(
        "sim/proof/failures.py",
        "return np.asarray(other[:, None] | other | apart)",
        "return np.asarray(other[:, None] & other | apart)",
        "a failure touches only pairs of which both VRFs have other routes",
        by="tests/sim/proof/test_touched.py::test_one_end_with_other_routes_is_enough",
    ),
    Fault(
        "sim/proof/failures.py",
        "return np.asarray(other[:, None] | other | apart)",
        "return np.asarray(other[:, None] | other)",
        "a failure that only cuts VTEPs off touches nothing",
        by="tests/sim/proof/test_touched.py::"
        "test_vteps_that_lost_each_other_are_touched_whatever_routes_say",
    ),
    Fault(
        "sim/proof/narrow.py",
        'if kind != "allow":\n            open_',
        'if kind == "deny":\n            open_',
        "`only` about addresses lets everything else pass",
    ),
    Fault(
        "sim/proof/narrow.py",
        "if len(sure) < len(wanted) or any((needed & ~s).any() for s in sure):",
        "if any((needed & ~s).any() for s in sure):",
        "`allow` about addresses without a route holds",
    ),
    Fault(
        "sim/proof/expect.py",
        'if claim.kind in ("deny", "only"):',
        'if claim.kind == "deny":',
        "`only` lets everything else pass",
    ),
    Fault(
        "sim/proof/expect.py",
        'if claim.kind in ("allow", "only") and any(sent(r.protocol, version) for r in claim.ports):',
        'if claim.kind == "allow" and any(sent(r.protocol, version) for r in claim.ports):',
        "`only` does not ask whether its ports pass",
    ),
    Fault(
        "sim/proof/expect.py",
        "bad += [(int(k), True) for k in keys[asked & leaking[reach.pairs.some]]]",
        "bad += [(int(k), True) for k in keys[asked & leaking[reach.pairs.sure]]]",
        "`deny` holds where a packet passes on some paths only",
    ),
    Fault(
        "sim/proof/expect.py",
        "good = keys[asked & passing[reach.pairs.sure]]",
        "good = keys[asked & passing[reach.pairs.some]]",
        "`allow` holds where packets pass on some paths only",
    ),
    Fault(
        "sim/proof/expect.py",
        "bad += [(int(k), False) for k in mine[~np.isin(mine, good)]]",
        "bad += [(int(k), False) for k in keys[asked & ~passing[reach.pairs.sure]]]",
        "`allow` holds for pairs without a route",
    ),
    Fault(
        "sim/proof/expect.py",
        "passing = ~np.asarray((mask & ~reach.sets).any(axis=1))",
        "passing = np.asarray((mask & reach.sets).any(axis=1))",
        "`allow` of several ports holds when one of them passes",
    ),
    Fault(
        "sim/proof/expect.py",
        "found.append(_pairs(network, part.target, part.source, ports))",
        "pass",
        "<-> is judged one way",
    ),
    Fault(
        "sim/proof/expect.py",
        "mine = (np.intersect1d(wanted, pairs_of(part, network)) for part in claim.parts)",
        "mine = (np.intersect1d(wanted, pairs_of(part, network)) for part in claim.parts[:1])",
        "of the pods behind a Service only those at the first one's ports are judged",
    ),
    Fault(
        "sim/names/services.py",
        "return wanted.protocol in (ANY, mapped.protocol) and wanted.first <= mapped.port <= wanted.last",
        "return wanted.protocol in (ANY, mapped.protocol)",
        "an expectation about one port of a Service is about all of them",
    ),
    Fault(
        "sim/proof/machines.py",
        "if pair := next(((a, b) for a in froms for b in into if a != b), None):",
        "if pair := None:",
        "two host-network pods of one node are kept apart",
    ),
    Fault(
        "sim/names/services.py",
        'return mapped.name == name != "" and protocol in ("", "any", name_of(mapped.protocol))',
        'return mapped.name != "" and protocol in ("", "any", name_of(mapped.protocol))',
        "the name of a port of a Service is that of all of them",
    ),
    Fault(
        "sim/names/led_by.py",
        "for pod, end in pods if way.port in (None, mapped.port, mapped.name) else ():",
        "for pod, end in pods:",
        "an Ingress leads to ports that it does not ask for",
    ),
    Fault(
        "sim/proof/expect.py",
        "out.append(grid[src[:, None] != dst])",
        "out.append(grid[src[:, None] < dst])",
        "half of the pairs are not compared",
    ),
    Fault(
        "sim/proof/expect.py",
        "kept: Column = wanted[~(np.isin(src, left_out) | np.isin(dst, left_out))]",
        "kept: Column = wanted[~np.isin(src, left_out)]",
        "packets to the failed node are expected to arrive",
    ),
    Fault(
        "sim/proof/expect.py",
        'problems.error("C702", f\'"{pattern}" selects no endpoint\', span, hint)',
        "pass",
        "an expectation about nobody is no error",
    ),
    Fault(
        "sim/proof/failures.py",
        "if key != as_it_is:",
        "if key != as_it_is and False:",
        "nothing is proven under failures",
    ),
    Fault(
        "sim/proof/failures.py",
        "world = axis.move(here, (*axis.values(here), *values))",
        "world = axis.move(here, values)",
        "what was down before a failure comes up with it",
    ),
    Fault(
        "sim/proof/prove.py",
        'if self.findings:\n            return "fails"',
        'if self.findings and not self.pending:\n            return "fails"',
        "what fails is called unknown",
    ),
    Fault(
        "sim/proof/prove.py",
        'return "unknown" if self.pending or self.unknown_because else "holds"',
        'return "unknown" if self.pending else "holds"',
        "a proof about nothing holds",
    ),
    Fault(
        "sim/proof/prove.py",
        "findings += [_of_diagnostic(reach, diagnostic) for diagnostic in network.findings]",
        "pass",
        "findings of the control plane are no findings of a proof",
    ),
    Fault(
        "sim/proof/prove.py",
        "findings += _stray(reach, table)",
        "pass",
        "packets between VRFs that no intent explains are no finding",
    ),
    Fault(
        "sim/proof/prove.py",
        "broken.append(failed.outcome)",
        "pass",
        "an expectation that fails under a failure is said to hold",
    ),
    Fault(
        "sim/proof/prove.py",
        "return not outcome.holds and outcome.claim.number not in known",
        "return not outcome.holds and not known",
        "only the first expectation that a failure breaks is told",
    ),
    Fault(
        "sim/proof/matrix.py",
        "without = both & ~(asked[out] & asked[into])",
        "without = both & ~(asked[out] | asked[into])",
        "an intent at one end explains packets between VRFs",
        "tests/sim/test_between_vrfs.py",
    ),
    Fault(
        "sim/proof/matrix.py",
        'layers = [] if routed[number] else ["route"]',
        'layers = ["route"] if routed[number] else []',
        "cells that routes reach are said to be protected by routes",
    ),
    Fault(
        "sim/proof/matrix.py",
        "may = (out & into.T) > 0",
        "may = (out & into) > 0",
        "policies alone: the receiver is asked about what it sends",
    ),
    Fault(
        "sim/proof/matrix.py",
        "if same and a == b:",
        "if a == b:",
        "policies alone: blocks of equal number are not compared",
    ),
    Fault(
        "sim/proof/certificate.py",
        '"holds": outcome.holds,',
        '"holds": True,',
        "certificates: every claim holds",
    ),
    Fault(
        "sim/proof/certificate.py",
        '"verdict": proof.verdict,',
        '"verdict": "holds" if not proof.findings else "fails",',
        "certificates: what is unknown holds",
    ),
    Fault(
        "sim/proof/certificate.py",
        '"not_evaluated": certified(proof.not_evaluated),',
        '"not_evaluated": [],',
        "certificates do not say what is not evaluated",
    ),
    Fault(
        "sim/proof/witness.py",
        "choice = hops.index(wanted) if wanted in hops else None",
        "choice = 0",
        "a packet that one next hop stops is shown on the first one",
    ),
)
