"""Changing one VNI's rules in a keyed table: its blocks are built, and then swapped in at once.

Cost: the blocks of that VNI and one pass over the L4 tables; independent of how many others there
are, until the spare room is used up and everything is laid out again.
"""

from __future__ import annotations

import numpy as np

from sim.classify.block import Block, build_block
from sim.classify.keyed import Layout
from sim.classify.keys import DIRECTIONS, Keys, combinations
from sim.classify.l4_classes import l4_classes
from sim.classify.plan import BLOCK_PLACES
from sim.classify.refine import refine
from sim.classify.ruleset import ANY, I64, RuleSet


def updated(layout: Layout, vni: int, rules: RuleSet, ids: I64) -> Layout | None:
    """A layout in which `rules` are all rules that concern `vni`, those for any VNI included. None
    if the table must be built anew: an unknown key, or a block that needs another engine.
    """
    try:
        where = combinations(layout.keys, vni)
    except KeyError:
        return None
    own = l4_classes(rules)
    finer = None if own is None else refine(layout.l4, own)
    parts = _by_combination(layout.keys, rules)
    if finer is None or parts is None:
        return None
    l4, parent = finer
    out = layout.refined(l4, parent)
    known, new = dict[bytes, int](), list[Block]()
    number = out.keys.block[where].copy()
    for place, which in enumerate(parts):
        key = which.tobytes()
        if key not in known:
            known[key] = len(out.blocks) + len(new)
            new.append(build_block(rules, which, ids, l4, 0, BLOCK_PLACES))
        number[place] = known[key]
    if any(block.elsewhere for block in new):
        return None
    return out.changed(where, number, new)


def _by_combination(by_key: Keys, rules: RuleSet) -> list[I64] | None:
    """Rules per combination of direction and endpoint; None if a rule names another endpoint."""
    n_endpoints = len(by_key.endpoint) + 1 if by_key.uses_endpoint else 1
    number = np.searchsorted(by_key.endpoint, rules.endpoint)
    named = rules.endpoint != ANY
    known = np.append(by_key.endpoint, ANY)[np.minimum(number, len(by_key.endpoint))]
    if (named & (known != rules.endpoint)).any():
        return None
    if not by_key.uses_direction and (rules.direction != ANY).any():
        return None
    out = []
    for direction in range(DIRECTIONS if by_key.uses_direction else 1):
        for endpoint in range(n_endpoints):
            holds = (rules.direction == ANY) | (rules.direction == direction)
            holds &= ~named | (number + 1 == endpoint)
            out.append(np.flatnonzero(holds))
    return out
