"""User-mode Linux: run a command below another kernel, on this machine's files.

Debian's package boots in seconds without virtualisation and has VRF devices. The machine's root is
mounted read-only with a memory overlay on top, so that nothing a command does lasts; what it
prints comes back through a shared folder. One CPU; system calls are slow.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

KERNEL = "linux.uml"
TOO_WIDE = "amx_tile"
"""A processor flag: registers of more bytes than user-mode Linux 6.1 saves; it panics at once."""
MODULES = Path("/usr/lib/uml/modules")
NEEDED = ("ipv6", "vrf", "vxlan", "veth", "nf_tables", "nft_ct")

INIT = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev 2>/dev/null
insmod {modules}/kernel/fs/overlayfs/overlay.ko
mount -t tmpfs t /mnt; mkdir -p /mnt/u /mnt/w /mnt/n
mount -t overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w o /mnt/n
for d in proc sys dev; do mount --rbind /$d /mnt/n/$d; done
mkdir -p /mnt/n/lib/modules/{version} /mnt/n/mnt/shared
mount --bind {modules} /mnt/n/lib/modules/{version}
mount -t tmpfs r /mnt/n/run
mount -t hostfs -o {shared} none /mnt/n/mnt/shared
cd /mnt/n; mkdir -p .old; pivot_root . .old; exec chroot . /bin/sh /mnt/shared/job
"""
JOB = """#!/bin/sh
ip link set lo up
for m in {needed}; do modprobe $m 2>/dev/null; done
cd {cwd}
{command} >/mnt/shared/stdout 2>/mnt/shared/stderr </dev/null
echo $? >/mnt/shared/rc; sync
busybox poweroff -f
"""


def boots_here() -> bool:
    """Whether this processor's registers fit into user-mode Linux's frame."""
    return TOO_WIDE not in Path("/proc/cpuinfo").read_text().split()


def run(
    command: Sequence[str | Path], shared: Path, *, seconds: float = 300
) -> subprocess.CompletedProcess[str]:
    """Boot, run, power off. A return code of -1 says that the command did not end in time;
    `shared` is an empty folder."""
    modules = next(MODULES.iterdir())
    facts = {"modules": modules, "version": modules.name, "shared": shared}
    (shared / "init").write_text(INIT.format(**facts))
    (shared / "init").chmod(0o755)
    line = shlex.join(map(str, command))
    job = JOB.format(needed=" ".join(NEEDED), cwd=shlex.quote(str(Path.cwd())), command=line)
    (shared / "job").write_text(job)
    arguments = ["mem=1536M", "rootfstype=hostfs", "rootflags=/", "ro", "quiet"]
    console = ["con=null", "con0=null,fd:1", f"umid=cln-{os.urandom(4).hex()}"]
    process = subprocess.Popen(
        [KERNEL, *arguments, f"init={shared}/init", *console],
        stdin=subprocess.DEVNULL,
        stdout=(shared / "console").open("w"),
        stderr=subprocess.STDOUT,
        env={**os.environ, "TMPDIR": "/dev/shm"},
        start_new_session=True,
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    texts = {name: _text(shared / name) for name in ("rc", "stdout", "stderr", "console")}
    code = int(texts["rc"]) if texts["rc"].strip() else -1
    errors = texts["stderr"] if texts["rc"] else texts["stderr"] + texts["console"]
    return subprocess.CompletedProcess(command, code, texts["stdout"], errors)


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
