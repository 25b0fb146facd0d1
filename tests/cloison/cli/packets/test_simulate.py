"""simulate from the command line and from Python: the report, its JSON, its exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import oracles
import pytest
from click.testing import CliRunner

import cloison
from cloison.cli import main

TOPOLOGIES = Path(__file__).parents[4] / "topologies"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the small topology, so that its lock file is not written into the tree."""
    work = tmp_path_factory.mktemp("small")
    shutil.copytree(TOPOLOGIES / "manifests" / "small", work / "manifests" / "small")
    shutil.copy(TOPOLOGIES / "small.yaml", work)
    return work / "small.yaml"


@pytest.fixture(scope="module")
def hole(small: Path) -> Path:
    """The same with a policy gone, so that an expectation fails."""
    text = small.read_text().replace('- deny: "acme/web/front -> acme/catalog/db"', DENY)
    target = small.with_name("hole.yaml")
    target.write_text(text)
    return target


DENY = '- deny: "acme/web/front -> acme/catalog/api"'


def test_report_reads_well_in_80_columns(small: Path) -> None:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(main, ["simulate", str(small)])
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
    for words in (
        "Fabric small",
        "BGP sessions",
        "Tables per DPU",
        "Room for",
        "simulator, not a DPU",
        "Isolation matrix",
        "leak catalog",
        "Time",
        "isolation holds for all packets",
    ):
        assert words in result.stdout


@pytest.mark.usefixtures("terminal")
def test_findings_name_a_packet_and_a_line(hole: Path) -> None:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(main, ["simulate", str(hole)])
    assert result.exit_code == 1
    assert "Finding 1: deny: acme/web/front -> acme/catalog/api" in result.stdout
    assert "packet" in result.stdout
    assert "front-to-api" in result.stdout or "NetworkPolicy" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_json_is_stable_and_says_the_same(hole: Path) -> None:
    outputs = [
        CliRunner(env={"COLUMNS": "80"}).invoke(main, ["simulate", str(hole), "-o", "json"]).stdout
        for _ in range(2)
    ]
    first, second = map(json.loads, outputs)
    for timing in ("seconds",):
        assert first.pop(timing).keys() == second.pop(timing).keys()
    first["replay"].pop("packets_per_second")
    second["replay"].pop("packets_per_second")
    assert first == second
    assert first["schema"] == "cloison/simulation/1"
    assert first["holds"] is False
    finding = first["findings"][0]
    assert finding["line"]
    assert finding["packet"]
    assert sum(first["replay"]["verdicts"].values()) == first["replay"]["packets"]
    assert {cell["open"] for cell in first["matrix"]} == {True, False}


def test_down_reaches_the_network(small: Path) -> None:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(
        main, ["simulate", str(small), "--down", "spine1", "-o", "json"]
    )
    size = json.loads(result.stdout)["size"]
    assert size["nodes_down"] == 1
    assert size["sessions_up"] < size["sessions"]


def test_manifests_alone_have_workloads_and_no_fabric() -> None:
    folder = str(TOPOLOGIES / "manifests" / "demo" / "inference")
    result = CliRunner(env={"COLUMNS": "80"}).invoke(main, ["simulate", folder])
    assert result.exit_code == 0, result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "pairs of workloads may talk" in result.stdout
    assert "DPU" not in result.stdout.replace("not a DPU", "")
    found = json.loads(
        CliRunner(env={"COLUMNS": "80"}).invoke(main, ["simulate", folder, "-o", "json"]).stdout
    )
    ends = {(c["source"].get("name"), c["destination"].get("name")) for c in found["connectivity"]}
    assert ("embedder", "redis") in ends
    assert ("gateway", "redis") not in ends


def test_online_boutique_is_as_documented() -> None:
    shop = oracles.conformance().parent / "data" / "online-boutique"
    if not shop.is_dir():
        pytest.skip("no online-boutique beside the conformance folder")
    found = json.loads(
        CliRunner(env={"COLUMNS": "80"}).invoke(main, ["simulate", str(shop), "-o", "json"]).stdout
    )
    rows = found["connectivity"]
    public = {r["destination"]["name"] for r in rows if r["source"]["kind"] == "External"}
    assert public == {"frontend"}
    redis = {r["source"]["name"] for r in rows if r["destination"].get("name") == "redis-cart"}
    assert redis == {"cartservice"}


def test_unknown_down_is_a_usage_error(small: Path) -> None:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(
        main, ["simulate", str(small), "--down", "spine9"]
    )
    assert result.exit_code == 2
    assert "spine" in result.stderr


def test_plot_writes_what_was_asked_for(small: Path, tmp_path: Path) -> None:
    for number, more in enumerate(
        (
            [],
            ["--tenant", "acme"],
            ["--matrix"],
            ["--trace", "acme/web/front-0", "acme/catalog/api-0:8080"],
        )
    ):
        out = tmp_path / f"{number}.svg"
        result = CliRunner(env={"COLUMNS": "80"}).invoke(
            main, ["plot", str(small), "-o", str(out), *more]
        )
        assert result.exit_code == 0, result.stderr
        assert b"<svg" in out.read_bytes()


def test_plot_refuses_what_it_cannot_draw(small: Path, tmp_path: Path) -> None:
    wrong = [
        ["-o", str(tmp_path / "x.docx")],
        ["-o", str(tmp_path / "x.svg"), "--tenant", "acne"],
        ["-o", str(tmp_path / "x.svg"), "--matrix", "--tenant", "acme"],
    ]
    for more in wrong:
        assert (
            CliRunner(env={"COLUMNS": "80"}).invoke(main, ["plot", str(small), *more]).exit_code
            == 2
        )
    assert not list(tmp_path.iterdir())


def test_the_api_answers_the_same_questions(small: Path) -> None:
    world = cloison.build(small)
    assert cloison.prove(world).holds
    assert len(world.endpoints) == 13
    assert len(world.sessions) == 24
    story = cloison.explain(world, "globex/shop/store-0", "acme/catalog/api-0:8080/tcp")
    assert story.verdict == "allow"
    assert len(story.path) == 3
    assert "catalog" in str(story)
    compiled = cloison.compile(world)
    assert compiled.fits
    assert compiled.nodes == ("dpu1", "dpu2", "dpu3", "dpu4")
    assert "dpu1" in compiled.dump("dpu1")
    assert cloison.build(world, down=["spine1"]).sessions.where(state="down")


def test_notebook_output_is_html(small: Path) -> None:
    world = cloison.build(small)
    for thing in (world, cloison.prove(world), cloison.compile(world), world.routes):
        assert "<table>" in thing._repr_html_()
    assert world.plot()._repr_png_().startswith(b"\x89PNG")
