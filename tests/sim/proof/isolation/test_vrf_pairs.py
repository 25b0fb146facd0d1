"""Isolation by classes against the walk over all pairs, and against itself after updates."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from random import Random
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from naive import Header, outcomes
from random_worlds import policies, worlds
from reach_laws import isolation_is_what_paths_say
from routed import at, endpoint, routed
from small_tenants import inside, tenants

from compiler.compile import compile_policy
from compiler.edit import Edit, Editor, edited
from compiler.policy.ir import Action, Direction, Everyone, Named, Origin, Policy, Rule, Stage
from fabric.building.network import Network
from sim.blocks.blocks import build_blocks
from sim.blocks.update import update
from sim.packets.reasons import Reason
from sim.proof.isolation import permits
from sim.proof.isolation.permits import bits, declared
from sim.proof.isolation.vrf_pairs import Isolation, isolation, recheck
from sim.proof.pairs.reachability import reachability
from sim.proof.routes.stand_ins import StandIns
from sim.worlds.world import World

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
SEEDED = st.integers(0, 2**32).map(Random)


def said(found: Isolation) -> dict[tuple[int, int], bool]:
    return {(c.src, c.dst): c.undeclared is not None for c in found.crossings}


@pytest.mark.slices(3)
@settings(max_examples=40, deadline=None, phases=QUICK)
@given(worlds(), policies())
def test_strays_are_exact_and_nothing_else_is_missed(network: Network, policy: Policy) -> None:
    found = isolation_is_what_paths_say(World(network, policy))
    for c in found.crossings:
        if c.undeclared:
            flow = c.undeclared.flow
            header = Header(flow.version, flow.src, flow.dst, flow.protocol, flow.sport, flow.dport)
            done = outcomes(policy, network, flow.src_endpoint, header)
            assert any((o.reason, o.dst) == (Reason.DELIVERED, c.undeclared.dst) for o in done)


@pytest.mark.slices(3)
@settings(max_examples=25, deadline=None, phases=QUICK)
@given(worlds(), policies(), st.lists(policies(), min_size=1, max_size=3), SEEDED)
def test_rechecked_is_proven_anew(
    network: Network, policy: Policy, steps: list[Policy], chance: Any
) -> None:
    editor = Editor(network, policy)
    blocks = build_blocks(editor.program)
    found = isolation(blocks)
    for added in steps:
        edit = Edit(Policy(tuple(r for r in policy.rules if chance.random() < 0.5)), added)
        policy = edited(policy, edit)
        blocks = update(blocks, editor.apply(edit))
        found = recheck(found, blocks)
        fresh = isolation(build_blocks(compile_policy(network, policy)))
        assert said(found) == said(fresh)
        assert (found.out == fresh.out).all()
        assert (found.into == fresh.into).all()


@settings(max_examples=25, deadline=None, phases=QUICK)
@given(worlds(), policies())
def test_what_policies_say_of_vrfs_is_what_blocks_say_of_cells(
    network: Network, policy: Policy
) -> None:
    """Cell by cell, however wide a block is from which it is looked at by itself."""
    blocks = build_blocks(compile_policy(network, policy))
    decided = bits(blocks, declared(blocks, blocks.program.groups))
    n = len(network.vrfs)
    for direction in Direction:
        wanted = np.zeros((n, n), np.uint8)
        for end, vrf in enumerate(blocks.endpoint_vrf.tolist()):
            width = int(blocks.remote_count[vrf])
            for cell in range(blocks.addresses.count(vrf) * width):
                behind = blocks.remote_index[vrf] == cell % width
                for l4 in range(blocks.l4.size):
                    told = decided[blocks.decision(direction, end, cell, l4)]
                    wanted[vrf, behind] |= told
        for wide in (-1, 5, permits.WIDE):
            with patch.object(permits, "WIDE", wide):
                found = np.zeros((n, n), np.uint8)
                permits.fold(blocks, decided, permits.members(blocks), direction, found)
            assert (found == wanted).all()


def test_tenants_with_equal_addresses_do_not_meet() -> None:
    network, policy = tenants(30)
    editor = Editor(network, policy)
    found = isolation(build_blocks(editor.program))
    assert found.holds
    assert found.crossings == ()
    after = recheck(
        found, update(found.blocks, editor.apply(Edit(added=Policy((inside(3, 81, "0.0.0.0/0"),)))))
    )
    assert np.delete(after.into[3], 3).astype(bool).sum() == 29, (
        "the rule lets everybody in who had a route"
    )
    assert after.holds


def test_who_sends_to_a_vrf_that_opens_is_looked_at_again() -> None:
    """Only the receiver's own rules change."""
    ends = [
        at(0, endpoint(0, "acme/web/x", 0, "10.0.0.1/32")),
        at(1, endpoint(1, "globex/web/y", 1, "10.0.1.1/32")),
    ]
    rows = [("10.0.0.1/32", [(0, 0)]), ("10.0.1.1/32", [(1, 1)])]
    names = ["acme/main", "globex/main"]
    network = routed(["dpu1", "dpu2"], names, ends, {(0, 0): rows, (1, 1): rows})
    deny, permit = (
        Rule(
            Stage.OVERRIDE, Direction.IN, order, (Named(("globex/*",)),), (Everyone(),), (),
            action, Origin("zone rule", "r"),
        )
        for order, action in ((1, Action.DENY), (0, Action.PERMIT))
    )  # fmt: skip
    editor = Editor(network, Policy((deny,)))
    blocks = build_blocks(editor.program)
    found = isolation(blocks)
    assert said(found) == {(1, 0): True}
    after = recheck(found, update(blocks, editor.apply(Edit(added=Policy((permit,))))))
    assert said(after).keys() == {(0, 1), (1, 0)}


