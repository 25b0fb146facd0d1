"""Changing one VNI's rules in a keyed table: its blocks are built, and then swapped in at once.
Part of the classifier as a library: `Classifier.update` in docs/classifier.md.

Cost: the blocks of that VNI and one pass over the L4 tables; independent of how many others there
are, until the spare room is used up and everything is laid out again.

L4 classes come to tell the block's rules apart too without a look at any other rule: those of the
whole table and those of the block alone are intersected, axis by axis, then cell by cell. Every new
class lies in one old class (`parent`), so the tables of other blocks follow by one look-up. Classes
never merge here; laying out a table anew does that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.blocks.numbering import distinct
from sim.classify.axes.l4_classes import (
    MAX_CELLS,
    MAX_CLASSES,
    L4Classes,
    as_lists,
    held_by,
    l4_classes,
    narrow,
)
from sim.classify.engines.block import Block, build_block
from sim.classify.engines.keyed import BlockLayout
from sim.classify.engines.keys import DIRECTIONS, Keys, combinations
from sim.classify.engines.plan import BLOCK_PLACES
from sim.classify.ruleset import ANY, I64, RuleSet


def updated(layout: BlockLayout, vni: int, rules: RuleSet, ids: I64) -> BlockLayout | None:
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


def refine(old: L4Classes, new: L4Classes) -> tuple[L4Classes, I64] | None:
    """The common refinement, with the sets of `new`, and the old class of each class; None if a
    table would be too large."""
    sport, a_old, a_new = _joint(old.sport, new.sport)
    dport, b_old, b_new = _joint(old.dport, new.dport)
    meta, c_old, c_new = _joint(old.meta, new.meta)
    if len(a_old) * len(b_old) > min(MAX_CLASSES, MAX_CELLS // len(c_old)):
        return None
    z_old = _cells(a_old * old.n_dport, b_old, c_old, old.n_meta)
    z_new = _cells(a_new * new.n_dport, b_new, c_new, new.n_meta)
    key = old.y[z_old].astype(np.int64) * new.n_y + new.y[z_new]
    y, sample = distinct(key)
    if len(sample) > MAX_CLASSES:
        return None
    parent, child = np.divmod(key[sample], new.n_y)
    off, members = as_lists(held_by(new, np.arange(len(new.y_off) - 1))[:, child])
    uses_meta = old.uses_meta or new.uses_meta
    return L4Classes(
        *narrow(sport, dport, meta, len(a_old) > 1, uses_meta),
        len(b_old),
        len(c_old),
        y.astype(np.uint16),
        len(sample),
        new.set_of,
        off,
        members,
        len(a_old) > 1,
        uses_meta,
    ), parent


def _joint(old: NDArray[Any], new: NDArray[Any]) -> tuple[I64, I64, I64]:
    """Classes of pairs of classes: table, and the old and new class of each."""
    size = max(len(old), len(new))
    old, new = (np.repeat(table, size // len(table)) for table in (old, new))
    n = int(new.max()) + 1
    key = old.astype(np.int64) * n + new
    present = np.bincount(key) > 0
    number = np.cumsum(present) - 1
    kept = np.flatnonzero(present)
    return number[key], kept // n, kept % n


def _cells(a: I64, b: I64, c: I64, n_meta: int) -> I64:
    cells: I64 = ((a[:, None, None] + b[None, :, None]) * n_meta + c[None, None, :]).reshape(-1)
    return cells
