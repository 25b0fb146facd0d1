"""A rewrite of a header is one function: a door (an address that nobody owns) becomes a pod's.

It passes through the forwarding step, and so through traces, explanations and their verdicts; who
does not follow rewritten headers says so in place of a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from routed_demo import DEMO, DEMO_POLICY

from fabric.diagnostics import UndecidedError
from fabric.network import Network
from sim.packets.headers import Flow
from sim.packets.reasons import Reason
from sim.pipeline.forwarding import Place, onward, receivers
from sim.pipeline.replay import replay
from sim.pipeline.trace import trace
from sim.pipeline.traffic import all_pairs
from sim.proof.prove import prove
from sim.why.blame import blame
from sim.why.happenings import steps
from sim.world import World

DOOR, POD, OTHER = 0x0A0000FE, 0x0A000002, 0x0A000001


def through(network: Network, node: int, header: Flow) -> Sequence[Flow]:
    """10.0.0.254 leads to 10.0.0.2."""
    return (replace(header, dst=POD),) if header.dst == DOOR else (header,)


def spread(network: Network, node: int, header: Flow) -> Sequence[Flow]:
    """10.0.0.254 leads to either pod."""
    return tuple(replace(header, dst=d) for d in (OTHER, POD)) if header.dst == DOOR else (header,)


PLAIN = World(DEMO, DEMO_POLICY)
WORLD = replace(PLAIN, rewrites=(through,))
TO_DOOR = Flow(0, 4, OTHER, DOOR, 6, 40000, 80, src_endpoint=0)
TO_POD = replace(TO_DOOR, dst=POD)


def test_a_rewritten_header_fares_as_the_one_that_it_becomes() -> None:
    asked, meant = trace(WORLD, TO_DOOR, 0), trace(PLAIN, TO_POD, 0)
    assert meant.reason is Reason.DELIVERED
    assert (asked.reason, asked.target, asked.next_hop) == (
        meant.reason,
        meant.target,
        meant.next_hop,
    )
    assert asked.out == meant.out and asked.into == meant.into
    assert trace(PLAIN, TO_DOOR, 0).target != meant.target


def test_it_is_explained_and_blamed() -> None:
    found = trace(WORLD, TO_DOOR, 0)
    told = list(steps(WORLD, found))
    assert any("acme/web/b" in str(step.row().values()) for step in told)
    assert blame(WORLD, found).culprit == blame(PLAIN, trace(PLAIN, TO_POD, 0)).culprit


def test_a_step_is_a_set() -> None:
    """One header becomes two, each goes its own way; who receives is a set as well."""
    ways = onward(replace(PLAIN, rewrites=(spread,)), Place(0, 0, TO_DOOR))
    assert [way.to.header.dst for way in ways] == [OTHER, POD]
    assert [[e.name for e in receivers(DEMO, way.to)] for way in ways] == [
        ["acme/web/a"],
        ["acme/web/b"],
    ]
    assert receivers(DEMO, Place(0, 0, TO_POD)) == (), "it lives elsewhere"
    assert onward(PLAIN, Place(0, 1, TO_POD)) == (), "no route"


def test_rewrites_see_each_other_s_headers() -> None:
    def from_other(network: Network, node: int, header: Flow) -> Sequence[Flow]:
        return (replace(header, dst=DOOR),) if header.dst == 1 else (header,)

    start = replace(TO_DOOR, dst=1)
    for rewrites, there in (((from_other, through), POD), ((through, from_other), DOOR)):
        (way, *_) = onward(replace(PLAIN, rewrites=rewrites), Place(0, 0, start))
        assert way.to.header.dst == there


def test_who_does_not_follow_says_so() -> None:
    for ask in (lambda: prove(WORLD), lambda: replay(WORLD, all_pairs(PLAIN.blocks))):
        with pytest.raises(UndecidedError, match="rewritten"):
            ask()
    assert prove(replace(WORLD, rewrites=())).reach.pairs is not None


def test_the_proof_s_columns_take_the_same_steps() -> None:
    """Every path of the proof is a step from here, to the places that it says."""
    reach = prove(PLAIN).reach
    b = reach.blocks
    said = set()
    for row in range(len(reach.paths)):
        src, dst, hop = (
            int(column[row]) for column in (reach.paths.src, reach.paths.dst, reach.paths.hop)
        )
        said.add((src, dst, int(b.set_vtep[hop]), int(b.set_vrf[hop])))
    stepped = set()
    for source in DEMO.endpoints:
        for target in DEMO.endpoints:
            for prefix in target.prefixes:
                if source is target or prefix.version not in {p.version for p in source.prefixes}:
                    continue
                header = Flow(source.vrf, prefix.version, 0, int(prefix.network_address), 6)
                for way in onward(PLAIN, Place(source.vtep, source.vrf, header)):
                    for end in receivers(DEMO, way.to):
                        stepped.add((source.index, end.index, way.to.node, way.to.vrf))
    assert said <= stepped and said
