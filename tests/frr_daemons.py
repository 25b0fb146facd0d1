"""The daemons of one node of a lab: folders, processes and their configuration. Imports nothing of
ours: where every instruction is emulated, imports take longer than FRR."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from frr_releases import DAEMONS, Release

PATIENCE = 240
"""Seconds for a command: every instruction may be emulated."""


def start(release: Release, space: str, config: str, vrfs: Mapping[str, str]) -> None:
    """Daemons in the namespace `space`, which names their folders as well. `vrfs` are VRFs that are
    namespaces, by their names in FRR: a mount namespace shows these and no others, because
    `zebra -n` takes all that it sees. Without any, VRFs are devices."""
    user = pwd.getpwnam(release.user)
    for folder in (release.etc / space, release.run / space):
        folder.mkdir(parents=True)
        os.chown(folder, user.pw_uid, user.pw_gid)
    (release.etc / space / "frr.conf").write_text(config)
    (release.etc / space / "vtysh.conf").write_text("service integrated-vtysh-config\n")
    scratch = Path(tempfile.gettempdir()) / f"{space}-seen"
    scratch.mkdir()
    mounts = []
    for vrf, namespace in vrfs.items():
        (scratch / vrf).touch()
        mounts.append(f"mount --bind /run/netns/{namespace} {scratch / vrf}")
    mounts += release.mounts(scratch)
    for name in release.daemons:
        zebra = ["-s", "90000000", *(["-n"] if vrfs else [])] if name == "zebra" else []
        command = (
            "nsenter", f"--net=/run/netns/{space}", "unshare", "-m", "--propagation", "private",
            "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh",
            *release.command(f"{DAEMONS}/{name}", "-d", "-N", space, "-P", "0", *zebra),
        )  # fmt: skip
        with (release.run / space / f"{name}.said").open("w+") as kept_open_by_mgmtd:
            done = subprocess.run(
                command, stdout=kept_open_by_mgmtd, stderr=subprocess.STDOUT, timeout=PATIENCE
            )
            kept_open_by_mgmtd.seek(0)
            assert done.returncode == 0, kept_open_by_mgmtd.read()


def load(release: Release, spaces: Iterable[str]) -> None:
    """The configuration of every node, all at once; a line that is not taken is an error."""
    loads = [
        subprocess.Popen(
            release.command("vtysh", "-N", space, "-b"),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for space in spaces
    ]  # fmt: skip
    for each in loads:
        said, _ = each.communicate(timeout=PATIENCE)
        assert each.returncode == 0 and "%" not in said and "Unknown" not in said, said


def run(*command: str, stdin: str | None = None) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
    return done.stdout


def wait_for(holds: Callable[[], bool], seconds: float) -> bool:
    """Poll until something holds; whether it did in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
