"""Laws: semantics == entry walk == blocks, on random policies written straight in the IR."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import endpoint, network

from compiler.blocks import build_blocks
from compiler.compile import compile_policy
from compiler.ir import (
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
from compiler.semantics import decide
from compiler.walk import verdict
from fabric.inventory import NamedPort
from fabric.network import Network

WEB, DNS = NamedPort("http", 6, 8080), NamedPort("dns", 17, 53)


def world() -> Network:
    pods = [
        endpoint(0, "acme/web/a", 0, "10.0.0.1/32", "fd00::1/128", labels={"app": "a"}, ports=(WEB,)),
        endpoint(1, "acme/web/b", 0, "10.0.0.2/32", labels={"app": "b"}, ports=(DNS,), host="host2"),
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
PREFIXES = ["10.0.0.0/8", "10.0.0.0/25", "10.0.0.1/32", "10.0.0.128/25", "0.0.0.0/0", "fd00::/64",
            "fd00::c8/127", "198.51.100.0/24"]  # fmt: skip
labels = st.sampled_from([
    (), (Requirement("app", "In", frozenset({"a"})),), (Requirement("app", "NotIn", frozenset({"a"})),),
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
        st.sampled_from(["acme/*", "zone2/inet", "*/web/a", "zone2/*", "nobody/*"]).map(lambda p: (p,)),
        st.sampled_from([None, frozenset({"ready"}), frozenset({"quarantined"})]),
    ),
    st.builds(
        InVrf,
        st.sampled_from([frozenset({"acme/main"}), frozenset({"zone2/main", "globex/main"})]),
        st.one_of(st.none(), st.lists(prefix, min_size=1, max_size=2).map(tuple)),
    ),
)
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
    st.builds(L4, st.sampled_from([6, 17]), name=st.sampled_from(["http", "dns", "none"])),
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    rules = []
    for number in range(draw(st.integers(0, 8))):
        stage = draw(st.sampled_from(Stage))
        actions = Action if stage is Stage.OVERRIDE else [Action.DENY, Action.PERMIT]
        rules.append(
            Rule(
                stage,
                draw(st.sampled_from(Direction)),
                draw(st.integers(0, 3)) * 100 + number,
                tuple(draw(st.lists(matcher, min_size=1, max_size=2))),
                tuple(draw(st.lists(matcher, max_size=2))),
                tuple(draw(st.lists(l4, max_size=2))),
                draw(st.sampled_from(list(actions))),
                Origin("zone rule", f"r{number}"),
            )
        )
    selections = [
        Selection(
            draw(st.sampled_from([s for s in Stage if s is not Stage.OVERRIDE])),
            draw(st.sampled_from(Direction)),
            (draw(matcher),),
            draw(st.sampled_from([Action.DENY, Action.PERMIT])),
            Origin("default", f"s{number}"),
        )
        for number in range(draw(st.integers(0, 3)))
    ]
    return Policy(tuple(rules), tuple(selections))


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    version = draw(st.sampled_from([4, 6]))
    bounds = [
        int(b) + d
        for p in map(ip_network, [*PREFIXES, *(str(q) for e in WORLD.endpoints for q in e.prefixes)])
        if p.version == version
        for b in (p.network_address, p.broadcast_address)
        for d in (-1, 0, 1)
        if 0 <= int(b) + d < 2**p.max_prefixlen
    ]
    protocol = draw(st.sampled_from([1, 6, 17, 47, 132]))
    ports = PORTS if protocol in (6, 17, 132) else [0]
    return Packet(
        draw(st.sampled_from(Direction)),
        draw(st.integers(0, len(WORLD.endpoints) - 1)),
        version,
        draw(st.sampled_from(bounds)),
        draw(st.integers(0, 2)),
        protocol,
        draw(st.sampled_from([0, 1023, 1024, 65535])) if protocol != 47 else 0,
        draw(st.sampled_from(ports)),
    )


@settings(max_examples=150, deadline=None)
@given(policies(), st.lists(packets(), min_size=20, max_size=40))
def test_semantics_walk_and_blocks_agree(policy: Policy, sample: list[Packet]) -> None:
    program = compile_policy(WORLD, policy)
    blocks = build_blocks(program)
    for packet in sample:
        expected = decide(policy, WORLD, packet)
        walked = verdict(program, packet)
        assert (walked.permit, walked.stage) == (expected.permit, expected.stage), packet
        cell = blocks.cell(
            WORLD.endpoints[packet.local].vrf, packet.version, packet.remote_ip, packet.remote_vrf
        )
        atom = blocks.l4_atom(packet.protocol, packet.sport, packet.dport)
        decision = blocks.decision(packet.direction, packet.local, cell, atom)
        assert bool(blocks.dec_permit[decision]) == expected.permit, packet
        stage = int(blocks.dec_stage[decision])
        assert (None if stage < 0 else Stage(stage)) == expected.stage
        causes = {
            Stage(s): program.origins[program.entry(e)[1].origin]
            for s, e in enumerate(blocks.dec_entries[decision].tolist())
            if e >= 0
        }
        assert causes == walked.matched
        assert all(expected.matched[stage] == origin for stage, origin in causes.items())
