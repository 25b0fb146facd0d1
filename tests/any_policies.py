"""Random policies over a small world, in which every kind of matcher, named ports, sources of both
families and every stage occur, and packets at the bounds of all of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

from hypothesis import strategies as st
from worlds import endpoint, network

from compiler.policy.ir import (
    L4,
    Action,
    Cidr,
    Direction,
    Everyone,
    InVrf,
    Named,
    Origin,
    OwnNode,
    Packet,
    Pods,
    Policy,
    Requirement,
    Rule,
    Selection,
    Stage,
)
from compiler.policy.stages import STAGES, Stages
from fabric.building.network import Network
from fabric.values.inventory import NamedPort

WEB, DNS = NamedPort("http", 6, 8080), NamedPort("dns", 17, 53)


def world() -> Network:
    pods = [
        endpoint(0, "acme/web/a", 0, "10.0.0.1/32", "fd00::1/128", labels={"app": "a"},
                 ports=(WEB,)),
        endpoint(1, "acme/web/b", 0, "10.0.0.2/32", labels={"app": "b"}, ports=(DNS,),
                 host="host2"),
        endpoint(2, "acme/data/c", 0, "10.0.0.200/32", "fd00::c8/128", host="host2",
                 namespace_labels={"team": "data"}, ports=(NamedPort("http", 6, 9090),)),
        endpoint(3, "acme/@node/host1", 0, "10.0.1.1/32"),
        endpoint(4, "acme/@node/host2", 0, "10.0.1.2/32", "fd00::102/128", host="host2"),
        endpoint(5, "globex/web/a", 1, "10.0.0.1/32", "fd00::1/128", labels={"app": "a"}),
        endpoint(6, "zone2/inet", 2, "0.0.0.0/0", "::/0", host=None),
        endpoint(7, "zone2/office", 2, "198.51.100.0/24", host=None, state="quarantined"),
    ]  # fmt: skip
    return network(["acme/main", "globex/main", "zone2/main"], pods)


WORLD = world()
FINAL = Action.PERMIT_FINAL
PREFIXES = ["10.0.0.0/8", "10.0.0.0/25", "10.0.0.1/32", "10.0.0.128/25", "0.0.0.0/0", "fd00::/64",
            "fd00::c8/127", "198.51.100.0/24"]  # fmt: skip
labels = st.sampled_from([
    (),
    (Requirement("app", "In", frozenset({"a"})),),
    (Requirement("app", "NotIn", frozenset({"a"})),),
    (Requirement("app", "Exists"),), (Requirement("app", "DoesNotExist"),),
])  # fmt: skip
prefix = st.sampled_from(PREFIXES).map(ip_network)
pods = st.builds(
    Pods,
    st.sampled_from(["acme", "globex"]),
    labels,
    st.sampled_from([None, "web", "data"]),
    st.sampled_from([None, (), (Requirement("team", "Exists"),)]),
)
cidr = st.builds(
    lambda p, e, inside: Cidr(p, tuple(x for x in e if x.version == p.version), inside, "acme"),
    prefix,
    st.lists(prefix, max_size=2),
    st.booleans(),
)
matcher: Any = st.one_of(
    st.just(Everyone()),
    pods,
    cidr,
    st.just(OwnNode()),
    st.builds(
        Named,
        st.sampled_from(["acme/*", "zone2/inet", "*/web/a", "zone2/*", "nobody/*"]).map(
            lambda p: (p,)
        ),
        st.sampled_from([None, frozenset({"ready"}), frozenset({"quarantined"})]),
    ),
    st.builds(
        InVrf,
        st.sampled_from([frozenset({"acme/main"}), frozenset({"zone2/main", "globex/main"})]),
        st.one_of(st.none(), st.lists(prefix, min_size=1, max_size=2).map(tuple)),
    ),
)
wide = st.one_of(st.just(Everyone()), matcher)
"""Matchers of which half hold everybody: what several of them do together is seen more often."""
PORTS = [0, 1, 52, 53, 54, 8079, 8080, 8081, 9090, 65534, 65535]
l4 = st.one_of(
    st.just(L4()),
    st.builds(L4, st.sampled_from([-1, 1, 6, 17])),
    st.builds(
        lambda protocol, a, b, s: L4(protocol, min(a, b), max(a, b), None, s, 65535),
        st.sampled_from([6, 17, 132]),
        st.sampled_from(PORTS),
        st.sampled_from(PORTS),
        st.sampled_from([0, 0, 0, 1024]),
    ),
    st.builds(L4, st.sampled_from([6, 17]), name=st.sampled_from(["http", "http", "dns", "none"])),
    st.builds(L4, st.sampled_from([6, 17]), name=st.just("http")),
)


@st.composite
def policies(draw: st.DrawFn, table: Stages = STAGES) -> Policy:
    """A few rules anywhere; or all in one stage and direction that denies by default, where a rule
    that says the wrong thing is not hidden by others; or permits that end the evaluation before a
    stage that would deny everything."""
    stages: list[Stage] = list(table)
    directions: list[Direction] = list(Direction)
    form = draw(st.sampled_from(["anywhere", "one stage", "final"]))
    if form != "anywhere":
        directions = [draw(st.sampled_from(directions))]
        stages = [draw(st.sampled_from(stages))]
    rules, selections = list[Rule](), list[Selection]()

    def rule(stage: Stage, *actions: Action) -> None:
        number = len(rules)
        rules.append(
            Rule(
                stage,
                draw(st.sampled_from(directions)),
                draw(st.integers(0, 3)) * 100 + number,
                tuple(draw(st.lists(wide, min_size=1, max_size=2))),
                tuple(draw(st.lists(wide, max_size=2))),
                tuple(draw(st.lists(l4, max_size=2))),
                draw(st.sampled_from(actions)),
                Origin("zone rule", f"r{number}"),
            )
        )

    def selection(stages: list[Stage], local: Any, *actions: Action) -> None:
        stage, direction = (draw(st.sampled_from(some)) for some in (stages, directions))
        origin = Origin("default", f"s{len(selections)}")
        action = draw(st.sampled_from(actions))
        selections.append(Selection(stage, direction, (draw(local),), action, origin))

    if form == "final":
        first = draw(st.sampled_from([stage for stage in table if FINAL in _actions(stage)]))
        rule(first, FINAL)
        later = list(table[table.index(first) + 1 :])
        selection(later, st.just(Everyone()), Action.DENY)
    alone = form == "one stage"
    for _ in range(draw(st.integers(alone, 8 if form == "anywhere" else 3))):
        stage = draw(st.sampled_from(stages))
        rule(stage, *_actions(stage))
    bound = [stage for stage in stages if stage is not Stage.OVERRIDE]
    for _ in range(draw(st.integers(alone, 3)) if bound else 0):
        selection(bound, matcher, Action.DENY, Action.PERMIT)
    return Policy(tuple(rules), tuple(selections), table)


def _actions(stage: Stage) -> list[Action]:
    return [does.action for does in stage.does]


BOUNDS = {
    version: sorted(
        {
            int(bound) + step
            for text in [*PREFIXES, *(str(p) for e in WORLD.endpoints for p in e.prefixes)]
            for bound in (ip_network(text).network_address, ip_network(text).broadcast_address)
            for step in (-1, 0, 1)
            if ip_network(text).version == version
            and 0 <= int(bound) + step < 2 ** ip_network(text).max_prefixlen
        }
    )
    for version in (4, 6)
}


def packets(seed: int, count: int = 120) -> Iterator[Packet]:
    """Packets at the bounds of everything; by seed, since drawing each takes most of the time."""
    chance = random.Random(seed)
    for _ in range(count):
        version = chance.choice((4, 6))
        protocol = chance.choice((1, 6, 6, 17, 17, 47, 132))
        remote = chance.choice(BOUNDS[version]), chance.randrange(3)
        if chance.random() < 0.5:  # an endpoint's own address, where it lives
            owner = chance.choice(WORLD.endpoints)
            prefix = chance.choice(owner.prefixes)
            version, remote = prefix.version, (int(prefix.network_address), owner.vrf)
        yield Packet(
            chance.choice(list(Direction)),
            chance.randrange(len(WORLD.endpoints)),
            version,
            *remote,
            protocol,
            chance.choice((0, 1023, 1024, 65535)) if protocol != 47 else 0,
            chance.choice((*PORTS, *3 * (53, 8080, 9090))) if protocol in (6, 17, 132) else 0,
        )


seeds = st.integers(0, 2**32)
