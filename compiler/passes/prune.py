"""prune: drop what cannot change a verdict.

A stage that only ever permits is not bound at all: a pod that no policy selects needs no group to
let its own node's probes in.

    scopes[IN, WORKLOAD, 3] = (permit own node; default permit) → gone
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
        action is not Action.PERMIT for _, _, action, _ in scope.lines
    )
