"""Two items of a list of peers where one was probably meant: the `-` that turns "and" into "or"
(C686).

`- namespaceSelector: …` and `- podSelector: …` are two peers: all pods of those namespaces, and
such pods of the policy's own namespace. It is told where one item with both selectors would mean
some pod as well, and where the two let somebody in, or out to, whom nothing else does; not where
some policies are not evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from compiler.lints.asked import AskedPolicies, WrittenRule, warning
from compiler.policy.ir import Action, Direction, Pods, Rule
from compiler.policy.semantics import owner
from fabric.diagnostics import Diagnostic


def lint(asked: AskedPolicies) -> Iterator[Diagnostic]:
    """Every warning, in the order of the policy."""
    for written, rules in asked.written.items():
        if not written.kind.items or written.tenant in asked.unread:
            continue
        if (written.kind, written.name) in asked.idle:
            continue
        for one, other in pairwise(rules):
            both = _both(one, other)
            if both is not None and asked.pods.any(both):
                yield from _told(asked, written, (one, other), both)


def _both(one: Rule, other: Rule) -> Pods | None:
    """One item with the selectors of two, if one has that of namespaces alone and the other that
    of pods."""
    for spaces, pods in ((one.remote[0], other.remote[0]), (other.remote[0], one.remote[0])):
        wide, narrow = spaces.by_labels(), pods.by_labels()
        if wide is None or narrow is None or wide.namespaces is None or wide.labels:
            continue
        if narrow.namespaces is None and narrow.labels:
            return Pods(narrow.cluster, narrow.labels, None, wide.namespaces)
    return None


def _told(
    asked: AskedPolicies, written: WrittenRule, two: Sequence[Rule], both: Pods
) -> Iterator[Diagnostic]:
    """The warning, with one whom nobody else lets connect."""
    name = _widens(asked, two, both)
    if name is not None:
        lets = f"lets {name} in" if two[0].direction is Direction.IN else f"lets out to {name}"
        what = f"{written}: of these two items either is enough, which {lets}"
        hint = 'without the "-" before the second selector both must hold'
        yield warning("C686", what, two[1].origin.span, hint)


def _widens(asked: AskedPolicies, two: Sequence[Rule], both: Pods) -> str | None:
    """A pod that two items mean, and neither one item with both selectors nor anything else."""
    either = [part for rule in two for part in asked.meant(rule)]
    narrow = dict(asked.where(two[0], list(asked.meant(replace(two[0], remote=(both,))))))
    for place, lines in asked.where(two[0], either):
        layer, kept_lines = place.layer, narrow.get(place, [])
        cut = place.table.with_lines([*lines, *kept_lines])
        if not cut.plain:
            continue
        origins = {rule.origin for rule in two}
        left = [n for n in cut.of_layer(layer) if cut.lines[n].origin not in origins]
        wide, kept = cut.extra[: len(lines)], cut.extra[len(lines) :]
        more = cut.held(wide) & ~cut.held(kept) & cut.reached(layer)
        more &= cut.does(layer, cut.first(left)) == Action.DENY
        for cell in np.argwhere(more).tolist():
            packet = cut.packet((cell[0], cell[1]))
            found = owner(asked.network, packet.vrf, packet.version, packet.address)
            _, ends = asked.asking[place.table]
            if found is not None and ends != [found.index]:
                return found.name.partition("/")[2]
    return None
