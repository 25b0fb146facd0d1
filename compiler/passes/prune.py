"""prune: drop what cannot change a verdict.

A stage that only ever permits is not bound at all: a pod that no policy selects needs no group to
let its own node's probes in. A stage that can deny, or end the evaluation, stays as it is.

>>> from compiler.passes.draft import Draft, Scope
>>> from compiler.policy.ir import Action, Direction, Origin, Policy, Stage
>>> permits = Scope((), Action.PERMIT, Origin("default", "no policy"))
>>> denies = Scope((), Action.DENY, Origin("NetworkPolicy", "web/db"))
>>> before = {(Direction.IN, Stage.WORKLOAD, e): s for e, s in ((3, permits), (7, denies))}
>>> [e for _, _, e in before]
[3, 7]
>>> after = prune(Draft(None, Policy(), scopes=before))
>>> [e for _, _, e in after.scopes]
[7]
"""

from __future__ import annotations

from dataclasses import replace

from compiler.passes.draft import Draft, Scope
from compiler.policy.ir import Action


def prune(draft: Draft) -> Draft:
    """Keep the scopes that can deny or end the evaluation."""
    scopes = {key: scope for key, scope in (draft.scopes or {}).items() if decides(scope)}
    return replace(draft, scopes=scopes)


def decides(scope: Scope) -> bool:
    """Whether a scope can deny or end the evaluation."""
    return scope.default is not Action.PERMIT or any(
        action is not Action.PERMIT for _, _, action, *_ in scope.lines
    )
