"""scope: every endpoint gets the lines that concern it, stage by stage, in order.

Term(locals=(3, 4), order=10, …), Term(locals=(4,), order=20, …)
→ scopes[IN, WORKLOAD, 3] = (line 10), scopes[IN, WORKLOAD, 4] = (line 10, line 20)
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from compiler.passes.draft import Draft, Line, Scope, Term
from compiler.policy.ir import Action, Direction, Origin, Stage
from compiler.policy.semantics import NO_POLICY

Key = tuple[Direction, Stage, int]


def scope(draft: Draft) -> Draft:
    """Fill `scopes` for every (direction, stage, endpoint) that has a rule or a selection."""
    terms: dict[Key, list[Term]] = defaultdict(list)
    for term in sorted(draft.terms, key=lambda t: t.order):
        for endpoint in term.locals:
            terms[term.direction, term.stage, endpoint].append(term)
    defaults = draft.defaults or {}
    scopes = {
        key: Scope(tuple(map(line_of, terms.get(key, ()))), *defaults.get(key, OPEN))
        for key in sorted(terms.keys() | defaults.keys())
    }
    return replace(draft, scopes=scopes)


OPEN: tuple[Action, Origin] = (Action.PERMIT, NO_POLICY)


def line_of(term: Term) -> Line:
    """What the term says at each endpoint that it is about."""
    return term.regions, term.l4, term.action, term.origin
