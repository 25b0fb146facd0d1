"""How many rules of its cell's list a packet meets before one holds: what a table of cells with
lists costs beyond its caches, counted on a few packets drawn from the rules alone.

Half of the packets are points inside rules, half are random headers: lists of the cells that most
addresses fall into may be long although no rule's own cell is. The seed is fixed, so the same rules
always count the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.classify.columns import Columns
from sim.classify.ruleset import I64, Prefixes, Ranges, RuleSet
from sim.classify.traces import trace

SAMPLE = 32
SEED = 1
Held = NDArray[np.bool_]


def walked(rules: RuleSet, times: I64) -> float:
    """Records met by a packet, mean of both halves; rule r has `times[r]` records in each list that
    it is in."""
    drawn = (trace(rules, kind, SAMPLE, seed=SEED) for kind in ("uniform", "random"))
    return float(np.mean([_met(rules, times, columns) for columns in drawn]))


def _met(rules: RuleSet, times: I64, c: Columns) -> NDArray[np.float64]:
    """The same for each packet."""
    listed = _in_prefixes(rules.src4, c.src) & _in_prefixes(rules.dst4, c.dst)
    held = listed & _in_ranges(rules.sport, c.sport) & _in_ranges(rules.dport, c.dport)
    word, bit = c.protocol >> np.uint8(6), c.protocol.astype(np.uint64) & np.uint64(63)
    held &= (rules.protocol[:, word].T >> bit[:, None]) & np.uint64(1) != 0
    first = np.where(held.any(axis=1), held.argmax(axis=1), len(rules))
    before = np.arange(len(rules)) <= first[:, None]
    met: NDArray[np.float64] = (listed & before) @ times.astype(float)
    return met


def _in_prefixes(lists: Prefixes, ip: NDArray[Any]) -> Held:
    """[packets, rules]: whether the address is in the rule's list."""
    shift = (32 - lists.length.astype(np.int64)).astype(np.uint64)
    same = (ip.astype(np.uint64)[:, None] ^ lists.first.astype(np.uint64)) >> shift == 0
    return _any(same, lists.off)


def _in_ranges(lists: Ranges, port: NDArray[Any]) -> Held:
    at = port.astype(np.int64)[:, None]
    return _any((lists.first <= at) & (at <= lists.last), lists.off)


def _any(members: Held, off: I64) -> Held:
    """By list: whether any member holds."""
    full = np.flatnonzero(np.diff(off))
    found = np.zeros((len(members), len(off) - 1), np.bool_)
    if len(full):
        found[:, full] = np.logical_or.reduceat(members, off[full], axis=1)
    return found
