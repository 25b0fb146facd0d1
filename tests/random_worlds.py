"""Random small worlds: routes that make sense only sometimes, policies that permit about half."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from random import Random
from typing import Any

from hypothesis import strategies as st
from routed import at, endpoint, routed

from compiler.policy.ir import (
    L4,
    Action,
    Cidr,
    Direction,
    Everyone,
    InVrf,
    Named,
    Origin,
    Policy,
    Rule,
    Selection,
    Stage,
)
from compiler.policy.stages import STAGES, Stages
from fabric.building.network import Network

FINAL = Action.PERMIT_FINAL
NODES = ["dpu1", "dpu2", "border1", "border2"]
VRFS = ["acme/main", "globex/main", "zone2/main"]
PREFIXES = ["10.0.0.0/24", "10.0.0.1/32", "10.0.0.2/32", "10.1.0.0/24", "0.0.0.0/0", "fd00::/64",
            "fd00::1/128", "::/0"]  # fmt: skip


@st.composite
def worlds(draw: Any, hairpins: bool = True, several: bool = True) -> Network:
    """Two tenants with overlapping addresses, a way out behind one border or both of them, ECMP,
    holes and wrong imports; maybe VRFs that permit hairpins."""
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32", "fd00::1/128")),
        at(1, endpoint(1, "acme/web/b", 0, "10.0.0.2/32", "10.0.0.9/32", "fd00::2/128")),
        at(1, endpoint(2, "globex/web/a", 1, "10.0.0.1/32")),
        at(0, endpoint(3, "globex/db/c", 1, "10.1.0.3/32", "fd00::1/128")),
        replace(
            at(2, endpoint(4, "zone2/inet", 2, "0.0.0.0/0", "::/0", host=None)),
            also_at=draw(st.sampled_from([(), (3,)] if several else [()])),
            backups=frozenset(draw(st.sampled_from([(), (), (3,)] if several else [()]))),
        ),
        at(draw(st.sampled_from([2, 3])), endpoint(5, "zone2/office", 2, "10.0.0.0/25", host=None)),
    ]
    tables: dict[tuple[int, int], list[Any]] = {}
    for vtep, vrf in sorted({(vtep, e.vrf) for e in ends for vtep in e.vteps}):
        rows = {
            str(p): [(v, e.vrf) for v in ([vtep] if vtep in e.vteps else e.vteps)]
            for e in ends
            if e.vrf == vrf
            for p in e.prefixes
        }
        dropped = draw(st.sets(st.sampled_from(sorted(rows)), max_size=1))
        extra = st.tuples(
            st.sampled_from(PREFIXES),
            st.lists(
                st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=3, unique=True
            ),
        )
        for prefix, hops in draw(st.lists(extra, max_size=4)):
            rows.setdefault(prefix, hops)
        tables[vtep, vrf] = [row for row in rows.items() if row[0] not in dropped]
    cut = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=1))
    permit = draw(st.sampled_from([(), (), (2,), (0, 1, 2), (0, 2)])) if hairpins else ()
    return routed(NODES, VRFS, ends, tables, cut, permit)


PATTERNS = st.lists(
    st.sampled_from(["acme/*", "globex/*", "zone2/*", "*/web/a", "zone2/inet"]),
    min_size=1,
    max_size=2,
).map(lambda patterns: Named(tuple(patterns)))
PORTS = st.sampled_from(
    [L4(), L4(6, 80, 80), L4(6, 81, 65535), L4(17), L4(1), L4(58), L4(6, 80, 81, None, 0, 1023)]
)
REMOTES = st.one_of(
    st.just(Everyone()),
    PATTERNS,
    st.sampled_from(PREFIXES).map(lambda p: Cidr(ip_network(p))),
    st.sampled_from(VRFS).map(lambda v: InVrf(frozenset({v}))),
)


@st.composite
def policies(draw: Any, table: Stages = STAGES) -> Policy:
    """A few rules of any stage and a few defaults, each with its own origin. Stages that are not in
    every table get theirs with all that their rows know."""
    new = [stage for stage in table if stage not in STAGES]
    old = [Stage.ZONE2, Stage.ISOLATION, Stage.WORKLOAD]
    rules = [
        Rule(
            stage,
            draw(st.sampled_from(list(Direction))),
            number,
            (draw(PATTERNS),),
            (draw(REMOTES),),
            tuple(draw(st.lists(PORTS, max_size=2))),
            draw(st.sampled_from(does)),
            Origin("zone rule", f"rule{number}"),
        )
        for number in range(draw(st.integers(0, 6)))
        for stage in [draw(st.sampled_from([*old, *new, *new]))]
        for does in [
            [
                Action.PERMIT,
                *(d.action for d in stage.does if d.action is not FINAL or stage in new),
            ]
        ]
    ]
    selections = [
        Selection(
            draw(st.sampled_from([Stage.ISOLATION, Stage.WORKLOAD, *new])),
            draw(st.sampled_from(list(Direction))),
            (draw(PATTERNS),),
            Action.DENY,
            Origin("tenant", f"default{number}"),
        )
        for number in range(draw(st.integers(0, 2)))
    ]
    return Policy(tuple(rules), tuple(selections), table)


def asking(policy: Policy, chance: Random, often: float = 0.5) -> Policy:
    """The policy, in which some permits ask for something."""
    rules = (
        replace(rule, conditions=(f"the request matches {chance.choice('XY')}",))
        if rule.action is not Action.DENY and chance.random() < often
        else rule
        for rule in policy.rules
    )
    return replace(policy, rules=tuple(rules))
