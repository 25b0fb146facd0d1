"""What one rule says in words that another one says as well: so it is whatever pods there are."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from itertools import product

from any_policies import cidr, l4
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.lints.implied import covers, implies, within
from compiler.policy.ir import (
    L4,
    Action,
    Cidr,
    Direction,
    Everyone,
    LabelSelector,
    Origin,
    Pods,
    Requirement,
    Rule,
    Stage,
)
from compiler.policy.labels import labels_match

KEYS, VALUES = "ab", "xyz"
EVERY = [
    {key: value for key, value in zip(KEYS, values, strict=True) if value}
    for values in product((*VALUES, ""), repeat=len(KEYS))
]
"""Every set of labels that terms below can tell apart."""
some = st.sets(st.sampled_from(VALUES), min_size=1).map(frozenset)
term = st.one_of(
    st.builds(Requirement, st.sampled_from(KEYS), st.sampled_from(["In", "NotIn"]), some),
    st.builds(Requirement, st.sampled_from(KEYS), st.sampled_from(["Exists", "DoesNotExist"])),
)
selector = st.lists(term, max_size=2).map(tuple)
ORIGIN = Origin("NetworkPolicy", "acme/web/p", 0)
WEB = Pods("acme", (Requirement("app", "In", frozenset({"web"})),), "shop")
RULE = Rule(
    Stage.WORKLOAD, Direction.IN, 0, (WEB,), (Everyone(),), (), Action.PERMIT, ORIGIN
)  # fmt: skip


@settings(max_examples=600)
@given(selector, selector)
def test_who_meets_the_narrow_selector_meets_the_wide_one(
    narrow: LabelSelector, wide: LabelSelector
) -> None:
    if implies(narrow, wide):
        assert all(labels_match(wide, labels) for labels in EVERY if labels_match(narrow, labels))


@settings(max_examples=400)
@given(cidr, cidr)
def test_blocks(narrow: Cidr, wide: Cidr) -> None:
    if not within(narrow, wide):
        return

    def held(block: Cidr, address: object) -> bool:
        return address in block.prefix and not any(address in hole for hole in block.excepts)

    for prefix in (narrow.prefix, *narrow.excepts, wide.prefix, *wide.excepts):
        for address in (prefix[0], prefix[-1]):
            assert not held(narrow, address) or held(wide, address)
    assert wide.pods or narrow == wide


@settings(max_examples=300)
@given(l4, l4)
def test_ports(narrow: L4, wide: L4) -> None:
    if covers(replace(RULE, l4=(wide,)), replace(RULE, l4=(narrow,))):
        assert wide.protocol in (-1, narrow.protocol)
        assert wide.name in (None, narrow.name)
        if narrow.name is None:
            assert wide.first <= narrow.first and narrow.last <= wide.last
        assert wide.source_first <= narrow.source_first


def test_both_sides_and_every_matcher_count() -> None:
    other = replace(RULE, local=(Pods("acme", (), "desk"),))
    assert covers(RULE, replace(RULE, remote=(WEB,)))
    assert not covers(other, RULE)
    assert not covers(replace(RULE, remote=(WEB,)), RULE)
    assert not covers(RULE, replace(RULE, local=(WEB, Pods("acme"))))
    assert not covers(replace(RULE, l4=(L4(6),)), RULE)
    assert not covers(replace(RULE, conditions=("it is so",)), RULE)
    hole = Cidr(ip_network("10.0.0.0/8"), (ip_network("10.1.0.0/16"),))
    assert not within(Cidr(ip_network("10.1.2.0/24")), hole)
    assert within(Cidr(ip_network("10.2.0.0/16")), hole)
