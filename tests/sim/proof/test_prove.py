"""Proofs of networks of two pods: what is found where no expectation asks for anything."""

from __future__ import annotations

from dataclasses import replace

import pytest
from certificate_cases import LEFT_OUT
from routed import at, endpoint, routed

from compiler.policy.ir import (
    Action,
    Direction,
    Everyone,
    Named,
    Origin,
    Policy,
    Rule,
    Selection,
    Stage,
)
from fabric.diagnostics import Diagnostic, Span
from fabric.kubernetes.unmodelled.unevaluated import Unevaluated
from sim.packets.reasons import Reason
from sim.proof.prove import prove
from sim.worlds.world import World


@pytest.mark.parametrize("declared", [False, True])
def test_packets_between_vrfs_that_no_intent_explains_are_findings(declared: bool) -> None:
    ends = [
        at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32")),
        at(1, endpoint(1, "globex/web/b", 1, "10.0.1.1/32")),
    ]
    rows = [("10.0.0.1/32", [(0, 0)]), ("10.0.1.1/32", [(1, 1)])]
    names = ["acme/main", "globex/main"]
    network = routed(["dpu1", "dpu2"], names, ends, {(0, 0): rows, (1, 1): rows})
    origin, closed = Origin("leak" if declared else "tenant", "ab"), Origin("tenant", "closed")
    everybody = (Named(("*",)),)
    rules = tuple(
        Rule(Stage.ISOLATION, way, 0, everybody, (Everyone(),), (), Action.PERMIT, origin)
        for way in Direction
    )
    selections = tuple(
        Selection(Stage.ISOLATION, way, everybody, Action.DENY, closed) for way in Direction
    )
    proof = prove(World(network, Policy(rules, selections)))
    assert {f.kind for f in proof.findings} == (set() if declared else {"isolation"})
    assert proof.verdict == ("unknown" if declared else "fails")
    for finding in proof.findings:
        assert finding.witness is not None
        assert finding.witness.trace(proof.reach).reason is Reason.DELIVERED


@pytest.mark.parametrize("left_out", [(), (LEFT_OUT,)])
def test_what_the_control_plane_finds_fails_whatever_is_not_evaluated(
    left_out: tuple[Unevaluated, ...],
) -> None:
    ends = [at(0, endpoint(0, "acme/web/a", 0, "10.0.0.1/32"))]
    network = routed(["dpu1"], ["acme/main"], ends, {(0, 0): [("10.0.0.1/32", [(0, 0)])]})
    found = Diagnostic("C510", "a route", Span("f.yaml", 2), "", "finding")
    open_ = prove(World(replace(network, not_evaluated=left_out), Policy()))
    proof = prove(World(replace(network, not_evaluated=left_out, findings=(found,)), Policy()))
    assert (open_.findings, open_.verdict) == ((), "unknown")
    assert [(f.kind, f.title) for f in proof.findings] == [("import", "a route")]
    assert (proof.pending, proof.verdict) == (left_out, "fails")
