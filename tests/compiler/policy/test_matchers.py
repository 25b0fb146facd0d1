"""Each matcher of the table reads what it says, and says where all that it selects is."""

from __future__ import annotations

import ast
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from any_policies import WORLD
from matcher_laws import means_the_addresses_that_it_says, reads_no_more_than_it_says

from compiler.policy.identity_matchers import (
    IDENTITY_MATCHERS,
    Beyond,
    ClusterNodes,
    NodeAddresses,
)
from compiler.policy.ir import (
    Cidr,
    Direction,
    Everyone,
    InVrf,
    Matcher,
    Named,
    OwnNode,
    Packet,
    Pods,
    Requirement,
)
from compiler.policy.matchers import ACCOUNT, MATCHERS, holds

ROOT = Path(__file__).parents[3]
POD = next(e for e in WORLD.endpoints if e.kind == "pod")
TENANT = POD.tenant
VRF = WORLD.vrfs[0].name
SAMPLES: tuple[Matcher, ...] = (
    Everyone(),
    Pods(TENANT),
    Pods(TENANT, (), POD.namespace),
    Pods(TENANT, (Requirement("app", "Exists"),), None, (Requirement("x", "DoesNotExist"),)),
    Named((f"{TENANT}/*", "zone*/*")),
    Named(("*",), frozenset({"ready"}), frozenset({"host1"})),
    InVrf(frozenset({VRF}), (ip_network("10.0.0.0/8"),)),
    Cidr(ip_network("0.0.0.0/0"), (ip_network("10.0.0.0/9"),), False, TENANT),
    OwnNode(),
    Pods(TENANT, accounts=(Requirement(ACCOUNT, "In", frozenset({"default"})),)),
    ClusterNodes(TENANT, own=True),
    ClusterNodes(TENANT, own=False),
    NodeAddresses((("host1", ip_network("10.0.0.0/32")), ("x", ip_network("fd00::1/128"))), True),
    Beyond(TENANT, ip_network("0.0.0.0/0"), (ip_network("10.0.0.0/9"),)),
)


def test_every_row_has_a_sample() -> None:
    assert (
        {type(matcher) for matcher in SAMPLES}
        == {*MATCHERS, *IDENTITY_MATCHERS}
        == {*Matcher.__subclasses__()} & {*MATCHERS, *IDENTITY_MATCHERS}
    )


@pytest.mark.parametrize("matcher", SAMPLES, ids=str)
def test_it_reads_what_it_says(matcher: Matcher) -> None:
    reads_no_more_than_it_says(matcher, WORLD)


@pytest.mark.parametrize("matcher", SAMPLES, ids=str)
def test_it_means_the_addresses_that_it_says(matcher: Matcher) -> None:
    means_the_addresses_that_it_says(matcher, WORLD)


def test_nobody_asks_which_class_a_matcher_has() -> None:
    """So that one from elsewhere is as good as those of the house."""
    names = {kind.__name__ for kind in (Matcher, *MATCHERS)}
    asked = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in ("compiler", "sim", "cloison")
        for path in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance"
        if names & {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
    ]
    assert asked == []


@pytest.mark.parametrize("text", ["10.0.0.0/30", "10.0.0.7/32", "0.0.0.0/0", "fd00::/126"])
def test_a_prefix_holds_its_own_addresses_alone(text: str) -> None:
    prefix = ip_network(text)
    first, last = int(prefix[0]), int(prefix[-1])
    asked = {ip: first <= ip <= last for end in (first, last) for ip in (end - 1, end, end + 1)}
    for version in (4, 6):
        for ip, inside in asked.items():
            packet = Packet(Direction.OUT, 0, version, ip, 0, 6, 1, 1)
            assert holds(prefix, packet) == (inside and version == prefix.version)


@pytest.mark.parametrize("matcher", SAMPLES, ids=str)
def test_it_selects_nobody_elsewhere(matcher: Matcher) -> None:
    if (inside := matcher.inside()) is None:
        return
    kind, names = inside
    for endpoint in WORLD.endpoints:
        there = endpoint.tenant if kind == "tenant" else WORLD.vrfs[endpoint.vrf].name
        assert there in names or not matcher.selects(endpoint, WORLD)


@pytest.mark.parametrize("matcher", SAMPLES, ids=str)
def test_it_selects_nobody_of_other_namespaces(matcher: Matcher) -> None:
    if (namespace := matcher.in_namespace()) is None:
        return
    assert "namespace" in matcher.looks()
    selected = {e.namespace for e in WORLD.endpoints if matcher.selects(e, WORLD)}
    assert selected == {namespace}


def test_names_may_be_those_on_some_hosts_in_some_states_alone() -> None:
    hosts, states = ("host1", "host2", None), ("ready", "provisioning")
    ends = [replace(POD, host=host, state=state) for host in hosts for state in states]
    for only, when in ((None, None), ("host1", None), (None, "ready"), ("host2", "provisioning")):
        matcher = Named(("*",), when and frozenset({when}), only and frozenset({only}))
        selected = [(e.host, e.state) for e in ends if matcher.selects(e, WORLD)]
        assert selected == [
            (e.host, e.state) for e in ends if only in (None, e.host) and when in (None, e.state)
        ]


@pytest.mark.parametrize("matcher", SAMPLES, ids=str)
def test_its_answer_changes_at_its_cuts_alone(matcher: Matcher) -> None:
    cuts = [p for p in matcher.cuts() if p.version == 4]
    inside = {int(p[0]) for p in cuts} | {int(p[-1]) + 1 for p in cuts}
    for text in ("10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9"):
        for first in (int(ip_network(text)[0]), int(ip_network(text)[-1]) + 1):
            below, above = (
                matcher.means(Packet(Direction.OUT, 0, 4, ip, 0, 6, 1, 1), POD, None, WORLD)
                for ip in (first - 1, first)
            )
            assert below == above or first in inside
