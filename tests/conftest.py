"""Settings for the whole suite: hypothesis without deadlines (a busy machine is no bug), and the
same examples on every run. And `lanes`, for tests of both kernels of an engine.

`CLOISON_SLICE` says which part of suites marked `slices(n)` runs: `commit` (what `make test` sets:
the hash of HEAD draws it), a number, or nothing for all; with `commit`, laws that do not say how
many examples they want get half of them. What oracles took stands at the end."""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from oracles import ORACLES

settings.register_profile(
    "cloison",
    max_examples=50 if os.environ.get("CLOISON_SLICE") == "commit" else 100,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("cloison")


@pytest.fixture(params=["lanes", "scalar"])
def lanes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both kernels of every engine."""
    if request.param == "scalar":
        monkeypatch.setattr("sim.kernels.match.lanes.AVX2", False)
    elif not import_module("sim.kernels.match.lanes").AVX2:
        pytest.skip("this machine has no AVX2: only scalar kernels run here")
    return str(request.param)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if somebody read along, on as many columns as COLUMNS says, 80 by default."""
    monkeypatch.setattr("cloison.render.formats.on_terminal", lambda stderr=False: True)
    monkeypatch.setenv("COLUMNS", "80")


def drawn() -> int | None:
    """The number that draws slices; None for all of them."""
    wanted = os.environ.get("CLOISON_SLICE", "")
    if wanted != "commit":
        return int(wanted) if wanted else None
    command = ["git", "rev-parse", "HEAD"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    return int(done.stdout[:8], 16) if done.returncode == 0 else 0


def pytest_report_header() -> str:
    """Which slices run."""
    number = drawn()
    return "slices: all" if number is None else f"slices: drawn by {number} (CLOISON_SLICE)"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Every n-th case of each function that is marked `slices(n)`; names of oracles are known."""
    number = drawn()
    seen: dict[str, int] = defaultdict(int)
    kept, left = [], []
    for item in items:
        slices = item.get_closest_marker("slices")
        turn = seen[item.nodeid.partition("[")[0]]
        seen[item.nodeid.partition("[")[0]] += 1
        ours = number is None or slices is None or turn % slices.args[0] == number % slices.args[0]
        (kept if ours else left).append(item)
    items[:] = kept
    if left:
        config.hook.pytest_deselected(items=left)


@pytest.fixture(autouse=True)
def _as_wide_as_it_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are folded where a test says so, not where the terminal of a run does."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(autouse=True)
def _oracle(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests say which oracle they ask, for the sums at the end."""
    marker = request.node.get_closest_marker("oracle")
    name = marker.args[0] if marker else "twins"
    if marker or request.node.get_closest_marker("slices"):
        assert name in ORACLES, f"tests/oracles.py knows no {name}"
        request.node.user_properties.append(("oracle", name))
    yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What each oracle took of its budget."""
    spent: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            for key, name in getattr(report, "user_properties", ()):
                if key == "oracle":
                    spent[name] += report.duration / 60
    for name, minutes in sorted(spent.items()):
        budget = ORACLES[name].minutes
        over = "  over budget: mark its tests with more slices" if minutes > budget else ""
        terminalreporter.write_line(f"oracle {name}: {minutes:.1f} of {budget} min{over}")
