"""Rules as rows of one prefix pair: what hash tables hold."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.classify.ruleset import I64, RuleSet


class PrefixRows(NamedTuple):
    """Row k is of rule `rule[k]`, with the prefixes of these numbers; ordered by rule."""

    rule: I64
    src: I64
    dst: I64

    def take(self, which: I64 | NDArray[np.bool_]) -> PrefixRows:
        """These rows."""
        columns: Any = (column[which] for column in self)
        return PrefixRows(*columns)


def n_rows(rules: RuleSet) -> int:
    """How many rows `rows` would make."""
    return int((np.diff(rules.src4.off) * np.diff(rules.dst4.off)).sum())


def rows(rules: RuleSet, src_item: I64, dst_item: I64) -> PrefixRows:
    """All prefix pairs of all rules, whose lists have these members."""
    src, dst = rules.src4, rules.dst4
    n_src, n_dst = np.diff(src.off), np.diff(dst.off)
    count = n_src * n_dst
    rule = np.repeat(np.arange(len(rules)), count)
    within = np.arange(len(rule)) - np.repeat(np.cumsum(count) - count, count)
    i, j = np.divmod(within, n_dst[rule])
    return PrefixRows(rule, src_item[i + src.off[rule]], dst_item[j + dst.off[rule]])
