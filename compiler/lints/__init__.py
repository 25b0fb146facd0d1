"""Doubts about policies: what is legal, and probably not what was meant. One lint per file, one row
here.

`LINTS` is the only place that says which there are. A lint gets what all of them look at
(`compiler.lints.asked`) and yields warnings; it says nothing that is not so. Sources have doubts of
their own (`compiler.policy.source`), about what only they know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from compiler.lints import dns, exceptions, open_gpus, redundant, two_items, unmatched
from compiler.lints.asked import AskedPolicies
from compiler.passes.resolve import Resolver
from compiler.policy.ir import Policy
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic

Lint = Callable[[AskedPolicies], Iterator[Diagnostic]]
OF_TEXT: tuple[Lint, ...] = (unmatched.lint,)
OF_TABLES: tuple[Lint, ...] = (
    two_items.lint,
    redundant.lint,
    exceptions.lint,
    dns.lint,
    open_gpus.lint,
)
"""What looks at what endpoints ask, which is known where somebody enforces the policy."""
LINTS = (*OF_TEXT, *OF_TABLES)


def lints(
    network: Network, policy: Policy, resolver: Resolver | None = None
) -> Iterator[Diagnostic]:
    """Every warning about a policy, lint by lint; `resolver` has resolved it already. What stands
    in manifests that several tenants share is told where it is so for each of them; one is asked
    first, and the others if there is something to tell."""
    alike = sharing(network)
    some = {tenants[0] for tenants in alike}
    found = list(told(AskedPolicies(network, policy, some, resolver)))
    if not found or len(alike) == len(network.manifests):
        yield from found
        return
    times = holders(policy, alike)
    of_all = Counter(told(AskedPolicies(network, policy, None, resolver)))
    for warning in dict.fromkeys(found):
        if of_all[warning] >= times.get("" if warning.span is None else warning.span.file, 1):
            yield warning


def told(asked: AskedPolicies) -> Iterator[Diagnostic]:
    """What each lint says."""
    for lint in LINTS if asked.enforced else OF_TEXT:
        yield from lint(asked)


def sharing(network: Network) -> list[list[str]]:
    """Tenants by the manifests that they share."""
    alike: dict[int, list[str]] = {}
    for tenant, manifests in sorted(network.manifests.items()):
        alike.setdefault(id(manifests), []).append(tenant)
    return list(alike.values())


def holders(policy: Policy, alike: Sequence[Sequence[str]]) -> dict[str, int]:
    """How many tenants share a file with policies."""
    many = {tenants[0]: len(tenants) for tenants in alike}
    rules = (rule.origin for rule in policy.rules if rule.origin.kind.policy)
    return {
        origin.span.file: many[tenant]
        for origin in rules
        if origin.span is not None and (tenant := origin.name.partition("/")[0]) in many
    }
