"""Each matcher of the house keeps the laws of matchers, and what each means."""

from __future__ import annotations

import ast
from dataclasses import replace
from importlib import import_module
from inspect import isabstract
from ipaddress import ip_network
from pathlib import Path
from pkgutil import walk_packages
from sys import modules

import pytest
from any_policies import WORLD
from matcher_laws import keeps_its_laws

import compiler
from compiler.imports.joined.behind_port import BehindPort
from compiler.policy.identity_matchers import Beyond, ClusterNodes, NodeAddresses
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
from compiler.policy.matchers import ACCOUNT, holds
from compiler.program.versions import LivesAt

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
    BehindPort("leaf1 swp1", WORLD.vrfs[POD.vrf].name, frozenset({POD.name})),
    LivesAt(Pods(TENANT, (), POD.namespace), frozenset({"dpu1"}), there=True),
)


def matchers_of_the_house() -> set[type[Matcher]]:
    """Every matcher that can be made, wherever it stands: a new one is in no list."""
    for module in walk_packages(compiler.__path__, "compiler."):
        import_module(module.name)
    found, asked = set[type[Matcher]](), [Matcher]
    while asked:
        kind = asked.pop()
        asked += kind.__subclasses__()
        there = getattr(modules[kind.__module__], kind.__name__, None)
        if there is kind and kind.__module__.startswith("compiler.") and not isabstract(kind):
            found.add(kind)
    return found


def test_every_matcher_has_a_sample() -> None:
    assert {type(matcher) for matcher in SAMPLES} == matchers_of_the_house()


@pytest.mark.parametrize("matcher", SAMPLES, ids=str)
def test_it_keeps_its_laws(matcher: Matcher) -> None:
    keeps_its_laws(matcher, WORLD)


def test_samples_of_endpoints_select_some() -> None:
    """Or laws about whom they select would say nothing."""
    said = [m for m in SAMPLES if m.inside() or m.in_namespace() or m.by_labels()]
    selected = [[e.name for e in WORLD.endpoints if m.selects(e, WORLD)] for m in said]
    assert len(said) >= 7 and all(selected)


def test_nobody_asks_which_class_a_matcher_has() -> None:
    """So that one from elsewhere is as good as those of the house."""
    names = {kind.__name__ for kind in (Matcher, *matchers_of_the_house())}
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


def test_names_may_be_those_on_some_hosts_in_some_states_alone() -> None:
    hosts, states = ("host1", "host2", None), ("ready", "provisioning")
    ends = [replace(POD, host=host, state=state) for host in hosts for state in states]
    for only, when in ((None, None), ("host1", None), (None, "ready"), ("host2", "provisioning")):
        matcher = Named(("*",), when and frozenset({when}), only and frozenset({only}))
        selected = [(e.host, e.state) for e in ends if matcher.selects(e, WORLD)]
        assert selected == [
            (e.host, e.state) for e in ends if only in (None, e.host) and when in (None, e.state)
        ]
