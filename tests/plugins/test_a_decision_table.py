"""A made-up decision table: who may do what with a bucket. It is of no network, and none is made:
nothing is routed, and whoever asks where packets travel hears that nobody said it.

Principals have numbers, which stand where addresses of remotes do; what they ask for are ports.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from typing import Any

import pytest
import stage_laws
from any_policies import WORLD, policies, seeds
from dump_reader import permits
from hypothesis import Phase, given, settings
from lowered import classified

from compiler.compile import compile_policy
from compiler.edit import Edit, Editor
from compiler.policy.domain import Unrouted
from compiler.policy.ir import (
    L4,
    Action,
    Cidr,
    Direction,
    Named,
    Origin,
    Packet,
    Point,
    Policy,
    Rule,
    Selection,
    Stage,
)
from compiler.policy.semantics import decide
from compiler.program.program import Entry, Group, L4Range, Program, Region
from compiler.program.walk import verdict, walk
from compiler.targets.catalogue import dumper
from compiler.targets.profiles import DASH_400G
from compiler.targets.usage import usage
from fabric.building.network import Network
from fabric.diagnostics import UndecidedError
from fabric.values.inventory import Endpoint, Vrf
from fabric.wiring.topology import Node, Role
from sim.blocks.blocks import build_blocks, reroute
from sim.blocks.equal_worlds import alike, decide_alike
from sim.blocks.update import update
from sim.diff.changes import Became, changes, packet_text
from sim.pipeline.tables import tables
from sim.worlds.world import World

FEW = settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
READ, WRITE, DELETE = 1, 2, 3
STAFF, ROOT = ip_network("0.0.0.0/24"), ip_network("0.0.0.7/32")
PRINCIPALS = 0, 6, 7, 8, 255, 256, 1 << 31
BUCKETS = Unrouted(
    "buckets",
    (Vrf(0, "buckets", "buckets", 1, 0, ()),),
    tuple(
        Endpoint(n, b, "zone", "buckets", 0, 1, n, None, ()) for n, b in enumerate(("logs", "img"))
    ),
    tuple(Node(n, b, Role.DPU, "buckets") for n, b in enumerate(("logs", "img"))),
)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody makes a network while a test runs."""

    def made(*_: Any, **__: Any) -> None:
        raise AssertionError("a network is made")

    monkeypatch.setattr(Network, "__init__", made)
    with pytest.raises(AssertionError, match="a network is made"):
        Network.bare("x")


def grant(order: int, bucket: str, whom: Any, *what: int, deny: bool = False) -> Rule:
    """A row of the table."""
    place = Stage.WORKLOAD, Direction.IN, order
    action = Action.DENY if deny else Action.PERMIT
    l4 = tuple(L4(6, n, n) for n in what)
    origin = Origin("NetworkPolicy", f"{bucket} {order}")
    return Rule(*place, (Named((bucket,)),), (Cidr(whom),), l4, action, origin)


def table(*rows: Rule) -> Policy:
    """Rows, with a denial of everything else at both buckets."""
    rest = Origin("default", "deny")
    both = (Named(("logs", "img")),)
    return Policy(rows, (Selection(Stage.WORKLOAD, Direction.IN, both, Action.DENY, rest),))


WAS = table(
    grant(1, "logs", ROOT, READ, WRITE, DELETE),
    grant(2, "logs", STAFF, WRITE, deny=True),
    grant(3, "logs", STAFF, READ, WRITE),
    grant(4, "img", STAFF, READ),
)
NOW = replace(WAS, rules=(*WAS.rules[:1], *WAS.rules[2:]))


def asked() -> Iterator[Packet]:
    """Every question that rows tell apart, and some beside them."""
    for bucket in range(2):
        for who in PRINCIPALS:
            for what in (0, READ, WRITE, DELETE, 4):
                yield Packet(Direction.IN, bucket, 4, who, 0, 6, 0, what)


def may(bucket: str, who: int, what: int) -> bool:
    """What `WAS` means, by hand."""
    if bucket == "img":
        return who < 256 and what == READ
    return what in (READ, WRITE, DELETE) if who == 7 else who < 256 and what == READ


@pytest.mark.usefixtures("no_network")
def test_definition_entries_blocks_and_engines_say_what_is_meant() -> None:
    program = compile_policy(BUCKETS, WAS)
    blocks, every = build_blocks(program), [*asked()]
    of = classified(program, Stage.WORKLOAD, 4, every)
    for packet, entry in zip(every, of, strict=True):
        meant = may(BUCKETS.endpoints[packet.local].name, packet.remote_ip, packet.dport)
        found = decide(WAS, BUCKETS, packet)
        assert found.permit is verdict(program, packet).permit is meant, packet
        atom = blocks.l4.atom(packet.protocol, packet.sport, packet.dport)
        cell = blocks.cell(0, 4, packet.remote_ip, 0)
        assert bool(blocks.dec_permit[blocks.decision(1, packet.local, cell, atom)]) is meant  # type: ignore[arg-type]
        said = program.entry(entry)[1]
        assert (said.action is not Action.DENY) is meant
        assert (program.origins[said.origin],) == found.matched[Stage.WORKLOAD]


