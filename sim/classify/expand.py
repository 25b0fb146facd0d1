"""Rules with lists → rows of one prefix pair, one port pair and one protocol value/mask: the form
that tables without lists take (TCAM, rte_acl, ClassBench files).

Rows come in the order of their rules, so that the first matching row belongs to the first matching
rule; `Rows.rule` says to which. A protocol set that is no value/mask becomes one row per member.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabric.diagnostics import CapacityError
from sim.blocks.numbering import same_rows
from sim.classify.ruleset import ANY, BIT_SETS, RuleSet

I64 = NDArray[np.int64]
LIMIT = 20_000_000
"""Rows; each takes about 60 bytes before any table is built of them."""


@dataclass(frozen=True, slots=True)
class ExpandedRows:
    """Columns of rows. `src` and `dst` are indices into the rule set's prefix lists of `version`,
    `sport` and `dport` into its range lists; `protocol` is value and mask."""

    rules: RuleSet
    version: int
    rule: I64
    src: I64
    dst: I64
    sport: I64
    dport: I64
    protocol: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.rule)


def expanded(rules: RuleSet, version: int = 4) -> ExpandedRows:
    """All rows of `rules` for one IP version; `CapacityError` where there would be too many, or
    where rules look at what a row cannot hold (direction, endpoint, further fields).

    >>> from sim.classify.ruleset import Rule
    >>> web = Rule(dport=((80, 80), (443, 443)), protocols=(6, 17))
    >>> rows = expanded(RuleSet.of([web, Rule()]))
    >>> rows.rule.tolist(), rows.protocol.tolist()[::2]
    ([0, 0, 0, 0, 1], [[6, 255], [6, 255], [0, 0]])
    """
    for name, all_of in {"direction": ANY, "endpoint": ANY, **BIT_SETS}.items():
        if (getattr(rules, name) != all_of).any():
            raise CapacityError(f"rules look at {name}, for which rows have no field")
    sides = (rules.src4, rules.dst4) if version == 4 else (rules.src6, rules.dst6)
    protocol_off, protocol = _protocols(rules.protocol)
    offsets = [*(side.off for side in sides), rules.sport.off, rules.dport.off, protocol_off]
    counts = [np.diff(off) for off in offsets]
    per_rule: I64 = np.prod(np.array(counts, np.float64).reshape(5, -1), axis=0)
    if per_rule.sum() > LIMIT:
        raise CapacityError(f"{per_rule.sum():,.0f} rows; at most {LIMIT:,} are expanded")
    rule = np.repeat(np.arange(len(rules)), per_rule.astype(np.int64))
    left = np.arange(len(rule)) - (np.cumsum(per_rule) - per_rule).astype(np.int64)[rule]
    members = []
    for off, count in zip(reversed(offsets), reversed(counts), strict=True):
        left, member = np.divmod(left, count[rule])
        members.append(off[:-1][rule] + member)
    which, dport, sport, dst, src = members
    return ExpandedRows(rules, version, rule, src, dst, sport, dport, protocol[which])


def _protocols(sets: NDArray[np.uint64]) -> tuple[I64, NDArray[np.uint8]]:
    """Protocol sets as lists of value and mask, in CSR form."""
    which, sample = same_rows(list(sets.T))
    lists = [_value_masks(words.tolist()) for words in sets[sample]]
    size = np.array([len(part) for part in lists], np.int64)
    first = np.cumsum(size) - size
    off = np.concatenate([[0], np.cumsum(size[which])]).astype(np.int64)
    flat = np.array([pair for part in lists for pair in part], np.uint8).reshape(-1, 2)
    at = np.repeat(first[which] - off[:-1], size[which]) + np.arange(off[-1])
    return off, flat[at]


def _value_masks(words: list[int]) -> list[tuple[int, int]]:
    members = [n for n in range(256) if words[n >> 6] >> (n & 63) & 1]
    if not members:
        return []
    fixed = 255
    for member in members:
        fixed &= ~(member ^ members[0])
    if len(members) == 1 << (8 - fixed.bit_count()):
        return [(members[0] & fixed, fixed)]
    return [(member, 255) for member in members]
