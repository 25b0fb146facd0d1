"""Each matcher of the table reads what it says, and says where all that it selects is."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from any_policies import WORLD
from matcher_laws import reads_no_more_than_it_says

from compiler.policy.ir import Cidr, Everyone, InVrf, Matcher, Named, OwnNode, Pods, Requirement
from compiler.policy.matchers import MATCHERS

TENANT = next(e.tenant for e in WORLD.endpoints if e.kind == "pod")
VRF = WORLD.vrfs[0].name
SAMPLES: tuple[Matcher, ...] = (
    Everyone(),
    Pods(TENANT),
    Pods(TENANT, (Requirement("app", "Exists"),), None, (Requirement("x", "DoesNotExist"),)),
    Named((f"{TENANT}/*", "zone*/*")),
    Named(("*",), frozenset({"ready"}), frozenset({"host1"})),
    InVrf(frozenset({VRF}), (ip_network("10.0.0.0/8"),)),
    Cidr(ip_network("0.0.0.0/0"), (ip_network("10.0.0.0/9"),), False, TENANT),
    OwnNode(),
)


def test_every_row_has_a_sample() -> None:
    assert (
        {type(matcher) for matcher in SAMPLES}
        == {*MATCHERS}
        == {*Matcher.__subclasses__()} & {*MATCHERS}
    )


@pytest.mark.parametrize("matcher", SAMPLES, ids=str)
def test_it_reads_what_it_says(matcher: Matcher) -> None:
    reads_no_more_than_it_says(matcher, WORLD)


@pytest.mark.parametrize("matcher", SAMPLES, ids=str)
def test_it_selects_nobody_elsewhere(matcher: Matcher) -> None:
    if (inside := matcher.inside()) is None:
        return
    kind, names = inside
    for endpoint in WORLD.endpoints:
        there = endpoint.tenant if kind == "tenant" else WORLD.vrfs[endpoint.vrf].name
        assert there in names or not matcher.selects(endpoint, WORLD)
