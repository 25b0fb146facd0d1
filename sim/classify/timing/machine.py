"""What a measurement was taken on, as far as a reader needs to judge it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from sim.classify.timing.rounds import realtime

EXTENSIONS = ("avx2", "avx512bw", "asimd")


def machine() -> dict[str, object]:
    """Processor, versions, load, and whether rounds had real-time priority."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "vectors": [name for name in EXTENSIONS if name in _flags()],
        "kernel": platform.release().partition("-")[0],
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "numba": version("numba"),
        "load": round(os.getloadavg()[0], 2),
        "real_time_priority": realtime(),
    }


def _processor() -> str:
    """Its name; hypervisors may leave out more than the vendor, so family and model beside it."""
    found = _cpuinfo()
    name = found.get("model name", platform.machine())
    if "cpu family" not in found:
        return name
    return f"{name} (family {found['cpu family']}, model {found.get('model', '?')})"


def _flags() -> set[str]:
    found = _cpuinfo()
    return set((found.get("flags") or found.get("Features") or "").split())


def _cpuinfo() -> dict[str, str]:
    """Of the first core."""
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
