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
        "sim/diff/parts.py",
        '"unsteady": may_new & must_old & ~must_new,',
        '"unsteady": may_new & ~may_old & ~must_new,',
        "access that ECMP may stop now is as it was",
    ),
    Fault(
        "sim/diff/parts.py",
        "yield from _through(sides, outside)",
        "yield from ()",
        "what one outside gets from another is not compared",
    ),
    Fault(
        "sim/diff/outside.py",
        "return np.asarray(holds[sets].any(axis=0))",
        "return np.asarray(holds[sets].all(axis=0))",
        "an address that one VTEP sends to a tenant counts as outside",
    ),
    Fault(
        "sim/diff/outside.py",
        "both = set.intersection(*({vrf, *view.leads} for view in there))",
        "both = set.union(*({vrf, *view.leads} for view in there))",
        "a new leak that hides a part of the outside takes nothing away",
    ),
    Fault(
        "sim/diff/outside.py",
        "free = not there.held(vrf, version, a) and not here.held(vrf, version, b)",
        "free = True",
        "two zone endpoints that exchange addresses have what they had",
    ),
    Fault(
        "sim/diff/outside.py",
        "return intersect(ranges, rest)",
        "return intersect(ranges, rest[:1])",
        "outside addresses behind the first taken ones are not compared",
    ),
    Fault(
        "sim/diff/presence.py",
        "elif was != now:",
        "elif was < now:",
        "members that were replaced are the same",
    ),
    Fault(
        "sim/diff/presence.py",
        "for name in sorted(zones[0] ^ zones[1]):",
        "for name in sorted(zones[1] - zones[0]):",
        "a zone endpoint that is gone is not told",
    ),
    Fault(
        "sim/diff/service_leads.py",
        "return frozenset(end for end in ends[0] ^ ends[1] if end[0] in both[0] & both[1])",
        "return frozenset()",
        "a Service that leads to another pod of a workload leads where it led",
    ),
    Fault(
        "sim/diff/service_leads.py",
        "some = len(by_number) > 1 or workload in others",
        "some = len(by_number) > 1",
        "a Service that leads to some pods of a workload leads to all",
    ),
    Fault(
        "sim/diff/service_leads.py",
        "out.setdefault(key, []).append((pods[service.namespace], service))",
        "out[key] = [(pods[service.namespace], service)]",
        "of several Services of one name the last is compared",
    ),
    Fault(
        "sim/diff/service_leads.py",
        "if service.opened and service.local:",
        "if service.opened and service.headless:",
        "that a Service asks for nodes with such pods is no difference",
    ),
    Fault(
        "sim/diff/host_port_leads.py",
        "return {f\"{text}{'' if n == len(pods) else ' of some pods'}\" for text, n in count.items()}",
        "return {text for text, n in count.items()}",
        "a host port of some pods is one of all",
    ),
    Fault(
        "sim/diff/host_port_leads.py",
        'where = f"at {port.host_ip}" if port.host_ip else "of its node"',
        'where = "of its node"',
        "a host port that opens at every address opened there before",
    ),
    Fault(
        "sim/diff/edits.py",
        "said = (rule.stage, rule.direction, rule.local, rule.remote, rule.l4, rule.action)",
        "said = (rule.stage, rule.direction, rule.local, rule.remote, rule.l4)",
        "a rule whose action was edited says what it said",
    ),
    Fault(
        "sim/diff/edits.py",
        "said_ = (selection.stage, selection.direction, selection.local, selection.default)",
        "said_ = (selection.stage, selection.direction, selection.default)",
        "a policy that selects others says what it said",
    ),
    Fault(
        "sim/diff/edits.py",
        "elif here.says[title] != there.says[title]:",
        "elif len(here.says[title]) != len(there.says[title]):",
        "a policy with as many rules as before was not edited",
    ),
    Fault(
        "sim/diff/shown.py",
        '(a.kind == "node") != (b.kind == "node") and a.host is not None and at == (b.tenant, b.host)',
        "a.host is not None and at == (b.tenant, b.host)",
        "two pods of a host are as a node and its own, in what shows a difference",
    ),
    Fault(
        "sim/diff/shown.py",
        "given = outside.moved.get((end.vrf, version, given), given)",
        "given = 0",
        "a packet from a zone endpoint that moved comes from nowhere before",
    ),
    Fault(
        "sim/diff/suggested/closing.py",
        "if prefix.version == whole.version and prefix != whole and prefix.subnet_of(whole)",
        "if prefix.version == whole.version and prefix.subnet_of(whole)",
        "a block may leave out all of itself",
    ),
    Fault(
        "sim/diff/suggested/opening.py",
        "k: v for k, v in end.labels.items() if all(e.labels.get(k) == v for e in alike)",
        "k: v for k, v in end.labels.items() if all(k in e.labels for e in alike)",
        "a suggested peer has labels of one pod and not of all that are meant",
    ),
    Fault(
        "sim/diff/suggested/opening.py",
        "if end.namespace != own.namespace:",
        "if end.namespace == own.namespace:",
        "a suggested peer of another namespace is one of the policy's own",
    ),
    Fault(
        "sim/proof/availability/spof.py",
        "gone = np.asarray((here.sets[before] & ~there.sets[after]).any(axis=1))",
        "gone = np.asarray(~(here.sets[before] & there.sets[after]).any(axis=1))",
        "access is lost without a node only where no port is left of it",
    ),
    Fault(
        "sim/proof/availability/spof.py",
        "key = noticed.key, noticed.exempt(here.world)",
        "key = noticed.key, ()",
        "what is lost without one DPU is what is lost without another, whoever is on it",
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
