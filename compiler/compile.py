"""compile: what is allowed, from policy text to the tables that enforcement points hold.

Read `PASSES` top-down; each pass is one file with a before → after. Nothing here knows addresses of
tables, formats or packets.
"""

from __future__ import annotations

from collections.abc import Callable

from compiler.passes.draft import Draft, verify
from compiler.passes.prune import prune
from compiler.passes.resolve import resolve
from compiler.passes.scope import scope
from compiler.passes.share import share
from compiler.policy.ir import Policy
from compiler.program.program import Program
from compiler.sources import isolation, network_policy, zones
from fabric.network import Network
from fabric.phases import phase

PASSES: tuple[Callable[[Draft], Draft], ...] = (resolve, scope, prune, share)


@phase("read policies")
def read_policy(network: Network) -> Policy:
    """Everything that any frontend has to say about this network."""
    return zones.policy(network) + isolation.policy(network) + network_policy.policy(network)


def compile_network(network: Network) -> Program:
    """The program of a network: its policies read, resolved, scoped, pruned and shared."""
    return compile_policy(network, read_policy(network))


@phase("compile policies")
def compile_policy(network: Network, policy: Policy) -> Program:
    """The program of a given policy. Cost grows with rules × endpoints that they select."""
    draft = Draft(network, policy)
    for run in PASSES:
        draft = run(draft)
        verify(draft)
    assert draft.bindings is not None
    n_entries = sum(len(group.entries) + 1 for group in draft.groups)
    return Program(network, policy, draft.groups, draft.bindings, draft.origins, n_entries)
