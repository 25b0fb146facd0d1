"""Updates: the same verdicts as building anew, and nothing of anybody else's is touched."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from naive import L4S, points
from random_worlds import policies, worlds
from small_tenants import inside, tenants

from compiler.compile import compile_policy
from compiler.edit import Edit, Editor, edited
from compiler.policy.ir import (
    L4,
    Direction,
    Packet,
    Policy,
    Rule,
)
from compiler.policy.semantics import decide
from fabric.building.network import Network
from sim.blocks.blocks import Blocks, build_blocks, reroute
from sim.blocks.update import update

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
SEEDED = st.integers(0, 2**32).map(Random)


def judged(blocks: Blocks, packet: Packet) -> tuple[bool, int, list[str]]:
    """What the arrays say: permit, the stage that denied, the origin that decided each stage."""
    program = blocks.program
    vrf = program.network.endpoints[packet.local].vrf
    cell = blocks.cell(vrf, packet.version, packet.remote_ip, packet.remote_vrf)
    atom = blocks.l4.atom(packet.protocol, packet.sport, packet.dport)
    found = blocks.decision(packet.direction, packet.local, cell, atom)
    entries = [e for e in blocks.dec_entries[found].tolist() if e >= 0]
    causes = [str(program.origins[program.entry(e)[1].origin]) for e in entries]
    return bool(blocks.dec_permit[found]), int(blocks.dec_stage[found]), causes


def same(blocks: Blocks, policy: Policy) -> None:
    """Whether updated blocks say of every kind of packet what the policy says."""
    network = blocks.program.network
    fresh = build_blocks(compile_policy(network, policy))
    for version in (4, 6):
        for ip, e, vrf in product(points(network, policy, version), network.endpoints, range(3)):
            for direction, l4 in product(Direction, L4S[::2]):
                packet = Packet(direction, e.index, version, ip, vrf, *l4)
                said = judged(blocks, packet)
                assert said == judged(fresh, packet), packet
                verdict = decide(policy, network, packet)
                assert said[0] == verdict.permit
    assert blocks.l4.size >= fresh.l4.size


@pytest.mark.slices(4)
@settings(max_examples=25, deadline=None, phases=QUICK)
@given(worlds(), policies(), st.lists(policies(), min_size=1, max_size=4), SEEDED)
def test_updates_are_what_building_anew_gives(
    network: Network, policy: Policy, more: list[Policy], chance: Any
) -> None:
    editor = Editor(network, policy)
    blocks = build_blocks(editor.program)
    for added in more:
        gone = Policy(
            tuple(r for r in policy.rules if chance.random() < 0.4),
            tuple(s for s in policy.selections if chance.random() < 0.4),
        )
        edit = Edit(gone, added)
        policy = edited(policy, edit)
        program = editor.apply(edit)
        assert program.policy == policy
        old, shown = blocks, judged(blocks, Packet(Direction.IN, 0, 4, 1, 0, 6, 1, 80))
        blocks = update(blocks, program)
        assert judged(old, Packet(Direction.IN, 0, 4, 1, 0, 6, 1, 80)) == shown
    same(blocks, policy)


def memory(blocks: Blocks, e: int) -> list[Any]:
    """All arrays that decide about an endpoint, of both directions."""
    out: list[Any] = []
    vrf = int(blocks.endpoint_vrf[e])
    for direction in Direction:
        b = int(blocks.ep_block[direction, e])
        cells = blocks.cell_off[b] + blocks.addresses.count(vrf) * blocks.remote_count[vrf]
        out += [
            blocks.cell_class[blocks.cell_off[b] : cells],
            blocks.F[blocks.F_off[b] : blocks.F_off[b] + blocks.n_l4[b]],
            blocks.l4_class[blocks.l4_off[b] : blocks.l4_off[b] + blocks.l4.size],
        ]
    return out


@pytest.mark.parametrize(
    "rule", [inside(1, 81), inside(1, 80, "10.0.0.0/30"), inside(1, 7, "::/1")]
)
def test_other_tenants_arrays_stay_where_they_are(rule: Rule) -> None:
    network, policy = tenants(5)
    editor = Editor(network, policy)
    old = build_blocks(editor.program)
    new = update(old, editor.apply(Edit(Policy((policy.rules[1],)), Policy((rule,)))))
    assert new.serial == 1
    for e in network.endpoints:
        touched = e.tenant == "t1"
        pairs = list(zip(memory(old, e.index), memory(new, e.index), strict=True))
        if touched:
            assert not all(a.shape == b.shape and (a == b).all() for a, b in pairs)
            continue
        assert (old.ep_block[:, e.index] == new.ep_block[:, e.index]).all()
        for a, b in pairs:
            assert np.shares_memory(a, b)
            assert (a == b[: len(a)]).all()
    decided = len(old.dec_permit)
    assert (new.dec_entries[:decided] == old.dec_entries).all()
    assert (new.dec_permit[:decided] == old.dec_permit).all()


def test_what_cannot_be_reused_is_built_anew() -> None:
    network, policy = tenants(3)
    editor = Editor(network, policy)
    first = build_blocks(editor.program)
    program = editor.apply(Edit(added=Policy((inside(2, 443),))))
    second = update(first, program)
    assert second.store is first.store
    assert update(first, program).store is not first.store, "an old version was updated twice"
    source = replace(inside(2, 8), l4=(L4(6, 8, 8, None, 0, 1023),))
    third = update(second, editor.apply(Edit(added=Policy((source,)))))
    assert third.store is not second.store, "source ports are part of every atom's number"
    assert update(third, compile_policy(network, Policy())).store is not third.store


def test_an_update_after_a_failure_keeps_the_routes() -> None:
    network, policy = tenants(2)
    editor = Editor(network, policy)
    blocks = reroute(build_blocks(editor.program), editor.program)
    rule = inside(0, 80, "10.0.0.0/31")
    after = update(blocks, editor.apply(Edit(added=Policy((rule,)))))
    assert after.serial == 1
    fresh = build_blocks(editor.program)
    for vrf in (0, 1):
        begin, other = int(after.fib_off[vrf]), int(fresh.fib_off[vrf])
        size = fresh.addresses.count(vrf)
        assert (after.fib[begin : begin + size] == fresh.fib[other : other + size]).all()


def test_an_editor_starts_over_when_most_groups_are_left_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("compiler.edit.SPARE", 0)
    network, policy = tenants(2)
    editor = Editor(network, policy)
    blocks = build_blocks(editor.program)
    rule = policy.rules[0]
    for port in range(100, 120):
        changed = inside(0, port)
        blocks = update(blocks, editor.apply(Edit(Policy((rule,)), Policy((changed,)))))
        rule = changed
    assert len(editor.program.groups) < 12
    found = judged(blocks, Packet(Direction.IN, 0, 4, 0x0A000002, 0, 6, 1, 119))
    assert found == (True, -1, ["tenant t0 119"])
