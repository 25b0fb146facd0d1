"""Which pods stand for all that are not there."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from compiler.policy.ir import (
    Action,
    Cidr,
    Direction,
    Everyone,
    Matcher,
    Named,
    Origin,
    Pods,
    Policy,
    Requirement,
    Selection,
    Stage,
)
from compiler.policy.matchers import ACCOUNT
from compiler.policy.origin_kinds import NETWORK_POLICY
from fabric.diagnostics import UndecidedError
from sim.reach.future_peers import future_pods

ORIGIN, BLOCK = Origin(NETWORK_POLICY, "cluster/a/p"), ip_network("10.0.0.0/8")
WEB = Requirement(ACCOUNT, "In", frozenset({"web"}))


def policy_of(matcher: Matcher) -> Policy:
    """A policy that is about these pods."""
    selection = Selection(Stage.WORKLOAD, Direction.IN, (matcher,), Action.DENY, ORIGIN)
    return Policy((), (selection,))


@pytest.mark.parametrize(
    ("matcher", "by"),
    [
        (Pods("cluster", accounts=(WEB,)), r"pods cluster/.* by .*service_account"),
        (Named(("cluster/a/*",)), r"cluster/a/\* are told from other pods by .*name"),
    ],
)
def test_pods_that_more_than_labels_tell_apart_are_refused(matcher: Matcher, by: str) -> None:
    """None of those that are listed would be the one that is meant."""
    with pytest.raises(UndecidedError, match=by) as refused:
        future_pods(policy_of(matcher), {"a": {}})
    assert refused.value.diagnostics[0].code == "C719"


def test_what_all_pods_have_in_common_tells_none_apart() -> None:
    alone = future_pods(Policy((), ()), {"a": {}})
    for matcher in (Everyone(), Cidr(BLOCK), Pods("cluster")):
        assert len(future_pods(policy_of(matcher), {"a": {}})) == len(alone)
