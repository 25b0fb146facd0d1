"""Every verb sees the same world: same lock file, same errors, same findings, same exit code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from fabric_files import vrf, write_fabric

import cloison
from cloison.cli import main
from cloison.render.formats import json_text
from cloison.views.reports import report
from cloison.views.verification import verified
from cloison.views.world import World
from fabric.building.fingerprint import fingerprint
from fabric.diagnostics import InputError
from fabric.plan import lock
from sim.worlds.axes import axes

LINK = ("a/web/one", "a/web/two:80/tcp")
JUDGES: dict[str, Callable[[str, str], list[str]]] = {
    "check": lambda f, out: ["check", f],
    "verify": lambda f, out: ["verify", f, "-q"],
    "simulate": lambda f, out: ["simulate", f, "-q"],
    "diff": lambda f, out: ["diff", f, f, "-q"],
    "compile": lambda f, out: ["compile", f, "-q", "-o", out],
}
ASKERS: dict[str, Callable[[str, str], list[str]]] = {
    "explain": lambda f, out: ["explain", f, *LINK],
    "reach": lambda f, out: ["reach", f],
    "show addresses": lambda f, out: ["show", "addresses", f],
    "show sessions": lambda f, out: ["show", "sessions", f],
    "show routes": lambda f, out: ["show", "routes", f],
    "show tables": lambda f, out: ["show", "tables", f],
    "show policy": lambda f, out: ["show", "policy", f],
    "replay": lambda f, out: ["replay", f, "--random", "10", "-q"],
    "plot": lambda f, out: ["plot", f, "-o", f"{out}.svg"],
}
VERBS = JUDGES | ASKERS
LABELLED = """\
apiVersion: v1
kind: ConfigMap
metadata: { name: doubt, namespace: web, labels: { on: yes } }
---
"""
WORK = {"a": ["web/one@host1", "web/two@host2"], "b": ["web/one@host2"]}


def fabric(folder: Path, *imports: str, **more: object) -> Path:
    """Two tenants, each with a VNI of its own choice; b imports raw route targets."""
    tenants = {
        "a": vrf("10.0.0.0/16", vni=20001),
        "b": vrf("10.1.0.0/16", vni=20002, import_rts=list(imports)),
    }
    expected = {"expect": [{"allow": "a/web/one -> a/web/two"}]}
    return write_fabric(folder, tenants, WORK, **(expected | more))


def run(verb: str, path: Path, *more: str) -> Result:
    arguments = VERBS[verb](str(path), str(path.parent / "out"))
    return CliRunner().invoke(main, [*arguments, *more])


def test_what_is_down_is_down_however_it_is_said(tmp_path: Path) -> None:
    path = fabric(tmp_path)
    both = {"leaf1", "spine1"}
    for source in (path, cloison.build(path), World.of(path)):
        for down, at in ((["leaf1", "spine1"], {}), (["spine1"], {"down": ["leaf1"]})):
            assert {*World.of(source, down, at=at).network.fabric.down} == both


@pytest.mark.parametrize("verb", JUDGES)
@pytest.mark.parametrize(("target", "code"), [("65000:20001", "C510"), ("65000:29999", "C522")])
def test_a_finding_is_a_finding_in_every_verb_that_judges(
    tmp_path: Path, verb: str, target: str, code: str
) -> None:
    path = fabric(tmp_path, target)
    done = run(verb, path)
    assert done.exit_code == 1, done.output
    assert target in done.output
    assert not [*(tmp_path / "out").rglob("*")], "compile wrote in spite of a finding"
    assert {f.code for f in cloison.build(path).findings} == {code}


WIDE = {"s": {"spines": 9, "leaves": 2, "hosts_per_pair": 4, "uplinks": 8}}


@pytest.mark.parametrize("verb", [*VERBS, "spof"])
def test_what_is_doubtful_is_told_by_every_verb(tmp_path: Path, verb: str) -> None:
    """Of the file (AS numbers), of manifests (a label), of what was built (ECMP, a pin, a host):
    each once for each world."""
    pins = {"asn": {"leaf1": 65101, "leaf2": 65101}, "addresses": {"a/web/gone": ["10.0.9.9"]}}
    path = fabric(tmp_path, sites=WIDE, pins=pins)
    with (tmp_path / "a.yaml").open("a") as manifest:
        manifest.write(LABELLED)
    if verb == "spof":
        done = CliRunner().invoke(main, ["spof", str(path), "-q"])
    else:
        done = run(verb, path)
    told = sorted(re.findall(r"warning\[(C\d+)\]", done.output))
    worlds = 2 if verb == "diff" else 1
    assert told == sorted(worlds * ["C437", "C449", "C456", "C527", "C607"]), done.output
    assert done.exit_code == 0, done.output


def test_doubts_of_one_code_are_told_once_and_counted(tmp_path: Path) -> None:
    pins = {"addresses": {f"a/web/gone-{n}": [f"10.0.9.{n}"] for n in range(1, 9)}}
    done = run("verify", fabric(tmp_path, pins=pins))
    assert done.stderr.count("warning[C449]") == 1 and "(and 7 more: " in done.stderr


@pytest.mark.parametrize("verb", ASKERS)
def test_a_question_is_answered_and_the_finding_told_beside_it(tmp_path: Path, verb: str) -> None:
    done = run(verb, fabric(tmp_path, "65000:29999"))
    assert done.exit_code == 0, done.output
    assert "finding[C522]" in done.stderr and "C522" not in done.stdout


def test_compile_writes_in_spite_of_findings_when_it_is_told_to(tmp_path: Path) -> None:
    path = fabric(tmp_path, "65000:29999")
    done = run("compile", path, "--despite-findings")
    assert done.exit_code == 1 and "finding[C522]" in done.stderr
    assert [*(tmp_path / "out").rglob("dpu1.*")]


@pytest.mark.parametrize("verb", VERBS)
def test_without_a_finding_every_verb_exits_0(tmp_path: Path, verb: str) -> None:
    done = run(verb, fabric(tmp_path))
    assert done.exit_code == 0, done.output


WRONG = {
    "expectation": {"expect": [{"deny": "a/nobody/* -> b/web/*"}]},
    "pool": {"pools": {"loopbacks": "10.255.0.0/30"}},
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_wrong_in_every_verb(tmp_path: Path, verb: str, wrong: str) -> None:
    path = fabric(tmp_path, **WRONG[wrong])
    done = run(verb, path)
    assert done.exit_code == 2, done.output
    assert ("C702" if wrong == "expectation" else "C405") in done.output
    with pytest.raises(InputError):
        cloison.build(path)
    assert not lock.path_of(path).exists(), "what was drawn for a wrong world was kept"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_looks_at_the_lock_file(tmp_path: Path, verb: str) -> None:
    path = fabric(tmp_path)
    place = lock.path_of(path)
    place.write_text('router_mac:\n  "dpu1 a/main": "no address"\n')
    done = run(verb, path)
    assert done.exit_code == 2 and "C480" in done.output, done.output


@pytest.mark.parametrize("verb", VERBS)
def test_locked_refuses_what_would_be_drawn(tmp_path: Path, verb: str) -> None:
    path = fabric(tmp_path)
    refused = run(verb, path, "--locked")
    assert refused.exit_code == 2 and "C482" in refused.output, refused.output
    assert not lock.path_of(path).exists()
    with pytest.raises(InputError, match="lacks"):
        cloison.build(path, locked=True)
    cloison.build(path)
    kept = lock.path_of(path).read_bytes()
    assert run(verb, path, "--locked").exit_code == 0
    assert lock.path_of(path).read_bytes() == kept


def test_check_draws_and_forgets(tmp_path: Path) -> None:
    path = fabric(tmp_path)
    assert run("check", path).exit_code == 0
    assert not lock.path_of(path).exists()


SMALL = Path(__file__).parents[2] / "topologies" / "small.yaml"


def test_every_axis_of_the_table_is_a_keyword_and_an_option() -> None:
    for axis in axes():
        cloison.world(SMALL, **{axis.name: []})
    found = main.get_command(click.Context(main), "verify")
    assert found is not None
    names = {parameter.name for parameter in found.params}
    assert [axis.name for axis in axes() if axis.name not in names] == []


def seen(world: cloison.World) -> tuple[object, ...]:
    """What tells two worlds apart, as far as anybody is told."""
    network = world.network
    state = network.fabric.down, network.fabric.draining, network.findings, network.not_evaluated
    return fingerprint(network), world.policy_read, *state


def test_a_world_is_the_same_however_its_places_are_said(tmp_path: Path) -> None:
    """By keyword, by `at`, one name or a list, at once or one after the other; of a file, a spec or
    a world."""
    path = fabric(tmp_path)
    plain = cloison.world(path)
    wanted = seen(cloison.world(path, down="spine1", drained=["leaf1"]))
    assert wanted != seen(plain)
    for source in (path, str(path), cloison.load(path), plain, cloison.build(path)):
        for there in (
            cloison.world(source, down=["spine1"], drained="leaf1"),
            cloison.world(source, at={"down": ["spine1"], "drained": "leaf1"}),
            cloison.world(source, down="spine1", at={"drained": ["leaf1"]}),
            cloison.world(cloison.world(source, drained="leaf1"), down="spine1"),
            cloison.world(cloison.world(source, down="spine1"), drained="leaf1"),
        ):
            assert seen(there) == wanted
            assert seen(cloison.world(there)) == wanted
            assert seen(cloison.world(there, down=[], drained=[])) == seen(plain)


@pytest.mark.parametrize(
    ("places", "code"),
    [
        ({"down": "leaf1", "drained": "leaf1"}, "C344"),
        ({"down": ["leaf1", "leaf1--spine1"]}, "C331"),
        ({"down": ["leaf1", "leaf1"]}, "C331"),
        ({"down": "nobody"}, "C331"),
        ({"drained": "nobody"}, "C344"),
        ({"dwon": "leaf1"}, "C850"),
        ({"at": {"dwon": "leaf1"}}, "C850"),
        ({"lock": True}, "C850"),
    ],
)
def test_what_no_world_can_be_is_refused_of_a_file_and_of_a_world(
    tmp_path: Path, places: dict[str, Any], code: str
) -> None:
    path = fabric(tmp_path)
    for source in (path, cloison.world(path)):
        with pytest.raises(InputError) as refused:
            cloison.world(source, **places)
        assert {d.code for d in refused.value.diagnostics} == {code}


def test_every_verb_says_of_a_world_what_its_command_says_with_the_same_options(
    tmp_path: Path,
) -> None:
    there = cloison.world(SMALL, down="spine1", drained="leaf1", locked=True)
    where = [str(SMALL), "--down", "spine1", "--drain", "leaf1", "--locked"]

    def told(verb: str, *more: str) -> Any:
        done = CliRunner().invoke(main, [verb, *where, *more])
        assert done.exit_code in (0, 1), done.output
        return json.loads(done.stdout)

    def as_json(value: Any) -> Any:
        return json.loads(json_text(value))

    proof = cloison.prove(there).proof
    by_verb = told("verify", "-q", "-o", "json")
    assert as_json(verified.document(proof)) == by_verb
    assert by_verb["down"] == ["spine1"]
    ends = "acme/web/front-1", "acme/catalog/api-0:8080"
    found = cloison.explain(there, *ends).explanation.document()
    by_verb = told("explain", *ends, "-o", "json")
    assert as_json(found) == {key: by_verb[key] for key in found}
    rows = [(row["source"], row["destination"]) for row in cloison.reach(there).rows]
    assert rows == [(r["source"], r["destination"]) for r in told("reach", "-o", "json")["rows"]]
    found, by_verb = (
        as_json(report.document(cloison.simulate(there))),
        told("simulate", "-q", "-o", "json"),
    )
    for answer in (found, by_verb):
        del answer["seconds"], answer["replay"]["packets_per_second"]
    assert found == by_verb
    out = tmp_path / "out"
    assert CliRunner().invoke(main, ["compile", *where, "-q", "-o", str(out)]).exit_code == 0
    compiled = cloison.compile(there)
    assert compiled.nodes == ("dpu1", "dpu2", "dpu3", "dpu4")
    for node in compiled.nodes:
        written = (out / "canonical" / f"{node}.json").read_text()
        assert compiled.dump(node, "canonical") == written
    changes = cloison.diff(there, cloison.world(there, down=["leaf1", "leaf2"], drained=[]))
    assert {row["change"] for row in changes.rows} == {"lost"}
    done = told("diff", str(SMALL), "-q", "-o", "json")
    assert done["verdict"] == cloison.diff(there, there).verdict == "holds"
