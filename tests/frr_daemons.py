"""The daemons of one node of a lab: folders, processes and their configuration."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from frr_releases import DAEMONS, Release


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
        with (scratch.parent / f"{space}-{name}.said").open("w+") as kept_open_by_mgmtd:
            done = subprocess.run(
                command, stdout=kept_open_by_mgmtd, stderr=subprocess.STDOUT, timeout=60
            )
            kept_open_by_mgmtd.seek(0)
            assert done.returncode == 0, kept_open_by_mgmtd.read()
    load = release.command("vtysh", "-N", space, "-b")
    done = subprocess.run(load, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "%" not in done.stdout, done.stdout + done.stderr
