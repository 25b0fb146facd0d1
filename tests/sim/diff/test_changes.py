"""Regions of change == what the definition says differently, packet by packet."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from naive import L4S, points
from random_worlds import asking, policies, worlds
from small_tenants import inside, tenants

from compiler.compile import compile_policy
from compiler.edit import Edit, Editor, edited
from compiler.policy.ir import Direction, Packet, Policy
from compiler.policy.semantics import decide
from fabric.building.network import Network
from sim.blocks.blocks import Blocks, build_blocks
from sim.blocks.update import update
from sim.diff.changes import Became, BothBlocks, ChangedRegion, blocks_asked, changes
from sim.worlds.world import World

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
SEEDED = st.integers(0, 2**32).map(Random)


def holds(region: ChangedRegion, network: Network, packet: Packet) -> bool:
    """Whether a packet lies in a region, by plain comparison."""
    vrf, family = network.vrfs[packet.remote_vrf].name, int(packet.version == 6)
    return (
        region.direction is packet.direction
        and network.endpoints[packet.local].name in region.endpoints
        and any(
            vrf in remote.vrfs
            and any(a <= packet.remote_ip <= b for a, b in (remote.v4, remote.v6)[family])
            for remote in region.remotes
        )
        and any(
            box.protocols[0] <= packet.protocol <= box.protocols[1]
            and box.sport[0] <= packet.sport <= box.sport[1]
            and box.dport[0] <= packet.dport <= box.dport[1]
            for box in region.ports
        )
    )  # fmt: skip


def check(network: Network, was: Policy, now: Policy, found: tuple[ChangedRegion, ...]) -> None:
    """Rules 1 to 3 of `sim.diff.changes`."""
    for version in (4, 6):
        axis = sorted({*points(network, was, version), *points(network, now, version)})
        for ip, e, vrf in product(axis, network.endpoints, range(len(network.vrfs))):
            for direction, l4 in product(Direction, L4S):
                packet = Packet(direction, e.index, version, ip, vrf, *l4)
                before, after = (decide(p, network, packet) for p in (was, now))
                asked = tuple(v.conditions if v.permit else () for v in (before, after))
                became = Became.GAINED if after.permit else Became.LOST
                if before.permit and after.permit:
                    became = Became.ASKED
                differs = before.permit != after.permit or asked[0] != asked[1]
                there = [(r.change, r.asked) for r in found if holds(r, network, packet)]
                assert there == ([(became, asked)] if differs else [])
    for a, b in combinations(found, 2):
        if (a.direction, a.change, a.asked) == (b.direction, b.change, b.asked):
            parts = (a.endpoints, a.remotes, a.ports), (b.endpoints, b.remotes, b.ports)
            assert sum(x == y for x, y in zip(*parts, strict=True)) < 2, "could be one region"
    for region in found:
        assert holds(region, network, region.after)
        assert decide(was, network, region.before).permit is (region.change is not Became.GAINED)
        assert decide(now, network, region.after).permit is (region.change is not Became.LOST)


@pytest.mark.slices(6)
@settings(max_examples=12, deadline=None, phases=QUICK)
@given(worlds(), policies(), policies())
def test_regions_are_what_differs(network: Network, was: Policy, now: Policy) -> None:
    old, new = (build_blocks(compile_policy(network, p)) for p in (was, now))
    check(network, was, now, changes(old, new))
    assert changes(old, old) == ()


@pytest.mark.slices(4)
@settings(max_examples=12, deadline=None, phases=QUICK)
@given(worlds(), policies(), policies())
def test_a_world_beside_another_differs_as_it_does_alone(
    network: Network, was: Policy, now: Policy
) -> None:
    old, new = World(network, was), World(replace(network), now)
    old.blocks, old.program.groups  # noqa: B018
    beside = new.beside(old)
    assert beside.policy_read is now and beside.network is new.network
    assert beside.blocks.program is beside.program
    check(network, was, now, changes(old.blocks, beside.blocks))
    assert changes(new.blocks, beside.blocks) == ()


@pytest.mark.slices(6)
@settings(max_examples=12, deadline=None, phases=QUICK)
@given(worlds(), policies(), st.none() | policies(), SEEDED)
def test_other_conditions_are_a_difference(
    network: Network, was: Policy, now: Policy | None, chance: Random
) -> None:
    both = asking(was, chance), asking(now or was, chance)
    old, new = (build_blocks(compile_policy(network, p)) for p in both)
    check(network, *both, changes(old, new))
    assert changes(old, old) == ()


@pytest.mark.slices(2)
@settings(max_examples=8, deadline=None, phases=QUICK)
@given(worlds(), policies(), policies(), SEEDED)
def test_regions_of_an_update(network: Network, was: Policy, added: Policy, chance: Any) -> None:
    editor = Editor(network, was)
    old = build_blocks(editor.program)
    edit = Edit(Policy(tuple(r for r in was.rules if chance.random() < 0.5)), added)
    new = update(old, editor.apply(edit))
    found = changes(old, new)
    check(network, was, edited(was, edit), found)
    fresh: list[Blocks] = [
        build_blocks(compile_policy(network, p)) for p in (was, new.program.policy)
    ]
    again = changes(*fresh)
    assert [(r.endpoints, r.remotes, r.ports) for r in again] == [
        (r.endpoints, r.remotes, r.ports) for r in found
    ]


def test_one_port_more_is_one_region() -> None:
    network, policy = tenants(3)
    editor = Editor(network, policy)
    old = build_blocks(editor.program)
    (found,) = changes(old, update(old, editor.apply(Edit(added=Policy((inside(1, 443),))))))
    assert found.gained
    assert found.endpoints == ("t1/web/p0", "t1/web/p1")
    (remote,) = found.remotes
    assert remote.vrfs == ("t1/main",)
    assert remote.v4 == ((0, 2**32 - 1),)
    assert [str(box) for box in found.ports] == ["443/tcp"]


@pytest.mark.slices(2)
@settings(max_examples=12, deadline=None, phases=QUICK)
@given(worlds(), policies(), policies())
def test_in_equal_tables_nothing_differs(network: Network, was: Policy, now: Policy) -> None:
    old, new = (build_blocks(compile_policy(network, p)) for p in (was, now))
    sides, again = BothBlocks(old, new), BothBlocks(old, build_blocks(compile_policy(network, was)))
    for _, vrfs, block in blocks_asked(old, new):
        assert again.equal(vrfs, (block[0], block[0]))
        _, differ, *_ = sides.differing(vrfs, block)
        assert not (sides.equal(vrfs, block) and len(differ))
