"""Rules as rows of one prefix pair: what hash tables hold."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compiler.ruleset import I64, RuleSet


class Rows(NamedTuple):
    """Row k is of rule `rule[k]`, with its prefixes; ordered by rule."""

    rule: I64
    src: NDArray[np.uint32]
    src_length: NDArray[np.uint8]
    dst: NDArray[np.uint32]
    dst_length: NDArray[np.uint8]

    def take(self, which: I64 | NDArray[np.bool_]) -> Rows:
        """These rows."""
        columns: Any = (column[which] for column in self)
        return Rows(*columns)


def n_rows(rules: RuleSet) -> int:
    """How many rows `rows` would make."""
    return int((np.diff(rules.src4.off) * np.diff(rules.dst4.off)).sum())


def rows(rules: RuleSet) -> Rows:
    """All prefix pairs of all rules."""
    src, dst = rules.src4, rules.dst4
    n_src, n_dst = np.diff(src.off), np.diff(dst.off)
    count = n_src * n_dst
    rule = np.repeat(np.arange(len(rules)), count)
    within = np.arange(len(rule)) - np.repeat(np.cumsum(count) - count, count)
    i, j = np.divmod(within, n_dst[rule])
    i, j = i + src.off[rule], j + dst.off[rule]
    return Rows(rule, src.first[i], src.length[i], dst.first[j], dst.length[j])
