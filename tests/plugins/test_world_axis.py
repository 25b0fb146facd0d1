"""A world axis is one row: the hour of the day, which has two values. At night zones say nothing.

The row goes through expectations that hold under all of an axis, replay, explanations, diff, the
front door and the command line. A second one, the season, decides what a file says. Laws hold for
every row; a row that was left half-done breaks one.
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
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from fabric_files import network_of, vrf, write_fabric

import cloison
from cloison.cli import main
from cloison.views.verified import claims_table
from compiler.policy.ir import Direction, Packet, Policy
from compiler.policy.semantics import decide
from compiler.program.document import document
from compiler.program.dpu import enforcement_points, tables_of
from compiler.program.walk import verdict
from fabric.diagnostics import Diagnostic, InputError, UndecidedError
from fabric.file import held_under
from fabric.file.schema import json_schema
from fabric.file.spec import FabricSpec
from sim.checker.consistency import inconsistencies
from sim.checker.failures import KINDS
from sim.checker.validity import validity
from sim.diff.changes import changes
from sim.diff.diff import diff
from sim.packets.reasons import Reason
from sim.pipeline.datapath import Datapath
from sim.pipeline.replay import replay
from sim.pipeline.trace import trace
from sim.pipeline.traffic import all_pairs
from sim.proof.certificate import certificate
from sim.proof.prove import prove
from sim.why.one_answer import explain
from sim.wording.assumptions import HOLD_UNDER
from sim.worlds.axes import axes, moved, one_more, sweep
from sim.worlds.world import World
from sim.worlds.world_axis import AxisOption, FileAxis, Sweep, WorldAxis


def read(world: World, text: str) -> str:
    if text not in ("day", "night"):
        raise InputError(Diagnostic("C850", f'no hour is called "{text}"'))
    return text


def move(world: World, hours: tuple[str, ...]) -> World:
    """The last hour counts."""
    full = World(world.network).policy_read
    left = tuple(rule for rule in full.rules if rule.origin.kind != "zone rule")
    policy = full if hours[-1] == "day" else Policy(left, full.selections)
    return world.saying(policy, {"hour": hours[-1:]})


HOUR = WorldAxis(
    name="hour",
    word="at",
    option=AxisOption(
        "--hour",
        "HOUR",
        "Ask at this hour.",
        means="the hour of the day",
        repeatable=False,
        spoken=str.lower,
        offers=lambda fabric: ("day", "night"),
    ),
    read=read,
    values=lambda world: world.at.get("hour", ("day",)),
    move=move,
    sweeps={"any-hour": Sweep(lambda world: ["day", "night"], 1, "hour")},
    exempt=lambda world, hour: (),
    of_network=False,
    file=None,
    recorded=False,
    said=lambda hours: f"asked at {hours[-1]}",
    shared_out=False,
)
FORGETFUL = replace(HOUR, move=lambda world, hours: replace(move(world, hours), at=world.at))


@pytest.fixture(autouse=True)
def row() -> Iterator[None]:
    with one_more(HOUR):
        yield


def fabric(folder: Path) -> Path:
    a = vrf("10.0.0.0/16", {"cidr": "100.64.0.0/24", "use": "nodes"}, advertise=["nodes"])
    a["vrfs"]["main"]["default_route"] = "zone2"
    zone2 = {
        "endpoints": {"inet": {"addresses": ["0.0.0.0/0"]}},
        "rules": [{"name": "out", "from": "a/*", "to": "zone2/*", "ports": ["443/tcp"]}],
    }
    site = {"spines": 2, "leaves": 2, "hosts_per_pair": 2, "borders": 1}
    return write_fabric(
        folder,
        {"a": a},
        {"a": ["n/p@host1", "n/q@host2"]},
        sites={"s": site},
        zones={"zone2": zone2},
        expect=[{"allow": "a/@node/* -> zone2/inet:443/tcp"}, {"allow": "a/n/* -> a/n/*"}],
    )


def world_of(folder: Path, *under: str) -> World:
    """The world by day, with what its expectations must hold under."""
    return World(network_of(asking(folder, *under)))


def asking(folder: Path, *under: str) -> Path:
    """A file whose expectations must hold under all of this."""
    path = fabric(folder)
    text = path.read_text()
    assert text.count("\n- allow: ") == 2
    path.write_text(
        re.sub(r"\n- (allow: .*)", rf"\n- \1\n  hold_under: [{', '.join(under)}]", text)
    )
    return path


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
    named = {k for a in axes() for k in a.sweeps}
    assert {*KINDS} == {*HOLD_UNDER} == named - {*HOUR.sweeps}
    assert {*held_under.KINDS} == named


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


def test_the_front_door_takes_it(tmp_path: Path) -> None:
    path = fabric(tmp_path)
    night = cloison.build(path, down=["spine1"], at={"hour": ["night"]})
    assert isinstance(night, cloison.World)
    found = cloison.explain(night, "a/@node/host1", "zone2/inet:443")
    assert found.verdict == "deny"
    with pytest.raises(InputError, match='no hour is called "noon"'):
        cloison.build(path, at={"hour": ["noon"]})
    with pytest.raises(InputError, match='worlds have no axis "hours"') as wrong:
        cloison.build(path, at={"hours": ["night"]})
    assert wrong.value.diagnostics[0].hint == 'did you mean "hour"?'


def test_python_says_where_a_world_is(tmp_path: Path) -> None:
    """By the keyword that the row is, or in `at`; of a file, a spec and a world alike."""
    path = fabric(tmp_path)
    for source in (path, cloison.load(path), cloison.world(path)):
        for there in (
            cloison.world(source, hour="night"),
            cloison.world(source, at={"hour": "night"}),
            cloison.world(cloison.world(source, down="spine1"), hour=["night"], down=[]),
        ):
            assert there.at == {"hour": ("night",)}
            assert cloison.explain(there, "a/@node/host1", "zone2/inet:443").verdict == "deny"
    with pytest.raises(InputError, match='no hour is called "noon"'):
        cloison.world(path, hour="noon")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


FLOW = "a/@node/host1", "zone2/inet:443"


def test_its_option_stands_at_every_verb_that_builds_worlds(tmp_path: Path) -> None:
    path = fabric(tmp_path)
    for hour, said in (("day", "allow"), ("Night", "deny")):
        done = run("explain", path, *FLOW, "--hour", hour, "-o", "json")
        assert json.loads(done.stdout)["verdict"] == said
    assert [run("verify", path, *at).exit_code for at in ((), ("--hour", "night"))] == [0, 1]
    for verb in ("verify", "explain", "diff", "simulate", "replay", "reach", "spof", "compile"):
        assert "  --hour HOUR  " in run(verb, "--help").stdout, verb
    assert "--hour" not in run("check", "--help").stdout
    wrong = run("verify", path, "--hour", "noon")
    assert wrong.exit_code == 2 and 'no hour is called "noon"' in wrong.stderr
    shell = ShellComplete(main, {}, "cloison", "_CLOISON_COMPLETE")
    offered = shell.get_completions(["verify", str(path), "--hour"], "n")
    assert [one.value for one in offered] == ["night"]


def test_every_answer_says_where_it_is(tmp_path: Path) -> None:
    """Whatever an axis has no words of its own for is a doubt beside the answer, and only there."""
    path, there = fabric(tmp_path), ("--hour", "night")
    for arguments in (("verify", path), ("explain", path, *FLOW), ("reach", path), ("spof", path)):
        told = run(*arguments, *there, "-o", "json")
        codes = [d["code"] for d in json.loads(told.stdout)["diagnostics"]]
        assert "C829" in codes and "asked at night" in told.stderr, arguments
        assert "C829" not in run(*arguments, "-o", "json").stdout, arguments
    night = cloison.world(path, hour="night")
    day = cloison.world(night, hour="day")
    said = [[w.message for w in w_.warnings if w.code == "C829"] for w_ in (night, day)]
    assert said == [["asked at night"], ["asked at day"]]


def test_what_does_not_record_it_refuses_it(tmp_path: Path) -> None:
    """A certificate about the night would be read as one about the day."""
    path, into = fabric(tmp_path), tmp_path / "certificate.json"
    refused = run("verify", path, "--hour", "night", "--certificate", into)
    assert refused.exit_code == 2 and not into.exists()
    assert "certificates do not say --hour: write it without" in refused.stderr
    asked = [{"hour": "night"}, {"drained": "leaf1"}, {"hour": "night", "down": "spine1"}]
    for at in asked:
        proved = cloison.prove(cloison.world(path, at=at))
        with pytest.raises(UndecidedError, match=r"certificates do not say --(hour|drain)\n"):
            proved.write_certificate(into)
    assert not into.exists()
    cloison.prove(cloison.world(path, down="spine1")).write_certificate(into)
    by_python = into.read_bytes()
    run("verify", path, "--down", "spine1", "--certificate", into)
    assert into.read_bytes() == by_python
    assert run("verify", path, "--check-certificate", into).exit_code == 0
    for verb in ("up", "test"):
        done = run("lab", verb, path, "--hour", "night")
        assert done.exit_code == 2 and "without --hour" in done.stderr


def test_files_ask_for_it_in_hold_under(tmp_path: Path) -> None:
    path = asking(tmp_path, "any-hour")
    done = run("verify", path)
    assert done.exit_code == 1 and "not at night" in done.stdout
    schema = json_schema()["$defs"]["Expectation"]["properties"]["hold_under"]
    assert schema["items"]["enum"] == [*held_under.KINDS]
    wrong = run("verify", asking(tmp_path, "any-hours"))
    assert wrong.exit_code == 2 and 'did you mean "any-hour"' in wrong.stderr


def in_season(spec: FabricSpec, said: tuple[str, ...]) -> tuple[FabricSpec, tuple[Diagnostic, ...]]:
    """In winter no rule of a zone is in force."""
    if said[-1:] != ("winter",):
        return spec, ()
    zone2 = spec.zones.zone2.model_copy(update={"rules": []})
    zones = spec.zones.model_copy(update={"zone2": zone2})
    there = spec.model_copy(update={"zones": zones})
    WHOLE[id(there)] = spec, there
    return there, (Diagnostic("C829", "read as in winter", None, None, "warning"),)


WHOLE: dict[int, tuple[FabricSpec, FabricSpec]] = {}
SEASON = replace(
    HOUR,
    name="season",
    word="in",
    option=replace(HOUR.option, name="--season"),
    values=lambda world: ("winter",) if id(world.network.spec) in WHOLE else (),
    sweeps={},
    file=FileAxis(in_season, lambda spec: WHOLE.get(id(spec), (spec,))[0]),
    said=None,
)


def test_an_axis_may_decide_what_a_file_says(tmp_path: Path) -> None:
    """Then worlds are read anew, elsewhere and back; and the file may be checked there."""
    path = fabric(tmp_path)
    with one_more(SEASON):
        winter = cloison.world(path, season="winter", down="spine1")
        assert cloison.explain(winter, *FLOW).verdict == "deny"
        again = cloison.world(winter, season="summer")
        assert cloison.explain(again, *FLOW).verdict == "allow"
        assert again.network.fabric.down == ("spine1",)
        both = cloison.world(path, season="winter", hour="night")
        assert [w.message for w in both.warnings if w.code == "C829"] == ["asked at night"]
        assert "--season" in run("check", "--help").stdout
        checked = run("check", path, "--season", "winter")
        assert "read as in winter" in checked.stdout
        assert run("verify", path, "--season", "winter").exit_code == 1
    assert run("verify", path, "--season", "winter").exit_code == 2


def test_a_file_elsewhere_is_not_written_down(tmp_path: Path) -> None:
    with one_more(SEASON):
        winter = cloison.world(fabric(tmp_path), season="winter")
        with pytest.raises(UndecidedError, match="certificates do not say --season"):
            cloison.prove(winter).write_certificate(tmp_path / "certificate.json")


def broken_laws(axis: WorldAxis, world: World) -> list[str]:
    """What a row gets wrong."""
    out = []
    with_others = moved(world, {"down": ["leaf1"]}) if axis.name != "down" else world
    for kind, meant in axis.sweeps.items():
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
    named = [kind for axis in axes() for kind in axis.sweeps]
    assert len({*named}) == len(named) and len({axis.name for axis in axes()}) == len(axes())


def test_a_row_that_was_left_half_done_is_noticed(tmp_path: Path) -> None:
    """One that forgets where it is breaks a law; one that lacks a property cannot be written."""
    assert any("does not know" in said for said in broken_laws(FORGETFUL, world_of(tmp_path)))
    for row in (HOUR, HOUR.option, HOUR.sweeps["any-hour"], SEASON.file):
        whole = {f.name: getattr(row, f.name) for f in fields(row)}
        for name in whole:
            with pytest.raises(TypeError, match=name):
                type(row)(**{key: value for key, value in whole.items() if key != name})


def test_nothing_of_the_row_is_left() -> None:
    with one_more(replace(FORGETFUL, name="forgetful", sweeps={})):
        assert len(axes()) == 5
    assert [axis.name for axis in axes()] == ["time", "down", "drained", "hour"]
