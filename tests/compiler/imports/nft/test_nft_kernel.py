"""Random rule sets: the kernel lets real packets pass as the reader says, from text, from nft's
listing of it and from nft's JSON."""

from __future__ import annotations

from random import Random

import pytest
from any_rule_sets import RuleSets
from nft_kernel import filtering_node
from oracles import require, require_root
from said_by_nft import read

from compiler.imports.nft.verdict import decide

GROUPS, EACH = 20, 5


@pytest.mark.root
@pytest.mark.oracle("nft")
@pytest.mark.slices(10)
@pytest.mark.parametrize("group", range(GROUPS))
def test_verdicts_are_those_of_the_kernel(group: int) -> None:
    require("nft", "ip")
    require_root()
    permits = denials = 0
    with filtering_node() as node:
        for seed in range(group * EACH, (group + 1) * EACH):
            drawn = RuleSets(Random(seed))
            text = drawn.text()
            ways = [text, node.load(text), node.listed()]
            packets = drawn.packets(60)
            readings = [read(way)[0] for way in ways]
            for packet, passed in zip(packets, node.passed(packets), strict=True):
                wanted = "permit" if passed else "deny"
                found = [decide(rules, packet).said for rules in readings]
                assert found == [wanted] * 3, (seed, packet)
                permits, denials = permits + passed, denials + (not passed)
    assert permits + denials > 200
