"""A world axis that is one row is asked for as those of the house are: by Python, in options of
commands and in files; answers say where they are, and what does not record it refuses it. A second
one, the season, decides what a file says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from hour_of_day import ANY_HOUR, FLOW, HOUR, asking, fabric

import cloison
from cloison.cli import main
from fabric.diagnostics import Diagnostic, InputError, UndecidedError
from fabric.file.expect import held_under
from fabric.file.schema import json_schema
from fabric.file.spec import FabricSpec
from sim.worlds.axes import one_more
from sim.worlds.world_axis import FileAxis


@pytest.fixture(autouse=True)
def row() -> Iterator[None]:
    with one_more(HOUR, ANY_HOUR):
        yield


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
    sorts={},
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
