"""scope: every endpoint gets the lines that concern it, stage by stage, in order.

>>> from compiler.passes.draft import Draft
>>> from compiler.policy.ir import Direction, Policy
>>> from compiler.program.program import L4Range, Region
>>> def term(order, *endpoints):
...     origin = Origin("NetworkPolicy", f"rule {order}")
...     place = 4, Direction.IN, order, endpoints
...     return Term(*place, (Region(),), (L4Range(),), Action.PERMIT, origin)
>>> after = scope(Draft(None, Policy(), terms=(term(20, 4), term(10, 3, 4))))
>>> for (_, _, endpoint), found in after.scopes.items():
...     print(endpoint, [line.origin.name for line in found.lines])
3 ['rule 10']
4 ['rule 10', 'rule 20']

Where all rules of a stage count, those that win come first, and of permits those that ask for no
conditions, so that the first that matches decides here as well. A stage that denies by default has
a scope for everybody. Endpoints that the same terms are about have one scope, as one value.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from compiler.passes.draft import Draft, Key, Line, Scope, Term
from compiler.policy.ir import Action, Origin, Stage
from compiler.policy.semantics import NO_POLICY
from compiler.policy.stages import Combine, met


def scope(draft: Draft) -> Draft:
    """Fill `scopes` for every (direction, stage, endpoint) that has a rule or a selection."""
    terms: dict[Key, list[Term]] = defaultdict(list)
    stages = draft.policy.stages
    for term in sorted(draft.terms, key=lambda t: (*weight(stages[t.stage], t), t.order)):
        for endpoint in term.locals:
            terms[term.direction, term.stage, endpoint].append(term)
    defaults = draft.defaults or {}
    unasked = [unsaid(stage) for stage in stages]
    everywhere = {
        (direction, place, endpoint.index)
        for place, stage in enumerate(stages)
        if not stage.silent
        for direction in met(stages)[place]
        for endpoint in draft.network.endpoints
    }
    made: dict[tuple[Action, int, tuple[int, ...]], Scope] = {}
    scopes = {}
    for key in sorted(terms.keys() | defaults.keys() | everywhere):
        mine = terms.get(key, ())
        default, origin = defaults.get(key, unasked[key[1]])
        alike = default, id(origin), tuple(map(id, mine))
        if alike not in made:
            made[alike] = Scope(tuple(map(line_of, mine)), default, origin)
        scopes[key] = made[alike]
    return replace(draft, scopes=scopes)


def weight(stage: Stage, term: Term) -> tuple[int, bool]:
    """What comes first where all rules of a stage count; equal where the first match decides."""
    every = stage.combine is Combine.DENY_WINS
    return stage.rank(term.action), every and bool(term.conditions)


def unsaid(stage: Stage) -> tuple[Action, Origin]:
    """What a stage does by default, and the cause."""
    return stage.default, NO_POLICY


def line_of(term: Term) -> Line:
    """What the term says at each endpoint that it is about."""
    return Line(term.regions, term.l4, term.action, term.origin, term.conditions)
