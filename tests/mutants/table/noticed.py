"""Faults of coverage: which lines of the input some expectation would notice."""

from __future__ import annotations

from mutants.table import Fault

LAW = "tests/sim/diff/noticed/test_notice.py"
CLI = "tests/cloison/cli/verification/test_coverage.py"
NOTICE, SUBJECTS = "sim/diff/noticed/notice.py", "sim/diff/noticed/subjects.py"
FAULTS = (
    Fault(
        NOTICE,
        "rows = sending[src] | taking[dst]",
        "rows = sending[src]",
        "what endpoints take is never asked again",
        by=LAW,
    ),
    Fault(
        NOTICE,
        "ends = ({int(v) for found in asked.values() for v in self.vrf[found[at]]} for at in (1, 2))",
        "ends = ({int(v) for found in asked.values() for v in self.vrf[found[1]]} for at in (1, 2))",
        "pairs between VRFs are looked for inside of them",
        by=LAW,
    ),
    Fault(
        NOTICE,
        "there = (claim for claim in claims if claim.number in self.pairs)",
        "there = iter(claims)",
        "an expectation that fails anyway notices that a leak is gone",
        by=LAW,
    ),
    Fault(
        NOTICE,
        "if self.holds(self.world, kind, text) and not self.holds(other, kind, text):",
        "if self.holds(self.world, kind, text):",
        "an expectation is offered that holds in both worlds",
        by=LAW,
    ),
    Fault(
        NOTICE,
        "return tuple(line for line in self.lines if not line.changes_nothing)",
        "return self.lines",
        "what changes nothing is counted",
        by=LAW,
    ),
    Fault(
        NOTICE,
        "asked = tuple(claim for claim, holds in held.items() if holds)",
        "asked = tuple(held)",
        "expectations that fail notice everything",
        by=LAW,
    ),
    Fault(
        SUBJECTS,
        "            self.editor.apply(Edit(added, removed))\n",
        "            pass\n",
        "what was taken out once is never put back",
        by=LAW,
    ),
    Fault(
        SUBJECTS,
        "replace(r, remote=(Everyone(),), l4=(L4(),))",
        "replace(r, remote=(Everyone(),))",
        "a rule is widened to everybody, and not to all ports",
        by=LAW,
    ),
    Fault(
        SUBJECTS,
        "spec.model_copy(update={key: entries}),",
        "spec,",
        "leaks and peerings stay when they are taken out",
        by=LAW,
    ),
    Fault(
        "cloison/views/verification/noticed.py",
        "of[span.line] = of.get(span.line, True) and found.covers(line)",
        "of[span.line] = found.covers(line)",
        "the last that begins at a line says whether it is covered",
        by=CLI,
    ),
    Fault(
        "cloison/cli/verification/coverage.py",
        "100 * found.share < fail_under",
        "found.share < fail_under",
        "any share is under one percent",
        by=CLI,
    ),
    Fault(
        NOTICE,
        'return "removed" in self.refused or any(self.by.values())',
        "return bool(self.refused) or any(self.by.values())",
        "a leak that cannot offer more is covered, whoever takes it out",
        by=LAW,
    ),
    Fault(
        NOTICE,
        "alike = crowd(world, (claim,))",
        "alike = crowd(world)",
        "a line about one of many who fare alike is tried of nobody",
        by=LAW,
    ),
    Fault(
        SUBJECTS,
        "        try:\n            self.blocks = update(self.blocks, program)\n        finally:\n            self.editor",
        "        self.blocks = update(self.blocks, program)\n        if True:\n            self.editor",
        "a change that is too large stays for all after it",
        by=LAW,
    ),
    Fault(
        "cloison/views/verification/noticed.py",
        'f"SF:{visible(file)}"',
        'f"SF:{file}"',
        "the name of a file says what is covered",
        by=CLI,
    ),
    Fault(
        NOTICE,
        "                raise\n            except InputError",
        "                refused[change] = Diagnostic('', '')\n            except InputError",
        "what is too much to ask is covered",
        by=LAW,
    ),
)
