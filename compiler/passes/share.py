"""share: equal scopes become one group, and entries get their numbers.

>>> from types import SimpleNamespace
>>> from compiler.passes.draft import Draft, Scope
>>> from compiler.policy.ir import Action, Policy
>>> def denying(name):
...     return Scope((), Action.DENY, Origin("NetworkPolicy", name))
>>> before = {(Direction.IN, 4, e): denying(n) for e, n in enumerate("abaa")}
>>> after = share(Draft(SimpleNamespace(endpoints=range(4)), Policy(), scopes=before))
>>> after.bindings[Direction.IN, :, 4].tolist()
[0, 1, 0, 0]
>>> [(group.id, group.default_entry.id) for group in after.groups]
[(0, 0), (1, 1)]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from compiler.passes.draft import Draft, Scope
from compiler.policy.ir import Direction, Origin, Stage
from compiler.program.program import Entry, Group, L4Range, Region


def share(draft: Draft) -> Draft:
    """Fill `groups`, `bindings` and `origins`; entry ids follow group order, defaults come last."""
    stages = draft.policy.stages
    bindings = np.full((len(Direction), len(draft.network.endpoints), len(stages)), -1, np.int32)
    groups: list[Group] = []
    known: dict[tuple[Direction, int, Scope], int] = {}
    met: dict[tuple[Direction, int, int], int] = {}  # by the id of a scope, which is quicker
    origins: dict[Origin, int] = {}
    n_entries = 0

    def cause(origin: Origin) -> int:
        return origins.setdefault(origin, len(origins))

    for (direction, stage, endpoint), scope in (draft.scopes or {}).items():
        place = (direction, stage, id(scope))
        if place not in met:
            key = (direction, stage, scope)
            if key not in known:
                known[key] = len(groups)
                group = new_group(len(groups), direction, stages[stage], scope, n_entries, cause)
                groups.append(group)
                n_entries += len(group.entries) + 1
            met[place] = known[key]
        bindings[direction, endpoint, stage] = met[place]
    return replace(draft, groups=tuple(groups), bindings=bindings, origins=tuple(origins))


def new_group(
    number: int,
    direction: Direction,
    stage: Stage,
    scope: Scope,
    first: int,
    cause: Callable[[Origin], int],
) -> Group:
    """The group of a scope; its entries are numbered from `first`, `cause` numbers origins."""
    entries = tuple(
        Entry(
            first + i,
            i,
            line.regions,
            line.l4,
            line.action,
            cause(line.origin),
            line.conditions,
        )
        for i, line in enumerate(scope.lines)
    )
    default = Entry(
        first + len(entries), len(entries), (Region(),), (L4Range(),), scope.default,
        cause(scope.default_origin),
    )  # fmt: skip
    return Group(number, stage, direction, entries, default)
