"""Every verb sees the same world: same lock file, same errors, same findings, same exit code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fabric_files import vrf, write_fabric

import cloison
from cloison.cli import main
from cloison.views.world import World
from fabric.diagnostics import InputError
from fabric.plan import lock

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
