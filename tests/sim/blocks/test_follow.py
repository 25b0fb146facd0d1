"""Kernel arrays follow an update: the same verdicts as new ones, and other tenants' as before."""

from __future__ import annotations

from typing import Any

import numpy as np
from any_flows import flows, own
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from random_worlds import policies, worlds
from small_tenants import inside, tenants
from wired import wired

from compiler.edit import Edit, Editor, edited
from compiler.policy.ir import Policy
from fabric.building.network import Network
from sim.blocks.blocks import build_blocks
from sim.blocks.update import update
from sim.packets.headers import Packets
from sim.pipeline.datapath import Datapath, Verdicts
from sim.pipeline.tables import Tables, follow, tables
from sim.pipeline.trace import trace
from sim.worlds.world import World

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
NUMBERED = ("out_decision", "in_decision")


@st.composite
def cases(draw: Any) -> tuple[Network, Policy, list[Policy], Packets]:
    network = wired(draw(worlds()))
    some = draw(st.lists(flows(network), min_size=1, max_size=30))
    steps = draw(st.lists(policies(), min_size=1, max_size=3))
    return network, draw(policies()), steps, Packets.of(some + own(network))


def decided(t: Tables, packets: Packets) -> Verdicts:
    return Datapath(t, threads=1).decide(packets)


@settings(max_examples=25, deadline=None, phases=QUICK)
@given(cases(), st.randoms())
def test_verdicts_are_those_of_new_arrays(
    case: tuple[Network, Policy, list[Policy], Packets], chance: Any
) -> None:
    network, policy, steps, packets = case
    editor = Editor(network, policy)
    blocks = build_blocks(editor.program)
    now = tables(blocks)
    for added in steps:
        edit = Edit(Policy(tuple(r for r in policy.rules if chance.random() < 0.5)), added)
        policy = edited(policy, edit)
        old, older, before = now, blocks, decided(now, packets)
        blocks = update(blocks, editor.apply(edit))
        now = follow(now, older, blocks)
        for column, again in zip(before, decided(old, packets), strict=True):
            assert (column == again).all(), "an update changed what the old arrays say"
    found, fresh = decided(now, packets), decided(tables(blocks), packets)
    for name in Verdicts._fields:
        assert (getattr(found, name) == getattr(fresh, name)).all(), name
    for i in range(len(packets)):
        assert found.reason[i] == trace(World.compiled(editor.program), packets.flow(i)).reason


def test_other_tenants_verdict_columns_are_the_same() -> None:
    network, policy = tenants(40)
    network = wired(network)
    editor = Editor(network, policy)
    blocks = build_blocks(editor.program)
    now = tables(blocks)
    packets = Packets.of(own(network))
    before = decided(now, packets)
    theirs = packets.vrf != 7
    rule = policy.rules[7]
    for port, prefix in ((443, None), (81, "10.0.0.2/31"), (8443, "fd00::/127"), (80, None)):
        new = inside(7, port, prefix)
        older, blocks = blocks, update(blocks, editor.apply(Edit(Policy((rule,)), Policy((new,)))))
        now, rule = follow(now, older, blocks), new
        assert blocks.store is older.store
        after = decided(now, packets)
        for name in Verdicts._fields:
            assert (getattr(before, name)[theirs] == getattr(after, name)[theirs]).all(), name
        allowed = after.reason[~theirs] == 0
        assert (allowed == (packets.dport[~theirs] == port)).all() or prefix
    assert np.array_equal(before.reason, after.reason)


def test_top_rows_run_out_and_are_made_anew() -> None:
    network, policy = tenants(2)
    network = wired(network)
    editor = Editor(network, policy)
    blocks = build_blocks(editor.program)
    now = tables(blocks)
    packets = Packets.of(own(network))
    for number in range(40):
        rule = inside(1, 80, f"10.{number}.0.0/28")
        older, blocks = blocks, update(blocks, editor.apply(Edit(added=Policy((rule,)))))
        now = follow(now, older, blocks)
    fresh = decided(tables(blocks), packets)
    for name in Verdicts._fields:
        assert (getattr(decided(now, packets), name) == getattr(fresh, name)).all()
