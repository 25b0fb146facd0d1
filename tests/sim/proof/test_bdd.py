"""Regions and proofs against two engines of other kinds, for all packets: binary decision diagrams
of the compiled entries, and an SMT solver on formulas of the definition."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations, product

import pytest
import z3
from bdd import changed, crossed
from hypothesis import Phase, given, settings
from naive import outcomes
from random_worlds import policies, worlds
from small_tenants import inside, tenants
from smt import Symbols, delivered, lies, permits

from compiler.compile import compile_policy
from compiler.edit import Edit, Editor
from compiler.policy.ir import Direction, Policy
from fabric.building.network import Network
from sim.blocks.blocks import build_blocks
from sim.blocks.update import update
from sim.diff.changes import changes
from sim.packets.reasons import Reason
from sim.proof.isolation.vrf_pairs import isolation, recheck

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)


@pytest.mark.oracle("oxidd")
@settings(max_examples=12, deadline=None, phases=QUICK)
@given(worlds(), policies(), policies())
def test_diagrams_know_the_same_regions(network: Network, was: Policy, now: Policy) -> None:
    old, new = (compile_policy(network, policy) for policy in (was, now))
    found = changes(build_blocks(old), build_blocks(new))
    assert [*changed(old, new, found)] == []


@pytest.mark.oracle("oxidd")
@settings(max_examples=12, deadline=None, phases=QUICK)
@given(worlds(), policies())
def test_diagrams_know_the_same_crossings(network: Network, policy: Policy) -> None:
    proof = isolation(build_blocks(compile_policy(network, policy)))
    assert [*crossed(proof)] == []


def test_diagrams_notice_what_is_wrong() -> None:
    network, policy = tenants(3)
    editor = Editor(network, policy)
    old = build_blocks(editor.program)
    proof = isolation(old)
    new = update(old, editor.apply(Edit(added=Policy((inside(1, 443, "10.0.0.0/31"),)))))
    (region,) = changes(old, new)
    programs = old.program, new.program
    assert [*changed(*programs, [region])] == []
    assert [*crossed(recheck(proof, new))] == []
    assert any("missing" in line for line in changed(*programs, []))
    wide = replace(region, remotes=tuple(replace(m, v4=((0, 9),)) for m in region.remotes))
    assert any("too much" in line for line in changed(*programs, [wide]))
    assert any("too much" in line for line in changed(*programs, [region, region]))
    into = proof.into.copy()
    into[0, 1] = 1
    assert [*crossed(replace(proof, into=into))] == ["IN t0/main t1/main: 1 is 0"]


@pytest.mark.slices(2)
@pytest.mark.oracle("z3")
@settings(max_examples=4, deadline=None, phases=QUICK)
@given(worlds(), policies(), policies())
def test_a_solver_finds_no_packet_that_contradicts_the_regions(
    network: Network, was: Policy, now: Policy
) -> None:
    old, new = (build_blocks(compile_policy(network, policy)) for policy in (was, now))
    found = changes(old, new)
    for version, direction, e in product((4, 6), Direction, network.endpoints):
        p = Symbols.of(version)
        for vrf in range(len(network.vrfs)):
            before, after = (
                permits(policy, network, direction, e.index, vrf, p) for policy in (was, now)
            )
            mine = [r for r in found if r.direction is direction]
            gained, lost = (
                z3.Or(*(lies(r, network, e.name, vrf, p) for r in mine if r.gained is side))
                for side in (True, False)
            )
            solver = z3.Solver()
            right = z3.And(
                gained == z3.And(after, z3.Not(before)), lost == z3.And(before, z3.Not(after))
            )
            solver.add(p.real(), z3.Not(right))
            assert solver.check() == z3.unsat
            for a, b in combinations([lies(r, network, e.name, vrf, p) for r in mine], 2):
                assert _impossible(a, b)


def _impossible(*formulas: z3.BoolRef) -> bool:
    solver = z3.Solver()
    solver.add(*formulas)
    return bool(solver.check() == z3.unsat)


@pytest.mark.slices(2)
@pytest.mark.oracle("z3")
@settings(max_examples=20, deadline=None, phases=QUICK)
@given(worlds(), policies())
def test_a_solver_finds_no_packet_where_isolation_was_proven(
    network: Network, policy: Policy
) -> None:
    proof = isolation(build_blocks(compile_policy(network, policy)))
    may = {(c.src, c.dst) for c in proof.crossings}
    for version, (a, b) in product((4, 6), permutations(range(len(network.vrfs)), 2)):
        p = Symbols.of(version)
        solver = z3.Solver()
        solver.add(p.real(), delivered(policy, network, a, b, p))
        if solver.check() == z3.sat:
            assert (a, b) in may
            header = p.chosen(solver)
            done = [
                o.reason
                for e in network.endpoints
                if e.vrf == a
                for o in outcomes(policy, network, e.index, header)
            ]
            assert Reason.DELIVERED in done
