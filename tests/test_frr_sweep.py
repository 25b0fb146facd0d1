"""Nothing is left of a lab of FRR whose process was killed: namespaces, daemons, folders."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from fabric_files import write_fabric
from frr_daemons import wait_for
from frr_releases import RELEASES, Release
from frr_sweep import alive, swept
from oracles import require, require_root

pytestmark = [pytest.mark.root, pytest.mark.oracle("frr")]
HERE = Path(__file__).parent
LAB = """
import frr_lab, frr_releases, secrets, sys, time
from fabric.building.build import build
from fabric.building.load import load_fabric
secrets.token_hex = lambda length: sys.argv[1]
release = next(each for each in frr_releases.RELEASES if each.name == sys.argv[2])
with frr_lab.frr_lab(build(load_fabric(sys.argv[3]), lock=False), release):
    time.sleep(600)
"""


def left(prefix: str, release: Release) -> list[str]:
    """Namespaces and folders that begin so."""
    spaces = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    parents = release.etc, release.run, Path(tempfile.gettempdir())
    found = [str(folder) for parent in parents for folder in parent.glob(f"{prefix}*")]
    return [line for line in spaces.splitlines() if line.startswith(prefix)] + found


@pytest.mark.slices(2)
@pytest.mark.parametrize("release", RELEASES, ids=lambda release: f"frr{release.name}")
def test_nothing_is_left_of_a_lab_that_is_killed_at_its_start(
    release: Release, tmp_path: Path
) -> None:
    release.require()
    tenant = {"vrfs": {"main": {"prefixes": ["10.0.0.0/24"]}}}
    site = {"spines": 1, "leaves": 2, "hosts_per_pair": 1, "borders": 0}
    file = write_fabric(tmp_path, {"a": tenant}, {"a": ["n/p@host1"]}, sites={"s": site})
    token = secrets.token_hex(3)
    command = [sys.executable, "-c", LAB, token, release.name, str(file)]
    ours = {**os.environ, "PYTHONPATH": f"{HERE}:{HERE.parent}"}
    with subprocess.Popen(command, env=ours, stderr=subprocess.DEVNULL) as lab:
        try:
            files: list[Path] = []

            def started() -> bool:
                files[:] = release.run.glob(f"cln-{token}-*/zebra.pid")
                return len(files) > 1

            assert wait_for(started, 60)
            pids = [int(file.read_text()) for file in files]
            assert all(map(alive, pids))
        finally:
            lab.kill()
    assert wait_for(lambda: not left(f"cln-{token}-", release), 30)
    assert not any(map(alive, pids))


def test_processes_without_a_pid_file_end_as_well(tmp_path: Path) -> None:
    require("ip")
    require_root()
    prefix = f"cln-{secrets.token_hex(3)}-"
    with swept(prefix, tmp_path):
        subprocess.run(["ip", "netns", "add", f"{prefix}a"], check=True)
        command = ["ip", "netns", "exec", f"{prefix}a", "sleep", "600"]
        sleeper = subprocess.Popen(command, start_new_session=True)
        assert wait_for(lambda: "sleep" in Path(f"/proc/{sleeper.pid}/comm").read_text(), 10)
        (tmp_path / f"{prefix}folder").mkdir()
        (tmp_path / "another").mkdir()
    assert sleeper.wait(10) != 0
    assert [folder.name for folder in tmp_path.iterdir()] == ["another"]
