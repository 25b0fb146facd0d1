"""`cloison diff`, as people run it: fabrics and directories of manifests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fabric_files import vrf, write_fabric
from request_sites import http, site

import cloison
from cloison.cli import main

ROOT = Path(__file__).parents[4]
TOPOLOGIES = ROOT / "topologies"
DEMO, TWIN = TOPOLOGIES / "demo.yaml", TOPOLOGIES / "broken" / "too-wide-ipblock.yaml"
POD = """apiVersion: v1
kind: Pod
metadata: {{ name: {0}, labels: {{ app: {0} }} }}
spec: {{ containers: [] }}
"""
ALLOW = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{ name: db }}
spec:
  podSelector: {{ matchLabels: {{ app: db }} }}
  ingress:
    - from: [{{ podSelector: {{ matchLabels: {{ app: {0} }} }} }}]
      ports: [{{ port: 5432 }}]
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["diff", *map(str, arguments)])


def manifests(folder: Path, allowed: str) -> Path:
    folder.mkdir()
    pods = "---\n".join(POD.format(name) for name in ("db", "web", "batch"))
    (folder / "all.yaml").write_text(f"{pods}---{ALLOW.format(allowed)}")
    return folder


def test_a_twin_of_the_demo_gains_what_its_patch_opens() -> None:
    result = run(DEMO, TWIN)
    assert result.exit_code == 1
    text = " ".join(result.stdout.split())
    assert text.startswith("NetworkPolicy training/dashboards/tensorboard: edited")
    assert "training/data/loader gains training/dashboards/tensorboard on 6006/tcp" in text
    assert "-> 203.0.113.66:6006/tcp; one of 4 pairs" in text
    assert text.count("packet") == 1
    assert "too-wide-ipblock.yaml:7:128): permits it into" in text
    assert text.endswith("2 gained. Everything else is unchanged.")
    back = " ".join(run(TWIN, DEMO).stdout.split())
    assert back.endswith("2 lost. Everything else is unchanged.")


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("columns", [40, 80, 130])
def test_folded_sentences_are_indented(columns: int) -> None:
    """What begins in the first column is a heading, in the third a sentence or a label."""
    result = CliRunner(env={"COLUMNS": str(columns)}).invoke(main, ["diff", str(DEMO), str(TWIN)])
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= columns
    packet = next(n for n, line in enumerate(lines) if line.startswith("  packet"))
    first = next(n for n, line in enumerate(lines) if line.startswith("  "))
    said = lines[first:packet]
    begin = [line for line in said if not line.startswith("    ")]
    assert all(line.startswith("  ") for line in said)
    assert [line.split()[0] for line in begin] == ["training/@node/*", "training/data/loader"]
    assert sum("gains" in line for line in said) == 2
    assert len(said) > 2 or columns > 40


def test_findings_are_told_in_whichever_world_they_are(tmp_path: Path) -> None:
    """Also where they are in both, and nothing differs."""
    paths = []
    for name, targets in (("clean", []), ("stray", ["65000:10555"])):
        (tmp_path / name).mkdir()
        tenants = {
            "a": vrf("172.16.0.0/24", import_rts=targets), "b": vrf("172.17.0.0/24", vni=10555)
        }  # fmt: skip
        pods = {"a": ["n/p@host1"], "b": ["n/p@host2"]}
        paths.append(write_fabric(tmp_path / name, tenants, pods))
    clean, stray = map(str, paths)
    for old, new, code, word in (
        (clean, clean, 0, ""),
        (clean, stray, 1, "New finding: C510"),
        (stray, clean, 1, "Finding gone: C510"),
        (stray, stray, 1, ""),
    ):
        done = CliRunner().invoke(main, ["diff", old, new, "-q"])
        assert done.exit_code == code, (old, new, done.output)
        assert word in done.stdout
        assert ("finding" in done.stdout.lower()) == bool(word)


def test_the_same_world_is_the_same() -> None:
    result = run(DEMO, DEMO)
    assert (result.exit_code, result.stdout.strip()) == (0, "No packet fares differently.")


def test_directories_of_manifests(tmp_path: Path) -> None:
    old, new = manifests(tmp_path / "old", "web"), manifests(tmp_path / "new", "batch")
    result = run(old, new, "-o", "json")
    assert result.exit_code == 1
    data = json.loads(result.stdout)
    assert (data["schema"], data["same"], data["rest"]) == ("cloison/diff/2", False, "unchanged")
    (group,) = data["groups"]
    assert (group["title"], group["what"]) == ("NetworkPolicy default/db", "edited")
    assert (group["gained"], group["lost"]) == (1, 1)
    seen = {(r["change"], r["source"].rpartition("/")[2], r["ports"]) for r in data["rows"]}
    assert seen == {("gained", "batch", "5432/tcp"), ("lost", "web", "5432/tcp")}
    for row in data["rows"]:
        assert {row["was"]["line"], row["is"]["line"]} == {
            f"{folder}/all.yaml:22:14" for folder in (old, new)
        }
    table = run(old, new, "-o", "md").stdout
    assert "**NetworkPolicy default/db: edited (" in table
    assert "| gained | default/batch | default/db | 5432/tcp |" in table
    rows = cloison.diff(old, new)
    assert {row["change"] for row in rows} == {"gained", "lost"}


def test_a_renamed_workload_takes_its_access_along(tmp_path: Path) -> None:
    old, new = manifests(tmp_path / "old", "web"), manifests(tmp_path / "new", "web")
    path = new / "all.yaml"
    path.write_text(path.read_text().replace("name: batch", "name: newer"))
    result = run(old, new)
    assert result.exit_code == 1
    text = " ".join(result.stdout.split())
    assert "Only in the old: default/batch" in text
    assert "Only in the new: default/newer" in text
    assert "default/newer: new" in text
    assert "default/newer gains default/web, zone2/external on any" in text
    assert "default/batch loses default/web, zone2/external on any" in text
    assert text.endswith("5 gained, 5 lost. Everything else is unchanged.")


@pytest.mark.parametrize(
    "arguments",
    [
        (DEMO, TOPOLOGIES / "manifests" / "small"),
        (DEMO, "missing.yaml"),
        ("missing", "missing"),
        (DEMO, DEMO, "--down", "leaf99"),
        (DEMO,),
    ],
)
def test_wrong_arguments_are_2(arguments: tuple[str | Path, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_access_under_conditions_is_told_as_such(tmp_path: Path) -> None:
    """Where packets pass only if something holds besides, text, markdown and JSON say so."""
    sites = []
    for name, rule in (("old", {"fromEndpoints": []}), ("new", http({"method": "GET"}))):
        (tmp_path / name).mkdir()
        sites.append(site(tmp_path / name, rule))
    asked = "the request matches GET"
    (row,) = json.loads(run(*sites, "-o", "json").stdout)["rows"]
    assert (row["change"], row["conditions"]) == ("gained", [asked])
    assert f"if {asked}" in " ".join(run(*sites).stdout.split())
    assert f"only if {asked}" in run(*sites, "-o", "md").stdout
