"""Doubts about policies: what is legal, and probably not what was meant. One lint per file, one row
here.

`LINTS` is the only place that says which there are. A lint gets what all of them look at
(`compiler.lints.asked`) and yields warnings; it says nothing that is not so. Sources have doubts of
their own (`compiler.policy.source`), about what only they know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from compiler.lints import dns, exceptions, open_gpus, redundant, two_items, unmatched
from compiler.lints.asked import AskedPolicies
from compiler.policy.ir import Policy
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic

LINTS: tuple[Callable[[AskedPolicies], Iterator[Diagnostic]], ...] = (
    unmatched.lint,
    two_items.lint,
    redundant.lint,
    exceptions.lint,
    dns.lint,
    open_gpus.lint,
)


def lints(network: Network, policy: Policy) -> Iterator[Diagnostic]:
    """Every warning about a policy, lint by lint."""
    asked = AskedPolicies(network, policy)
    for lint in LINTS:
        yield from lint(asked)
