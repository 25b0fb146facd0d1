"""DPDK in this process: our C harness compiled against the installed libdpdk, and its environment
abstraction layer (EAL) started without NICs.

Everything that may be missing is a `MachineError` that says what. The library is built once per
source, compiler flags and DPDK version, into this user's cache directory
(`fabric.io.cache_folder`); for users without one, into a directory of this process alone. EAL
pins its caller to a core; affinity is put back.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import shutil
import subprocess
import tempfile
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from fabric.diagnostics import MachineError
from fabric.io import cache_folder

SOURCE = Path(__file__).with_name("rte_acl.c")
FLAGS = ["-O3", "-shared", "-fPIC", "-Wall"]
LIBRARIES = ["-lrte_acl", "-lrte_eal"]
INSTALL = "apt-get install gcc pkg-config libdpdk-dev"
HUGE_MIB = 2
SMALL_MEMORY_MIB = 6000
"""Address space without huge pages; only what is used is ever backed by memory."""
LEAST_HUGE_MIB = 256


@cache
def start() -> tuple[Any, bool]:
    """The library with EAL running, and whether it lies in huge pages. Once per process, as EAL
    cannot be started twice."""
    library = ctypes.CDLL(str(compiled()))
    affinity = os.sched_getaffinity(0)
    free = _free_huge_mib()
    huge = free >= LEAST_HUGE_MIB
    arguments = ["cloison", "-l", str(min(affinity)), "--no-pci", "--no-telemetry"]
    arguments += ["--log-level=1", "--iova-mode=va", "-m", str(free if huge else SMALL_MEMORY_MIB)]
    arguments += ["--in-memory"] if huge else ["--no-huge", "--no-shconf"]
    if _has_avx512():
        arguments.append("--force-max-simd-bitwidth=512")
    argv = (ctypes.c_char_p * len(arguments))(*map(str.encode, arguments))
    try:
        failed = library.bench_start(len(arguments), argv)
    finally:
        os.sched_setaffinity(0, affinity)
    if failed:
        raise MachineError(f"DPDK does not start here: {os.strerror(-failed)}")
    return library, huge


def compiled() -> Path:
    """The harness as a shared object, compiled when it is not in the cache."""
    missing = [tool for tool in ("gcc", "pkg-config") if shutil.which(tool) is None]
    if missing:
        raise MachineError(f"{' and '.join(missing)} not installed ({INSTALL})")
    version, flags = _ask("--modversion"), _ask("--cflags").split()
    digest = sha256("\0".join([SOURCE.read_text(), version, *flags, *FLAGS]).encode())
    target = _folder() / f"rte_acl-{digest.hexdigest()[:16]}.so"
    if target.exists() and not cache_folder.distrust(target):
        return target
    handle, made = tempfile.mkstemp(dir=target.parent, suffix=".so")
    os.close(handle)
    command = ["gcc", *FLAGS, *flags, "-o", made, str(SOURCE), *LIBRARIES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        Path(made).unlink()
        raise MachineError(f"gcc cannot compile {SOURCE.name}: {done.stderr.strip()[-500:]}")
    Path(made).chmod(0o700)
    Path(made).replace(target)
    return target


def dpdk_version() -> str:
    """As pkg-config tells it."""
    return _ask("--modversion").strip()


def _ask(question: str) -> str:
    command = ["pkg-config", question, "libdpdk"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MachineError(f"libdpdk is not installed ({INSTALL})")
    return done.stdout


@cache
def _folder() -> Path:
    """A directory that nobody else writes to."""
    home = cache_folder.home()
    if home is not None:
        folder = home / "rte_acl"
        if cache_folder.made(folder) and not any(map(cache_folder.distrust, (home, folder))):
            return folder
    made = Path(tempfile.mkdtemp(prefix="cloison-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def _free_huge_mib() -> int:
    try:
        meminfo = Path("/proc/meminfo").read_text()
    except OSError:
        return 0
    found = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    if found.get("Hugepagesize", "").split() != [str(HUGE_MIB * 1024), "kB"]:
        return 0
    return int(found.get("HugePages_Free", "0")) * HUGE_MIB


def _has_avx512() -> bool:
    try:
        return " avx512bw" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
