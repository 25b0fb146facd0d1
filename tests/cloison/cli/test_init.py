"""`cloison init`: what it writes is right by every verb, and nothing is overwritten."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cloison
from cloison.cli import main

FLOW = ("shop/web/front", "shop/data/db:5432")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    done = run("init", tmp_path / "site")
    assert done.exit_code == 0, done.stderr
    listed = [Path(line) for line in done.stdout.splitlines()]
    assert sorted(listed) == sorted(p for p in (tmp_path / "site").rglob("*") if p.is_file())
    return tmp_path / "site" / "fabric.yaml"


def test_nothing_is_wrong_or_doubtful(site: Path) -> None:
    assert cloison.check(site) == ()
    assert run("check", site).stdout.endswith("no errors\n")


@pytest.mark.parametrize("verb", ["verify", "simulate"])
def test_it_holds(site: Path, verb: str) -> None:
    done = run(verb, site, "-o", "json")
    assert done.exit_code == 0, done.stdout
    assert json.loads(done.stdout)["verdict"] == "holds"


def test_every_verb_has_an_answer(site: Path, tmp_path: Path) -> None:
    for arguments in (
        ("explain", site, *FLOW),
        ("reach", site),
        ("reach", site.parent / "manifests"),
        ("diff", site, site),
        ("compile", site, "-o", tmp_path / "rules"),
        ("plot", site, "-o", tmp_path / "x.svg", "--trace", *FLOW),
        *(("show", t, site) for t in ("topology", "addresses", "sessions", "routes", "tables")),
    ):
        done = run(*arguments)
        assert done.exit_code == 0, (arguments, done.stdout, done.stderr)
        assert done.stdout or done.stderr
    assert "allow" in run("explain", site, *FLOW).stdout
    assert "deny" in run("explain", site, "render/@node/host3", "10.0.0.1:5432").stdout


def test_nothing_is_overwritten_and_nothing_half_written(site: Path) -> None:
    (site.parent / "manifests" / "shop" / "web.yaml").unlink()
    site.write_text("mine")
    done = run("init", site.parent)
    assert done.exit_code == 2
    assert "error[C790]" in done.stderr
    assert site.read_text() == "mine"
    assert not (site.parent / "manifests" / "shop" / "web.yaml").exists()


def test_a_link_that_leads_nowhere_is_there_too(tmp_path: Path) -> None:
    (tmp_path / "fabric.yaml").symlink_to(tmp_path / "gone")
    assert run("init", tmp_path).exit_code == 2
    assert not (tmp_path / "gone").exists()


def test_a_file_in_the_way_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("")
    assert run("init", tmp_path / "site").exit_code == 2
    assert run("init", tmp_path / "site" / "below").exit_code == 2


@pytest.mark.slow
def test_the_wheel_carries_it_and_the_man_page(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    source = tmp_path / "source"
    source.mkdir()
    for folder in ("cloison", "fabric", "compiler", "sim", "docs", "bench", "topologies"):
        shutil.copytree(root / folder, source / folder)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / file, source / file)
    pip = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *pip, str(source)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "cloison/starter/fabric.yaml" in names
    assert "cloison/starter/manifests/shop/web.yaml" in names
    assert any(name.endswith("share/man/man1/cloison.1") for name in names)
    tops = {name.partition("/")[0].partition("-")[0] for name in names}
    assert tops == {"cloison", "fabric", "compiler", "sim"}, "what benchmarks and tests need stays"
    assert not [name for name in names if "/tests/" in name or "README" in name]
