"""Which pods stand for all that are not there: by which labels policies tell them apart."""

from __future__ import annotations

import json
from ipaddress import ip_network
from itertools import product
from pathlib import Path

import pytest
from exposed_clusters import (
    HERE,
    KEYS,
    VALUES,
    Object,
    into_a,
    labelled,
    pod,
    policy,
    requirements,
    run,
    wanted,
    written,
)
from hypothesis import example, given
from hypothesis import strategies as st

from cloison.loading.how import How
from cloison.verbs.exposing import exposure
from cloison.views.world import World
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
from compiler.policy.labels import labels_match
from compiler.policy.matchers import ACCOUNT
from compiler.policy.origin_kinds import NETWORK_POLICY
from fabric.diagnostics import UndecidedError
from fabric.kubernetes.files.metadata import NAME_LABEL
from sim.reach.future_peers import MOST, future_pods, told_apart

MORE_KEYS = (*KEYS, "tier")
NONE = [[Requirement(key, "DoesNotExist"), Requirement("tier", "DoesNotExist")] for key in KEYS]
NOT_X = [[Requirement(key, "NotIn", frozenset("x"))] for key in (*KEYS, *KEYS)]


@example([tuple(some) for some in (*NONE, *NOT_X)])
@given(st.lists(st.lists(requirements(MORE_KEYS), max_size=3).map(tuple), max_size=4))
def test_selectors_are_told_apart_by_the_fewest_labels(
    selectors: list[tuple[Requirement, ...]],
) -> None:
    every = [
        {k: v for k, v in zip(MORE_KEYS, values, strict=True) if v}
        for values in product((None, *VALUES, "any1"), repeat=3)
    ]
    fewest: dict[frozenset[int], int] = {}
    for labels in every:
        answers = frozenset(n for n, s in enumerate(selectors) if labels_match(s, labels))
        fewest[answers] = min(len(labels), fewest.get(answers, len(labels)))
    found = told_apart(selectors)
    assert {answers: len(labels) for answers, labels in found.items()} == fewest
    for answers, labels in found.items():
        mine = {n for n, s in enumerate(selectors) if labels_match(s, dict(labels))}
        assert mine == answers


def test_every_selector_has_a_pod_that_it_means(tmp_path: Path) -> None:
    only = {"podSelector": labelled(app="x"), "namespaceSelector": labelled(team="z")}
    there = {"namespaceSelector": labelled(**{NAME_LABEL: "c"})}
    assert into_a(tmp_path, policy("a", {}, ingress=[{"from": [only, there]}])) == {
        "new pod with app=x in a new namespace with team=z",
        "new pod without labels in namespace c",
        "new pod with app=x in namespace c with team=z",
    }


def test_of_several_values_each_is_asked_about(tmp_path: Path) -> None:
    """One is let in as well as the other, and not let out."""
    either = {"podSelector": wanted("app", "In", "x", "y"), "namespaceSelector": labelled(team="z")}
    let_in = policy("a", {}, ingress=[{"from": [either]}])
    assert into_a(tmp_path / "1", let_in) == {"new pod with app=x in a new namespace with team=z"}
    inside = {"podSelector": wanted("app", "In", "x", "y")}
    let_in = policy("a", {}, ingress=[{"from": [inside]}])
    kept = policy("a", labelled(app="x"), egress=[])
    assert into_a(tmp_path / "2", let_in, kept) == {"new pod with app=y in namespace a"}


def test_a_pod_may_need_the_labels_of_two_policies(tmp_path: Path) -> None:
    """Nobody gets out but app=x, and nobody in but team=y; a third policy keeps both at home."""
    out = policy("a", {}, egress=[]), policy("a", labelled(app="x"), egress=[{}])
    into = policy("a", labelled(app="w"), ingress=[{"from": [{"podSelector": labelled(team="y")}]}])
    mine = pod("a", "three", {"app": "w"})
    here = written(tmp_path / "m", *HERE, mine, *out, into)
    found = exposure([here], How(), World.read([here]))
    reaching = {
        str(found.future_end(c)[1]) for c in found.connections
        if c.target.name == "three" and found.future_end(c)[1].namespace == "a"
    }  # fmt: skip
    assert reaching == {"new pod with app=x, team=y in namespace a"}


@pytest.mark.parametrize(
    ("about", "who"),
    [
        (wanted("app", "NotIn", "x"), {"without labels"}),
        (wanted("app", "Exists"), {"with app=any"}),
        (wanted("app", "DoesNotExist"), {"without labels"}),
        (wanted("app", "In", "any"), {"with app=any"}),
    ],
)
def test_what_a_selector_asks_of_a_key(tmp_path: Path, about: Object, who: set[str]) -> None:
    let_in = policy("a", {}, ingress=[{"from": [{"podSelector": about}]}])
    assert into_a(tmp_path, let_in) == {f"new pod {one} in namespace a" for one in who}


def test_namespaces_are_told_apart_by_expressions(tmp_path: Path) -> None:
    terms = [
        {"key": "team", "operator": "In", "values": ["u", "v"]},
        {"key": "zone", "operator": "DoesNotExist"},
        {"key": NAME_LABEL, "operator": "NotIn", "values": ["c"]},
    ]
    let_in = policy(
        "a", {}, ingress=[{"from": [{"namespaceSelector": {"matchExpressions": terms}}]}]
    )
    kept = policy("c", {}, egress=[])
    assert into_a(tmp_path / "1", let_in, kept) == {
        "new pod without labels in a new namespace with team=u"
    }
    terms = [
        {"key": NAME_LABEL, "operator": "In", "values": ["c"]},
        {"key": "team", "operator": "DoesNotExist"},
    ]
    bare = policy("a", {}, ingress=[{"from": [{"namespaceSelector": {"matchExpressions": terms}}]}])
    assert into_a(tmp_path / "3", bare) == {"new pod without labels in namespace c"}
    one = {"namespaceSelector": labelled(team="x"), "podSelector": labelled(app="x")}
    assert into_a(tmp_path / "2", policy("a", {}, ingress=[{"from": [one]}])) == {
        "new pod with app=x in namespace a", "new pod with app=x in a new namespace with team=x"
    }  # fmt: skip


def test_blocks_of_addresses_tell_no_labels_apart(tmp_path: Path) -> None:
    def told(number: int, *peers: Object) -> tuple[set[str], str]:
        let_in = policy("a", {}, ingress=[{"from": [*peers]}])
        found = into_a(tmp_path / str(number), let_in)
        text = run("reach", tmp_path / str(number), "--exposure", "-o", "json").stdout
        return found, json.loads(text)["assumed"]

    pods = {"podSelector": labelled(app="x")}
    block = {"ipBlock": {"cidr": "192.168.0.0/16"}}
    (alone, plain), (both, blocks) = told(1, pods), told(2, pods, block)
    assert alone == both == {"new pod with app=x in namespace a"}
    assert "ipBlock" in blocks and "ipBlock" not in plain


def test_too_many_pods_are_unknown(tmp_path: Path) -> None:
    """Never none: labels of which any may come with any."""
    peers = [{"podSelector": wanted(f"k{n}", "Exists")} for n in range(11)]
    written(tmp_path / "m", *HERE, policy("a", {}, ingress=[{"from": peers}]))
    done = run("reach", tmp_path / "m", "--exposure")
    assert done.exit_code == 4 and "C719" in done.output and f"{MOST:,}" in done.output


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
