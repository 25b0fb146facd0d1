"""Faults of rollouts: what makes an order safe that is not, or hides what goes wrong."""

from __future__ import annotations

from mutants.table import Fault

DEVICES = "sim/diff/rollout/devices.py"
TRANSIENTS = "sim/diff/rollout/transients.py"
ANSWERS = "sim/diff/rollout/answers.py"
ORDERS = "sim/diff/rollout/orders.py"
SAFETY = "sim/diff/rollout/safety.py"
VERSIONS = "sim/worlds/rollout.py"
VIEW = "cloison/views/changes/rolled_out.py"
PARTS = "tests/sim/diff/rollout/test_devices.py"
VERB = "tests/cloison/cli/changes/test_rollout.py"

FAULTS = (
    Fault(DEVICES, "senders, takers = (other[way] | route for way in Direction)",
          "senders, takers = (route for way in Direction)", "devices with other tables do not change",
          by=VERB),
    Fault(DEVICES, "senders, takers = (other[way] | route for way in Direction)",
          "senders, takers = (other[way] for way in Direction)", "devices with other routes do not change",
          by=PARTS),
    Fault(DEVICES, "between = {vtep for vtep, vrf in routed if network.vrfs[vrf].hairpin}", "between = set[int]()",
          "nobody passes packets on", by=PARTS),
    Fault(DEVICES, "family = [frozenset[int](), frozenset(others), *separating(others)]",
          "family = [*separating(others)]", "both ends are never alike beside those between", by=PARTS),
    Fault(DEVICES, "for n in range(len(self.between) + 1):", "for n in range(1):",
          "those between have one version", by=PARTS),
    Fault(DEVICES, "if len(self.between) > MOST_BETWEEN:", "if False:", "all mixtures of any number are tried",
          by=PARTS),
    Fault(DEVICES, "combinations(range(marks), marks // 2)", "combinations(range(marks), 1)",
          "some devices have no marks", by=PARTS),
    Fault(DEVICES, "return entry.regions, entry.l4, entry.action, entry.conditions",
          "return entry.regions, entry.l4, entry.conditions", "a permit that became a deny is no change", by=PARTS),
    Fault(TRANSIENTS, "GAINED: here & ~a & ~b", "GAINED: here & ~a & ~b & ~here",
          "nothing is ever gained", by=VERB),
    Fault(TRANSIENTS, "LOST: (a & b & ~here) | (c & d & ~sure)", "LOST: (a & b & ~here)",
          "what arrives by luck of ECMP is not lost", by=PARTS),
    Fault(TRANSIENTS, "LOST: (a & b & ~here) | (c & d & ~sure)", "LOST: (c & d & ~sure)",
          "what arrived by luck of ECMP and does no more is not lost",
          by=PARTS),
    Fault(TRANSIENTS, "self.newer[a] != self.newer[b]", "self.newer[a] < self.newer[b]",
          "senders with the new version are not asked", by=VERB),
    Fault(TRANSIENTS, "space = replace(space, refinements=refinements, joined=False)",
          "space = replace(space, refinements=refinements)", "addresses that one world has alike are one",
          by=PARTS),
    Fault(TRANSIENTS, "if key not in seen:", "if not seen:", "the first transient is the only one", by=VERB),
    Fault(TRANSIENTS, "pairs > MAX_PAIRS", "False", "any number of pairs is listed", by=PARTS),
    Fault(ANSWERS, "column = np.full(len(sample), base, np.int64)", "column = np.full(len(sample), base + own.shape[0] - 1, np.int64)",
          "what a world has no route for passes", by=PARTS),
    Fault(ANSWERS, "width.append(np.diff(np.append(at, len(theirs))))", "width.append(np.ones(len(at), np.int64))",
          "wide addresses are asked about in their first part", by=PARTS),
    Fault(ORDERS, "(older, newer) for newer, older in apart", "(newer, older) for newer, older in apart",
          "steps go backwards", by=VERB),
    Fault(ORDERS, "if len(c) > 1)", "if len(c) > 2)", "two that wait for each other have an order", by=VERB),
    Fault(SAFETY, 'return "unknown" if self.unsure else "holds"', 'return "holds"',
          "what is not evaluated is safe", by=VERB),
    Fault(SAFETY, "return bool(self.found and self.order.steps) and not self.unsure",
          "return bool(self.found and self.order.steps)", "steps are safe though something is not evaluated", by=VERB),
    Fault(SAFETY, "if besides and newer and older and len(these) == 2 ** len(besides):",
          "if besides and newer and older:", "what needs those between is told of the ends alone",
          by=PARTS),
    Fault(SAFETY, "old.routes != new.routes", "False", "routes on their way are followed where targets change", by=PARTS),
    Fault(SAFETY, "return self.in_flight or bool(pending(self.not_evaluated))", "return bool(pending(self.not_evaluated))",
          "what routes do on their way is safe", by=PARTS),
    Fault(VERSIONS, '"AS numbers": network.plan.asn,', "", "versions have AS numbers of their own", by=PARTS),
    Fault(VIEW, "if not found.rerouted:", "if True:", "a version in between is promised where routes change too",
          by=PARTS),
    Fault(TRANSIENTS, "            self._refuse_other_ways(mixture)\n", "",
          "rollout: a mixture that asks for less than both versions is safe",
          by="tests/sim/diff/rollout/test_transients.py::test_a_mixture_that_asks_for_less_is_no_safe_order"),
)  # fmt: skip
