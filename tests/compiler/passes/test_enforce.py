"""enforce alone: what a border says of a packet is what the definition of points says, packet by
packet; all other scopes stay as they are, and nothing stays that nobody asks."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import pytest
from any_policies import BOUNDS, WORLD
from hypothesis import given, settings
from hypothesis import strategies as st
from routed import box

from compiler.passes.draft import Draft, Key, Line, Scope, ordered
from compiler.passes.enforce import Points, enforce
from compiler.policy.ir import Action, Direction, Origin, Packet, Point, Policy
from compiler.policy.semantics import NO_BORDER, owner
from compiler.policy.stages import DENY_OR_NEXT, STAGES, Combine, Owner, Stage
from compiler.program.program import ALL_V4, ALL_V6, ANY_VRF, Intervals, L4Range, Region
from compiler.program.space import of_prefixes
from compiler.program.walk import entry_matches
from fabric.diagnostics import UndecidedError

INET, OFFICE, PENDING = 6, 7, 8
NETWORK = replace(
    WORLD,
    fabric=SimpleNamespace(nodes=(box(0, "dpu1"), box(1, "border1"))),  # type: ignore[arg-type]
    endpoints=(
        *WORLD.endpoints[:INET],
        replace(WORLD.endpoints[INET], vtep=1),
        WORLD.endpoints[OFFICE],
        replace(WORLD.endpoints[0], index=PENDING, name="acme/web/p", host=None, prefixes=()),
    ),
)
"""Of the two in zone 2 only the internet is at a border: the office, which is more specific, is a
hole in the addresses there."""
ROWS = {
    point: Stage(
        f"{point.name}_ROW",
        point.name.lower(),
        Owner.FABRIC,
        point,
        f"{point.name.lower()}_drop",
        Action.PERMIT,
        Combine.FIRST_MATCH,
        DENY_OR_NEXT,
        True,
        None,
    )
    for point in (Point.HOST, Point.PEER, Point.BORDER)
}
TABLE = (ROWS[Point.HOST], ROWS[Point.BORDER], *STAGES, ROWS[Point.PEER])
POLICY = Policy(stages=TABLE, enforced=frozenset(Point))
HOST, BORDER, HERE, PEER = (
    [stage.at for stage in TABLE].index(point)
    for point in (Point.HOST, Point.BORDER, Point.HERE, Point.PEER)
)
IN, OUT = Direction.IN, Direction.OUT
LINE, SCOPE = Origin("zone rule", "line"), Origin("default", "scope")


def spans(version: int) -> st.SearchStrategy[Intervals]:
    prefixes = {
        4: ["10.0.0.0/8", "10.0.0.1/32", "198.51.100.0/25", "198.51.100.0/24", "8.8.8.8/32"],
        6: ["fd00::/64", "fd00::1/128", "2001:db8::/32"],
    }
    some = st.lists(st.sampled_from([ip_network(p) for p in prefixes[version]]), max_size=2)
    everything = ALL_V4 if version == 4 else ALL_V6
    return st.one_of(st.just(everything), some.map(lambda found: of_prefixes(found, version)))


regions = st.builds(Region, st.sampled_from([ANY_VRF, 0, 1, 2]), spans(4), spans(6))
ranges = st.sampled_from([L4Range(), L4Range(6, dport=(80, 80)), L4Range(17)])
lines = st.lists(
    st.tuples(
        st.lists(regions.filter(lambda r: r.v4 or r.v6), min_size=1, max_size=2).map(tuple),
        st.lists(ranges, min_size=1, max_size=2).map(tuple),
        st.sampled_from(Action),
    ),
    max_size=3,
).map(
    lambda found: tuple(Line(*what, Origin("zone rule", f"r{n}")) for n, what in enumerate(found))
)
scopes = st.builds(Scope, lines, st.sampled_from([Action.DENY, Action.PERMIT]), st.just(SCOPE))
packets = st.sampled_from((4, 6)).flatmap(
    lambda version: st.builds(
        Packet,
        st.just(IN),
        st.just(0),
        st.just(version),
        st.sampled_from(BOUNDS[version]),
        st.sampled_from([0, 1, 2]),
        st.sampled_from([6, 17]),
        st.just(1024),
        st.sampled_from([53, 80]),
    )
)


def says(scope: Scope, packet: Packet) -> tuple[Action, Origin]:
    """What a scope does with a packet, and because of whom."""
    for line in scope.lines:
        if entry_matches(line, packet):  # type: ignore[arg-type]
            return line.action, line.origin
    return scope.default, scope.default_origin


def enforced(key: Key, scope: Scope, policy: Policy = POLICY, network: Any = NETWORK) -> Scope:
    """What becomes of one scope."""
    after = enforce(Draft(network, policy, scopes={key: scope})).scopes or {}
    assert list(after) == [key]
    return after[key]


@settings(max_examples=200)
@given(scopes, st.sampled_from([0, 3, INET, OFFICE]), st.lists(packets, min_size=8, max_size=8))
def test_a_border_says_of_what_passes_none_that_it_passes_and_of_the_rest_what_was_said(
    scope: Scope, local: int, some: list[Packet]
) -> None:
    after = enforced((IN, BORDER, local), scope)
    for packet in some:
        remote = owner(NETWORK, packet.remote_vrf, packet.version, packet.remote_ip)
        there = local == INET or (remote is not None and remote.index == INET)
        expected = says(scope, packet) if there else (Action.PERMIT, NO_BORDER)
        assert says(after, packet) == expected
    for region in (region for line in after.lines for region in line.regions):
        assert region.v4 or region.v6
        assert ordered(region.v4) and ordered(region.v6)
    assert all(line.regions for line in after.lines)


@given(scopes)
def test_all_other_points_are_asked_as_they_were(scope: Scope) -> None:
    for key in ((OUT, HOST, 0), (IN, HERE, OFFICE), (OUT, PEER, 3), (IN, BORDER, INET)):
        assert enforced(key, scope) is scope


def test_where_dpus_alone_enforce_nothing_is_looked_at() -> None:
    draft = Draft(NETWORK, Policy(), scopes={(IN, 0, PENDING): Scope((), Action.DENY, SCOPE)})
    assert enforce(draft) is draft


def test_a_line_about_nobody_at_a_border_goes_and_others_keep_the_part_that_is_there() -> None:
    office, inet = (
        (Region(ANY_VRF, of_prefixes([ip_network(text)], 4), ()),)
        for text in ("198.51.100.0/24", "198.51.0.0/16")
    )
    both = tuple(Line(r, (L4Range(),), Action.DENY, LINE) for r in (office, inet))
    first, beside = enforced((IN, BORDER, 0), Scope(both, Action.PERMIT, SCOPE)).lines
    around = of_prefixes([ip_network("198.51.0.0/16")], 4)
    # The office lives in the VRF of the internet, and has the more specific prefix.
    assert first.regions == (
        Region(
            2, ((around[0][0], office[0].v4[0][0] - 1), (office[0].v4[0][1] + 1, around[0][1])), ()
        ),
    )
    assert (first.l4, first.action, first.origin) == ((L4Range(),), Action.DENY, LINE)
    assert beside[1:] == ((L4Range(),), Action.PERMIT, NO_BORDER, ())
    assert beside.regions == (Region(0), Region(1), Region(2, office[0].v4, ()))


NOBODY = {
    "no packet out of an endpoint meets BORDER_ROW": ((OUT, BORDER, 0), POLICY, NETWORK),
    "no packet into an endpoint meets HOST_ROW": ((IN, HOST, 0), POLICY, NETWORK),
    "acme/web/p runs on no host": ((OUT, HOST, PENDING), POLICY, NETWORK),
    "there is nobody at a border": (
        (IN, BORDER, 0),
        POLICY,
        replace(NETWORK, endpoints=tuple(replace(e, vtep=0) for e in NETWORK.endpoints)),
    ),
    "nothing says that the host's own CNI enforces rules": (
        (OUT, HOST, 0),
        replace(POLICY, enforced=Policy().enforced),
        NETWORK,
    ),
}


@pytest.mark.parametrize("why", NOBODY)
def test_what_nobody_asks_is_refused_and_says_why(why: str) -> None:
    key, policy, network = NOBODY[why]
    assert Points(network, policy).nobody(key) == why
    with pytest.raises(UndecidedError) as refused:
        enforced(key, Scope((), Action.DENY, SCOPE), policy, network)
    assert [d.message for d in refused.value.diagnostics] == [
        f"nobody enforces default scope: {why}"
    ]


@pytest.mark.parametrize(
    ("lines", "default", "told"),
    [
        (2, Action.DENY, ["zone rule line", "default scope"]),
        (2, Action.PERMIT, ["zone rule line"]),
        (0, Action.PERMIT, ["default scope"]),
    ],
)
def test_everything_that_nobody_asks_is_told_once(
    lines: int, default: Action, told: list[str]
) -> None:
    """A default that permits says nothing beside lines, and is all there is without any."""
    line = Line((Region(),), (L4Range(),), Action.DENY, LINE)
    found = {(OUT, HOST, PENDING): Scope((line,) * lines, default, SCOPE)}
    with pytest.raises(UndecidedError) as refused:
        enforce(Draft(NETWORK, POLICY, scopes=found))
    why = "acme/web/p runs on no host"
    assert [d.message for d in refused.value.diagnostics] == [
        f"nobody enforces {who}: {why}" for who in told
    ]
