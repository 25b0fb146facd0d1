"""prune: drop what cannot change a verdict.

A stage that only ever permits is not bound at all: a pod that no policy selects needs no group to
let its own node's probes in. A stage that can deny, or end the evaluation, stays as it is.

>>> from compiler.passes.draft import Draft, Scope
>>> from compiler.policy.ir import Action, Direction, Origin, Policy
>>> permits = Scope((), Action.PERMIT, Origin("default", "no policy"))
>>> denies = Scope((), Action.DENY, Origin("NetworkPolicy", "web/db"))
>>> before = {(Direction.IN, 4, e): s for e, s in ((3, permits), (7, denies))}
>>> [e for _, _, e in before]
[3, 7]
>>> after = prune(Draft(None, Policy(), scopes=before))
>>> [e for _, _, e in after.scopes]
[7]
"""

from __future__ import annotations

from dataclasses import replace

from compiler.passes.draft import Draft, Scope
from compiler.policy.stages import Stage, To


def prune(draft: Draft) -> Draft:
    """Keep the scopes that can deny or end the evaluation."""
    stages = draft.policy.stages
    scopes = {
        key: scope for key, scope in (draft.scopes or {}).items() if decides(stages[key[1]], scope)
    }
    return replace(draft, scopes=scopes)


def decides(stage: Stage, scope: Scope) -> bool:
    """Whether a scope can deny or skip stages, or let pass under conditions only."""
    onward = {does.action for does in stage.does if does.to is To.NEXT}
    return scope.default not in onward or any(
        line.action not in onward or line.conditions for line in scope.lines
    )
