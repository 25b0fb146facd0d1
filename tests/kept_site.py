"""A place where commands keep worlds, and a fabric whose world is worth keeping there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fabric_files import pods, vrf, write_fabric

from cloison.cli import main
from cloison.loading import kept_worlds, own_code
from cloison.loading.how import How
from cloison.loading.keeping import keeping
from cloison.loading.kept_worlds import Request, found
from cloison.views.world import World

ROOT = Path(__file__).parents[1]
TOPOLOGIES = ROOT / "topologies"
Told = tuple[int, str, str]
TIMES = re.compile(r"[0-9.,]+ Mpps|\"(seconds|[a-z_]+_second)\": ([0-9.]+|[{][^}]*[}])|[0-9.]+ s\b")
COMPILING = re.compile("compiling the simulator's kernels.*\n")
SMALL, DEMO, MANY = (str(TOPOLOGIES / f"{n}.yaml") for n in ("small", "demo", "namespaces"))
WIDE = str(TOPOLOGIES / "broken" / "too-wide-ipblock.yaml")
POLICIES = str(TOPOLOGIES / "manifests" / "demo" / "inference")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of its own, where everything is worth keeping."""
    monkeypatch.setenv("CLOISON_CACHE", "on")
    monkeypatch.setattr("cloison.loading.kept_worlds.home", lambda: tmp_path / "cache" / "cloison")
    monkeypatch.setattr(kept_worlds, "WORTH", -1.0)
    monkeypatch.setattr(kept_worlds, "own_code", lambda: "tests")  # whoever edits meanwhile
    monkeypatch.setattr(own_code, "STARTED", float("inf"))
    return tmp_path / "cache" / "cloison" / "worlds"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A fabric that extends another one and names a folder and a link of manifests, with a lock
    file, in a working tree."""
    folder = tmp_path / "site"
    (folder / ".git").mkdir(parents=True)
    (folder / "a").mkdir()
    (folder / "a" / "pods.yaml").write_text(pods("web/one@host1"))
    (folder / "one").write_text(pods("web/two@host2"))
    (folder / "two").write_text(pods("web/three@host2"))
    (folder / "link.yaml").symlink_to("one")
    tenants = {"a": vrf("10.0.0.0/16"), "b": vrf("10.1.0.0/16")}
    base = write_fabric(folder, tenants, {})
    text = base.read_text().replace("- a.yaml", "- a").replace("- b.yaml", "- link.yaml")
    (folder / "base.yaml").write_text(text)
    base.write_text("extends: base.yaml\npatch: []\n")
    for name in ("a.yaml", "b.yaml"):
        (folder / name).unlink()
    World.of_fabric(base)
    return base


PROGRAM = """
import sys
from pathlib import Path
from cloison.loading import kept_worlds
from cloison.loading import own_code
from cloison.cli import main
kept_worlds.WORTH, own_code.STARTED = -1.0, float("inf")
kept_worlds.home, kept_worlds.own_code = lambda: Path(sys.argv[1]), lambda: "tests"
try:
    main(sys.argv[2:])
finally:
    print(*sorted({"numba", "numpy", "pydantic"} & {*sys.modules}), file=sys.stderr)
"""


def elsewhere(shelf: Path, seed: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A command in a process of its own, which counts hashes from another seed."""
    more = {"PYTHONHASHSEED": seed, "CLOISON_CACHE": "on", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(shelf.parent), *arguments],
        env=os.environ | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def said(*arguments: str) -> Told:
    """What a command answers, but for times."""
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, TIMES.sub("", result.stdout), COMPILING.sub("", result.stderr)


def kept(path: Path, **how: Any) -> bool:
    """Whether a world is there that would be used."""
    with keeping():
        shelf = found(Request("fabric", (str(path),), How(**how)))
        return shelf is not None and shelf.world() is not None
