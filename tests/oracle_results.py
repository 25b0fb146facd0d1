"""`make oracles`: everything that is compared with what others wrote, and every suite that CI runs
in slices, whole. What came of it goes to `bench/results/oracles.json`, committed when all agree.

The environment is that of the suite (`tests/README.md`). A tool that is not installed is a failure.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from oracles import ORACLES

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results" / "oracles.json"
VERSIONS = {
    "frr": ["/usr/lib/frr/bgpd", "--version"],
    "kernel": ["uname", "-r"],
    "uml": ["linux.uml", "--version"],
    "nft": ["nft", "--version"],
    "tcpdump": ["tcpdump", "--version"],
    "rte_acl": ["pkg-config", "--modversion", "libdpdk"],
    "nvue": [
        sys.executable,
        "-c",
        "from importlib.metadata import version; print(version('nvueschema'))",
    ],
    "z3": [sys.executable, "-c", "import z3; print(z3.get_version_string())"],
    "oxidd": [sys.executable, "-c", "import importlib.metadata as m; print(m.version('oxidd'))"],
}


class Tally:
    """A pytest plugin: outcomes and seconds by oracle."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Counter[str]] = defaultdict(Counter)
        self.seconds: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test counts once: for its call, or for the step that ended it."""
        for name in (name for key, name in report.user_properties if key == "oracle"):
            self.seconds[name] += report.duration
            if report.when == "call" or report.outcome != "passed":
                self.outcomes[name][report.outcome] += 1

    def rows(self) -> list[dict[str, Any]]:
        """One row per oracle, also for those that nobody asked."""
        return [
            {
                "oracle": name,
                "program": oracle.program,
                "version": version(name),
                "judges": oracle.judges,
                **{o: self.outcomes[name][o] for o in ("passed", "failed", "skipped")},
                "minutes": round(self.seconds[name] / 60, 2),
                "budget": oracle.minutes,
            }
            for name, oracle in ORACLES.items()
        ]


def version(name: str) -> str | None:
    """What a tool calls its version, of a kernel the number; None where there is none to ask."""
    try:
        done = subprocess.run(VERSIONS[name], capture_output=True, text=True, check=True)
    except (KeyError, OSError, subprocess.CalledProcessError):
        return None
    first = (done.stdout or done.stderr).strip().partition("\n")[0]
    return first.partition("-")[0] if name == "kernel" else first


def git(*words: str) -> str:
    """What git says; empty outside a repository."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def main() -> int:
    """pytest's exit code; 0 when all agree."""
    os.environ |= {"CLOISON_REQUIRE_ORACLES": "1", "CLOISON_SLICE": ""}
    workers = ["--numprocesses", "auto", "--maxprocesses", "4", "--dist", "loadscope"]
    tally = Tally()
    code = pytest.main(["-m", "oracle or slices", *workers, str(ROOT / "tests")], plugins=[tally])
    if code != pytest.ExitCode.OK:
        return int(code)
    python = platform.python_version()
    document = {
        "schema": "cloison/oracles/1",
        "commit": git("rev-parse", "HEAD"),
        "changed": bool(git("status", "--porcelain", "--", ":!bench/results")),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {python}",
        "rows": tally.rows(),
    }
    RESULTS.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    if git("rev-parse", "--show-toplevel"):
        git("add", str(RESULTS))
        git("commit", "--quiet", "--only", str(RESULTS), "--message", "Results of the oracles")
    return 0


if __name__ == "__main__":
    sys.exit(main())
