"""`cloison compile` and `show tables`, as people run them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fabric_files import vrf, write_fabric

from cloison.cli import main

TOPOLOGIES = Path(__file__).parents[4] / "topologies"
SMALL = TOPOLOGIES / "small.yaml"


def cloison(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_one_file_per_format_and_node(tmp_path: Path) -> None:
    result = cloison("compile", SMALL, "-o", tmp_path / "new" / "out")
    assert result.exit_code == 0, result.stderr
    files = {str(p.relative_to(tmp_path / "new" / "out")) for p in tmp_path.rglob("*.*")}
    assert {"canonical/dpu1.json", "text/dpu4.txt", "nftables/dpu2.nft"} <= files
    first = {p: p.read_bytes() for p in tmp_path.rglob("*.*")}
    cloison("compile", SMALL, "-o", tmp_path / "new" / "out")
    assert first == {p: p.read_bytes() for p in tmp_path.rglob("*.*")}


def test_the_report_is_for_scripts_as_well() -> None:
    data = json.loads(cloison("compile", SMALL, "--output", "json").stdout)
    assert data["schema"] == "cloison/capacity/1"
    assert {"node", "table", "used", "capacity", "fill", "source"} == set(data["rows"][0])


def test_the_report_is_a_summary_and_a_node_can_be_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    summary = cloison("compile", SMALL).stdout
    assert "Tables per DPU" in summary
    assert "fullest DPU" in summary
    one = cloison("compile", SMALL, "--node", "dpu2", "--node", "dpu3", "-o", tmp_path)
    assert {line.split()[0] for line in one.stdout.splitlines()[3:]} == {"dpu2", "dpu3"}
    assert {p.stem for p in tmp_path.rglob("*.*")} == {"dpu2", "dpu3"}
    routed = tmp_path / "routed"
    leaf = cloison("compile", SMALL, "--node", "leaf1", "--format", "frr", "-o", routed)
    assert (leaf.exit_code, leaf.stdout) == (0, "Fill of DASH 400G DPU\nnone\n")
    assert {path.name for path in (routed / "frr").iterdir()} == {"leaf1.conf"}
    wrong = cloison("compile", SMALL, "--node", "leaf1", "-o", tmp_path / "none")
    assert (wrong.exit_code, "C305" in wrong.stderr) == (2, True)
    assert not (tmp_path / "none").exists()


def test_what_does_not_fit_is_3_and_says_what(tmp_path: Path) -> None:
    wide = tmp_path / "wide.yaml"
    text = SMALL.read_text().replace("manifests/", f"{TOPOLOGIES}/manifests/")
    assert "ports: [8080/tcp]" in text
    wide.write_text(text.replace("ports: [8080/tcp]", "ports: [1-65000/tcp]"))
    assert cloison("compile", wide).exit_code == 0
    result = cloison("compile", wide, "--target", "hbn-nico", "-o", tmp_path / "out")
    assert result.exit_code == 3
    assert "hbn-nico" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--target", "bf9"),
        ("--format", "p4"),
        ("--down", "spine9"),
        ("-o", "/dev/null/x"),
        ("-o", str(SMALL)),
    ],
)
def test_wrong_arguments_are_2(arguments: tuple[str, ...]) -> None:
    result = cloison("compile", SMALL, *arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_nothing_is_written_of_what_is_not_evaluated_and_it_is_said(tmp_path: Path) -> None:
    fabric = write_fabric(tmp_path, {"a": vrf("10.0.0.0/16")}, {"a": ["ns/one@host1"]})
    with (tmp_path / "a.yaml").open("a") as file:
        file.write("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n")
        file.write("metadata: { name: x, namespace: ns }\nspec: {}\n")
    result = cloison("compile", fabric, "-q", "-o", tmp_path / "out")
    assert result.exit_code == 4, result.output
    assert "nothing is written" in result.stderr
    assert not (tmp_path / "out").exists()
    assert "nothing is written" not in cloison("compile", fabric, "-q").stderr


def test_the_entries_of_one_node() -> None:
    assert cloison("show", "tables", SMALL, "--node", "dpu1").stdout.startswith("# dpu1 ")
    data = json.loads(cloison("show", "tables", SMALL, "--node", "dpu1", "-o", "json").stdout)
    assert data["schema"] == "cloison/entries/1"
    result = cloison("show", "tables", SMALL, "--node", "dpu11")
    assert (result.exit_code, "dpu1" in result.stderr) == (2, True)


@pytest.mark.parametrize(("named", "brought"), [("frr", "linux"), ("frr10", "linux10")])
def test_what_makes_a_machine_the_node_comes_with_frrs_files(
    named: str, brought: str, tmp_path: Path
) -> None:
    done = cloison("compile", SMALL, "-q", "--format", named, "-o", tmp_path)
    assert done.exit_code == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {named, brought}
    files = {folder: {p.stem for p in (tmp_path / folder).iterdir()} for folder in (named, brought)}
    assert files[named] == files[brought]
    assert "spine1" in files[brought]
