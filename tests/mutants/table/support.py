"""Faults of support access: who is let in, when, and until when."""

from mutants.table import Fault

REQUESTED = "compiler/decisions/support/support_requests.py"
ENTRIES = "compiler/decisions/support/support_entries.py"
SUPPORT = "tests/compiler/decisions/support/test_support_requests.py"
ACCESS = "tests/cloison/cli/access/test_access.py"

FAULTS = (
    Fault(
        REQUESTED,
        'return "pending" if now < self.expires else "expired"',
        'return "pending" if now <= self.expires else "expired"',
        "a request waits a moment longer than two hours",
        by=SUPPORT,
    ),
    Fault(
        REQUESTED,
        'return "approved" if now < self.answer.until else "ended"',
        'return "approved" if now <= self.answer.until else "ended"',
        "there is access at the moment of its end",
        by=SUPPORT,
    ),
    Fault(
        REQUESTED,
        "if not request.created <= now < request.expires:",
        "if now < request.created:",
        "who is late may approve",
        by=SUPPORT,
    ),
    Fault(
        REQUESTED,
        "if by.strip().casefold() == request.requestor.strip().casefold():",
        "if False:",
        "somebody approves his own request",
        by=SUPPORT,
    ),
    Fault(
        REQUESTED,
        "if approvers is not None and by not in approvers:",
        "if False:",
        "anybody approves",
        by=SUPPORT,
    ),
    Fault(
        REQUESTED,
        "if not timedelta(0) < lasts <= LONGEST:",
        "if not timedelta(0) < lasts:",
        "access lasts nine hours",
        by=SUPPORT,
    ),
    Fault(
        REQUESTED,
        "if request.answer is not None:",
        "if False:",
        "who was denied is approved later",
        by=SUPPORT,
    ),
    Fault(
        ENTRIES,
        '"window": {"from": told(first), "until": told(last)},',
        '"window": {"from": told(first)},',
        "access does not end in the network",
        by=ACCESS,
    ),
    Fault(
        ENTRIES,
        "if closed:",
        "if False:",
        "API servers are open to support staff without an approval",
        by=ACCESS,
    ),
    Fault(
        "cloison/loading/access_history.py",
        "if last is not None and event.at < last:",
        "if False:",
        "an event is written before those that were",
        by=ACCESS,
    ),
    Fault(
        "cloison/loading/access_history.py",
        'for verb in ("UPDATE", "DELETE")',
        'for verb in ("UPDATE",)',
        "an event can be taken out",
        by=ACCESS,
    ),
    Fault(
        "cloison/views/support_access.py",
        "may = approvers.get(known[number].tenant, [])",
        "may = [one for some in approvers.values() for one in some]",
        "another customer approves",
        by=ACCESS,
    ),
)
