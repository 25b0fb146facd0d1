"""A header field, the ECN bits, is one row: what is decided, proved, explained and dumped of it.

What packets carry is beside this (`test_a_header_field_of_packets`).
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import any_policies
import pytest
import random_worlds
import stage_laws
from any_policies import seeds
from ecn_bits import API, CE, DB, ROOT, ROW, WEB, no_ce, stamped, world
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import cloison
from cloison.cli.files.compile import write
from cloison.views.network.policy import rows
from cloison.views.world import World
from compiler.policy.fields import FIELDS, Field, Within
from compiler.policy.ir import (
    L4,
    Action,
    Policy,
    Rule,
    Stage,
)
from compiler.targets import catalogue
from compiler.targets.catalogue import TARGETS, Target, Writer
from compiler.targets.hosts import nftables
from compiler.targets.profiles import Profile
from fabric.building.network import Network
from fabric.diagnostics import InputError, UndecidedError
from sim.checker.consistency import inconsistencies
from sim.checker.validity import validity
from sim.packets.headers import Flow, Packets
from sim.packets.reasons import Reason
from sim.pipeline.trace import trace
from sim.proof.certificates.certificate import certificate
from sim.proof.certificates.certificate_text import digest
from sim.proof.prove import prove
from sim.reach.questions import Questions
from sim.why.nearest import nearest
from sim.why.one_answer import explain


@pytest.fixture(autouse=True, scope="module")
def row() -> Iterator[None]:
    with FIELDS.also(ROW):
        yield
    assert "ecn" not in FIELDS


VALUES = [((("ecn", value),)) for value in range(ROW.last + 1)]


@st.composite
def limited(draw: st.DrawFn, policies: st.SearchStrategy[Policy]) -> Policy:
    """A policy of which about half of the rules ask for some ECN values."""
    policy = draw(policies)

    def asked(rule: Rule) -> Rule:
        l4 = tuple(replace(one, fields=draw(limits)) for one in rule.l4 or (L4(),))
        return replace(rule, l4=l4) if any(one.fields for one in l4) else rule

    limits = st.sampled_from([(), (), (0, 0), (1, 2), (3, 3), (1, 3)]).map(
        lambda span: (Within("ecn", *span),) if span else ()
    )
    return replace(policy, rules=tuple(map(asked, policy.rules)))


FEW = settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
small = limited(random_worlds.policies())
large = limited(any_policies.policies())


@settings(max_examples=60, deadline=None)
@given(large, seeds)
def test_definition_walk_and_blocks_agree(policy: Policy, seed: int) -> None:
    stage_laws.agree(policy, seed, carried=VALUES)


@pytest.mark.slices(3)
@FEW
@given(random_worlds.worlds(), small, small)
def test_kernels_proof_checker_and_diff_agree(world: Network, one: Policy, two: Policy) -> None:
    stage_laws.replayed(world, one, VALUES)
    stage_laws.proved(world, one)
    stage_laws.compared(world, one, two)


@FEW
@given(large, large, small, seeds)
def test_edits_and_dumps_agree(policy: Policy, added: Policy, of: Policy, seed: int) -> None:
    stage_laws.edits(policy, added, seed, carried=VALUES)
    stage_laws.dumped(of, seed, carried=VALUES)


def test_a_proof_is_about_every_value_and_shows_the_one_that_breaks_it() -> None:
    assert prove(world()).verdict == "holds" == cloison.prove(world()).verdict
    broken = prove(no_ce())
    assert broken.verdict == "fails" and {f.kind for f in broken.findings} == {"expectation"}
    assert all(f.packet and f.packet.endswith(", ecn ce") for f in broken.findings)
    assert {(str(f.verdict and f.verdict.label), f.culprit.title) for f in broken.findings} == {
        ("override_drop", "stamp ecn 3-3")
    }
    let_in = prove(world(stamped(Action.PERMIT_FINAL, 1, 1)))
    reached = [f for f in let_in.findings if f.verdict is Reason.DELIVERED]
    assert reached and all(str(f.packet).endswith(", ecn ect1") for f in reached)


def test_a_certificate_of_it_is_checked_and_one_that_hides_it_is_not() -> None:
    here = no_ce()
    written = json.loads(json.dumps(certificate(prove(here))))
    assert written["fields"] == [["ecn", [0, 3]]]
    assert inconsistencies(written) == []
    assert validity(written, here.network, (), here.policy_read).problems == []
    hidden = {key: value for key, value in written.items() if key != "fields"}
    hidden["digest"] = digest({k: v for k, v in hidden.items() if k != "digest"})
    assert any("no number from 0 to 255" in why for why in inconsistencies(hidden))
    plain = json.loads(json.dumps(certificate(prove(world()))))
    assert "fields" not in plain
    (why,) = validity(plain, here.network, (), here.policy_read).problems
    assert why == "fields: rules cut other fields of packets, or elsewhere"
    for cuts in ([], [["ecn", [0]]], [["ecn", [0, 4]]], [["ecn", [3, 0]]], [["sport", [0, 3]]]):
        forged = written | {"fields": cuts}
        assert [why[:6] for why in inconsistencies(forged)] == ["fields"], cuts


def test_explain_is_about_one_packet_and_says_what_it_carries() -> None:
    here = no_ce()
    passed, dropped = (cloison.explain(here, WEB, API, carrying=c) for c in ({}, {"ecn": "ce"}))
    assert passed.verdict == "allow" and ", ecn not-ect" in str(passed)
    assert dropped.verdict == "deny" and ", ecn ce" in str(dropped)
    assert "stamp ecn 3-3" in str(dropped)
    assert "ecn" not in str(cloison.explain(world(), WEB, API))
    for wrong, why in (({"ecn": "cee"}, '"cee" is no value of ecn'), ({"enc": 1}, 'field "enc"')):
        with pytest.raises(InputError, match=why) as error:
            cloison.explain(here, WEB, API, carrying=wrong)
        assert "did you mean" in str(error.value.diagnostics[0].hint)


def test_what_came_close_fails_on_the_field() -> None:
    only_ect = world(stamped(Action.PERMIT_FINAL, 1, 2))
    found = explain(only_ect, WEB, DB, fields=CE)
    assert found.verdict == "deny"
    denied = trace(only_ect, found.flow)
    assert denied.into is not None
    permits = Policy(tuple(r for r in only_ect.policy_read.rules if r.origin.kind == "stamp"))
    near = nearest(World(only_ect.network, permits), denied.into.packet, Stage.OVERRIDE)
    assert near is not None and near.fails == ("ecn",)


def test_reach_and_diff_say_for_which_values() -> None:
    (row,) = cloison.reach(no_ce(), from_=WEB, to="acme/catalog/api-0")
    assert row["ports"] == "8080/tcp with ecn 0-2"
    assert [r["fields"] for r in row["ports_list"]] == [[["ecn", 0, 2]]]
    lost = list(cloison.diff(world(), no_ce()))
    assert {r["change"] for r in lost} == {"lost"}
    assert all(" with ecn ce" in r["ports"] and r["packet"].endswith(", ecn ce") for r in lost)
    assert {r["because"] for r in lost} == {"stamp ecn 3-3: new"}
    assert list(cloison.diff(no_ce(), no_ce())) == []


def test_dumps_say_it_or_are_refused(tmp_path: Path) -> None:
    made = cloison.compile(no_ce(), target="dash-400g")
    node = made.nodes[0]
    assert '["ecn",3,3]' in re.sub(r"\s", "", made.dump(node, "canonical"))
    assert "any with ecn ce" in made.dump(node, "text")
    with pytest.raises(InputError, match="rules match on ecn, which nftables cannot") as error:
        made.dump(node, "nftables")
    assert error.value.diagnostics[0].code == "C862"
    assert (
        error.value.diagnostics[0].hint == "these can: canonical, text, frr, frr10, linux, linux10"
    )
    with pytest.raises(InputError, match="which nftables cannot"):
        write(made.program, tmp_path, ("text", "nftables"), frozenset(), lambda *said: None)
    assert list(tmp_path.rglob("*.*")) == []
    assert not made.fits
    assert ("entries on ecn", 0) in {(r["table"], r["capacity"]) for r in made.tables}
    assert cloison.compile(world(), target="dash-400g").fits
    able = replace(catalogue.profile("dash-400g"), name="able", fields=frozenset({"ecn"}))
    with TARGETS.also(Target("able", None, able)):
        assert cloison.compile(no_ce(), target="able").fits
    assert any(r["ports"] == "any with ecn ce" for r in rows(no_ce().policy_read))


def test_who_does_not_look_at_it_says_so() -> None:
    here = no_ce()
    with pytest.raises(UndecidedError, match="match on ecn, which a list of questions does not"):
        Questions(here)
    with pytest.raises(UndecidedError, match="match on ecn, which nftables does not look at"):
        nftables.render(here.program, here.network.endpoints[0].vtep)


def test_edits_bring_it_and_take_it_away() -> None:
    plain, limited_ = world(), no_ce()
    for old, new in ((plain, limited_), (limited_, plain)):
        edited = old.edit(new)
        assert [*cloison.diff(edited, new)] == []
        written, fresh = (certificate(prove(w)) for w in (edited, new))
        assert written == fresh


def test_no_property_of_a_row_may_be_left_out(tmp_path: Path) -> None:
    for of in (Field, Writer, Profile, Target):
        assert all(f.default is MISSING and f.default_factory is MISSING for f in fields(of))
    (tmp_path / "half.py").write_text(
        "from compiler.policy.fields import Field\n"
        "from compiler.targets.catalogue import Writer, module\n"
        'Field("half", 3, False, False, None)\n'
        'Writer("half", "NODE", module("text"))\n'
    )
    pytest.importorskip("mypy")
    mypy = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml"]
    done = subprocess.run([*mypy, tmp_path / "half.py"], cwd=ROOT, capture_output=True, text=True)
    assert 'Missing positional argument "words" in call to "Field"' in done.stdout, done.stdout
    missing = '"conditions", "load", "usual", "brings", "dialects", "whole" in call to "Writer"'
    assert f"Missing positional arguments {missing}" in done.stdout, done.stdout


WRONG: dict[str, dict[str, Any]] = {
    "no field of all values of up to six bits": {"classified": True, "last": 2, "words": ()},
    "is no field of all values": {"classified": True, "last": 255, "at": None},
    "no place in headers of IPv6": {"at": {4: 14}},
    "no place in headers of IPv4": {"at": {4: 159, 6: 10}},
    "columns of its own, which": {"own": True},
    "more words than values": {"words": ("a", "b", "c", "d", "e")},
}


@pytest.mark.parametrize("why", WRONG)
def test_rows_that_contradict_themselves_are_none(why: str) -> None:
    with pytest.raises(ValueError, match=why):
        replace(ROW, **WRONG[why])


def test_rules_name_fields_and_values_that_are_there() -> None:
    for name, span, why in (
        ("enc", (0, 1), 'no field of a packet is called "enc"'),
        ("ecn", (0, 4), "ecn is 0 to 3"),
        ("sport", (0, 1), "sport has an argument of its own"),
    ):
        with pytest.raises(ValueError, match=why):
            Within(name, *span)
    with pytest.raises(ValueError, match="3 is the largest"):
        Packets.of([Flow(0, 4, 1, 2, 6, fields=(("ecn", 4),))])
