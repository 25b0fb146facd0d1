"""compile: what is allowed, from policy text to the tables that enforcement points hold.

Read `PASSES` top-down; each pass is one file with a before → after. Nothing here knows addresses of
tables, formats or packets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from compiler.passes.draft import Draft, verify
from compiler.passes.enforce import enforce
from compiler.passes.prune import prune
from compiler.passes.resolve import resolve
from compiler.passes.scope import scope
from compiler.passes.share import share
from compiler.policy.domain import Domain
from compiler.policy.ir import Point, Policy
from compiler.policy.source import Source, together
from compiler.program.program import Program
from compiler.sources import SOURCES
from fabric.building.network import Network
from fabric.diagnostics import Diagnostic, UndecidedError
from fabric.io.phases import phase
from fabric.io.uncollected import uncollected

PASSES: tuple[Callable[[Draft], Draft], ...] = (resolve, scope, enforce, prune, share)


@phase("read policies")
@uncollected()
def read_policy(network: Network, sources: Sequence[Source] = SOURCES) -> Policy:
    """Everything that these sources have to say about this network."""
    return together(network, sources)


def refuse_hairpins(domain: Domain, policy: Policy) -> None:
    """Nothing, unless VRFs permit hairpins and others than the DPU of the local side enforce rules:
    whom of those packets pass is not the one that the sender's routes name. `UndecidedError`."""
    elsewhere = any(stage.at is not Point.HERE for stage in policy.stages)
    if elsewhere and any(vrf.hairpin for vrf in domain.vrfs):
        message = "hairpins are permitted, and others than the DPU of the local side enforce rules"
        raise UndecidedError(Diagnostic("C868", message, None, "say hairpin: deny", "unknown"))


@phase("compile policies")
@uncollected()
def compile_policy(domain: Domain, policy: Policy, *, apart: bool = False) -> Program:
    """The program of a given policy. Cost grows with rules × endpoints that they select. `apart` is
    as in a `Draft`."""
    refuse_hairpins(domain, policy)
    draft = Draft(domain, policy, apart=apart)
    for run in PASSES:
        before, draft = draft, run(draft)
        verify(draft, before)
    assert draft.bindings is not None
    n_entries = sum(len(group.entries) + 1 for group in draft.groups)
    return Program(domain, policy, draft.groups, draft.bindings, draft.origins, n_entries)