@pytest.mark.usefixtures("no_network")
def test_tables_are_enough() -> None:
    """Groups that somebody has already: two points, one asks the group that permits HTTPS alone."""
    permit = Entry(0, 0, (Region(),), (L4Range(6, dport=(443, 443)),), Action.PERMIT, 0)
    deny = Entry(1, 1, (Region(),), (L4Range(),), Action.DENY, 1)
    group = Group(0, Stage.WORKLOAD, Direction.OUT, (permit,), deny)
    origins = Origin("NetworkPolicy", "https"), Origin("default", "deny")
    program = Program.of_tables("web", (group,), origins, {"asks": [0], "asks not": []})
    assert program.n_entries == 2 and program.routed is None
    assert str(program) == repr(program) != ""
    blocks = build_blocks(program)
    for port, wanted in ((443, permit), (80, deny)):
        packet = Packet(Direction.OUT, 0, 4, 1, 0, 6, 40000, port)
        assert [entry for _, entry in walk(program, packet)] == [wanted]
        assert [*walk(program, replace(packet, local=1))] == []
        l4 = blocks.l4.atom(6, 40000, port)
        found = blocks.decision(Direction.OUT, 0, blocks.cell(0, 4, 1, 0), l4)
        assert bool(blocks.dec_permit[found]) is (wanted is permit)
    held = [program.groups_at(n) for n in range(2)]
    assert held == [(group,), ()]


@pytest.mark.usefixtures("no_network")
def test_dumps_hold_all_of_it() -> None:
    """A reader of the JSON alone comes to the verdicts; nothing in it is about routes."""
    program = compile_policy(BUCKETS, WAS)
    back = dumper("canonical", program)
    assert back.nodes(program) == (0, 1)
    for node, bucket in enumerate(("logs", "img")):
        said = json.loads(back.render(program, node))
        assert (said["fabric"], said["node"], said["vtep"]) == ("buckets", bucket, None)
        assert said["tunnel_admit"] == said["routes"] == said["mappings"] == []
        for packet in asked():
            if packet.local == node:
                ip, l4 = str(IPv4Address(packet.remote_ip)), (6, 0, packet.dport)
                meant = may(bucket, packet.remote_ip, packet.dport)
                assert permits(said, "in", bucket, "buckets", ip, l4) is meant
        text = dumper("text", program).render(program, node)
        assert text.startswith(f"# {bucket}  vtep none  fabric buckets\n")
        assert f"{bucket} 1" in text or f"{bucket} 4" in text


@pytest.mark.usefixtures("no_network")
def test_what_an_edit_changes_is_told() -> None:
    """Without its denial staff may write logs, and nothing else changes."""
    editor = Editor(BUCKETS, WAS)
    before = build_blocks(editor.program)
    after = editor.apply(Edit(removed=Policy(WAS.rules[1:2])))
    (one,) = changes(before, update(before, after))
    (other,) = changes(before, build_blocks(compile_policy(BUCKETS, NOW)))
    assert (one.change, one.endpoints) == (Became.GAINED, ("logs",))
    assert (other.change, other.endpoints) == (one.change, one.endpoints)
    assert one.remotes == other.remotes and one.ports == other.ports
    assert one.remotes[0].v4 == ((0, 6), (8, 255))
    packet = packet_text(BUCKETS, one.after)
    assert packet == "logs from 0.0.0.1 in buckets, port 40000 to 2/tcp"
    assert decide_alike(editor.program, compile_policy(replace(BUCKETS), NOW)) is False
    again = compile_policy(replace(BUCKETS), WAS)
    assert decide_alike(before.program, again) and changes(before, build_blocks(again)) == ()


@pytest.mark.usefixtures("no_network")
def test_where_packets_travel_nobody_said() -> None:
    program = compile_policy(BUCKETS, WAS)
    blocks = build_blocks(program)
    asks: list[Callable[[], object]] = [
        lambda: World.compiled(program),
        lambda: tables(blocks),
        lambda: reroute(blocks, program),
        lambda: usage(program, DASH_400G),
        lambda: dumper("nftables", program).render(program, 0),
        lambda: dumper("frr", program).nodes(program),
        lambda: dumper("nvue", program).nodes(program),
    ]
    for ask in asks:
        with pytest.raises(UndecidedError, match="where packets of buckets travel"):
            ask()


@pytest.mark.usefixtures("no_network")
def test_a_row_for_a_peer_is_not_evaluated() -> None:
    """Which peers a point has, routes would say."""
    at_peer = replace(Stage.WORKLOAD, name="PEERS", label="peers", drop="peers_drop", at=Point.PEER)
    rows = tuple(replace(r, stage=at_peer) for r in WAS.rules)
    policy = Policy(rows, (), (at_peer, *WAS.stages), frozenset((Point.PEER,)))
    program = compile_policy(BUCKETS, policy)
    with pytest.raises(UndecidedError, match="where packets of buckets travel"):
        dumper("canonical", program).render(program, 0)


DOMAIN = Unrouted("tables", WORLD.vrfs, WORLD.endpoints, (Node(0, "dpu1", Role.DPU, "here"),))


@FEW
@given(policies(), seeds)
def test_definition_walk_and_blocks_agree(policy: Policy, seed: int) -> None:
    stage_laws.agree(policy, seed, DOMAIN)  # type: ignore[arg-type]


@FEW
@given(policies(), policies(), policies(), seeds)
def test_edits_dumps_and_comparisons_agree(
    policy: Policy, added: Policy, of: Policy, seed: int
) -> None:
    stage_laws.edits(policy, added, seed, DOMAIN)  # type: ignore[arg-type]
    stage_laws.dumped(of, seed, DOMAIN)  # type: ignore[arg-type]
    stage_laws.compared(DOMAIN, of, policy)  # type: ignore[arg-type]


@FEW
@given(policies())
def test_a_network_s_tables_are_those_of_its_domain(policy: Policy) -> None:
    """Routes say nothing about what is allowed."""
    routed, plain = (compile_policy(d, policy) for d in (WORLD, DOMAIN))
    assert routed.groups == plain.groups and routed.origins == plain.origins
    assert (routed.bindings == plain.bindings).all()
    assert not alike(WORLD, DOMAIN) and not alike(DOMAIN, WORLD)
    assert alike(DOMAIN, replace(DOMAIN, name="other"))
