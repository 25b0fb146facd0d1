"""Python says what the command of the same name says: the same JSON, or the same text where there
is none; and an answer of more than two kinds is neither true nor false."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from shut_pods import FROM_A, TO_B, site
from windowed import fabric as windowed

import cloison
from cloison.cli import main
from cloison.render.formats import plain
from compiler.targets import catalogue
from fabric.diagnostics import InputError

TOPOLOGIES = Path(__file__).parents[3] / "topologies"
SMALL = TOPOLOGIES / "small.yaml"
LEAKY = TOPOLOGIES / "broken" / "wrong-rt-import.yaml"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def said(*arguments: object) -> Any:
    """What a command says as JSON."""
    done = run(*arguments, "-o", "json")
    assert done.stdout, done.output
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def small() -> cloison.World:
    return cloison.world(SMALL)


@pytest.mark.parametrize(("path", "down"), [(SMALL, ()), (LEAKY, ("spine1", "dpu1"))])
def test_single_points(path: Path, down: tuple[str, ...]) -> None:
    options = [word for name in down for word in ("--down", name)]
    found = cloison.spof(path, down=down)
    assert plain(found.document()) == said("spof", path, "-q", *options)
    assert found.text() == run("spof", path, "-q", *options).stdout
    assert {row["without"] for row in found.lost} == set(found.points)
    assert found.verdict in repr(found)
    assert plain(cloison.world(path, down=down).spof.rows) == plain(found.lost.rows)


def test_what_expectations_notice(tmp_path: Path) -> None:
    flows = tmp_path / "flows.jsonl"
    flows.write_text('{"src": "10.0.0.2", "dst": "10.0.0.3", "dport": 80, "proto": 6}\n')
    lcov = tmp_path / "lcov"
    every = said("coverage", SMALL, "-q", "--lcov", lcov)
    found = cloison.coverage(SMALL)
    assert plain(found.document()) == every
    assert found.lcov() == lcov.read_text()
    assert found.text() == run("coverage", SMALL, "-q").stdout
    assert f"{found.share:.4f}" == f"{every['share']:.4f}"
    assert plain(found.lines.rows) == every["lines"]
    quick = cloison.coverage(SMALL, offers=False, flows=flows, down="dpu1")
    more = ("--no-offers", "--flows", flows, "--down", "dpu1")
    assert plain(quick.document()) == said("coverage", SMALL, "-q", *more)
    assert quick.document()["used"] is not None and every["used"] is None


def test_changes_on_their_way(tmp_path: Path) -> None:
    old, new = site(tmp_path / "old", *FROM_A), site(tmp_path / "new", *TO_B)
    asked = ("rollout", old, new, "-q", "--down", "spine1")
    found = cloison.rollout(old, new, down="spine1")
    assert plain(found.document()) == said(*asked)
    assert found.text() == run(*asked).stdout
    assert found.verdict == "fails" and len(found.transients) and found.verdict in repr(found)
    assert [list(step) for step in found.steps] == found.document()["steps"]
    same = cloison.rollout(SMALL, SMALL)
    assert (same.verdict, len(same.transients), same.ordered) == ("holds", 0, False)


@pytest.mark.parametrize("down", [(), ("dpu1",)])
def test_lines_that_hold_now(down: tuple[str, ...]) -> None:
    options = [word for name in down for word in ("--down", name)]
    found = cloison.expect(SMALL, down=down)
    assert found.text() == run("expect", SMALL, "--from-current", "-q", *options).stdout
    written = {f'{row["kind"]}: "{row["line"]}"' for row in found.lines}
    assert written == {line[4:] for line in found.text().split("\n") if line.startswith("  - ")}
    assert found.unsaid and found.lines.notes == found.unsaid


MANIFESTS = TOPOLOGIES / "manifests" / "demo" / "inference"
FORMS = {"json": json.loads, "jsonl": str, "yaml": str, "table": str, "md": str}


@pytest.mark.parametrize(("path", "down"), [(SMALL, ()), (LEAKY, ("spine1", "dpu1"))])
def test_what_is_proven(path: Path, down: tuple[str, ...]) -> None:
    asked = ["verify", path, "-q", *(word for name in down for word in ("--down", name))]
    found = cloison.prove(path, down=down)
    assert plain(found.document()) == said(*asked)
    assert found.document()["down"] == sorted(down)
    assert plain(found.document(by="requirement")) == said(*asked, "--by", "requirement")
    assert found.text() == run(*asked).stdout
    assert found.text(by="requirement") == run(*asked, "--by", "requirement").stdout
    assert plain(found.findings.rows) == plain(found.document()["findings"])


@pytest.mark.parametrize("path", [SMALL, MANIFESTS], ids=["fabric", "manifests"])
def test_what_is_simulated(path: Path) -> None:
    """But for how long it took."""
    found, asked = cloison.simulate(path), said("simulate", path, "-q")
    by_python = plain(found.document())
    for one in (by_python, asked):
        one["seconds"] = sorted(one["seconds"])
        del one["replay"]["packets_per_second"]
    assert by_python == asked
    assert found.verdict == asked["verdict"]
    assert bool(asked.get("connectivity")) is (path is MANIFESTS)
    lines = [line for line in found.text().splitlines() if not any(map(str.isdigit, line))]
    told = run("simulate", path, "-q").stdout.splitlines()
    assert [line for line in told if not any(map(str.isdigit, line))] == lines


ENDS = [(None, None), ("globex/shop/*", "acme/catalog/*"), (None, "acme/catalog/db:5432/tcp")]


@pytest.mark.parametrize("ends", ENDS, ids=str)
@pytest.mark.parametrize("form", [*FORMS, "csv", "matrix", "dot"])
def test_who_reaches_whom(
    small: cloison.World, ends: tuple[str | None, str | None], form: str
) -> None:
    options = [word for name, end in zip(("--from", "--to"), ends, strict=True) if end
               for word in (name, end)]  # fmt: skip
    found = cloison.reach(small, from_=ends[0], to=ends[1])
    assert found.written(form) == run("reach", SMALL, *options, "-o", form).stdout
    if form == "json":
        assert found.document() == said("reach", SMALL, *options)
        assert plain(found.rows) == found.document()["rows"]
        assert found.text() == run("reach", SMALL, *options).stdout
        assert found.verdict == found.document()["verdict"]


@pytest.mark.parametrize("form", [*FORMS, "csv", "matrix", "dot"])
def test_who_reaches_whom_in_manifests(form: str) -> None:
    found = cloison.reach(MANIFESTS)
    assert found.written(form) == run("reach", MANIFESTS, "-q", "-o", form).stdout
    if form != "json":
        return
    document = found.document()
    assert document["verdict"] == found.verdict

    rows = [dict(row) for row in plain(found.rows)]
    for row in rows:
        assert "," in row["source"] or row["source"].count("/") == 1
        del row["because"], row["source"], row["destination"]
    assert rows == [{k: v for k, v in row.items() if k not in ("source", "destination")}
                    for row in document["rows"]]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), [(SMALL, SMALL), (SMALL, LEAKY)])
@pytest.mark.parametrize("form", FORMS)
def test_what_differs(old: Path, new: Path, form: str) -> None:
    found = cloison.diff(old, new)
    assert found.written(form) == run("diff", old, new, "-q", "-o", form).stdout
    if form == "json":
        assert found.document() == said("diff", old, new)
        assert plain(found.rows) == found.document()["rows"]
        assert found.verdict == found.document()["verdict"]
        assert found.text() == run("diff", old, new, "-q").stdout


@pytest.mark.parametrize("form", catalogue.writers())
def test_what_is_compiled(tmp_path: Path, form: str) -> None:
    found = cloison.compile(SMALL)
    done = run("compile", SMALL, "--out", tmp_path, "--format", form, "-q", "--output", "json")
    assert done.exit_code == 0, done.output
    there = {path.name.partition(".")[0]: path for path in (tmp_path / form).iterdir()}
    assert {*there} >= {*found.nodes}
    for node, path in there.items():
        assert found.dump(node, form) == path.read_text("utf-8")
    rows = json.loads(done.stdout)["rows"]
    assert [(r["node"], r["table"], r["used"], r["source"]) for r in rows] == [
        (r["node"], r["table"], r["used"], r["source"]) for r in found.tables
    ]


FLOWS = [
    ("acme/web/front-0", "acme/catalog/api-0:8080"),
    ("acme/web/front", "acme/catalog/api:8080/tcp"),
    ("globex/backoffice/ledger", "acme/catalog/db:5432"),
    ("acme/web/*", "acme/catalog/*:8080"),
    ("acme/@node/*", "acme/catalog/api"),
]


@pytest.mark.parametrize("flow", FLOWS, ids=" -> ".join)
def test_why_flows_pass_or_do_not(small: cloison.World, flow: tuple[str, str]) -> None:
    found = small.explain_all(*flow)
    assert found.document() == said("explain", SMALL, *flow)
    assert found.text() == run("explain", SMALL, *flow).stdout
    assert [one.verdict for one in found] == [found[n].verdict for n in range(len(found))]
    if found.one is not None:
        one = cloison.explain(small, *flow)
        assert plain(one.document()) == found.document()
        assert found.text().startswith(one.text())
        assert one.text() == f"{one}\n"
    for form in ("jsonl", "yaml"):
        assert found.written(form) == run("explain", SMALL, *flow, "-o", form).stdout


def test_one_answer_says_that_it_is_for_all_pods(small: cloison.World) -> None:
    alike = "Every pair of their pods fares alike."
    said = [small.explain_all(*flow).text().count(alike) for flow in FLOWS[:2]]
    assert said == [0, 1]


def test_why_the_other_version_passes_and_why_a_request_does_not(small: cloison.World) -> None:
    flow = FLOWS[1]
    assert small.explain_all(*flow, ipv6=True).document() == said("explain", SMALL, *flow, "-6")
    asked = small.explain_all(flow[0], flow[1], http="GET /carts", headers={"A": "b"})
    words = ("--http", "GET /carts", "--header", "A: b")
    assert asked.document() == said("explain", SMALL, *flow, *words)
    assert asked.document() != small.explain_all(*flow).document()


DRAWN: list[tuple[dict[str, Any], tuple[str, ...], str]] = [
    ({}, (), ""),
    ({"tenant": "acme"}, ("--tenant", "acme"), ""),
    ({"trace": FLOWS[0]}, ("--trace", *FLOWS[0]), "allow"),
    ({"matrix": True}, ("--matrix",), "computed"),
]


@pytest.mark.parametrize(("asked", "options", "verdict"), DRAWN)
def test_pictures(
    small: cloison.World,
    tmp_path: Path,
    asked: dict[str, Any],
    options: tuple[str, ...],
    verdict: str,
) -> None:
    out = tmp_path / "x.svg"
    assert run("plot", SMALL, "-o", out, *options).exit_code == 0
    found = cloison.plot(small, **asked)
    assert (found.render("svg"), found.verdict) == (out.read_bytes(), verdict)


def test_nobody_is_drawn_whom_nobody_knows(small: cloison.World) -> None:
    explained = cloison.explain(small, *FLOWS[0])
    for draw in (partial(cloison.plot, small), small.plot, explained.plot):
        with pytest.raises(InputError, match=r"C338.*acne"):
            draw(tenant="acne")
    with pytest.raises(ValueError, match="all tenants"):
        cloison.plot(small, matrix=True, tenant="acme")


FABRIC_DOORS: dict[str, Callable[[Any], Any]] = {
    "spof": cloison.spof,
    "coverage": cloison.coverage,
    "expect": cloison.expect,
    "rollout": lambda source: cloison.rollout(source, source),
}


@pytest.mark.parametrize("verb", FABRIC_DOORS)
def test_questions_about_fabric_files_refuse_folders_of_manifests(verb: str) -> None:
    with pytest.raises(InputError, match="C111"):
        FABRIC_DOORS[verb](TOPOLOGIES / "manifests" / "small")


@pytest.mark.parametrize("verb", ["spof", "coverage", "rollout"])
def test_no_answer_of_several_kinds_is_true_or_false(verb: str) -> None:
    with pytest.raises(TypeError, match="compare"):
        bool(FABRIC_DOORS[verb](SMALL))


def test_a_rollout_at_no_moment_is_refused_and_at_one_is_told(tmp_path: Path) -> None:
    """As of the command: the file names a moment of its own, which nobody asked about."""
    days = [f"2027-01-0{day}T00:00:00Z" for day in (1, 2, 3)]
    path = windowed(tmp_path / "f", {("leaks", 0): {"from": days[1]}}, times={"at": days[0]})
    with pytest.raises(InputError, match="C212"):
        cloison.rollout(path, path)
    before, after = (cloison.world(path, time=day) for day in days[::2])
    assert "error[C212]" in run("rollout", path, path, "-q").stderr
    assert cloison.rollout(before, after).document()["devices"]


@pytest.mark.parametrize(
    "ask",
    [cloison.spof, cloison.coverage, cloison.expect, lambda world: cloison.rollout(world, world)],
    ids=["spof", "coverage", "expect", "rollout"],
)
def test_manifests_alone_have_no_devices_and_no_lines(
    ask: Callable[[cloison.World], object], tmp_path: Path
) -> None:
    """A world of them is refused as their folder is: nothing was tried."""
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: []}\n"
    (tmp_path / "pod.yaml").write_text(pod)
    with pytest.raises(InputError, match="C111"):
        ask(cloison.world(tmp_path))
