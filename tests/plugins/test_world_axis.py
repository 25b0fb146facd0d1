"""A world axis is one row: the hour of the day.

The row goes through expectations that hold under all of an axis, tables, replay, explanations,
diff, certificates and dumps; how users ask for it is beside this (`test_world_axis_at_the_door`).
Laws hold for every row; a row that was left half-done breaks one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stage_laws
from bdd import changed
from hour_of_day import ANY_HOUR, FORGETFUL, HOUR, world_of

from cloison.views.verification.verified import claims_table
from compiler.policy.ir import Direction, Packet
from compiler.policy.semantics import decide
from compiler.program.document import document
from compiler.program.dpu import enforcement_points, tables_of
from compiler.program.walk import verdict
from fabric.diagnostics import UndecidedError
from fabric.file.expect import held_under
from sim.checker.consistency import inconsistencies
from sim.checker.expectations.failures import KINDS
from sim.checker.validity import validity
from sim.diff.changes import changes
from sim.diff.diff import diff
from sim.packets.reasons import Reason
from sim.pipeline.datapath import Datapath
from sim.pipeline.replay import replay
from sim.pipeline.trace import trace
from sim.pipeline.traffic import all_pairs
from sim.proof.certificates.certificate import certificate
from sim.proof.prove import prove
from sim.why.one_answer import explain
from sim.wording.assumptions import HOLD_UNDER
from sim.worlds.axes import axes, moved, one_more, sweep
from sim.worlds.judged_moment import TIME
from sim.worlds.world import World
from sim.worlds.world_axis import WorldAxis


@pytest.fixture(autouse=True)
def row() -> Iterator[None]:
    with one_more(HOUR, ANY_HOUR):
        yield


def test_expectations_are_tried_at_every_hour(tmp_path: Path) -> None:
    proof = prove(world_of(tmp_path, "any-1-link", "any-hour"))
    assert [(o.claim.number, o.under) for o in proof.under_failure] == [(0, "night")]
    assert proof.verdict == "fails"
    assert all("at night" in finding.title for finding in proof.findings)
    assert next(r["also under"] for r in claims_table(proof).rows) == "not at night"
    assert proof.failures == sweep("any-1-link")[1].count(proof.reach.world) + 2


def test_what_is_tried_is_told_in_its_words(tmp_path: Path) -> None:
    heard: list[str] = []
    proof = prove(world_of(tmp_path, "any-hour"), tell=heard.append)
    assert [o.under for o in proof.under_failure] == ["night"]
    assert [word for word in heard if word.startswith("at ")] == ["at day", "at night"]


def test_explain_replay_and_diff_see_the_hour(tmp_path: Path) -> None:
    day = world_of(tmp_path)
    night = moved(day, {"hour": ["night"]})
    flow = "a/@node/host1", "zone2/inet:443"
    assert [explain(world, *flow).verdict for world in (day, night)] == ["allow", "deny"]
    sent = [all_pairs(world.blocks, [(6, 443)]) for world in (day, day)]
    more, less = (
        replay(world, traffic).delivered for world, traffic in zip((day, night), sent, strict=True)
    )
    assert more > less
    assert {change.kind for change in diff(day, night).changes} == {"lost"}
    assert diff(night, moved(night, {"hour": ["day"]})).changes != ()
    assert diff(day, moved(night, {"hour": ["day"]})).same


def asked(world: World) -> Iterator[Packet]:
    """A packet to the first address of everybody, on ports that rules tell apart, both ways."""
    for local, remote, way in product(world.network.endpoints, world.network.endpoints, Direction):
        for prefix, port in product(remote.prefixes, (80, 443)):
            at = prefix.version, int(prefix[0]), remote.vrf
            yield Packet(way, local.index, *at, 6, 40000, port)


def test_definition_entries_and_blocks_agree_at_every_hour(tmp_path: Path) -> None:
    """Also in worlds that were moved, whose blocks are shared, and the hours decide otherwise."""
    day = world_of(tmp_path)
    night = moved(day, {"hour": ["night"]})
    said = []
    for world in (day, night, moved(night, {"hour": ["day"]})):
        said.append([decide(world.policy_read, world.network, p) for p in asked(world)])
        for packet, wanted in zip(asked(world), said[-1], strict=True):
            assert verdict(world.program, packet) == wanted
            assert stage_laws.permitted(world.blocks, packet) == wanted.permit
    assert said[0] == said[2] != said[1]


def test_laws_of_policies_hold_at_night(tmp_path: Path) -> None:
    """Kernels as defined; the certificate is checked by who knows no axes; diffs are exact; a
    reader of dumps decides as defined."""
    day = world_of(tmp_path)
    night = moved(day, {"hour": ["night"]})
    network, policy = night.network, night.policy_read
    for packets in all_pairs(night.blocks, [(6, 443), (6, 80)]):
        reasons = Datapath.of(night, threads=1).decide(packets).reason
        for i in range(len(packets)):
            assert Reason(int(reasons[i])) is trace(night, packets.flow(i)).reason
    written: Any = json.loads(json.dumps(certificate(prove(night))))
    assert inconsistencies(written, policy.stages) == []
    assert validity(written, network, (), policy).problems == []
    assert validity(written, network, (), day.policy_read).problems != []
    stage_laws.compared(network, day.policy_read, policy)
    found = changes(day.blocks, night.blocks)
    assert found and not [*changed(day.program, night.program, found)]
    stage_laws.dumped(policy, 7, network)


def test_certificates_tell_of_no_kind_that_the_checker_does_not_try(tmp_path: Path) -> None:
    """Neither writes one, nor reads one, nor breaks on one."""
    whole = world_of(tmp_path)
    asked = World(world_of(tmp_path, "any-1-link", "any-hour").network)
    with pytest.raises(UndecidedError, match=r"a certificate does not try .* any-hour") as refused:
        certificate(prove(asked))
    assert refused.value.diagnostics[0].code == "C899"
    written: Any = json.loads(json.dumps(certificate(prove(whole))))
    with pytest.raises(UndecidedError, match=r"the checker does not try .* any-hour"):
        validity(written, asked.network, ())
    written["claims"][0]["hold_under"] = ["any-hour"]
    assert inconsistencies(written)[0].startswith('claims[0].hold_under[0]: "any-hour" is none of')


def test_every_kind_of_the_file_format_is_one_that_the_checker_tries() -> None:
    assert {*KINDS} == {*HOLD_UNDER} == {*held_under.KINDS} - {ANY_HOUR.name}


def test_every_word_of_the_file_format_counts_what_an_axis_has_and_nothing_is_uncounted() -> None:
    counted = {(word.axis, word.each) for word in held_under.KINDS.values()}
    assert counted == {(axis.name, each) for axis in axes() for each in axis.sorts}


def test_dumps_are_those_of_the_hour(tmp_path: Path) -> None:
    day = world_of(tmp_path)
    night = moved(day, {"hour": ["night"]})
    fresh = World(night.network, night.policy_read)

    def rules(world: World) -> set[str]:
        """What entries of all dumps give as their cause."""
        return {
            name
            for vtep in enforcement_points(world.program)
            for name in re.findall(r"'name': '([^']+)'", str(said(world, vtep)["groups"]))
        }

    def said(world: World, vtep: int) -> Any:
        return document(world.program, tables_of(world.program, vtep))

    assert rules(night) == rules(fresh) < rules(day)


def test_worlds_on_the_axis_share_their_blocks(tmp_path: Path) -> None:
    day = world_of(tmp_path)
    night = moved(day, {"hour": ["night"]})
    again = moved(night, {"hour": ["day"]})
    for one, other in ((day, night), (night, again)):
        assert one.blocks.addresses is other.blocks.addresses
        assert np.shares_memory(one.blocks.F, other.blocks.F)
        assert np.shares_memory(one.blocks.cell_class, other.blocks.cell_class)
    assert day.policy_read.rules == again.policy_read.rules != night.policy_read.rules


def test_axes_are_apart(tmp_path: Path) -> None:
    both = moved(world_of(tmp_path), {"hour": ["night"], "down": ["spine1"]})
    assert [axis.values(both) for axis in axes()] == [(), ("spine1",), (), ("night",)]
    assert moved(both, {"down": []}).at == {"hour": ("night",)}


def broken_laws(axis: WorldAxis, world: World) -> list[str]:
    """What a row gets wrong."""
    out = []
    with_others = moved(world, {"down": ["leaf1"]}) if axis.name != "down" else world
    for kind in (word.name for word in held_under.KINDS.values() if word.axis == axis.name):
        meant = sweep(kind)[1]
        for value in meant.values(world):
            there = axis.move(with_others, value)
            if tuple(axis.read(world, one) for one in value) != value:
                out.append(f"{kind}: {value} is read as something else")
            if not {*value} <= {*axis.values(there)}:
                out.append(f"{kind}: a world that was moved to {value} does not know")
            others = [a for a in axes() if a.name != axis.name]
            if any(a.values(there) != a.values(with_others) for a in others):
                out.append(f"{kind}: {value} moves along other axes too")
            back = axis.move(there, axis.values(with_others))
            if axis.values(back) != axis.values(with_others):
                out.append(f"{kind}: there is no way back from {value}")
            exempt = {e for one in value for e in axis.exempt(world, one)}
            if not exempt <= {e.index for e in world.network.endpoints}:
                out.append(f"{kind}: {value} exempts who is not there")
    return out


def test_laws_of_every_row(tmp_path: Path) -> None:
    world = world_of(tmp_path)
    assert [broken_laws(axis, world) for axis in axes()] == [[], [], [], []]
    assert len({axis.name for axis in axes()}) == len(axes())


def test_a_row_that_was_left_half_done_is_noticed(tmp_path: Path) -> None:
    """One that forgets where it is breaks a law; one that lacks a property cannot be written."""
    assert any("does not know" in said for said in broken_laws(FORGETFUL, world_of(tmp_path)))
    for row in (HOUR, HOUR.option, ANY_HOUR, TIME.file):
        whole = {f.name: getattr(row, f.name) for f in fields(row)}
        for name in whole:
            with pytest.raises(TypeError, match=name):
                type(row)(**{key: value for key, value in whole.items() if key != name})


def test_nothing_of_the_row_is_left() -> None:
    with one_more(replace(FORGETFUL, name="forgetful", sorts={})):
        assert len(axes()) == 5
    assert [axis.name for axis in axes()] == ["time", "down", "drained", "hour"]