def test_every_next_hop_of_a_set_leads_somewhere() -> None:
    """One prefix from two other VRFs: packets get to both, whichever is first in the set."""
    ends = [
        at(vtep, endpoint(vtep, f"{name}/web/x", vtep, f"10.0.{min(vtep, 1)}.1/32"))
        for vtep, name in enumerate(("acme", "globex", "initech"))
    ]
    rows = {
        (0, 0): [("10.0.0.1/32", [(0, 0)]), ("10.0.1.1/32", [(1, 1), (2, 2)])],
        (1, 1): [("10.0.0.1/32", [(0, 0)]), ("10.0.1.1/32", [(1, 1)])],
        (2, 2): [("10.0.0.1/32", [(0, 0)]), ("10.0.1.1/32", [(2, 2)])],
    }
    names = ["acme/main", "globex/main", "initech/main"]
    network = routed(["dpu1", "dpu2", "dpu3"], names, ends, rows)
    found = said(isolation_is_what_paths_say(World(network, Policy())))
    assert found == {(0, 1): True, (0, 2): True, (1, 0): True, (2, 0): True}


def test_who_is_seen_in_one_s_own_vrf_is_let_in() -> None:
    """By the receiver's routes the sender's address lies in the receiver's own VRF."""
    ends = [
        at(0, endpoint(0, "acme/web/x", 0, "10.0.0.1/32")),
        at(1, endpoint(1, "globex/web/y", 1, "10.0.1.1/32")),
    ]
    rows = {
        (0, 0): [("10.0.0.1/32", [(0, 0)]), ("10.0.1.1/32", [(1, 1)])],
        (1, 1): [("10.0.0.1/32", [(0, 1)]), ("10.0.1.1/32", [(1, 1)])],
    }
    network = routed(["dpu1", "dpu2"], ["acme/main", "globex/main"], ends, rows)
    world = World(network, Policy())
    assert said(isolation(world.blocks)) == {(0, 1): True}
    isolation_is_what_paths_say(world)


def test_pairs_of_endpoints_are_counted_once() -> None:
    """However many addresses they have."""
    ends = [
        at(0, endpoint(0, "acme/web/x", 0, "10.0.0.1/32", "10.0.0.2/32")),
        at(1, endpoint(1, "globex/web/y", 1, "10.0.1.1/32")),
    ]
    rows = [(f"10.0.0.{n}/32", [(0, 0)]) for n in (1, 2)] + [("10.0.1.1/32", [(1, 1)])]
    network = routed(["dpu1", "dpu2"], ["a/main", "b/main"], ends, {(0, 0): rows, (1, 1): rows})
    found = isolation_is_what_paths_say(World(network, Policy()))
    assert [(c.src, c.dst, c.pairs) for c in found.crossings] == [(0, 1, 1), (1, 0, 1)]


def test_pairs_that_others_stand_for_are_counted() -> None:
    ends = [at(0, endpoint(n, f"acme/web/{n}", 0, f"10.0.0.{n}/32")) for n in range(3)]
    ends.append(at(1, endpoint(3, "globex/web/y", 1, "10.0.1.1/32")))
    rows = [(str(e.prefixes[0]), [(e.vtep, e.vrf)]) for e in ends]
    network = routed(["dpu1", "dpu2"], ["a/main", "b/main"], ends, {(0, 0): rows, (1, 1): rows})
    world = World(network, Policy())
    reach = reachability(world, stand_ins=StandIns.among(world.blocks))
    assert len(reach.pairs) < len(reachability(world).pairs)
    for found in (isolation(world.blocks), isolation(world.blocks, reach)):
        assert [(c.src, c.dst, c.pairs) for c in found.crossings] == [(0, 1, 3), (1, 0, 3)]


def test_a_second_owner_sends_too() -> None:
    """Who answers goes to the VTEP of the second owner of an address."""
    shared = ip_network("10.0.0.9/32")
    ends = [
        *(at(n, endpoint(n, f"acme/web/{n}", 0, str(shared))) for n in (0, 1)),
        at(2, endpoint(2, "globex/web/y", 1, "10.0.1.1/32")),
    ]
    ends = [replace(e, anycast=frozenset((shared,)) if e.index < 2 else e.anycast) for e in ends]
    there, back = ("10.0.1.1/32", [(2, 1)]), (str(shared), [(1, 0)])
    tables = {(0, 0): [(str(shared), [(0, 0)])], (1, 0): [back, there], (2, 1): [back, there]}
    network = routed(["dpu1", "dpu2", "dpu3"], ["acme/main", "globex/main"], ends, tables)
    assert (0, 1) in said(isolation_is_what_paths_say(World(network, Policy())))
