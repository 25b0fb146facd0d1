"""scope: every endpoint gets the lines that concern it, stage by stage, in order.

>>> from compiler.passes.draft import Draft
>>> from compiler.policy.ir import Policy
>>> from compiler.program.program import L4Range, Region
>>> def term(order, *endpoints):
...     origin = Origin("NetworkPolicy", f"rule {order}")
...     place = Stage.WORKLOAD, Direction.IN, order, endpoints
...     return Term(*place, (Region(),), (L4Range(),), Action.PERMIT, origin)
>>> after = scope(Draft(None, Policy(), terms=(term(20, 4), term(10, 3, 4))))
>>> for (_, _, endpoint), found in after.scopes.items():
...     print(endpoint, [origin.name for _, _, _, origin, _ in found.lines])
3 ['rule 10']
4 ['rule 10', 'rule 20']
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
    return term.regions, term.l4, term.action, term.origin, term.at
