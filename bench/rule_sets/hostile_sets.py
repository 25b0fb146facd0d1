"""Rule sets made to explode: grids of classes, and pair tables of tuple spaces.

ranges    every rule has ranges and prefixes of its own in one VNI: each field cuts its axis
          into hundreds of intervals, and nothing merges
copies    a firewall table several times over, addresses XOR-ed, so that tuples stay few while
          distinct addresses and their overlaps multiply
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from rule_sets.firewall_sets import firewall
from rule_sets.rule_list import RuleList, addresses4, networks4

from sim.classify.ruleset import Prefixes, RuleSet

VNI = 4096


def ranges(n: int, seed: int = 6) -> RuleSet:
    """`n` rules, each with its own prefixes, port ranges and protocol."""
    draft, rng = RuleList(), np.random.default_rng([seed, n])
    for _ in range(n):
        src, dst = (
            networks4(addresses4(rng.integers(0, 1 << 32, 1)), rng.integers(1, 33, 1))
            for _ in range(2)
        )
        ports = rng.integers(0, 1 << 16, (2, 2))
        sport, dport = ((int(pair.min()), int(pair.max())) for pair in ports)
        protocol = (int(rng.integers(0, 256)),) if rng.random() < 0.5 else None
        draft.add(VNI, src, dst, [dport], protocol, [sport])
    return draft.rules()


def copies(family: str, n: int, times: int, seed: int = 7) -> RuleSet:
    """`times` copies of a family's table of `n` rules, rule by rule in turn."""
    rules, rng = firewall(family, n), np.random.default_rng([seed, n, times])
    order = np.repeat(np.arange(len(rules)), times)
    key = np.tile(rng.integers(0, 1 << 32, (2, times)), (1, len(rules)))
    many = rules.take(order)
    return replace(many, src4=_xored(many.src4, key[0]), dst4=_xored(many.dst4, key[1]))


def _xored(lists: Prefixes, key: Any) -> Prefixes:
    words, length = networks4(addresses4(lists.first.astype(np.int64) ^ key), lists.length)
    return Prefixes(lists.off, words[:, 0].astype(np.uint32), length)
