"""Settings for the whole suite: hypothesis without deadlines (a busy machine is no bug), and the
same examples on every run. And `lanes`, for tests of both kernels of an engine.

`CLOISON_SLICE` says which part of suites marked `slices(n)` runs: `commit` (what `make test` sets:
the hash of HEAD draws it), a number, or nothing for all; with `commit`, laws get half of the
examples that they want, or that are usual. `CLOISON_LAWS=whole`, as for mutants, thins no law. What
oracles took stands at the end."""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import wraps
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from oracles import ORACLES

LONG = [
    "sim/lab/test_lab",
    "sim/lab/test_vrf",
    "test_house",
    "fabric/control/test_frr_live",
    "test_mutants",
    "test_docs",
    "cloison/test_names_of_every_output",
    "cloison/cli/verification/test_verify",
    "sim/diff/test_diff_worlds",
    "topologies/test_topologies",
    "topologies/test_mutations",
    "sim/classify/engines/test_engines",
    "sim/proof/ways_around/test_against",
    "sim/proof/certificates/test_certificate",
    "sim/checker/expectations/test_failures",
    "cloison/render/test_files",
    "plugins/test_a_header_field_of_packets",
    "plugins/test_a_header_field",
    "sim/kernels/test_cache_folder",
    "cloison/test_hash_seeds",
    "sim/pipeline/test_warm",
    "sim/checker/expectations/test_claims",
    "sim/checker/test_forged_certificates",
    "compiler/policy/test_network_policy_laws",
]
"""Modules that take longest, in the order in which they start: those that wait for kernels and
daemons first, so that others calculate meanwhile, and no worker is left alone with one at last."""

WANTED = "_hypothesis_internal_use_settings"
"""Where hypothesis has what `@settings` says of a law."""

os.environ["CLOISON_CACHE"] = "off"
"""Tests are about what is computed, in processes that they start as well."""

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


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than cores: tests of labs wait for the kernel much of their time."""
    return cores() + 1


def pytest_configure(config: pytest.Config) -> None:
    """Workers take modules in the order of `LONG`, not by how many tests these have."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_report_header() -> str:
    """Which slices run."""
    number = drawn()
    return "slices: all" if number is None else f"slices: drawn by {number} (CLOISON_SLICE)"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Every n-th case of each function that is marked `slices(n)`, or every n-th example of a
    law; names of oracles are known."""
    number = drawn()
    seen: dict[str, int] = defaultdict(int)
    kept, left = [], []
    for item in items:
        slices = item.get_closest_marker("slices")
        law = getattr(getattr(item, "obj", None), "hypothesis", None)
        whole = number is None or os.environ.get("CLOISON_LAWS") == "whole"
        if law is not None and not whole and not hasattr(law.inner_test, "thinned"):
            if slices is not None:
                law.inner_test = thinned(law.inner_test, number, slices.args[0])
            else:
                halve(item)
        if law is not None and number is not None:
            slices = None
        turn = seen[item.nodeid.partition("[")[0]]
        seen[item.nodeid.partition("[")[0]] += 1
        ours = number is None or slices is None or turn % slices.args[0] == number % slices.args[0]
        (kept if ours else left).append(item)
    items[:] = kept
    if hasattr(config, "workerinput"):  # who runs alone keeps the order that was asked for
        rank = {f"tests/{module}.py": at for at, module in enumerate(LONG)}
        items.sort(key=lambda item: rank.get(item.nodeid.partition("::")[0], len(rank)))
    if left:
        config.hook.pytest_deselected(items=left)


def halve(item: pytest.Item) -> None:
    """A law that says how many examples it wants gets half of them; once, whatever its arguments
    are."""
    law: Any = item.obj  # type: ignore[attr-defined]
    wanted = getattr(law, WANTED, None)
    if wanted is not None and wanted.max_examples != settings.default.max_examples:
        if not hasattr(law, "halved"):
            setattr(law, WANTED, settings(wanted, max_examples=-(-wanted.max_examples // 2)))
        law.halved = True


def thinned(law: Callable[..., None], number: int, slices: int) -> Callable[..., None]:
    """A law that looks at one in so many of the examples that are drawn for it, always the same
    ones; when one has failed, at all of them, for whoever looks for a shorter one. Not for laws
    that draw while they look (`st.data`): hypothesis wonders why they draw less at times."""
    turns, failed = count(), list[BaseException]()

    @wraps(law)
    def some(*arguments: Any, **named: Any) -> None:
        if next(turns) % slices == number % slices or failed:
            try:
                law(*arguments, **named)
            except Exception as error:
                failed.append(error)
                raise

    some.thinned = True  # type: ignore[attr-defined]
    return some


@pytest.fixture(autouse=True)
def _as_wide_as_it_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are folded where a test says so, not where the terminal of a run does."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(autouse=True)
def _oracle(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests say which oracle they ask, for the sums at the end."""
    marker = request.node.get_closest_marker("oracle")
    if marker:
        assert marker.args[0] in ORACLES, f"tests/oracles.py knows no {marker.args[0]}"
        request.node.user_properties.append(("oracle", marker.args[0]))
    yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What each oracle took of its budget: where more tests run at once than cores are there, of
    that many tests' time, a part."""
    at_once = max(len(getattr(terminalreporter.config.option, "tx", None) or ""), 1)
    share = min(1.0, cores() / at_once)
    spent: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            for key, name in getattr(report, "user_properties", ()):
                if key == "oracle":
                    spent[name] += share * report.duration / 60
    for name, minutes in sorted(spent.items()):
        budget = ORACLES[name].minutes
        over = "  over budget: mark its tests with more slices" if minutes > budget else ""
        terminalreporter.write_line(f"oracle {name}: {minutes:.1f} of {budget} min{over}")
